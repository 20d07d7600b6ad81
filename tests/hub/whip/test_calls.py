"""People in a room and tools that come over HTTP: they see each other, and hear when the other one goes."""

from __future__ import annotations

from collections.abc import Callable

import zego_widget as zego
from tests.hub.hub_process import HubProcess
from tests.hub.whip.conftest import APP, Studio, token
from zego_widget.engine.events import EngineEvent
from zego_widget.testing.participant import Participant

ADD, DELETE = zego.UpdateType.ADD, zego.UpdateType.DELETE


async def user(ada: Participant, update: zego.UpdateType, user_id: str) -> None:
    await ada.hears("room_user_update", lambda e: e.update_type is update and user_id in [u.user_id for u in e.users])


async def stream(ada: Participant, update: zego.UpdateType, stream_id: str, times: int = 1) -> None:
    """Wait until that was told so many times."""
    told: list[EngineEvent] = []

    def again(event: EngineEvent) -> bool:
        if event.update_type is update and stream_id in [each.stream_id for each in event.streams]:
            told.append(event)
        return len(told) >= times

    await ada.hears("room_stream_update", again)


async def watches(ada: Participant, stream_id: str) -> None:
    """Play a stream as soon as it is told, and see it."""
    await stream(ada, ADD, stream_id)
    await ada.engine.start_playing_stream(stream_id)
    await ada.sees(stream_id)


async def test_who_publishes_over_whip_is_a_user_whose_stream_is_seen(studio: Studio) -> None:
    ada = await studio.participant()
    obs = await studio.publisher("obs", "camera")
    await user(ada, ADD, "obs")
    await watches(ada, "camera")
    assert await obs.delete() == 200
    await stream(ada, DELETE, "camera")
    await user(ada, DELETE, "obs")
    assert await obs.delete() == 404
    assert studio.hub.status().counters["refused_token"] == 0


async def test_who_plays_over_whep_is_a_user_who_sees_and_hears(studio: Studio) -> None:
    ada = await studio.participant(publishes=True)
    tv = await studio.viewer("ada-stream")
    await user(ada, ADD, "tv")
    await tv.sees("video")
    await tv.sees("audio")
    assert await tv.delete() == 200
    await user(ada, DELETE, "tv")
    assert await tv.delete() == 404


async def test_an_offer_that_could_send_as_well_is_played_to(studio: Studio) -> None:
    await studio.publisher("obs", "camera")
    await stream(await studio.participant(), ADD, "camera")
    tv = await studio.outsider(studio.whep("camera"), token("tv"))
    await tv.play("sendrecv")
    await tv.sees("video")
    await tv.sees("audio")


async def test_one_user_publishes_and_plays_several_streams_with_one_token(studio: Studio) -> None:
    ada = await studio.participant(publishes=True)
    shown = token("obs", publish=True)
    obs = await studio.outsider(studio.whip("camera"), shown)
    await obs.publish()
    await stream(ada, ADD, "camera")
    monitors = [await studio.outsider(studio.whep(stream_id), shown) for stream_id in ("camera", "ada-stream")]
    for monitor in monitors:
        await monitor.play()
        await monitor.sees("video")
    await watches(ada, "camera")
    assert studio.hub.status().sessions == 2
    assert await obs.delete() == 200
    await stream(ada, DELETE, "camera")
    await monitors[1].sees("video")
    for monitor in monitors:
        assert not [event for event in ada.all("room_user_update") if event.update_type is DELETE]
        assert await monitor.delete() == 200
    await user(ada, DELETE, "obs")


async def test_who_came_to_watch_publishes_with_another_token(studio: Studio) -> None:
    ada = await studio.participant(publishes=True)
    tv = await studio.viewer("ada-stream", "tv")
    reporter = await studio.outsider(studio.whip("report"), token("tv", publish=True))
    await reporter.publish()
    await stream(ada, ADD, "report")
    await tv.sees("video")
    assert studio.hub.status().sessions == 2
    assert await reporter.delete(tv.token) == 200
    await stream(ada, DELETE, "report")
    await tv.sees("video")


async def test_who_falls_silent_is_gone_with_user_and_stream(studio: Studio) -> None:
    ada = await studio.participant()
    obs = await studio.publisher("obs", "camera")
    await watches(ada, "camera")
    tv = await studio.viewer("camera", "tv")
    await tv.sees("video")
    await tv.vanish()
    await user(ada, DELETE, "tv")
    await obs.vanish()
    await stream(ada, DELETE, "camera")
    await user(ada, DELETE, "obs")
    assert await obs.delete() == 404
    assert await tv.delete() == 404


