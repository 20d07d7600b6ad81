"""A link without a network: a client in the hub's own process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from tests.hub.peers import PATIENCE, Participant
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.hub.hub import Hub
from zego_widget.model import RoomConfig, User

M = TypeVar("M", bound=p.Message)


class Client:
    """What a kernel does over its link. Is the hub's `LinkSender` and keeps what it is sent."""

    def __init__(self, hub: Hub, user_id: str) -> None:
        self.user = User(user_id, user_id.title())
        self.received: list[p.HubMessage] = []
        self.closed: tuple[int, str] | None = None
        self._arrived = asyncio.Event()
        self._request_id = 0
        self.session = hub.open_session(self)
        self._app = hub.apps.own

    def send(self, text: str) -> None:
        self.received.append(wire.decode_hub(text))
        self._arrived.set()

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self._arrived.set()

    def say(self, message: p.ClientMessage) -> None:
        """Send one message; what the hub answers at once is in `received`."""
        self.session.receive(wire.encode(message))

    def ask(self, kind: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
        """Send a request and return its answer, which the hub gives at once."""
        self._request_id += 1
        self.say(kind(self._request_id, *arguments, **fields))
        (answer,) = [m for m in self.received if getattr(m, "request_id", None) == self._request_id]
        return answer

    def login(self, room_id: str = "demo", *, auto_play: bool = True) -> p.LoggedIn:
        """Say hello if need be, and log in."""
        if not self.received:
            self.say(p.Hello(p.PROTOCOL_VERSION, "tests"))
        credential = self._app.credential(self.session.session_id, room_id, self.user.user_id)
        answer = self.ask(
            p.LoginRoom, room_id, self.user, RoomConfig(is_user_status_notify=True), auto_play, credential
        )
        assert isinstance(answer, p.LoggedIn), answer
        return answer

    async def connect(self, participant: Participant, **fields: Any) -> p.Answer:
        """Relay a participant's offer, and the answer back."""
        self._request_id += 1
        answer = self.relay(await participant.offer(self._request_id, **fields))
        await participant.take_answer(answer.sdp)
        return answer

    def relay(self, offer: p.Offer) -> p.Answer:
        """Send an offer; the answer."""
        self.say(offer)
        (answer,) = [m for m in self.received if getattr(m, "request_id", None) == offer.request_id]
        assert isinstance(answer, p.Answer), answer
        return answer

    def all(self, kind: type[M]) -> list[M]:
        """The messages of a kind that came so far."""
        return [message for message in self.received if isinstance(message, kind)]

    async def hears(self, kind: type[M], condition: Callable[[M], Any] = lambda _: True) -> M:
        """The first message of this kind for which the condition holds, past or to come."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for message in self.all(kind):
                    if condition(message):
                        return message
                self._arrived.clear()
                await self._arrived.wait()
