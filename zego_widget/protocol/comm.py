"""Views and their kernel; `Offer`, `ClosePeer`, `Answer`, `Refused` and `Done` travel here too, as they are."""

from __future__ import annotations

from .base import Message

# -- view -> kernel ----------------------------------------------------------------------------------------------


class ViewHello(Message, frozen=True):
    """A page's call object exists and listens; the kernel answers `Ready`."""

    protocol: int
    page_id: str


class PressStart(Message, frozen=True):
    """The person pressed Start call on this page."""

    page_id: str


class PressStop(Message, frozen=True):
    """The person pressed Stop call and the page has no open control channel."""

    page_id: str


# -- kernel -> view ----------------------------------------------------------------------------------------------


class Ready(Message, frozen=True):
    """Answers `ViewHello`: a live kernel owns this widget. Without it a view never opens a camera."""

    page_id: str
    protocol: int
    version: str