async def test_media_are_sign_of_life_enough(start_hub: Callable[..., HubProcess]) -> None:
    studio = Studio(start_hub(apps=[APP], heartbeat_interval=0.3, heartbeat_timeout=1.0))
    async with studio.closing:
        obs = await studio.publisher("obs", "camera")
        tv = await studio.viewer("camera")
        await tv.sees("audio", 3 * 50)  # for 3 s
        assert studio.hub.status().sessions == 2
        assert await obs.delete() == await tv.delete() == 200


async def test_who_never_connects_does_not_stay(studio: Studio) -> None:
    ada = await studio.participant()
    obs = await studio.outsider(studio.whip("camera"), token("obs", publish=True))
    await obs.publish(connects=False)
    await user(ada, ADD, "obs")
    await user(ada, DELETE, "obs")
    assert ada.all("room_stream_update") == []
    assert await obs.delete() == 404


async def test_who_comes_back_after_a_crash_takes_over_the_own_stream(studio: Studio) -> None:
    ada = await studio.participant()
    shown = token("obs", publish=True)
    crashed, back = [await studio.outsider(studio.whip("camera"), shown) for _ in range(2)]
    await crashed.publish()
    await watches(ada, "camera")
    await back.publish()
    await stream(ada, DELETE, "camera")
    await stream(ada, ADD, "camera", times=2)
    await ada.sees("camera")  # which goes on to play it
    assert await crashed.delete() == 404
    assert await back.delete() == 200


async def test_a_stream_that_goes_and_comes_back_is_played_again(studio: Studio) -> None:
    ada = await studio.participant(publishes=True)
    tv = await studio.viewer("ada-stream")
    await tv.sees("video")
    await ada.engine.stop_publishing_stream()
    await ada.engine.start_publishing_stream("ada-stream")
    await tv.sees("video")


async def test_a_later_login_of_the_same_user_ends_what_came_over_http(studio: Studio) -> None:
    ada = await studio.participant()
    obs = await studio.publisher("obs", "camera")
    await stream(ada, ADD, "camera")
    await studio.participant("obs")
    await stream(ada, DELETE, "camera")
    await obs.is_closed()
    assert await obs.delete() == 404


async def test_a_user_who_comes_over_http_ends_an_earlier_login(studio: Studio) -> None:
    earlier = await studio.participant("obs")
    await studio.publisher("obs", "camera")
    kicked = await earlier.hears("room_state_changed", lambda e: e.reason is zego.RoomStateChangedReason.KICK_OUT)
    assert kicked.error_code == zego.ErrorCode.ROOM_KICKED_OUT


async def test_a_publisher_without_picture_has_no_camera(studio: Studio) -> None:
    ada = await studio.participant()
    radio = await studio.outsider(studio.whip("radio"), token("radio", publish=True))
    await radio.publish("audio")
    added = await ada.hears("room_stream_update", lambda e: e.update_type is ADD)
    (told,) = added.streams
    assert told.stream_id == "radio"
    tv = await studio.viewer("radio")
    await tv.sees("audio")
    assert tv.frames["video"] == 0


async def test_a_single_section_needs_no_bundle(studio: Studio) -> None:
    silent = await studio.outsider(studio.whip("silent"), token("silent", publish=True))
    silent.edit_offer = lambda sdp: "\r\n".join(line for line in sdp.splitlines() if "BUNDLE" not in line) + "\r\n"
    await silent.publish("video")
    assert "BUNDLE" not in silent.answer
    await stream(await studio.participant(), ADD, "silent")
    tv = await studio.viewer("silent")
    await tv.sees("video")


async def test_nothing_is_left_of_those_who_came_over_http(studio: Studio) -> None:
    ada = await studio.participant(publishes=True)
    tv = await studio.viewer("ada-stream", "warm-up")
    await tv.sees("video")
    await tv.delete()
    await user(ada, DELETE, "warm-up")
    level = await studio.hub.level()
    for number in range(5):
        obs = await studio.publisher(f"obs-{number}", f"camera-{number}")
        await stream(ada, ADD, f"camera-{number}")
        tv = await studio.viewer(f"camera-{number}", f"tv-{number}")
        await tv.sees("video", 1)
        assert await obs.delete() == await tv.delete() == 200
    status = studio.hub.status()
    assert (status.sessions, status.streams) == (1, 1)
    await studio.hub.is_back_at(level)
