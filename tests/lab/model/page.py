"""The words of the sheet, made of the points and of today's model."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from ccpor_reporting.capacity.model import MARGIN
from tests.lab.model import settings
from tests.lab.model.judging import (
    BOUND_AT_LEAST,
    HIGH,
    LOW,
    SETTINGS_AT_LEAST,
    WITHIN_AT_LEAST,
    Judged,
    Outcome,
    outcome,
)
from tests.lab.model.points import Point
from tests.lab.model.settings import Setting

HEAD = """# Is the model of capacity true?

`ccpor-check` quotes a time: *95 of 100 orders arrive within N s at the busiest hour*. This sheet holds the model
behind that number against {orders} real uploads on {settings} lines whose rate, delay and loss are known exactly.
`make capacity-model` makes it from the times in [capacity-model.json](capacity-model.json); a test fails when the
model of today no longer gives these numbers, or when they are no longer good enough.

![Predicted against measured time of an order](capacity-model.svg)

Blue: hold-out, nothing was tuned on it. Ring: the model was made with it, or tuned on it since. The band is {low:g} to {high:g} of the
measured time.

## Result

| hold-out settings | predicted / measured within {low:g}–{high:g} | quoted time holds | predicted / measured: least, middle, most |
|---|---|---|---|
{results}
| *asked for: ≥ {settings_least}* | *≥ {within_least:.0%}* | *≥ {bound_least:.0%}* | |

The quoted time is {margin:g} × the predicted 95th percentile. {verdict}

Where it is off, of all settings:

| lines | settings | predicted / measured: least, middle, most |
|---|---|---|
{parts}

The model is most hopeful where the round trip is longer than the line's queue: an order that begins while another
fills the queue loses much of its first packets and recovers slowly, which the model knows only as a slower ramp.
"""

METHOD = """## How it was measured

- The line: [tests/lab/shaped.py](../tests/lab/shaped.py). A court and a datacenter in network namespaces of their
  own, a router between them: a token bucket (2 ms) with a tail-drop queue of {queue} ms each way, a pair of TUN devices
  with the delay and independent random loss, each way. Congestion control cubic, the kernel's own buffer sizes.
- The orders: 9 to 12 pages each of log-normal size (CV 0.5), coming independently of each other (Poisson) from a
  seed. Each is a TLS 1.3 connection of its own (RSA-2048, a chain of about 3 kB, no resumption), one HTTP/1.1 POST, and
  the answer after the last byte. Its time runs from before the connection to the answer.
- Slow lines were measured up to six at once, lines above 60 Mbit/s alone, on 2 processors. A setting is measured again
  when its client began an order more than 20 ms late, an order failed, or the line lost a packet that it was not
  told to lose.
- The settings were drawn from a seed before anything was measured
  ([tests/lab/model/settings.py](../tests/lab/model/settings.py)): 2–100 Mbit/s × 10–150 ms, half of them with
  0.05–1 % loss, 20–80 % of the line in use, 30–300 kB a page, evenly spread. Where 100 orders would have taken more
  than 4 minutes to come, the pages are smaller.
- The prediction: the model's replay of the same orders on the line as it was set ({goodput:.1%} of its rate is
  payload). Where packets are lost, the mean over {seeds} seeds of the model's dice.
"""

LIMITS = """## What this does not show

- Real lines: loss here is independent from packet to packet, Wi-Fi and radio lose in bursts; the rate does not
  change; nothing but the orders uses the line.
- A queue other than 100 ms, a congestion control other than cubic, Windows as the sender.
- A server that takes time, a proxy that inspects. The check replays three orders on the real line, and says
  *inconclusive* where they take less than 0.7 or more than 1.4 of the model's time.
- The middle (p50) of orders on a lossy line is predicted less well than the 95th percentile: quote the latter.

## How to run it

