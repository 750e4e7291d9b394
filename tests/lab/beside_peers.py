"""`make lab-peers`: fifteen conditions, and how many of them each tool tells apart, all in one run.

Beside ours: blackbox_exporter (http and tcp), check_tcp and check_http of monitoring-plugins, and curl. An outcome is
what a machine can read: ours the first cause's fault and, where the web server answered, its status; blackbox's the
metrics; the plugins' exit code and words; curl's exit code and status.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab import keys, running
from tests.lab.actions import AnyAction, Bench, Certificate, Closed, Http, Ip, Nft, Resolver, Tls
from tests.lab.namespaces import refused
from tests.lab.reading import Fault
from tests.lab.worker import bench

Outcomes = dict[str, str]
URL = "https://ccpor.lab.test/login"
HOST = "ccpor.lab.test"
PLUGINS = "/usr/lib/nagios/plugins"
PATIENCE_S = 4
BLACKBOX = "http://127.0.0.1:19115/probe?"
BLACKBOX_CONF = """modules:
  http:
    prober: http
    timeout: 4s
    http: {{preferred_ip_protocol: ip4, tls_config: {{ca_file: {made}/ca.pem}}}}
  tcp: {{prober: tcp, timeout: 4s, tcp: {{preferred_ip_protocol: ip4}}}}
