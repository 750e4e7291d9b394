"""``docs/findings.md``: every code and fault, with an anchor each, from the catalogue.

``python -m ccpor_reporting.render.findings_page`` writes it to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ccpor_reporting.faults import FAR_END, Code, catalogue
from ccpor_reporting.model import Owner
from ccpor_reporting.text import owner_words

_HEAD = """\
# Findings

Every finding has a code, such as `tls.validity`. A failed one has a reason from the closed list of
its code, such as `expired`; both together are the fault. `ccpor-check explain CODE` shows the same
text at the court.

In the commands, put what your report says in place of the words in capitals: HOST, PORT, NAME,
RESOLVER, URL, USER, SERVER, FILE.
"""


def findings_page() -> str:
    """Return the page as Markdown; generated, so the catalogue is the place to mend a word."""
    codes = catalogue()
    lines = [_HEAD]
    lines += [f"- [`{code.code}`](#{anchor(code.code)}): {code.title}" for code in codes.values()]
    for code in codes.values():
        lines += ["", *_code(code)]
    return "\n".join(lines) + "\n"


def anchor(heading: str) -> str:
    """Return the anchor of a code or fault: what stands in the page's own ``<a id>``."""
    return heading


def _code(code: Code) -> Iterator[str]:
    yield f'<a id="{anchor(code.code)}"></a>'
    yield ""
    yield f"## {code.code}"
    yield ""
    yield f"A pass shows that {code.title}."
    for name, reason in code.reasons.items():
        fault = f"{code.code}/{name}"
        yield ""
        yield f'<a id="{anchor(fault)}"></a>'
        yield ""
        yield f"### {fault}"
        yield ""
        yield reason.means
        yield ""
        yield f"- **See it by hand.** {reason.see}"
        yield f"- **Fix.** {reason.fix}"
        yield f"- **Who.** {_who(reason.owner)}."


def _who(owner: str) -> str:
    if owner == FAR_END:
        return "Whoever runs the target; the profile names them"
    words = owner_words(Owner(owner))
    return words[:1].upper() + words[1:]


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(findings_page())
