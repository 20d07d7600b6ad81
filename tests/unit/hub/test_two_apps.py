"""Apps that share a hub share nothing else."""

from __future__ import annotations

from tests.unit.hub.fakes import FakeLink, make_hub
from zego_widget import protocol as p
from zego_widget.credentials import new_app
from zego_widget.hub.apps import Apps


def publishes(hub, app, user_id, stream_id):
    """Someone of an app who publishes."""
    link = FakeLink(hub, app).login(user_id)
    assert isinstance(link.ask(p.StartPublishing, stream_id), p.Done)
    link.offer()
    peer = hub.forwarder.peers[-1]
    peer.connect()
    return link, peer


async def test_a_stream_of_the_same_id_in_another_app_is_another_stream():
    apps = [new_app(), new_app()]
    hub = make_hub(Apps(apps))
    publishers = [publishes(hub, app, "alice", "camera") for app in apps]
    viewers = []
    for app in apps:
        FakeLink(hub, app).login("bob").offer()
        viewers.append(hub.forwarder.peers[-1])
        viewers[-1].connect()
    for viewer, (_, publisher) in zip(viewers, publishers, strict=True):
        assert viewer.shown["v0"] == publisher.publication("camera")
    publishers[0][0].ask(p.StopPublishing)
    assert viewers[0].shown == {}
    assert viewers[1].shown["v0"] == publishers[1][1].publication("camera")
    await hub.aclose("The test is over.")
    assert hub.sources == {}
