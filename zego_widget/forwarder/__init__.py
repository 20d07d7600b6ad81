"""Media forwarding: ICE-lite on one port (UDP and TCP), DTLS-SRTP, RTP rewriting; nothing is decoded.

Forwarder        owns the socket and the peers, answers offers
Peer             one WebRTC connection: its `publisher` has the send slots, its `viewer` the receive slots
Publication      a track that a peer sends
LayeredPublication  a camera that a peer sends in several sizes at once
Subscription     a publication on its way into a receive slot of a viewer
Packets          how many packets of a track had to come, and did
"""

from .delivery import NO_PACKETS, Packets
from .forwarder import Forwarder
from .layers import LayeredPublication
from .peer import Peer, PeerListener
from .publication import Publication

__all__ = ["NO_PACKETS", "Forwarder", "LayeredPublication", "Packets", "Peer", "PeerListener", "Publication"]
