"""The SDP answer of the hub: ICE-lite, one transport, sending and receiving slots (RFC 8829, RFC 8839, RFC 8843)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .codecs import Codec
from .ice import Address
from .offer import AUDIO_LEVEL_EXTENSION, MID_EXTENSION, SEND_TIME_EXTENSION, OfferedMedia, SessionOffer
from .simulcast import REPAIRED_RID_EXTENSION, RID_EXTENSION, answer_lines

_UDP_TYPE, _TCP_TYPE = 126, 90  # type preferences: any UDP comes before all TCP (RFC 6544, section 4.2)
_PASSIVE = 4  # direction preference of a passive host candidate (RFC 6544, section 4.2)
MAX_MESSAGE_SIZE = 256 * 1024


@dataclass(frozen=True, slots=True)
class AnswerTransport:
    """What the hub says of its side of the transport."""

    ice_ufrag: str
    ice_pwd: str
    fingerprint: str
    """SHA-256, as in `a=fingerprint`."""
    setup: str
    """`passive` or `active`."""
    addresses: tuple[Address, ...]
    """At least one; each is reached over UDP and over TCP."""


@dataclass(frozen=True, slots=True)
class SlotSource:
    """The SSRCs that the hub will use on a receive slot; slots of one stream share `stream_label`."""

    ssrc: int
    rtx_ssrc: int | None
    stream_label: str


def build_answer(offer: SessionOffer, transport: AnswerTransport, sources: Mapping[str, SlotSource], cname: str) -> str:
    """The answer's text; `sources` maps the mid of every receive slot to what the hub sends there."""
    mids = " ".join(m.mid for m in offer.media if m.accepted)
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        *([f"a=group:BUNDLE {mids}"] if offer.has_bundle else []),
        "a=msid-semantic:WMS *",
    ]
    for media in offer.media:
        lines += _section(media, transport, sources.get(media.mid), cname)
    return "\r\n".join(lines) + "\r\n"


def _section(media: OfferedMedia, transport: AnswerTransport, source: SlotSource | None, cname: str) -> list[str]:
    if not media.accepted:
        return [
            f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{media.mid}",
            "a=inactive",
        ]
    if media.kind == "application":
        return [
            f"m=application 9 {media.protocol} {' '.join(media.formats)}",
            *_transport(media, transport),
            "a=sctp-port:5000",
            f"a=max-message-size:{MAX_MESSAGE_SIZE}",
        ]
    formats = [
        str(payload_type)
        for codec in media.codecs
        for payload_type in (codec.payload_type, codec.rtx_payload_type)
        if payload_type is not None
    ]
    return [
        f"m={media.kind} 9 {media.protocol} {' '.join(formats)}",
        *_transport(media, transport),
        f"a={_direction(media.direction, source)}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *_extensions(media, source),
        *(line for codec in media.codecs for line in _codec(media.kind, codec)),
        *(
            f"a=rtcp-fb:{codec.payload_type} goog-remb"
            for codec in media.codecs
            if codec.remb and (media.rids or source)
        ),
        *answer_lines(media.rids),
        *_source(source, media.kind, cname),
    ]


def _direction(offered: str, source: SlotSource | None) -> str:
    if offered == "inactive":
        return "inactive"
    return "recvonly" if source is None else "sendonly"


def _transport(media: OfferedMedia, transport: AnswerTransport) -> list[str]:
    address = transport.addresses[0][0]
    return [
        f"c=IN {'IP6' if ':' in address else 'IP4'} {address}",
        f"a=mid:{media.mid}",
        f"a=ice-ufrag:{transport.ice_ufrag}",
        f"a=ice-pwd:{transport.ice_pwd}",
        f"a=fingerprint:sha-256 {transport.fingerprint}",
        f"a=setup:{transport.setup}",
        *_candidates(transport.addresses),
        "a=end-of-candidates",
    ]


def _candidates(addresses: Sequence[Address]) -> list[str]:
    """Host candidates in the order of their priorities (RFC 8445, section 5.1.2.1; RFC 6544, sections 4.2 and 4.5)."""
    udp, tcp = [], []
    for index, (host, port) in enumerate(addresses):
        priority = _UDP_TYPE << 24 | (65535 - index) << 8 | 255
        udp.append(f"a=candidate:{index + 1} 1 udp {priority} {host} {port} typ host")
        priority = _TCP_TYPE << 24 | (_PASSIVE << 13 | 8191 - index) << 8 | 255
        foundation = len(addresses) + index + 1
        tcp.append(f"a=candidate:{foundation} 1 tcp {priority} {host} {port} typ host tcptype passive")
    return udp + tcp


def _extensions(media: OfferedMedia, source: SlotSource | None) -> list[str]:
    """Those that the hub reads, and the one that it writes."""
    wanted = [MID_EXTENSION]
    if media.kind == "audio" and source is None:
        wanted.append(AUDIO_LEVEL_EXTENSION)
    if media.kind == "video" and source is not None:
        wanted.append(SEND_TIME_EXTENSION)
    if media.rids:
        wanted += [RID_EXTENSION, REPAIRED_RID_EXTENSION]
    return [f"a=extmap:{media.extensions[uri]} {uri}" for uri in wanted if uri in media.extensions]


def _codec(kind: str, codec: Codec) -> list[str]:
    payload_type = codec.payload_type
    channels = f"/{codec.channels}" if codec.channels and codec.channels > 1 else ""
    lines = [f"a=rtpmap:{payload_type} {_NAMES[codec.name]}/{codec.clock_rate}{channels}"]
    if kind == "video":
        lines += [f"a=rtcp-fb:{payload_type} ccm fir", f"a=rtcp-fb:{payload_type} nack pli"]
    if codec.nack:
        lines.append(f"a=rtcp-fb:{payload_type} nack")
    parameters = _parameters(codec.parameters)
    if parameters:
        lines.append(f"a=fmtp:{payload_type} {parameters}")
    if codec.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={payload_type}")
    return lines


_NAMES = {"opus": "opus", "vp8": "VP8", "h264": "H264"}


def _parameters(parameters: Mapping[str, str]) -> str:
    return ";".join(f"{key}={value}" if value else key for key, value in parameters.items())


def _source(source: SlotSource | None, kind: str, cname: str) -> Sequence[str]:
    if source is None:
        return ()
    lines = [f"a=msid:{source.stream_label} {source.stream_label}-{kind}"]
    if source.rtx_ssrc is not None:
        lines.append(f"a=ssrc-group:FID {source.ssrc} {source.rtx_ssrc}")
    lines.append(f"a=ssrc:{source.ssrc} cname:{cname}")  # first: Chromium takes the first one as the media's
    if source.rtx_ssrc is not None:
        lines.append(f"a=ssrc:{source.rtx_ssrc} cname:{cname}")
    return lines
