"""What the forwarder counts; every drop has its reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the forwarder was opened."""

    packets_received: int = 0
    """RTP packets that passed authentication."""
    packets_forwarded: int = 0
    """RTP packets sent, one for each viewer."""
    bytes_forwarded: int = 0
    """What these packets carry."""
    key_frames_requested: int = 0
    nacks_sent: int = 0
    """NACKs to publishers; one may ask for many packets."""
    nacks_received: int = 0
    """NACKs of viewers about what is forwarded to them."""
    packets_recovered: int = 0
    """Packets of publishers that came after they had been asked for."""
    packets_retransmitted: int = 0
    """RTP packets sent once more because a viewer asked; they are not among those forwarded."""
    reports_received: int = 0
    """Report blocks of viewers about what is forwarded to them."""
    closed_out_of_step: int = 0
    """Peers that were closed because a control message could not be sent: not read in time, or too long."""
    layers_lowered: int = 0
    """Times that a viewer was sent a smaller picture than fits its tile, or none, for want of room."""
    videos_paused: int = 0
    """Of these, with none at all."""
    videos_resumed: int = 0
    """Paused pictures for which there was room again, or which nobody wants any more."""
    probes: int = 0
    """Times that padding was sent to find out whether a viewer can receive more."""
    probes_failed: int = 0
    """Of these, without success."""
    dropped_empty: int = 0
    """Empty datagrams."""
    dropped_stranger: int = 0
    """Datagrams from an address that no ICE check has authenticated."""
    dropped_ice: int = 0
    """STUN that is malformed, for nobody here, or not signed with the right password."""
    dropped_unauthenticated: int = 0
    """SRTP or SRTCP that failed authentication or was replayed."""
    dropped_malformed: int = 0
    """RTP, RTCP, DTLS or SCTP of a peer that does not parse."""
    dropped_unknown_source: int = 0
    """RTP of an SSRC or payload type that the offer does not cover, or RTP and RTCP of one SSRC too many."""
    dropped_unsupported_codec: int = 0
    """RTP for a viewer that did not negotiate its codec."""
    dropped_duplicate: int = 0
    """RTP that had come before, or came so late that nobody can tell."""
    dropped_retransmission: int = 0
    """Packets of a retransmission stream that carry nothing, as those that probe for bandwidth do."""
    dropped_unsendable: int = 0
    """Packets that could not be encrypted: too long, or before the keys."""
    dropped_congested: int = 0
    """Datagrams that the socket did not take."""
    closed_silent: int = 0
    """Peers that were closed because nothing was heard from them any more."""
    closed_unconnected: int = 0
    """Peers that were closed because they did not connect in time."""
    closed_handshake: int = 0
    """Peers that were closed because their DTLS handshake failed."""
    dropped_addresses: int = 0
    """Addresses of peers that made room for newer ones of the same peer."""
    dropped_foreign_feedback: int = 0
    """NACKs and key-frame requests about what is not sent to their viewer."""
    dropped_nacks: int = 0
    """NACKs of viewers that were not answered to the end because the viewer asked for too much."""

    tcp_accepted: int = 0
    """TCP connections at the media port."""
    tcp_refused_crowd: int = 0
    """Of these, ended before they authenticated because too many others waited behind them."""
    tcp_refused_silent: int = 0
    """Of these, ended because no check came in time."""
    tcp_refused_stranger: int = 0
    """Of these, ended because something else than an authentic check came first."""
    tcp_refused_frame: int = 0
    """Of these, ended because of a frame that is longer than a datagram."""
    tcp_closed_surplus: int = 0
    """Of these, ended because their peer had too many others."""
    tcp_closed_slow: int = 0
    """Of these, ended because its reader did not even take DTLS."""
    tcp_dropped_slow: int = 0
    """RTP, RTCP and answers to checks that a TCP connection had no room for."""

    def as_dict(self) -> dict[str, int]:
        """Names and values."""
        return asdict(self)
