"""Sizes of pictures: what pages show, what the page that captures sends, and what there is no room for."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .base import Message

MAX_TILES = 64
"""Tiles that a page reports on, at most."""
MAX_TILE_SIDE = 1 << 14

# -- control: page -> hub ----------------------------------------------------------------------------------------


class TileSize(msgspec.Struct, frozen=True):
    """How large a page shows the picture of a stream, in device pixels; 0 x 0 where nobody can see it."""

    stream_id: str
    width: Annotated[int, msgspec.Meta(ge=0, le=MAX_TILE_SIDE)]
    height: Annotated[int, msgspec.Meta(ge=0, le=MAX_TILE_SIDE)]


class TileSizes(Message, frozen=True):
    """The tiles of the page; a stream that is not listed is sent as large as it is."""

    tiles: Annotated[list[TileSize], msgspec.Meta(max_length=MAX_TILES)]


# -- control: hub -> page ----------------------------------------------------------------------------------------


class CameraLayers(Message, frozen=True):
    """The RIDs of the camera's layers that somebody watches (RFC 8853); a page sends no others. Until then, all."""

    rids: list[str]


class VideosPaused(Message, frozen=True):
    """Streams whose pictures this peer is not sent, because its connection has no room for them: all, when it changes.

    Until then, none. Their sound goes on.
    """

    stream_ids: list[str]


# -- hub -> client -----------------------------------------------------------------------------------------------


class PeerVideosPaused(Message, frozen=True):
    """The streams of whose pictures a peer of this session is sent none for want of room: all, when it changes."""

    peer_id: str
    stream_ids: list[str]
