"""The smallest layer that fits a tile."""

from __future__ import annotations

import pytest

from zego_widget.forwarder.layer_choice import Size, fitting_layer

LAYERS: list[Size | None] = [(160, 90), (320, 180), (640, 360)]


@pytest.mark.parametrize(
    ("tile", "layer"),
    [
        ((1, 1), 0),
        ((160, 90), 0),
        ((200, 112), 0),
        ((201, 113), 1),
        ((320, 180), 1),
        ((400, 225), 1),
        ((402, 227), 2),
        ((640, 360), 2),
        ((4000, 3000), 2),
        ((4000, 90), 0),  # as wide as the page but flat: the picture in it is small
        ((160, 4000), 0),
        ((0, 0), None),
        ((0, 300), None),
        (None, 2),
    ],
)
def test_the_layer_of_a_tile(tile: Size | None, layer: int | None) -> None:
    assert fitting_layer(LAYERS, tile) == layer


@pytest.mark.parametrize(
    ("layers", "tile", "layer"),
    [
        ([(160, 90), None, (640, 360)], (300, 170), 1),
        ([(160, 90), None, None], (600, 340), 2),
        ([None, None, (640, 360)], (100, 50), 0),
        ([None, None, None], (100, 50), 2),
        ([None], (100, 50), 0),
        ([(320, 180)], (4000, 4000), 0),
        ([(320, 180)], (0, 0), None),
        ([(1, 1), None], (1, 1), 0),
        ([None, (1, 1)], (1, 1), 0),
    ],
)
def test_sizes_that_are_not_known_are_guessed_from_their_neighbours(
    layers: list[Size | None], tile: Size, layer: int | None
) -> None:
    assert fitting_layer(layers, tile) == layer
