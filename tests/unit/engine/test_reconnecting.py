"""An engine whose link is interrupted, whose session is lost, whose media break; and all that comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.engine.fakes import FakePeer, Subject, code_of
from tests.unit.kernel.scripted import ALICE, BOB, BOBS, ROOM, ScriptedHub
from zego_widget import protocol
from zego_widget.engine import room_news
from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.profile import EngineConfig, EngineProfile, RoomConfig
from zego_widget.errors import ErrorCode, HubUnreachable, InvalidArgument, Refused, SessionLost
from zego_widget.model import RemoteDeviceState, RoomStateChangedReason, Stream, UpdateType, User

EVE = User("eve")
EVES = Stream("eves", EVE)
LOST = SessionLost("The hub knows us no more.")
IN_ROOM = [("LOGINING", 0, ROOM), ("LOGINED", 0, ROOM)]
RECONNECTING = ("RECONNECTING", 1002051, ROOM)
RECONNECTED = ("RECONNECTED", 0, ROOM)


def logged_in(*others: User | Stream) -> protocol.LoggedIn:
    users = [each for each in others if isinstance(each, User)]
    return protocol.LoggedIn(0, ROOM, "s", users, [each for each in others if isinstance(each, Stream)])


async def returned(subject: Subject) -> None:
    await subject.hears("room_state_changed", lambda event: event.reason is RoomStateChangedReason.RECONNECTED)
    await subject.settle()


# -- the link is interrupted -------------------------------------------------------------------------------------


async def test_a_link_that_is_resumed_is_told_and_nothing_else_happens(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    requests, told = len(subject.link.requests), len(subject.all("publisher_state_update"))
    await subject.on_io(subject.link.interrupt)
    assert subject.all("room_state_changed")[-1].extended_data == {"message": "The connection to the hub was lost."}
    await subject.on_io(subject.link.on_resumed)
    assert subject.room_states() == [*IN_ROOM, RECONNECTING, RECONNECTED]
    assert len(subject.all("publisher_state_update")) == told
    assert len(subject.link.requests) == requests
    assert len(subject.hub.links) == peer.connections == 1


async def test_logout_while_the_link_is_interrupted_works_at_once(subject: Subject) -> None:
    await subject.login()
    await subject.on_io(subject.link.interrupt)
    await subject.engine.logout_room()
    assert subject.room_states()[-1] == ("LOGOUT", 0, ROOM)
    assert not subject.link.asked(protocol.LogoutRoom)
    assert subject.link.closed


async def test_a_user_who_logged_in_elsewhere_meanwhile_is_kicked_out(subject: Subject) -> None:
    await subject.login()
    await subject.on_io(subject.link.interrupt)
    await subject.on_io(subject.link.room_state, RoomStateChangedReason.KICK_OUT, 1002050, "elsewhere")
    assert subject.room_states()[-1] == ("KICK_OUT", 1002050, ROOM)


async def test_media_that_break_while_the_link_is_interrupted_are_mended_by_an_offer_that_waits(
    subject: Subject, peer: FakePeer
) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    answer = subject.hub.answers[protocol.Offer] = await subject.held_back()
    await subject.on_io(subject.link.interrupt)
    await subject.on_io(peer.lose)
    await subject.hears("publisher_state_update", lambda event: event.error_code == 1003020)
    await subject.on_io(subject.link.on_resumed)
    await subject.on_io(answer.set_result, protocol.Answer(0, "python-2", "answer sdp", captures=True))
    await subject.hears("publisher_state_update", lambda event: len(subject.publisher_states()) == 4)
    assert [state for state, _, _ in subject.publisher_states()[-2:]] == ["PUBLISH_REQUESTING", "PUBLISHING"]


# -- the session is lost -----------------------------------------------------------------------------------------


async def test_a_lost_session_is_followed_by_a_new_login_of_the_same_user(subject: Subject) -> None:
    config = RoomConfig(is_user_status_notify=True)
    await subject.login(config=config)
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    assert subject.room_states() == [*IN_ROOM, RECONNECTING, RECONNECTED]
    first, second = (link.asked(protocol.LoginRoom)[0] for link in subject.hub.links)
    assert (first.room_id, first.user, first.config) == (second.room_id, second.user, second.config)
    assert await code_of(subject.engine.set_room_extra_info(ROOM, "k", "v")) == 0
    assert subject.link.asked(protocol.SetRoomExtraInfo)


async def test_whoever_was_silent_for_too_long_logs_in_again(subject: Subject) -> None:
    await subject.login()
    silent = (RoomStateChangedReason.KICK_OUT, 1002057, "Nothing was heard from this client for 15 s.")
    await subject.on_io(subject.link.room_state, *silent)
    await subject.on_io(subject.link.lose, SessionLost(silent[2], ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT))
    await returned(subject)
    assert subject.room_states() == [*IN_ROOM, RECONNECTING, RECONNECTED]


async def test_what_was_published_and_played_is_asked_of_the_next_session(subject: Subject, peer: FakePeer) -> None:
    subject.hub.answers[protocol.LoginRoom] = logged_in(BOB, BOBS)
    await subject.login()
    engine = subject.engine
    await engine.start_publishing_stream("mine")
    await engine.start_playing_stream(BOBS.stream_id)
    await subject.on_io(peer.arrive, BOBS.stream_id)
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    while peer.connections < 2 or not peer.connected:
        await subject.settle()
    assert [each.stream_id for each in subject.link.asked(protocol.StartPublishing)] == ["mine"]
    assert [each.stream_id for each in subject.link.asked(protocol.StartPlaying)] == [BOBS.stream_id]
    await subject.on_io(peer.arrive, BOBS.stream_id)
    await subject.settle()
    publishing, playing = subject.publisher_states(), subject.player_states()
    assert [each[:2] for each in publishing[2:]] == [("PUBLISH_REQUESTING", 1003020), ("PUBLISHING", 0)]
    assert [each[:2] for each in playing[2:]] == [("PLAY_REQUESTING", 1004020), ("PLAYING", 0)]


async def test_what_was_stopped_meanwhile_is_not_asked_for(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_playing_stream("bobs")
    login = subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    await subject.on_io(subject.link.lose, LOST)
    await subject.engine.stop_publishing_stream()
    await subject.engine.stop_playing_stream("bobs")
    later = subject.engine.start_publishing_stream("other")
    await subject.settle()
    assert not later.done()
    await subject.on_io(login.set_result, logged_in())
    await later
    assert [each.stream_id for each in subject.link.asked(protocol.StartPublishing)] == ["other"]
    assert not subject.link.asked(protocol.StopPublishing) + subject.link.asked(protocol.StopPlaying)
    assert not subject.link.asked(protocol.StartPlaying)


async def test_verbs_that_were_under_way_are_done_in_the_next_session(subject: Subject) -> None:
    await subject.login()
    for kind in (protocol.StartPublishing, protocol.StartPlaying):
        subject.hub.answers[kind] = await subject.held_back()
    operations = [subject.engine.start_publishing_stream("mine"), subject.engine.start_playing_stream("bobs")]
    await subject.settle()
    lost = subject.link
    assert lost.asked(protocol.StartPublishing)
    subject.hub.answers.clear()
    await subject.on_io(lost.lose, LOST)
    for operation in operations:
        await operation
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")


async def test_a_stream_id_that_somebody_else_has_taken_meanwhile_is_lost(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    taken = Refused("This stream exists already.", ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM)
    subject.hub.answers[protocol.StartPublishing] = taken
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("publisher_state_update", lambda event: event.error_code == 1003028)
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1003028, "mine")


async def test_a_message_is_not_said_twice(subject: Subject) -> None:
    await subject.login()
    subject.hub.answers[protocol.SendBroadcastMessage] = await subject.held_back()
    under_way = subject.engine.send_broadcast_message("hello", ROOM)
    await subject.settle()
    subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    await subject.on_io(subject.link.lose, LOST)
    assert await code_of(under_way) == ErrorCode.IM_SEND_FAILED
    assert await code_of(subject.engine.send_barrage_message("hello", ROOM)) == ErrorCode.IM_SEND_FAILED
    await subject.engine.logout_room()


async def test_a_session_that_is_lost_twice_comes_back_all_the_same(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    held = subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 2 or not subject.link.requests:
        await subject.settle()
    del subject.hub.answers[protocol.LoginRoom]
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    assert not held.done()
    assert len(subject.hub.links) == 3
    assert subject.room_states() == [*IN_ROOM, RECONNECTING, RECONNECTED]
    await subject.hears("publisher_state_update", lambda event: len(subject.publisher_states()) == 4)


async def test_a_hub_that_takes_the_link_but_not_the_login_is_asked_again(subject: Subject) -> None:
    await subject.login()
    subject.hub.answers[protocol.LoginRoom] = HubUnreachable("The hub did not answer within 10 s.")
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 4:
        await subject.settle()
    subject.hub.answers.clear()
    await returned(subject)
    assert all(link.closed for link in subject.hub.links[:-1])


@pytest.mark.parametrize("code", [1002033, 1002034, 1002078])
async def test_a_login_that_is_refused_for_good_ends_at_once_with_its_code(subject: Subject, code: int) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    subject.hub.answers[protocol.LoginRoom] = Refused("No.", ErrorCode(code))
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("room_state_changed", lambda event: event.error_code == code)
    assert subject.room_states()[-1] == ("RECONNECT_FAILED", code, ROOM)
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", code, "mine")
    assert len(subject.hub.links) == 2
    assert subject.engine.room_id is None


@pytest.mark.usefixtures("gives_up_at_once")
async def test_after_the_window_everything_has_failed(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_playing_stream("bobs")
    await subject.on_io(peer.arrive, "bobs")
    subject.hub.unreachable = HubUnreachable("No hub answers.")
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("room_state_changed", lambda event: event.error_code == 1002053)
    assert subject.room_states()[2:] == [RECONNECTING, ("RECONNECT_FAILED", 1002053, ROOM)]
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1003021, "mine")
    assert subject.player_states()[-1] == ("NO_PLAY", 1004020, "bobs")
    subject.hub.unreachable = None
    await subject.login()


async def test_logout_without_a_session_works_at_once(subject: Subject) -> None:
    await subject.login()
    subject.hub.unreachable = HubUnreachable("No hub answers.")
    await subject.on_io(subject.link.lose, LOST)
    await subject.engine.logout_room()
    assert subject.room_states() == [*IN_ROOM, RECONNECTING, ("LOGOUT", 0, ROOM)]
    searches = subject.hub.searches
    await subject.settle()
    assert subject.hub.searches == searches


async def test_an_engine_may_be_closed_while_it_comes_back(
    new_subject: Callable[..., Subject], hub: ScriptedHub
) -> None:
    subject = new_subject()
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.sign_in(ALICE)
    hub.unreachable = HubUnreachable("No hub answers.")
    await subject.on_io(subject.link.lose, LOST)
    await subject.engine.aclose()
    assert subject.room_states()[-1] == ("LOGOUT", 0, ROOM)
    assert not subject.all("signed_out")


# -- who is there then -------------------------------------------------------------------------------------------


async def test_whoever_is_there_as_before_is_no_news_and_who_came_is(subject: Subject) -> None:
    subject.hub.answers[protocol.LoginRoom] = logged_in(BOB, BOBS)
    await subject.login()
    subject.hub.answers[protocol.LoginRoom] = logged_in(BOB, EVE, BOBS, EVES)
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    assert [event.users for event in subject.all("room_user_update")] == [[BOB], [EVE]]
    assert [event.streams for event in subject.all("room_stream_update")] == [[BOBS], [EVES]]


async def test_whoever_went_meanwhile_is_told_when_all_had_time_to_come_back(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_news, "ROSTER_GRACE", 3600.0)
    subject.hub.answers[protocol.LoginRoom] = logged_in(BOB, EVE, BOBS, EVES)
    await subject.login()
    subject.hub.answers[protocol.LoginRoom] = logged_in()
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("room_state_changed", lambda event: event.reason is RoomStateChangedReason.RECONNECTED)
    await subject.on_io(lambda: (subject.link.users(UpdateType.ADD, BOB), subject.link.streams(UpdateType.ADD, BOBS)))
    room = subject.engine._parts.rooms
    assert room.login_now is not None and room.login_now.settling is not None
    await subject.on_io(room.news._settle, room.login_now)  # the time is over
    gone = await subject.hears("room_stream_update", lambda event: event.update_type is UpdateType.DELETE)
    assert (gone.streams, gone.extended_data["stream_delete_reason"][0]["code"]) == ([EVES], 5)
    assert [event.users for event in subject.all("room_user_update")] == [[BOB, EVE], [EVE]]
    assert subject.engine.room_users == (BOB,)


async def test_devices_that_were_switched_meanwhile_are_told(subject: Subject) -> None:
    subject.hub.answers[protocol.LoginRoom] = logged_in(BOB, BOBS)
    await subject.login()
    await subject.engine.start_playing_stream(BOBS.stream_id)
    muted = replace(BOBS, microphone=RemoteDeviceState.MUTE)
    subject.hub.answers[protocol.LoginRoom] = logged_in(BOB, muted)
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    assert subject.all("remote_mic_state_update")[-1].state is RemoteDeviceState.MUTE


# -- what is shown to log in again -------------------------------------------------------------------------------


async def test_a_token_that_was_renewed_is_the_one_that_is_shown(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject(EngineProfile(7))
    await subject.login(config=RoomConfig(token="04abc"))
    await subject.engine.renew_token("04def", ROOM)
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    credential = subject.link.asked(protocol.LoginRoom)[0].credential
    assert (credential.token, credential.earlier_session_id) == ("04def", "session-1")


async def test_a_token_may_be_renewed_without_a_session(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject(EngineProfile(7))
    await subject.login(config=RoomConfig(token="04abc"))
    subject.hub.unreachable = HubUnreachable("No hub answers.")
    await subject.on_io(subject.link.lose, LOST)
    await subject.engine.renew_token("04def", ROOM)
    subject.hub.unreachable = None
    await returned(subject)
    assert subject.link.asked(protocol.LoginRoom)[0].credential.token == "04def"


# -- the media break ---------------------------------------------------------------------------------------------


async def test_media_that_break_are_mended_by_a_fresh_offer(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_playing_stream("bobs")
    await subject.on_io(peer.arrive, "bobs")
    await subject.on_io(peer.lose)
    while not peer.connected:
        await subject.settle()
    await subject.on_io(peer.arrive, "bobs")
    await subject.settle()
    assert [each[:2] for each in subject.publisher_states()[2:]] == [("PUBLISH_REQUESTING", 1003020), ("PUBLISHING", 0)]
    assert [each[:2] for each in subject.player_states()[2:]] == [("PLAY_REQUESTING", 1004020), ("PLAYING", 0)]
    assert len(subject.link.asked(protocol.Offer)) == 2
    assert len(subject.link.asked(protocol.StartPublishing) + subject.link.asked(protocol.StartPlaying)) == 2
    assert subject.room_states() == IN_ROOM


async def test_offers_are_made_until_one_leads_to_a_connection(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    peer.connects = HubUnreachable("No media connection.", ErrorCode.MEDIA_CONNECT_FAILED)
    await subject.on_io(peer.lose)
    while peer.connections < 5:
        await subject.settle()
    peer.connects = None
    while not peer.connected:
        await subject.settle()
    await subject.settle()
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")


async def test_whoever_leaves_while_media_are_mended_is_gone(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    peer.connects = HubUnreachable("No media connection.", ErrorCode.MEDIA_CONNECT_FAILED)
    await subject.on_io(peer.lose)
    await subject.engine.logout_room()
    connections = peer.connections
    await subject.settle()
    assert peer.connections == connections
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 0, "mine")


# -- calls -------------------------------------------------------------------------------------------------------


async def test_who_was_signed_in_for_calls_is_so_again(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 2 or not subject.link.requests:
        await subject.settle()
    await subject.settle()
    assert [each.user for each in subject.link.asked(protocol.SignIn)] == [ALICE]
    assert await code_of(subject.engine.call_reject("c1")) != ErrorCode.CALL_INVITATION_FAILED
    assert subject.link.asked(protocol.CallReject)
    assert not subject.all("signed_out")


async def test_what_is_asked_of_a_hub_that_is_away_fails(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    subject.hub.unreachable = HubUnreachable("No hub answers.")
    await subject.on_io(subject.link.lose, LOST)
    assert await code_of(subject.engine.call_accept("c1")) == ErrorCode.CALL_INVITATION_FAILED
    await subject.engine.sign_out()
    searches = subject.hub.searches
    await subject.settle()
    assert subject.hub.searches == searches


async def test_who_may_not_sign_in_again_is_told(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    subject.hub.answers[protocol.SignIn] = Refused("The token has expired.", ErrorCode.ROOM_TOKEN_EXPIRE_ERROR)
    await subject.on_io(subject.link.lose, LOST)
    assert (await subject.hears("signed_out")).error_code == 1002078
    while not subject.link.closed:
        await subject.settle()


# -- settings ----------------------------------------------------------------------------------------------------


def test_retry_times_are_those_of_zego_unless_set() -> None:
    assert (EngineConfig().room_retry_time, EngineConfig().av_retry_time) == (1200, 1200)
    config = EngineConfig({"room_retry_time": "60", "av_retry_time": 30})
    assert (config.room_retry_time, config.av_retry_time) == (60, 30)


@pytest.mark.parametrize(
    "advanced", [{"room_retry": "60"}, {"room_retry_time": "soon"}, {"av_retry_time": -1}, {"av_retry_time": "nan"}]
)
def test_a_config_that_cannot_be_is_refused(advanced: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        EngineConfig(advanced)
    with pytest.raises(InvalidArgument):
        ExpressEngine.set_engine_config(advanced)  # type: ignore[arg-type]
