"""What one receive slot shows of a publication, and its way from one layer to another."""

from __future__ import annotations

from collections.abc import Callable

from .layer_choice import Size, fitting_layer
from .layers import LayeredPublication, layers_of
from .publication import Publication
from .receive_slot import ReceiveSlot
from .subscription import Subscription

STALLED_AFTER = 0.7
"""Seconds without a packet while other layers have some: the publisher has switched the layer off."""

Subscribe = Callable[[Publication, Callable[[Subscription, float], None]], Subscription]
"""Makes the subscription of a layer, which tells when it begins."""


class LayerSwitch:
    """Shows one layer on a slot. Another one takes its place with its own next key frame, and not before."""

    def __init__(
        self, slot: ReceiveSlot, publication: Publication | LayeredPublication, subscribe: Subscribe, now: float
    ) -> None:
        self.publication = publication
        self._slot = slot
        self._subscribe = subscribe
        self._shown: Subscription | None = None
        self._waiting: dict[Publication, Subscription] = {}
        self._wanted: Publication | None = None
        self._tile: Size | None = None
        self._limit: int | None = None
        self._choose(now)

    @property
    def wanted(self) -> Publication | None:
        """The layer that is to be shown; None where nothing is."""
        return self._wanted

    @property
    def shown(self) -> Publication | None:
        """The layer that is being shown."""
        return self._shown.publication if self._shown else None

    @property
    def subscription(self) -> Subscription | None:
        """What is shown, or will be as soon as something comes."""
        return self._shown or next(iter(self._waiting.values()), None)

    def fit(self, tile: Size | None, now: float) -> None:
        """Show what fits a tile of this size in device pixels: 0 x 0 is out of sight, None is not known."""
        self._tile = tile
        self._choose(now)

    @property
    def mid(self) -> str:
        """That of its slot."""
        return self._slot.mid

    @property
    def tile(self) -> Size | None:
        """The size of the tile, as far as known."""
        return self._tile

    @property
    def is_paused(self) -> bool:
        """Whether nothing is shown for want of room."""
        return self._limit == 0 and self.fitting is not None

    @property
    def fitting(self) -> int | None:
        """The index of the layer that fits the tile, None out of sight."""
        return fitting_layer([layer.picture_size for layer in layers_of(self.publication)], self._tile)

    def limit(self, layers: int | None, now: float, *, at_once: bool = False) -> None:
        """Show one of so many of the smallest layers, None is any.

        `at_once`: what is shown is too much to wait for the key frame of another layer.
        """
        if layers == self._limit:
            return
        self._limit = layers
        self._choose(now)
        if at_once and self._shown is not None and self._shown.publication is not self._wanted:
            self._hide(now)
            self._follow(now)

    def tick(self, now: float) -> None:
        """Look whether what is shown or wanted still comes, and still fits."""
        self._choose(now)
        self._follow(now)

    def end(self, now: float) -> None:
        """Show nothing any more."""
        self._want(None, now)

    def _choose(self, now: float) -> None:
        layers = layers_of(self.publication)
        fitting = self.fitting
        if fitting is not None and self._limit is not None:
            fitting = min(fitting, self._limit - 1) if self._limit else None
        self._want(None if fitting is None else layers[fitting], now)

    def _want(self, layer: Publication | None, now: float) -> None:
        if layer is self._wanted:
            return
        self._wanted = layer
        self._follow(now)

    def _follow(self, now: float) -> None:
        targets, useful = self._targets()
        if isinstance(self.publication, LayeredPublication):
            self.publication.want(self, useful, now)
        for layer in [layer for layer in self._waiting if layer not in targets]:
            layer.remove(self._waiting.pop(layer))
        if not targets and self._shown is not None:
            self._hide(now)
        for layer in targets:
            if layer is not self.shown and layer not in self._waiting:
                subscription = self._waiting[layer] = self._subscribe(layer, self._began)
                layer.add(subscription, now)

    def _hide(self, now: float) -> None:
        if self._shown is not None:
            self._shown.publication.remove(self._shown)
            self._shown = None
            self._slot.rewriter.stop(now)

    def _targets(self) -> tuple[list[Publication], tuple[Publication, ...]]:
        """The layers to wait for, and those that the publisher is to send.

        As long as the wanted layer does not come, and perhaps the publisher can not send it, all smaller ones may
        serve; of those that come the one next to it does, and if none does a larger one.
        """
        wanted = self._wanted
        if wanted is None:
            return [], ()
        layers = layers_of(self.publication)
        latest = max((layer.received_at or 0.0 for layer in layers), default=0.0)

        def flows(layer: Publication) -> bool:
            return layer.received_at is not None and latest - layer.received_at < STALLED_AFTER

        if flows(wanted):
            return [wanted], (wanted,)
        at = layers.index(wanted)
        others = (*reversed(layers[:at]), *layers[at + 1 :])
        return [wanted, *[layer for layer in others if flows(layer)][:1]], layers[: at + 1]

    def _began(self, subscription: Subscription, now: float) -> None:
        """A layer has its key frame: it is what is shown from this packet on."""
        if subscription is self._shown:  # its source began anew
            return
        self._waiting.pop(subscription.publication, None)
        if self._shown is not None:
            self._shown.publication.remove(self._shown)
        self._shown = subscription
        if subscription.publication is self._wanted:
            for layer, waiting in self._waiting.items():
                layer.remove(waiting)
            self._waiting.clear()
        else:
            self._follow(now)
