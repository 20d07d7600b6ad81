"""A network of the benchmark's own, where nobody else can reach what it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_HOST = "BENCH_HOST"
_ADDRESS = "198.18.0.1"  # of the range for benchmarks (RFC 2544)
# Janus takes no address of the loopback interface. This one leads nowhere; packets to it stay in the kernel, too.
_SET_UP = (
    "ip link set lo up && ip link add media type veth peer name nowhere"
    f" && ip address add {_ADDRESS}/24 dev media && ip link set nowhere up && ip link set media up"
)


def host() -> str:
    """The address that engines and clients use."""
    return os.environ.get(_HOST, "127.0.0.1")


def is_isolated() -> bool:
    """Whether this process runs in a network of its own."""
    return _HOST in os.environ


def isolate() -> None:
    """Run this script again in a network namespace of its own; nothing where that is not possible."""
    if is_isolated():
        return
    enter = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*enter, _SET_UP], capture_output=True, check=False).returncode:
        return
    os.environ[_HOST] = _ADDRESS
    os.execvp(enter[0], [*enter, f'{_SET_UP} && exec "$@"', "sh", sys.executable, *sys.argv])
