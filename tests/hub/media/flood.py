"""A process that floods a UDP port on this machine with ICE checks that nobody can have signed.

python -m tests.hub.media.flood PORT RATE SECONDS < request of each kind, one per line, in hex

It prints how many datagrams and bytes it has sent, and how many bytes came back.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import sys
import time
from collections.abc import Sequence

SOCKETS = 20
_PAUSE = 0.005


def flood(port: int, rate: float, seconds: float, datagrams: Sequence[bytes]) -> dict[str, int]:
    """Send `rate` datagrams per second for so many seconds; gives the numbers of datagrams and bytes."""
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(SOCKETS)]
        for each in sockets:
            each.connect(("127.0.0.1", port))
            each.setblocking(False)
        ways = itertools.cycle(itertools.product(sockets, datagrams))
        began = time.monotonic()
        sent = bytes_sent = 0
        while (passed := time.monotonic() - began) < seconds and sent < rate * seconds:
            while sent < rate * passed:
                way, datagram = next(ways)
                with contextlib.suppress(BlockingIOError):
                    bytes_sent += way.send(datagram)
                    sent += 1
            time.sleep(_PAUSE)
        time.sleep(0.2)
        return {"sent": sent, "bytes_sent": bytes_sent, "bytes_back": sum(map(_received, sockets))}


def _received(sock: socket.socket) -> int:
    total = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            total += len(sock.recv(65536))
    return total


if __name__ == "__main__":
    numbers = [float(argument) for argument in sys.argv[1:4]]
    requests = [bytes.fromhex(line) for line in sys.stdin]
    print(json.dumps(flood(int(numbers[0]), *numbers[1:], requests)))
