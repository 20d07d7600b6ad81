"""What the hub asks of the publisher behind one peer (RFC 4585)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import rtcp
from .nack_timer import NackTimer


class PublisherFeedback:
    """Key-frame requests and NACKs for all publications of a peer."""

    def __init__(self, reporter_ssrc: int, cname: str, send_rtcp: Callable[[bytes], None], timer: NackTimer) -> None:
        self._reporter_ssrc = reporter_ssrc
        self._report = rtcp.receiver_report(reporter_ssrc, (), cname)  # what a compound begins with
        self._send_rtcp = send_rtcp
        self._timer = timer

    def send_picture_loss(self, media_ssrc: int) -> None:
        """Send a PLI for an SSRC."""
        self._send_rtcp(self._report + rtcp.picture_loss(self._reporter_ssrc, media_ssrc))

    def send_nack(self, media_ssrc: int, numbers: list[int]) -> None:
        """Ask for packets of an SSRC again."""
        self._send_rtcp(self._report + rtcp.generic_nack(self._reporter_ssrc, media_ssrc, numbers))

    def send_bandwidth_estimate(self, bitrate: float, media_ssrcs: Sequence[int]) -> None:
        """Send a REMB: all of these SSRCs together may have so many bits per second."""
        self._send_rtcp(self._report + rtcp.bandwidth_estimate(self._reporter_ssrc, bitrate, media_ssrcs))

    def gap_noticed(self) -> None:
        """Packets are missing; they are asked for unless they come at once."""
        self._timer.gap_noticed()
