"""A camera that a peer publishes in several sizes at once: simulcast (RFC 8853)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .delivery import Packets
from .publication import Publication

_TIMES = 3.0  # what browsers give a layer of twice the width over the next smaller one

SWITCHED_OFF_AFTER = 3.0
"""Seconds after which a layer that nobody wants is not wanted of the publisher any more."""


class LayeredPublication:
    """One publication for each layer, from the smallest to the largest; each viewer is shown one of them."""

    kind = "video"

    def __init__(self, layers: Mapping[str, Publication], tell_wanted: Callable[[tuple[str, ...]], None]) -> None:
        """`layers` maps RID to publication in the order of the offer; `tell_wanted` hears which are to be sent."""
        self._by_rid = dict(layers)
        self._tell_wanted = tell_wanted
        self._wants: dict[object, tuple[Publication, ...]] = {}
        self._wanted_at: dict[str, float] = {}
        self.wanted_rids = tuple(layers)
        """The layers that somebody watches, and those whose turn to be switched off has not come."""

    @property
    def layers(self) -> tuple[Publication, ...]:
        """From the smallest to the largest; in the order of the offer while their sizes are not known."""
        layers = tuple(self._by_rid.values())
        return tuple(sorted(layers, key=_pixels)) if all(layer.picture_size for layer in layers) else layers

    @property
    def ssrcs(self) -> list[int]:
        """SSRCs of the layers that came so far."""
        return [layer.ssrc for layer in self._by_rid.values() if layer.ssrc is not None]

    @property
    def codec_keys(self) -> set[str]:
        """The codecs in which it may come, as `Codec.key`."""
        return self.layers[0].codec_keys

    @property
    def packets(self) -> Packets:
        """What came of all layers, and what was lost on the way."""
        return Packets.total(layer.packets for layer in self._by_rid.values())

    @property
    def packets_received(self) -> int:
        """Packets of all layers."""
        return sum(layer.packets_received for layer in self._by_rid.values())

    def layer(self, rid: str) -> Publication | None:
        """The publication of a RID."""
        return self._by_rid.get(rid)

    def send_nacks(self, now: float) -> float | None:
        """As `Publication.send_nacks`, for all layers."""
        due = [at for layer in self._by_rid.values() if (at := layer.send_nacks(now)) is not None]
        return min(due, default=None)

    def close(self) -> None:
        """Forget what was sent: nobody gets any of it again."""
        for layer in self._by_rid.values():
            layer.close()

    def want(self, viewer: object, layers: tuple[Publication, ...], now: float) -> None:
        """A viewer has use for these layers; one that is switched off is asked of the publisher at once."""
        if self._wants.get(viewer, ()) == layers:
            return
        if layers:
            self._wants[viewer] = layers
        else:
            del self._wants[viewer]
        self.tick(now)

    def tick(self, now: float) -> None:
        """Tell the publisher when the layers that are wanted are others than before.

        The smallest is always wanted, so that whoever comes has a picture at once.
        """
        for layer in self._by_rid.values():
            layer.tick(now)
        wanted = {self.layers[0], *(layer for layers in self._wants.values() for layer in layers)}
        for rid, layer in self._by_rid.items():
            if layer in wanted or rid not in self._wanted_at:
                self._wanted_at[rid] = now
        rids = tuple(rid for rid in self._by_rid if now - self._wanted_at[rid] < SWITCHED_OFF_AFTER)
        if rids != self.wanted_rids:
            self.wanted_rids = rids
            self._tell_wanted(rids)


def layers_of(publication: Publication | LayeredPublication) -> tuple[Publication, ...]:
    """What a viewer may be shown of a publication, from the smallest to the largest."""
    return publication.layers if isinstance(publication, LayeredPublication) else (publication,)


def bitrates_of(layers: Sequence[Publication]) -> list[float]:
    """Bits per second of layers from the smallest to the largest; what never came is taken for so much more or less."""
    bitrates = [layer.bitrate for layer in layers]
    for index in range(1, len(bitrates)):
        bitrates[index] = bitrates[index] or _TIMES * bitrates[index - 1]
    for index in range(len(bitrates) - 2, -1, -1):
        bitrates[index] = min(bitrates[index] or bitrates[index + 1] / _TIMES, bitrates[index + 1])
    return bitrates


def _pixels(layer: Publication) -> int:
    width, height = layer.picture_size or (0, 0)
    return width * height
