"""Two network namespaces with a link between them that can be made narrow in one direction."""

from __future__ import annotations

import contextlib
import os
import subprocess

from tests.hub.tcp.network import Network

HOME, FAR = "10.88.0.1", "10.88.0.2"


class NarrowLink:
    """The hub and most people are at `home`; who is `far` gets what they send over one link."""

    def __init__(self) -> None:
        with contextlib.ExitStack() as stack:
            self.home = stack.enter_context(contextlib.closing(Network()))
            self.far = stack.enter_context(contextlib.closing(Network()))
            with self.home.entered():
                there = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            try:
                with self.far.entered():
                    path = f"/proc/{os.getpid()}/fd/{there}"
                    _run(f"ip link add near type veth peer name narrow netns {path}")
                    _run(f"ip address add {FAR}/24 dev near")
                    _run("ip link set near up")
            finally:
                os.close(there)
            with self.home.entered():
                _run(f"ip address add {HOME}/24 dev narrow")
                _run("ip link set narrow up")
            self._ends = stack.pop_all()

    def limit(self, bitrate: int, *, queued: float = 0.4) -> None:
        """From now on so many bits per second reach the far end; what would wait longer than `queued` s is dropped."""
        with self.home.entered():
            latency = f"{round(queued * 1000)}ms"
            _run(f"tc qdisc replace dev narrow root tbf rate {bitrate}bit burst 3000 latency {latency}")

    def lift(self) -> None:
        """Everything reaches the far end again."""
        with self.home.entered():
            _run("tc qdisc delete dev narrow root")

    def close(self) -> None:
        self._ends.close()


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True)
