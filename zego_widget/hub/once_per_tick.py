"""What may be asked for many times in a tick, and is done once."""

from __future__ import annotations

from collections.abc import Callable


class OncePerTick:
    """Does something when it is asked for; what is asked for again in the same tick is done once, at its end."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self._done = False
        self._asked_again = False

    def ask(self) -> None:
        """Do it, now or at the end of this tick."""
        if self._done:
            self._asked_again = True
            return
        self._done = True
        self._action()

    def tick(self) -> None:
        """A tick ends and the next one begins."""
        asked_again = self._asked_again
        self._done = self._asked_again = False
        if asked_again:
            self.ask()
