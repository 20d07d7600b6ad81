"""The way to a hub, before and after this machine has another address."""

from __future__ import annotations

import contextlib
import subprocess

import pytest

from tests.hub.engine.cable import HOME, Cable
from tests.hub.tcp.network import needs_root
from zego_widget.way_out import WayOut


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "", "203.0.113.300"])
def test_what_is_here_or_unknown_never_changes(host: str) -> None:
    assert not WayOut(host, 9).has_changed()


@needs_root
def test_another_address_is_a_change_and_none_is_not() -> None:
    with contextlib.closing(Cable()) as cable, cable.away():
        way = WayOut(HOME, 9)
        assert not way.has_changed()
        for line in ("link set cable down", "link set cable up", "address del 198.51.100.2/24 dev cable"):
            subprocess.run(["ip", *line.split()], check=True)
            assert not way.has_changed()
        subprocess.run(["ip", "address", "add", "198.51.100.7/24", "dev", "cable"], check=True)
        assert way.has_changed()
        assert not WayOut(HOME, 9).has_changed()
