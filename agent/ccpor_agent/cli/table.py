"""The commands there are: where each lives, and its line of `--help`.

The line stands here and not in the command, so that `--help` imports no command; a test compares
the two.
"""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "run": (
        "ccpor_agent.commands.run:run",
        "Look at everything the profile names and say whether it is ready.",
    ),
    "plan": (
        "ccpor_agent.commands.plan:plan",
        "Show what `run` would contact, write and send, without doing it.",
    ),
    "list": (
        "ccpor_agent.commands.list_checks:list_checks",
        "List the checks there are and their codes.",
    ),
    "explain": (
        "ccpor_agent.commands.explain:explain",
        "Explain one code: what it means, how to see it by hand, who fixes it.",
    ),
    "show": (
        "ccpor_agent.commands.show:show",
        "Render a saved report again, or the exact bytes that are uploaded.",
    ),
    "judge": (
        "ccpor_agent.commands.judge:judge",
        "Judge a saved report against another profile, without looking again.",
    ),
    "compare": (
        "ccpor_agent.commands.compare:compare",
        "Compare two reports: new, worse, better, gone, same.",
    ),
    "capacity": (
        "ccpor_agent.commands.capacity:capacity",
        "Plan what rate a line needs so that orders arrive in time.",
    ),
    "scanner": (
        "ccpor_agent.commands.scanner:scanner",
        "Prepare the test of a scanner.",
    ),
    "enroll": (
        "ccpor_agent.commands.enroll:enroll",
        "Turn a one-time code into this machine's own key.",
    ),
    "upload": (
        "ccpor_agent.commands.upload:upload",
        "Send the reports that wait.",
    ),
    "spool": (
        "ccpor_agent.commands.spool:spool",
        "Show what waits to be sent and what was acknowledged.",
    ),
    "verify": (
        "ccpor_agent.commands.verify:verify",
        "Check signatures, receipts and hashes offline.",
    ),
    "schedule": (
        "ccpor_agent.commands.schedule:schedule",
        "Have runs made by themselves, spread over court hours.",
    ),
    "doctor": (
        "ccpor_agent.commands.doctor:doctor",
        "Is the agent itself in order: key, spool, clock, collector, rights?",
    ),
    "completion": (
        "ccpor_agent.commands.completion:completion",
        "Print the shell completion script for bash, zsh or fish.",
    ),
}
