"""The catalogue is the contract's closed list, in words that people at a court understand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ccpor_reporting.faults import FAR_END, Reason, catalogue
from ccpor_reporting.model import Owner
from ccpor_reporting.render.findings_page import findings_page
from tests.reporting.golden_file import matches_file

# The published table of codes and reasons, row by row; `·` separates codes and their lists.
TABLE = """
link.up | no-interface no-address no-route
dns.answer | nxdomain no-address servfail refused timeout no-resolver
dns.address · dns.agreement · dns.latency | unexpected-address · resolvers-disagree · slow
tcp.reach | refused dropped prohibited host-unreachable network-unreachable reset
path.loss · path.latency · path.jitter · path.mtu | lossy · slow · unsteady · black-hole too-small
tls.handshake | timeout closed reset not-tls no-common-version no-common-cipher \
client-certificate-required client-certificate-refused
tls.trust | self-signed unknown-issuer incomplete-chain not-permitted intercepted revoked
tls.name · tls.validity | name-mismatch · expired not-yet-valid expires-too-soon
tls.version · tls.cipher · tls.key | too-old · weak · weak-key weak-signature
proxy.reach · proxy.access · proxy.pac | refused dropped name · authentication-required denied · \
unavailable invalid
http.answer | timeout closed reset malformed
http.status · http.content · http.latency · http.upload | unexpected-status · \
captive-portal unexpected-redirect missing-text · slow · too-large cut
clock.server · clock.offset | timeout refused unsynchronised · ahead behind
ssh.session · ssh.hostkey · ssh.login | not-ssh closed timeout no-common-algorithm · \
unknown changed · denied key-unreadable
sftp.transfer | permission-denied no-such-directory no-space corrupted
gateway.echo · gateway.latency | refused bad-answer timeout · slow
order.upload | failed corrupted slow
snmp.answer · snmp.duplex · snmp.errors · snmp.utilisation · snmp.device | \
timeout authentication unknown-user no-such-object · half-duplex · interface-errors · busy · \
down needs-attention
capacity.upload · capacity.download · capacity.responsiveness · capacity.order | \
insufficient server-busy unsteady · insufficient server-busy unsteady · \
bufferbloat server-busy unsteady · too-slow-at-peak server-busy unsteady
scanner.present · scanner.model · scanner.driver · scanner.ready | not-found · other-model · \
missing outdated wrong-bitness service-stopped · busy offline jammed no-paper no-permission
scanner.sample · scanner.resolution · scanner.mode · scanner.size · scanner.skew · \
scanner.format | failed blank wrong-page-count · wrong-dpi · not-bilevel · too-large · skewed · \
unreadable
"""
WORKSTATION = [
    "os",
    "patch",
    "antimalware",
    "lock",
    "lockout",
    "banner",
    "firewall",
    "encryption",
    "wireless",
    "crypto",
    "browser",
    "pdf",
    "memory",
    "disk",
    "display",
    "inventory",
]
WORKSTATION_REASONS = {
    "unsupported",
    "outdated",
    "off",
    "too-long",
    "missing",
    "too-small",
    "weak",
    "not-visible",
}
EVERY_REASON = [
    pytest.param(f"{code.code}/{name}", reason, id=f"{code.code}/{name}")
    for code in catalogue().values()
    for name, reason in code.reasons.items()
]


def published() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for row in TABLE.strip().splitlines():
        codes, _, lists = row.partition(" | ")
        pairs = zip(codes.split(" · "), lists.split(" · "), strict=True)
        table |= {code.strip(): set(reasons.split()) for code, reasons in pairs}
    return table


def test_the_catalogue_is_the_published_closed_list() -> None:
    """Pages, waivers and other programs link to these names for ever."""
    ours = {code.code: set(code.reasons) for code in catalogue().values()}
    workstation = {code: ours.pop(code) for code in list(ours) if code.startswith("workstation.")}

    assert ours == published()
    assert set(workstation) == {f"workstation.{name}" for name in WORKSTATION}
    assert set.union(*workstation.values()) == WORKSTATION_REASONS


@pytest.mark.parametrize(("fault", "reason"), EVERY_REASON)
def test_every_fault_has_words_to_act_on(fault: str, reason: Reason) -> None:
    """What it means, how to see it by hand, what to do, who: nothing may be empty."""
    for words in (reason.means, reason.see, reason.fix):
        assert words.endswith((".", ").")), f"{fault}: {words}"
        assert words[0].isupper()
        assert not re.search(r"\{[a-z]+\}|\.\.|  |` *`", words), f"{fault}: {words}"
    assert reason.see.count("`") % 2 == 0
    assert reason.owner in {FAR_END, *Owner}


@pytest.mark.parametrize(("fault", "reason"), EVERY_REASON)
def test_what_a_fault_means_is_short_and_plain(fault: str, reason: Reason) -> None:
    """A technician reads it standing in front of a counter full of people."""
    longest = max(len(sentence.split()) for sentence in re.split(r"[.!?] ", reason.means))

    assert longest <= 20, fault
    assert grade(f"{reason.means} {reason.fix}") <= 13, fault


def test_the_words_together_read_at_grade_nine_or_below() -> None:
    """Single sentences vary; the whole must stay easy."""
    words = " ".join(f"{each.values[1].means} {each.values[1].fix}" for each in EVERY_REASON)

    assert grade(words) <= 9


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade of *text*; syllables counted as groups of vowels."""
    sentences = max(1, len(re.findall(r"[.!?:;](?:\s|$)", text)))
    words = re.findall(r"[A-Za-z]+", text)
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", w.lower().removesuffix("e")))) for w in words
    )
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def test_a_hard_text_has_a_high_grade() -> None:
    """Negative control of the measure itself."""
    hard = (
        "Notwithstanding infrastructural heterogeneity, administrators must instantaneously "
        "reconfigure cryptographic negotiation parameters organisationally."
    )

    assert grade(hard) > 20 > 9 > grade("The cable is out. Put it back in.")


