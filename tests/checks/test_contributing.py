"""The check that CONTRIBUTING.md shows is run as it stands there."""

from __future__ import annotations

import re
import socket
import threading
import time
import types
from pathlib import Path
from typing import Any

import pytest

from ccpor_checks.base import Context, Target, TargetFailed
from ccpor_reporting.judging import judge
from ccpor_reporting.model import Owner, Status, TargetRef
from ccpor_reporting.rules import Setting


@pytest.fixture
def banner(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    module = types.ModuleType("banner_from_the_page")
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    exec(compile(source, "CONTRIBUTING.md", "exec"), module.__dict__)
    return module.CHECK


def look_at(check: Any, greeting: bytes) -> dict[str, tuple[Status, str | None]]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)
                connection.recv(1)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        target = Target(
            id="mail", url="tcp://x", scheme="tcp", host="127.0.0.1", port=server.getsockname()[1]
        )
        options = check.options(timeout_s=0.5)
        ctx = Context(deadline=time.monotonic() + 5)
        evidence = check.run(target, options, ctx)
        thread.join(5)
    ref = TargetRef(id="mail", title="", url="", why="", owner=Owner.VENDOR, required=True)
    judged = judge(
        check=check.id,
        rules=check.rules,
        staged=check.staged,
        target=ref,
        options=options,
        evidence=evidence,
        ending=None,
        setting=Setting(observed_at=ctx.now()),
    )
    return {finding.code: (finding.status, finding.reason) for finding in judged.findings}


def test_the_example_passes_on_a_service_that_greets(banner: Any) -> None:
    """A newcomer copies it: it must work as shown."""
    assert look_at(banner, b"220 ready\r\n") == {"banner.greeting": (Status.PASS, None)}


def test_the_example_names_another_greeting(banner: Any) -> None:
    """A check that only ever passes teaches the wrong thing."""
    assert look_at(banner, b"554 no\r\n") == {"banner.greeting": (Status.FAIL, "other-greeting")}


def test_the_example_names_silence(banner: Any) -> None:
    """`TargetFailed` is shown on the page, so it is proven here."""
    with pytest.raises(TargetFailed) as caught:
        look_at(banner, b"")

    assert (caught.value.code, caught.value.reason) == ("banner.greeting", "timeout")
