"""What one side of a link has sent and has received, so that a broken link loses nothing and repeats nothing.

As XEP-0198 does it for XMPP; `protocol.Resume` says which messages are counted.
"""

from __future__ import annotations

from collections import deque

MAX_MESSAGES = 2048
MAX_CHARACTERS = 2 << 20
"""Half of what a hub queues for a socket, so that all that is kept can be sent again at once."""


class Outbox:
    """The messages of one direction, numbered from 1, kept until the other side says that it has them.

    Beyond `max_messages` or `max_characters` the oldest are forgotten; a link that needs one of them cannot be resumed.
    """

    def __init__(self, max_messages: int = MAX_MESSAGES, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_messages = max_messages
        self._max_characters = max_characters
        self._kept: deque[str] = deque()
        self._characters = 0
        # Number of the last message that is no longer kept.
        self._gone = 0

    @property
    def last(self) -> int:
        """Number of the latest message; 0 if there was none."""
        return self._gone + len(self._kept)

    def fits(self, text: str) -> bool:
        """Whether a message can be kept without forgetting another."""
        return len(self._kept) < self._max_messages and self._characters + len(text) <= self._max_characters

    def append(self, text: str) -> bool:
        """Number a message and keep it; False if another had to be forgotten for it."""
        self._kept.append(text)
        self._characters += len(text)
        before = self._gone
        while len(self._kept) > self._max_messages or self._characters > self._max_characters:
            self._forget_oldest()
        return self._gone == before

    def acknowledge(self, received: int) -> None:
        """The other side has the first `received` messages; nothing where it says what cannot be."""
        if received <= self.last:
            while self._gone < received:
                self._forget_oldest()

    def holds_since(self, received: int) -> bool:
        """Whether everything after the first `received` messages is kept."""
        return self._gone <= received <= self.last

    def since(self, received: int) -> list[str]:
        """The messages after the first `received`, in order; raises `ValueError` unless `holds_since`."""
        if not self.holds_since(received):
            raise ValueError(f"messages {self._gone + 1} to {self.last} are kept, not all after {received}")
        return list(self._kept)[received - self._gone :]

    def after(self, number: int) -> str:
        """The message that follows; raises `IndexError` where it is not kept."""
        if not self._gone <= number < self.last:
            raise IndexError(f"messages {self._gone + 1} to {self.last} are kept, not the one after {number}")
        return self._kept[number - self._gone]

    def _forget_oldest(self) -> None:
        self._characters -= len(self._kept.popleft())
        self._gone += 1


class Inbox:
    """Counts the messages of one direction where they arrive, and knows when the sender should hear of it."""

    def __init__(self, tell_every: int) -> None:
        self.received = 0
        self._tell_every = tell_every
        self._told = 0

    def count(self) -> None:
        """A message came."""
        self.received += 1

    @property
    def is_news(self) -> bool:
        """Whether any came since the sender was told last."""
        return self.received > self._told

    @property
    def is_due(self) -> bool:
        """Whether so many came since the sender was told last that it is time again."""
        return self.received - self._told >= self._tell_every

    def tell(self) -> int:
        """What the sender is told now."""
        self._told = self.received
        return self.received
