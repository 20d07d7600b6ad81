"""Cuts some programs of a network off from whatever hub runs there, and loses some of their packets.

Programs are told apart by the groups of their processes; a hub that one of them starts is in its group but sends from
a hub's ports. All is dropped and nothing refused, as in a network that fails.
"""

from __future__ import annotations

import subprocess

from tests.hub.tcp.network import Network

_RULES = """
table inet chaos {
  set http { type inet_service; }
  set media { type inet_service; }
  set signalling_cut { typeof meta skgid; }
  set everything_cut { typeof meta skgid; }
  set lossy { typeof meta skgid; }
  set tcp_of_cut { type inet_service; flags dynamic,timeout; timeout 30s; }
  set udp_of_cut { type inet_service; flags dynamic,timeout; timeout 30s; }
  set udp_of_lossy { type inet_service; flags dynamic,timeout; timeout 30s; }
  chain out {
    type filter hook output priority 0;
    meta skgid @signalling_cut tcp dport @http update @tcp_of_cut { tcp sport } drop
    meta skgid @everything_cut tcp dport @http update @tcp_of_cut { tcp sport } drop
    meta skgid @everything_cut tcp dport @media update @tcp_of_cut { tcp sport } drop
    meta skgid @everything_cut udp dport @media update @udp_of_cut { udp sport } drop
    meta skgid @lossy udp dport @media update @udp_of_lossy { udp sport } numgen random mod 100 < 10 drop
  }
  chain in {
    type filter hook input priority 0;
    tcp sport @http tcp dport @tcp_of_cut drop
    tcp sport @media tcp dport @tcp_of_cut drop
    udp sport @media udp dport @udp_of_cut drop
    udp sport @media udp dport @udp_of_lossy numgen random mod 100 < 10 drop
  }
}
"""
SIGNALLING_CUT, EVERYTHING_CUT, LOSSY = "signalling_cut", "everything_cut", "lossy"


class Firewall:
    """That of one network; vanishes with it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._nft(_RULES)

    def knows_hub(self, port: int, media_port: int) -> None:
        """A hub listens there; those before it are gone."""
        self._nft(
            "flush set inet chaos http; flush set inet chaos media;"
            f"add element inet chaos http {{ {port} }}; add element inet chaos media {{ {media_port} }};"
        )

    def strike(self, fault: str, group: int) -> None:
        """From now on a fault (SIGNALLING_CUT, EVERYTHING_CUT, LOSSY) holds for the programs of a group."""
        self._nft(f"add element inet chaos {fault} {{ {group} }}")

    def spare(self, fault: str, group: int) -> None:
        """The end of `strike`."""
        # Whoever else is still cut off is noted again by the next packet.
        flushed = "".join(f"flush set inet chaos {name};" for name in ("tcp_of_cut", "udp_of_cut", "udp_of_lossy"))
        self._nft(f"delete element inet chaos {fault} {{ {group} }}; {flushed}")

    def _nft(self, text: str) -> None:
        with self._network.entered():
            subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
