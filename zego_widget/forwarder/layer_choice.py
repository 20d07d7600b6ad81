"""Which layer of a publication fits a tile."""

from __future__ import annotations

from collections.abc import Sequence

Size = tuple[int, int]
"""Width and height, in pixels."""

ENLARGED = 1.25
"""A picture may be shown this much larger than it is before a larger layer is worth its bits."""


def fitting_layer(layers: Sequence[Size | None], tile: Size | None) -> int | None:
    """The index of the smallest layer that fits a tile of this size in device pixels, None for a tile out of sight.

    `layers` are the sizes of the pictures, from the smallest to the largest, None where not known yet: taken for half
    of the next larger or twice the next smaller one. A tile of unknown size has the largest layer.
    """
    if tile is None:
        return len(layers) - 1
    width, height = tile
    if not width or not height:
        return None
    for index, size in enumerate(_guessed(layers)):
        # the whole picture is to be seen: the narrower of the two sides decides
        if size is None or min(width / size[0], height / size[1]) <= ENLARGED:
            return index if size is not None else len(layers) - 1
    return len(layers) - 1


def _guessed(layers: Sequence[Size | None]) -> list[Size | None]:
    sizes = list(layers)
    for index in range(1, len(sizes)):
        smaller = sizes[index - 1]
        if sizes[index] is None and smaller is not None:
            sizes[index] = (2 * smaller[0], 2 * smaller[1])
    for index in range(len(sizes) - 2, -1, -1):
        larger = sizes[index + 1]
        if sizes[index] is None and larger is not None:
            sizes[index] = (max(1, larger[0] // 2), max(1, larger[1] // 2))
    return sizes