`make capacity-model` makes this sheet anew from the times; `make capacity-model MEASURE="hold-out 3"` measures
what is missing of the third round first (about 25 minutes; root, or `unshare -Urnm`, on Linux).
A change to the model is tuned on the build set alone. Where it was tuned on a hold-out, that round counts no more:
draw the next.
"""

COLUMNS = (
    "| setting | Mbit/s | ms | loss % | in use | pages × kB | orders | p50 s | p95 s [95 %] "
    "| predicted p50 | p95 | ratio | holds |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def written(each: list[Judged], goodput: float, seeds: int) -> str:
    """Return the whole sheet."""
    rounds = held_out(each)
    last = outcome(rounds[-1]) if rounds else None
    head = HEAD.format(
        orders=f"{sum(len(one.point.orders) for one in each):,}",
        settings=len(each),
        low=LOW,
        high=HIGH,
        results="\n".join(
            _result(members, tuned=number in settings.TUNED_ON)
            for number, members in sorted(_rounds(each).items())
        ),
        settings_least=SETTINGS_AT_LEAST,
        within_least=WITHIN_AT_LEAST,
        bound_least=BOUND_AT_LEAST,
        margin=MARGIN,
        verdict=_verdict(last),
        parts=_parts(each),
    )
    tables = []
    tuned = [members for number, members in _rounds(each).items() if number in settings.TUNED_ON]
    for members in reversed([*tuned, *rounds]):
        name = members[0].point.setting.name.partition("/")[0].capitalize()
        tables.append(f"## {name}\n\n{_table(members)}\n")
    built = [one for one in each if one.point.setting.name.startswith("build")]
    tables.append(f"## Build set\n\nThe model was made with these.\n\n{_table(built)}\n")
    method = METHOD.format(goodput=goodput, seeds=seeds, queue=settings.QUEUE_MS)
    return "\n".join([head, method, *tables, _honesty([one.point for one in each]), LIMITS])


def held_out(each: list[Judged]) -> list[list[Judged]]:
    """Return the points of each round that nothing was tuned on, the oldest first."""
    rounds = _rounds(each)
    return [rounds[number] for number in sorted(rounds) if number not in settings.TUNED_ON]


def _rounds(each: list[Judged]) -> dict[int, list[Judged]]:
    rounds: dict[int, list[Judged]] = {}
    for one in each:
        set_name = one.point.setting.name.partition("/")[0]
        if set_name.startswith("hold-out"):
            rounds.setdefault(int(set_name.split()[1]), []).append(one)
    return rounds


def _result(members: list[Judged], *, tuned: bool) -> str:
    name = members[0].point.setting.name.partition("/")[0]
    name += ", tuned on since" if tuned else ""
    found = outcome(members)
    return (
        f"| {name}: {found.settings} | {_share(found.within, found.settings)} "
        f"| {_share(found.holds, found.settings)} "
        f"| {found.lowest:.2f}, {found.middle:.2f}, {found.highest:.2f} |"
    )


def _parts(each: list[Judged]) -> str:
    """Return a row for each kind of line that there is."""

    def queue_is_short(setting: Setting) -> bool:
        return setting.rtt_ms > settings.QUEUE_MS

    kinds: dict[str, Callable[[Setting], bool]] = {
        "no loss": lambda one: one.loss_pct == 0,
        "loss": lambda one: one.loss_pct > 0,
        "up to 10 Mbit/s": lambda one: one.mbit <= 10,
        "above 10 Mbit/s": lambda one: one.mbit > 10,
        f"round trip up to the {settings.QUEUE_MS} ms of the queue": lambda one: (
            not queue_is_short(one)
        ),
        f"round trip above {settings.QUEUE_MS} ms": queue_is_short,
    }
    rows = []
    for words, belongs in kinds.items():
        members = [one for one in each if belongs(one.point.setting)]
        if members:
            found = outcome(members)
            ratios = f"{found.lowest:.2f}, {found.middle:.2f}, {found.highest:.2f}"
            rows.append(f"| {words} | {found.settings} | {ratios} |")
    return "\n".join(rows)


def _share(share: float, of: int) -> str:
    return f"{round(share * of)} of {of} ({share:.0%})"


def _verdict(found: Outcome | None) -> str:
    if found is None:
        return "No hold-out has been measured yet."
    return "**Good enough.**" if found.good_enough else "**Not good enough.**"


def _table(members: list[Judged]) -> str:
    return "\n".join([COLUMNS, *map(_row, members)])


def _row(one: Judged) -> str:
    setting = one.point.setting
    ratio = f"{one.ratio:.2f}" if one.within else f"**{one.ratio:.2f}**"
    cells = (
        setting.name.partition("/")[2],
        f"{setting.mbit:g}",
        f"{setting.rtt_ms:g}",
        f"{setting.loss_pct:g}",
        f"{setting.rho:.0%}",
        f"{setting.pages} × {setting.kb:g}",
        str(len(one.point.orders)),
        f"{one.p50:.2f}",
        f"{one.p95:.2f} [{one.p95_low:.2f}, {one.p95_high:.2f}]",
        f"{one.predicted_p50:.2f}",
        f"{one.predicted_p95:.2f}",
        ratio,
        "yes" if one.holds else "**no**",
    )
    return f"| {' | '.join(cells)} |"


def _honesty(each: list[Point]) -> str:
    again = sum(1 for one in each if one.tries > 1)
    drawn = len(settings.BUILD) + settings.HOLD_OUT * len(
        {one.setting.name.partition("/")[0] for one in each} - {"build"}
    )
    return (
        "## How well the machine kept up\n\n"
        f"{len(each)} of {drawn} settings were measured honestly, {again} of them not at the first try. "
        f"No order began more than {max(one.late_ms for one in each):.0f} ms late; the latest packet of any line came "
        f"{max(one.link_latest_ms for one in each):.0f} ms after its time, in the middle setting the latest came "
        f"{median(one.link_latest_ms for one in each):.0f} ms after it. The lines lost "
        f"{sum(one.overrun for one in each)} packets that they were not told to lose; {sum(one.lost for one in each):,} "
        f"they were, and {sum(one.queued_out for one in each):,} found the queue full on the way up. The processors were {min(one.machine_busy for one in each):.0%} to "
        f"{max(one.machine_busy for one in each):.0%} busy.\n"
    )