@pytest.mark.parametrize("code", catalogue())
def test_every_title_is_a_clause(code: str) -> None:
    """It is read after "unproven:" and "nobody knows whether"."""
    title = catalogue()[code].title

    assert len(title.split()) >= 3
    assert title[0].islower()
    assert not title.endswith(".")


@pytest.mark.parametrize(
    ("fault", "owner"),
    [
        ("dns.answer/no-resolver", "court-it"),
        ("tcp.reach/refused", FAR_END),
        ("tcp.reach/dropped", "county-network"),
        ("tcp.reach/prohibited", "county-network"),
        ("tls.validity/expired", FAR_END),
        ("tls.trust/intercepted", "county-network"),
        ("clock.offset/behind", "court-it"),
        ("http.answer/timeout", FAR_END),
        ("http.content/captive-portal", "court-it"),
        ("workstation.disk/too-small", "court-it"),
        ("gateway.echo/timeout", "gateway"),
    ],
)
def test_the_usual_owner_is_the_one_who_can_act(fault: str, owner: str) -> None:
    """A ticket to the wrong desk costs a week."""
    code, _, name = fault.partition("/")

    assert catalogue()[code].reasons[name].owner == owner


def test_the_page_of_findings_is_current(root: Path) -> None:
    """Reports send people to it: `make gold` writes it again after a word was mended."""
    assert matches_file(root / "docs" / "findings.md", findings_page())


def test_the_page_has_an_anchor_for_every_code_and_fault() -> None:
    """A link into nothing helps nobody."""
    anchors = re.findall(r'<a id="([^"]+)"></a>', findings_page())
    wanted = list(catalogue()) + [
        f"{code.code}/{name}" for code in catalogue().values() for name in code.reasons
    ]

    assert sorted(anchors) == sorted(wanted)
