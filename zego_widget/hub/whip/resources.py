"""What was begun over HTTP, and by whom."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import ErrorCode, Refused
from ...room.ids import check_room_id, check_stream_id
from ..admission import Admission
from ..token_bucket import TokenBucket
from .guest import Guest, Part
from .media import Playing, Publishing

if TYPE_CHECKING:
    from ..apps import Bearer
    from ..hub import Hub

BEGIN_RATE, BEGIN_BURST = 2, 20
"""Resources one user may begin, per second and at once: each is parsed, and told to the whole room."""
MAX_ALLOWANCES = 1024
"""Users of whom it is remembered what they began; who is forgotten may begin anew."""

UserKey = tuple[int, str]
"""App ID and user ID."""


@dataclass(eq=False, slots=True)
class Resource:
    """A publication or a playback, under an ID that nobody can guess."""

    bearer: Bearer
    guest: Guest
    ice_ufrag: str
    part: Part | None = None
    resource_id: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    etag: str = field(default_factory=lambda: f'"{secrets.token_hex(8)}"')

    def was_begun_with(self, token: str) -> bool:
        """Whether this is the token that began it, which may have run out since."""
        return hmac.compare_digest(token.encode(), self.bearer.credential.token.encode())

    def belongs_to(self, bearer: Bearer) -> bool:
        """Whether this is the user who began it."""
        return user_key(bearer) == user_key(self.bearer)


class Resources:
    """All resources of a hub. A user has one session here, so one room, for all of them: one publication and some that
    play, as many as a session may have peers. What is refused raises `ZegoError` or `Problem`.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._guests: dict[UserKey, Guest] = {}
        self._resources: dict[str, Resource] = {}
        self._allowances: OrderedDict[UserKey, TokenBucket] = OrderedDict()

    def publish(self, bearer: Bearer, room_id: str, stream_id: str, sdp: str) -> tuple[Resource, str]:
        """Publish a stream; the resource and the SDP answer."""
        self._spend(user_key(bearer))
        offer = Publishing(sdp)
        self._check(bearer, room_id, stream_id, publishes=True)
        return self._begin(
            bearer, room_id, offer.ice_ufrag, lambda guest, on_end: guest.publish(bearer, stream_id, offer, on_end)
        )

    def play(self, bearer: Bearer, room_id: str, stream_id: str, sdp: str) -> tuple[Resource, str]:
        """Play a live stream of a room; the resource and the SDP answer.

        It goes on when the stream goes and comes back. One that is not live is a conflict, not missing: it may come
        (draft-ietf-wish-whep), so the client is told to try again.
        """
        self._spend(user_key(bearer))
        offer = Playing(sdp)
        self._check(bearer, room_id, stream_id, publishes=False)
        source = self._hub.sources.get((bearer.credential.app_id, stream_id))
        if source is None or source.publisher.room_id != room_id:
            raise Refused(f"There is no stream {stream_id} in this room now.", ErrorCode.PLAYER_PLAY_STREAM_NOT_EXIST)
        for publication in (source.audio, source.video):
            if publication is not None:
                offer.check(publication.kind, publication.codec_keys)
        return self._begin(bearer, room_id, offer.ice_ufrag, lambda guest, on_end: guest.play(stream_id, offer, on_end))

    def find(self, resource_id: str) -> Resource | None:
        """The resource of an ID, unless it has ended."""
        return self._resources.get(resource_id)

    def end(self, resource: Resource) -> None:
        """What was begun ends, as its owner wishes."""
        if resource.part is not None:
            resource.guest.close(resource.part)

    # -- inside ---------------------------------------------------------------------------------------------

    def _check(self, bearer: Bearer, room_id: str, stream_id: str, *, publishes: bool) -> None:
        """Refuse what cannot be before anybody hears of it."""
        check_room_id(room_id)
        check_stream_id(stream_id)
        hub, credential, now = self._hub, bearer.credential, self._hub.time_of_day()
        guest = self._guests.get(user_key(bearer))
        session_id = credential.earlier_session_id if guest is None else guest.session_id
        grant = hub.apps.admit(credential, session_id, room_id, bearer.user_id, now)
        if publishes:
            Admission(grant).check_publishing(stream_id, now)
            source = hub.sources.get((credential.app_id, stream_id))
            if source is not None and source.publisher.user.user_id != bearer.user_id:
                sentence = f"A stream {stream_id} exists already."
                raise Refused(sentence, ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM)
        if guest is not None and guest.room_id != room_id:
            sentence = f"{bearer.user_id} is in room {guest.room_id}; a user is in one room at a time."
            raise Refused(sentence, ErrorCode.ROOM_COUNT_EXCEED)

    def _begin(
        self,
        bearer: Bearer,
        room_id: str,
        ice_ufrag: str,
        begin: Callable[[Guest, Callable[[], None]], tuple[Part, str]],
    ) -> tuple[Resource, str]:
        key = user_key(bearer)
        guest = self._guests.get(key) or self._welcome(key, bearer, room_id)
        resource = Resource(bearer, guest, ice_ufrag)
        try:
            resource.part, answer = begin(guest, lambda: self._forget(resource))
        except BaseException:
            guest.leave_if_idle()
            raise
        self._resources[resource.resource_id] = resource
        return resource, answer

    def _welcome(self, key: UserKey, bearer: Bearer, room_id: str) -> Guest:
        guest = Guest(self._hub, bearer, room_id, lambda: self._say_farewell(key))
        self._guests[key] = guest
        return guest

    def _say_farewell(self, key: UserKey) -> None:
        self._guests.pop(key, None)

    def _forget(self, resource: Resource) -> None:
        self._resources.pop(resource.resource_id, None)

    def _spend(self, key: UserKey) -> None:
        allowance = self._allowances.pop(key, None) or TokenBucket(BEGIN_RATE, BEGIN_BURST)
        self._allowances[key] = allowance
        if len(self._allowances) > MAX_ALLOWANCES:
            self._allowances.popitem(last=False)
        if allowance.spend(self._hub.now(), 0) > 0:  # who is refused owes nothing more
            raise Refused("This user begins too much; wait a moment.", ErrorCode.ROOM_APP_CALL_TOO_FREQUENT)
        allowance.spend(self._hub.now())


def user_key(bearer: Bearer) -> UserKey:
    """Who a bearer is."""
    return bearer.credential.app_id, bearer.user_id
