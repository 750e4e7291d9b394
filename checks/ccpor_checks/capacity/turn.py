"""Our turn at the measuring server: asked for, waited for, kept, and given back.

Exceptions::

    Exception
    └── ServerBusy        others measure, and our turn did not come in time: no answer, no failure
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping
from types import TracebackType

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.capacity.wires import Answered, Wire, open_wire
from ccpor_reporting.capacity.protocol import ASK_AGAIN_S, LEASE_S, SLOTS, Slot, Wish

LONGEST_PATIENCE_S = 60.0
ASK_S = 10.0  # for one question
GIVE_BACK_S = 2.0
NOT_ENROLLED = (
    "this workstation is not enrolled at the collector that measures; run ccpor-check enroll"
)


class ServerBusy(Exception):
    """Others measure now: says how many are before us."""


class Turn:
    """One granted turn, from ``with`` to its end; renewed in a thread of its own meanwhile.

    slot: with the server's answer, updated at each renewal. address: of the server, None where a
    proxy stands between. waited_s: until it was granted.
    """

    def __init__(self, target: Target, wish: Wish, ctx: Context) -> None:
        """*wish*: seconds of the whole turn, megabytes both ways, most flows at once."""
        self.target, self.wish, self.ctx = target, wish, ctx
        self.tls: ssl.SSLContext | None = None
        self.server_name = target.host
        self.address: str | None = None
        self.port = target.port or 443
        self.waited_s = 0.0
        self.slot = Slot(id="", state="waiting", token="")
        self._over = threading.Event()
        self._given_back = threading.Lock()
        self._renewing: threading.Thread | None = None

    def __enter__(self) -> Turn:
        """Return the granted turn.

        Raises:
            CannotObserve: Not enrolled, no measuring server there, or no trusted way to it.
            ServerBusy: Our turn did not come within our patience.
        """
        self._prepare_tls()
        begun = self.ctx.monotonic()
        left = self.ctx.deadline - begun
        patience = min(LONGEST_PATIENCE_S, left - self.wish.seconds)
        self.slot = self._asked()
        self.ctx.on_abandon(lambda: self.give_back(wait=False))
        try:
            self._wait(begun + patience)
        except BaseException:
            self.give_back()
            raise
        self.waited_s = self.ctx.monotonic() - begun
        self._renewing = threading.Thread(target=self._renew, name="capacity turn", daemon=True)
        self._renewing.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_back()
        if self._renewing is not None:
            self._renewing.join(GIVE_BACK_S)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.slot.token}"}

    def open(self, timeout_s: float = ASK_S, ctx: Context | None = None) -> Wire:
        """Return a new verified TLS connection to the measuring server; the caller closes it.

        Raises:
            OSError: There is none within *timeout_s*.
        """
        assert self.tls is not None, "a turn is opened by with"
        wire = open_wire(self.target, ctx or self.ctx, self.tls, self.server_name, timeout_s)
        if getattr((ctx or self.ctx).earlier.get("proxy"), "via", None) is None:
            self.address = self.address or wire.address
        return wire

    def give_back(self, *, wait: bool = True) -> None:
        """End the turn, once; without *wait* in a thread of its own."""
        if not self._given_back.acquire(blocking=False):
            return
        self._over.set()
        if not self.slot.id:
            return
        if wait:
            self._delete()
        else:
            threading.Thread(target=self._delete, name="turn given back", daemon=True).start()

    def _delete(self) -> None:
        # past the check's deadline, too: the next court waits for this turn
        own = Context(
            deadline=self.ctx.monotonic() + GIVE_BACK_S,
            monotonic=self.ctx.monotonic,
            earlier=self.ctx.earlier,
            base_dir=self.ctx.base_dir,
        )
        try:
            with self.open(GIVE_BACK_S, own) as wire:
                wire.ask("DELETE", f"{SLOTS}/{self.slot.id}", self.bearer, timeout_s=GIVE_BACK_S)
        except (OSError, ValueError) as exc:
            self.ctx.log.debug("turn.not_given_back", extra={"error": type(exc).__name__})

    def _prepare_tls(self) -> None:
        from ccpor_checks.http.line import verified_tls

        self.tls, name = verified_tls(self.target, self.ctx)
        self.server_name = name or self.target.host

    def _asked(self) -> Slot:
        signed = self.ctx.sign("POST", SLOTS)
        if signed is None:
            raise CannotObserve(NOT_ENROLLED)
        body = msgspec.json.encode(self.wish)
        return self._question("POST", SLOTS, {**signed, "Content-Type": "application/json"}, body)

    def _question(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Slot:
        try:
            with self.open() as wire:
                answer = wire.ask(method, path, headers, body, timeout_s=ASK_S)
        except ssl.SSLCertVerificationError as exc:
            raise CannotObserve(
                f"the certificate of the measuring server is not trusted ({exc.verify_message}); "
                "name its authority as ca_file in [target.tls]"
            ) from exc
        except (OSError, ValueError) as exc:
            self.ctx.remaining()  # our own deadline is told as such
            raise CannotObserve(
                f"the measuring server gave no answer ({type(exc).__name__}); let the tls check "
                "run on this target, it says more"
            ) from exc
        return _slot_in(answer)

    def _wait(self, until: float) -> None:
        while self.slot.state == "waiting":
            before, about = self.slot.position, self.slot.about_s
            self.ctx.tell(f"waiting for our turn: {before} before us, about {about:.0f} s")
            if self.ctx.monotonic() + ASK_AGAIN_S >= until:
                raise ServerBusy(
                    f"{before} measure before us, for about {about:.0f} s more; run again later"
                )
            self._over.wait(self.ctx.remaining(ASK_AGAIN_S))
            self.ctx.remaining()
            self._refresh(self._question)

    def _refresh(self, question: Callable[[str, str, Mapping[str, str]], Slot]) -> None:
        token = self.slot.token
        slot = question("GET", f"{SLOTS}/{self.slot.id}", self.bearer)
        # the token is told once; the later answers may leave it out
        self.slot = slot if slot.token else msgspec.structs.replace(slot, token=token)

    def _renew(self) -> None:
        """Ask again every third of the lease, over one connection as long as it lasts."""
        with contextlib.ExitStack() as stack:
            wire: Wire | None = None
            while not self._over.wait(LEASE_S / 3):
                path = f"{SLOTS}/{self.slot.id}"
                try:
                    if wire is None:
                        wire = stack.enter_context(self.open())
                    if wire.ask("GET", path, self.bearer, timeout_s=ASK_S).status >= 400:
                        return
                    if not wire.is_kept:
                        raise ConnectionResetError
                except (OSError, ValueError, CannotObserve):
                    stack.close()
                    wire = None


def _slot_in(answer: Answered) -> Slot:
    """Return the slot that *answer* grants or lets wait.

    Raises:
        CannotObserve: There is no measuring server, or it does not know this workstation.
        ServerBusy: It takes nobody in now.
    """
    if answer.status in {200, 201, 202}:
        try:
            return msgspec.json.decode(answer.body, type=Slot)
        except msgspec.DecodeError as exc:
            raise CannotObserve("what answers there is no measuring server; mend the url") from exc
    if answer.status in {429, 503}:
        wait = answer.fields.get("retry-after", "")
        later = f" in {wait} s" if wait.isdigit() else " later"
        raise ServerBusy(f"the measuring server takes nobody in now; run again{later}")
    if answer.status in {401, 403}:
        raise CannotObserve(
            f"the measuring server does not accept this workstation ({answer.status}); run "
            "ccpor-check doctor, it says whether it is enrolled and its clock is right"
        )
    if answer.status in {404, 405, 501}:
        raise CannotObserve(
            "this collector does not measure lines (404); name the one that does in the url, or "
            "ask the AOC to update it"
        )
    raise CannotObserve(f"the measuring server answered {answer.status}; tell the AOC")
