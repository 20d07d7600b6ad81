"""Processes that flood a port on this machine; both are bounded in number and time.

python -m tests.hub.media.flood checks PORT RATE SECONDS
python -m tests.hub.media.flood connections PORT RATE SECONDS

What to send comes over the standard input, one datagram or beginning of a stream per line, in hex. In the end they
print in JSON how many datagrams or connections there were, how many bytes were sent, and how many came back.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

SOCKETS = 20
HELD = 500
"""Connections that a flood keeps open at once."""
_PAUSE = 0.005


def checks(port: int, rate: float, seconds: float, datagrams: Sequence[bytes]) -> dict[str, int]:
    """Send UDP datagrams from some sockets."""
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(SOCKETS)]
        for each in sockets:
            each.connect(("127.0.0.1", port))
            each.setblocking(False)
        ways = itertools.cycle(itertools.product(sockets, datagrams))
        totals = {"sent": 0, "bytes_sent": 0}

        def send() -> None:
            way, datagram = next(ways)
            with contextlib.suppress(BlockingIOError):
                totals["bytes_sent"] += way.send(datagram)
                totals["sent"] += 1

        _at(rate, seconds, send)
        time.sleep(0.2)
        return totals | {"bytes_back": sum(_received(each) for each in sockets)}


def connections(port: int, rate: float, seconds: float, beginnings: Sequence[bytes]) -> dict[str, int]:
    """Open TCP connections, send a beginning on each and nothing more; the oldest are closed as others come."""
    held: deque[socket.socket] = deque()
    ways = itertools.cycle(beginnings)
    totals = {"sent": 0, "bytes_sent": 0, "bytes_back": 0, "ended": 0}

    def end(sock: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            totals["bytes_back"] += _received(sock)
        sock.close()

    def connect() -> None:
        totals["sent"] += 1
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setblocking(False)
        held.append(sock)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            totals["bytes_sent"] += sock.send(next(ways))
        if len(held) > HELD:
            end(held.popleft())

    try:
        _at(rate, seconds, connect)
        time.sleep(0.2)
        with selectors.DefaultSelector() as selector:
            for sock in held:
                selector.register(sock, selectors.EVENT_READ)
            totals["ended"] = len(selector.select(0))  # what the hub has said, and it says nothing else
    finally:
        while held:
            end(held.popleft())
    return totals


def _at(rate: float, seconds: float, send: Callable[[], None]) -> None:
    """Call at this rate for so many seconds; a machine that is too slow for it makes up for it soon, or not at all."""
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds and sent < rate * seconds:
        while sent < rate * passed:
            send()
            sent += 1
        time.sleep(_PAUSE)


def _received(sock: socket.socket) -> int:
    total = 0
    with contextlib.suppress(BlockingIOError):
        while data := sock.recv(65536):
            total += len(data)
    return total


if __name__ == "__main__":
    kind, port_number, *numbers = sys.argv[1:]
    run = {"checks": checks, "connections": connections}[kind]
    lines = [bytes.fromhex(line) for line in sys.stdin]
    print(json.dumps(run(int(port_number), float(numbers[0]), float(numbers[1]), lines)))