"""
METRICS = ("probe_success", "probe_ip_protocol", "probe_http_status_code", "probe_http_ssl")


def _edge(rule: str) -> Nft:
    return Nft(at="county_edge", rule=f"tcp dport 443 {rule}")


CONDITIONS: dict[
    str, tuple[str, tuple[AnyAction, ...]]
] = {  # what must be said, and what is broken
    "all well": ("ready", ()),
    "SYN dropped": ("tcp.reach/dropped", (_edge("drop"),)),
    "reset by a firewall": ("tcp.reach/reset", (_edge("reject with tcp reset"),)),
    "prohibited (ICMP)": (
        "tcp.reach/prohibited",
        (_edge("reject with icmp type admin-prohibited"),),
    ),
    "port closed": ("tcp.reach/refused", (Closed(service="https"),)),
    "no route": (
        "tcp.reach/network-unreachable",
        (Ip(at="court", lines=("route add 10.77.2.0/24 via 10.77.1.1", "route del default")),),
    ),
    "resolver dead": ("dns.answer/timeout", (Resolver(addresses=("10.77.4.99",)),)),
    "host closes": ("tls.handshake/closed", (Tls(does="closes-at-accept"),)),
    "reset after hello": ("tls.handshake/reset", (Tls(does="resets-after-hello"),)),
    "TLS mute": ("tls.handshake/timeout", (Tls(does="mute"),)),
    "self-signed": ("tls.trust/self-signed", (Certificate(kind="self-signed"),)),
    "expired": ("tls.validity/expired", (Certificate(kind="expired"),)),
    "wrong name": ("tls.name/name-mismatch", (Certificate(kind="wrong-name"),)),
    "HTTP 503": ("http.status/unexpected-status 503", (Http(does="status/503"),)),
    "HTTP 407": ("http.status/unexpected-status 407", (Http(does="status/407"),)),
}


def main() -> int:
    why = refused()
    if why:
        print(f"make lab-peers: {why}", file=sys.stderr)
        return 1
    missing = [
        name
        for name in ("prometheus-blackbox-exporter", f"{PLUGINS}/check_tcp", "curl")
        if not shutil.which(name)
    ]
    if missing:
        print(
            f"make lab-peers: not installed: {', '.join(missing)}; see .ci/install", file=sys.stderr
        )
        return 1
    seen: dict[str, Outcomes] = {}
    with tempfile.TemporaryDirectory(prefix="ccpor-labs-") as place:
        Path(place).chmod(0o755)
        made = Path(place) / "made"
        made.mkdir()
        keys.make(made)
        for name, (_, breaks) in CONDITIONS.items():
            with bench(made) as one:
                seen[name] = outcomes(one, name, breaks, made)
    return tell(seen)


def outcomes(one: Bench, name: str, breaks: tuple[AnyAction, ...], made: Path) -> Outcomes:
    """Return what each tool says of one condition, all asked at the same time."""
    conf = one.net.folder / "blackbox.yml"
    conf.write_text(BLACKBOX_CONF.format(made=made))
    words = [
        "prometheus-blackbox-exporter",
        f"--config.file={conf}",
        "--web.listen-address=127.0.0.1:19115",
    ]
    one.net.start("court", words)
    _until(lambda: one.net.inside("court", _blackbox_up))
    for action in breaks:
        action.apply(one)
    fault = Fault(name=name, about="", expect="tcp.reach/dropped", profile="web")
    tools: dict[str, Callable[[], str]] = {
        "ccpor-check": lambda: _ours(one, fault),
        "blackbox http": lambda: one.net.inside("court", lambda: _blackbox("http", URL)),
        "blackbox tcp": lambda: one.net.inside("court", lambda: _blackbox("tcp", f"{HOST}:443")),
        "check_tcp": lambda: _said(
            one, f"{PLUGINS}/check_tcp", "-t", str(PATIENCE_S), "-H", HOST, "-p", "443"
        ),
        "check_http": lambda: _said(
            one,
            f"{PLUGINS}/check_http",
            "-t",
            str(PATIENCE_S),
            "-H",
            HOST,
            "-u",
            "/login",
            "-S",
            "--sni",
        ),
        "curl": lambda: _curl(one, made),
    }
    with ThreadPoolExecutor(len(tools)) as pool:
        asked = {tool: pool.submit(ask) for tool, ask in tools.items()}
        return {tool: answer.result() for tool, answer in asked.items()}


def tell(seen: dict[str, Outcomes]) -> int:
    """Print, for each tool, how many conditions it tells apart and which it lumps together."""
    tools = list(next(iter(seen.values())))
    print(f"{'tool':14} told apart, of {len(seen)}")
    apart = {}
    for tool in tools:
        groups: dict[str, list[str]] = {}
        for condition, outcome in seen.items():
            groups.setdefault(outcome[tool], []).append(condition)
        apart[tool] = len(groups)
        lumped = "; ".join(", ".join(names) for names in groups.values() if len(names) > 1)
        print(f"{tool:14} {len(groups):2}   {'together: ' + lumped if lumped else ''}")
    print()
    wrong = 0
    for condition, outcome in seen.items():
        right = outcome["ccpor-check"] == CONDITIONS[condition][0]
        wrong += not right
        print(f"{condition:22} {outcome['ccpor-check']}{'' if right else '  WRONG'}")
    return 0 if apart["ccpor-check"] == len(seen) and not wrong else 1


def _ours(one: Bench, fault: Fault) -> str:
    kept = one.net.folder / "kept"
    kept.mkdir()
    said = running.look(one, fault, as_user=False, keep=kept)
    report = json.loads((kept / fault.id.replace("/", "-") / "report.json").read_text())
    status = next(
        (
            f["observed"]
            for f in report["findings"]
            if f["code"] == "http.status" and f["status"] == "fail"
        ),
        "",
    )
    named = said.causes[0] if said.causes else None
    return f"{named.fault} {status or ''}".strip() if named else said.verdict


def _blackbox_up() -> bool:
    try:
        with urllib.request.urlopen("http://127.0.0.1:19115/", timeout=1):
            return True
    except OSError:
        return False


def _blackbox(module: str, target: str) -> str:
    asked = urllib.parse.urlencode({"module": module, "target": target})
    with urllib.request.urlopen(BLACKBOX + asked, timeout=PATIENCE_S + 4) as page:
        lines = page.read().decode().splitlines()
    metrics = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    kept = {name: float(metrics[name]) for name in METRICS if name in metrics}
    for phase in ("connect", "tls"):
        spent = metrics.get(f'probe_http_duration_seconds{{phase="{phase}"}}')
        kept[phase] = float(spent is not None and float(spent) > 0)
    kept["deadline"] = float(float(metrics["probe_duration_seconds"]) > PATIENCE_S - 0.5)
    kept["expiry"] = float("probe_ssl_earliest_cert_expiry" in metrics)
    return json.dumps(kept)


def _said(one: Bench, *words: str) -> str:
    done = subprocess.run(
        one.net.command("court", *words),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S + 10,
        check=False,
    )
    text = (done.stdout or done.stderr).strip().splitlines()
    return f"{done.returncode} {re.sub(r'[0-9.]+', '', text[0]) if text else ''}"


def _curl(one: Bench, made: Path) -> str:
    written = "%{http_code} %{exitcode}"
    words = ["curl", "-sS", "-o", "/dev/null", "-m", str(PATIENCE_S), "-w", written]
    done = subprocess.run(
        one.net.command("court", *words, "--cacert", str(made / "ca.pem"), URL),
        capture_output=True, text=True, timeout=PATIENCE_S + 10, check=False,
    )  # fmt: skip
    return done.stdout


def _until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError("blackbox_exporter did not start")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
