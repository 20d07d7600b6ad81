"""Verdicts on the ways to the media port."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .finding import Finding, Verdict

Transport = Literal["udp", "tcp"]


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What became of one attempt to connect a real peer; times are seconds since its beginning."""

    transport: Transport
    tried: tuple[str, ...] = ()
    """`address:port` of each candidate in the hub's answer."""
    answered: float | None = None
    """An ICE check had an authentic answer."""
    connected: float | None = None
    """DTLS was up, with the hub's certificate as announced: media could flow."""
    reached: str = field(default="")
    """The candidate that answered first."""
    reason: str = ""
    """Why it did not connect."""

    @property
    def works(self) -> bool:
        """Whether a call could use this way."""
        return self.connected is not None


def judge_paths(udp: PathFacts, tcp: PathFacts) -> list[Finding]:
    """A finding for each; one that does not work is bad only where the other does not work either."""
    return [_judge(udp, tcp), _judge(tcp, udp)]


def _judge(path: PathFacts, other: PathFacts) -> Finding:
    name = path.transport.upper()
    if path.connected is not None and path.answered is not None:
        return Finding(
            path.transport,
            Verdict.OK,
            f"Media reach the hub over {name} at {path.reached}: an answer after {path.answered * 1000:.0f} ms, "
            f"encrypted after {path.connected * 1000:.0f} ms.",
        )
    tried = ", ".join(path.tried) or "no address"
    sentence = f"Media do not reach the hub over {name} ({tried}): {path.reason or 'nothing came back'}."
    if other.works:
        return Finding(path.transport, Verdict.LIMITED, sentence, _ADVICE_BESIDE[path.transport])
    return Finding(path.transport, Verdict.BROKEN, sentence, _ADVICE_ALONE)


_ADVICE_BESIDE = {
    "udp": "Calls go over TCP, which stutters where packets get lost, and Python as a participant has no media: let "
    "UDP through to this port.",
    "tcp": "Calls go over UDP; who is behind a network without UDP needs TCP let through to this port.",
}
_ADVICE_ALONE = (
    "Let UDP or TCP through to this port; if the hub has another address for browsers, start it with `zego-widget "
    "serve --media-port PORT --public-address ADDRESS`."
)
