"""SNMP v2c agents that break the rules, one fault each, for what net-snmp never does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

Fault = Literal["circle", "backwards", "garbage", "empty", "error", "one-answer", "wrong-request"]
GENERAL_ERROR = 5


@contextlib.contextmanager
def odd_snmp(fault: Fault) -> Iterator[int]:
    """Give the port of an agent that has *fault*, until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.1)
        stop = threading.Event()
        server = threading.Thread(target=_serve, args=(sock, stop, _answers(fault)))
        server.start()
        try:
            yield int(sock.getsockname()[1])
        finally:
            stop.set()
            server.join()


def _serve(
    sock: socket.socket, stop: threading.Event, answer: Callable[[bytes], bytes | None]
) -> None:
    while not stop.is_set():
        with contextlib.suppress(OSError):  # silence, and whoever asked is gone
            asked, whom = sock.recvfrom(65_535)
            if (said := answer(asked)) is not None:
                sock.sendto(said, whom)


def _answers(fault: Fault) -> Callable[[bytes], bytes | None]:
    count = 0

    def answer(asked: bytes) -> bytes | None:
        nonlocal count
        count += 1
        if fault == "garbage":
            return b"\x30\x82\xff\xff" + asked[:20]
        if fault == "one-answer" and count > 1:
            return None
        message, _ = decoder.decode(asked, asn1Spec=v2c_message())
        request = v2c.apiMessage.get_pdu(message)
        reply = v2c.apiMessage.get_response(message)
        response = v2c.apiMessage.get_pdu(reply)
        names = [name for name, _ in v2c.apiPDU.get_varbinds(request)]
        bulk = request.isSameTypeWith(v2c.GetBulkRequestPDU())
        v2c.apiPDU.set_varbinds(response, _bindings(fault, names, bulk))
        if fault == "error":
            v2c.apiPDU.set_error_status(response, GENERAL_ERROR)
        if fault == "wrong-request":
            v2c.apiPDU.set_request_id(response, 7)
        said: bytes = encoder.encode(reply)
        return said

    return answer


def v2c_message() -> Any:
    return v2c.Message()


def _bindings(fault: Fault, names: list[Any], bulk: bool) -> list[tuple[Any, Any]]:
    if not bulk:
        return [(name, v2c.OctetString("odd")) for name in names]
    match fault:
        case "empty":
            return []
        case "circle":
            return [((*name, 1), v2c.Integer32(1)) for name in names] * 2
        case "backwards":
            return [((*name, 9 - turn), v2c.Integer32(1)) for turn in range(3) for name in names]
        case _:
            return [(name, v2c.endOfMibView) for name in names]
