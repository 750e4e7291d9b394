"""Stands before a real sftp-server and changes what comes back. Run by sshd's ForceCommand.

usage: sftp_filter.py FAULT SFTP_SERVER; FAULT: ``flip`` one byte of the first data that is read,
``short`` halve it, ``hang`` answer nothing from the first write on, ``quota`` refuse the tenth
write and every later one with "failure", ``keep`` refuse to remove.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import time

WRITE, READ, REMOVE = 6, 5, 13
STATUS, DATA = 101, 103
FAILURE, DENIED = 4, 3


def packets(stream):
    while len(head := stream.read(4)) == 4:
        (size,) = struct.unpack("!I", head)
        yield stream.read(size)


def send(stream, content):
    stream.write(struct.pack("!I", len(content)) + content)
    stream.flush()


def refusal(request, status):
    return bytes([STATUS]) + request[1:5] + struct.pack("!I", status) + bytes(8)


def requests(fault, server):
    """Pass requests on; refused ones are answered here."""
    writes = 0
    for request in packets(sys.stdin.buffer):
        writes += request[0] == WRITE
        if fault == "hang" and writes:
            time.sleep(3600)
        if fault == "quota" and request[0] == WRITE and writes >= 10:
            send(sys.stdout.buffer, refusal(request, FAILURE))
        elif fault == "keep" and request[0] == REMOVE:
            send(sys.stdout.buffer, refusal(request, DENIED))
        else:
            send(server.stdin, request)
    server.stdin.close()


def main(fault, program):
    server = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    threading.Thread(target=requests, args=(fault, server), daemon=True).start()
    spoiled = False
    for original in packets(server.stdout):
        answer = original
        if answer[0] == DATA and not spoiled:
            spoiled = True
            if fault == "flip":
                answer = answer[:-1] + bytes([answer[-1] ^ 1])
            if fault == "short":  # a legal short read, to be asked for again
                half = answer[9 : 9 + len(answer[9:]) // 2]
                answer = answer[:5] + struct.pack("!I", len(half)) + half
        send(sys.stdout.buffer, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
