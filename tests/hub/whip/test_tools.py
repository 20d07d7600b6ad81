"""Tools that others wrote, and what OBS says: they publish into a room where people are."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import fractions
import re
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.hub.hub_process import PATIENCE, raw_exchange
from tests.hub.whip.conftest import Studio, token

# -- OBS ------------------------------------------------------------------------------------------------------

OBS_OFFER = """v=0
o=rtc 3767197920 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=setup:actpass
a=ice-ufrag:kNeM
a=ice-pwd:bCVRbXJhUJhvUzMvVHBMLC
a=ice-options:ice2,trickle
a=fingerprint:sha-256 {fingerprint}
m=audio 50123 UDP/TLS/RTP/SAVPF 111
c=IN IP4 192.0.2.7
a=mid:0
a=sendonly
a=ssrc:1380 cname:4vkYSrCgYAvPZRO3
a=ssrc:1380 msid:Yn1Zrj1JIuS1CXAZ Yn1Zrj1JIuS1CXAZ-audio
a=msid:Yn1Zrj1JIuS1CXAZ Yn1Zrj1JIuS1CXAZ-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=candidate:1 1 UDP 2122317823 192.0.2.7 50123 typ host
a=end-of-candidates
m=video 50123 UDP/TLS/RTP/SAVPF 96
c=IN IP4 192.0.2.7
a=mid:1
a=sendonly
a=ssrc:1381 cname:4vkYSrCgYAvPZRO3
a=ssrc:1381 msid:Yn1Zrj1JIuS1CXAZ Yn1Zrj1JIuS1CXAZ-video
a=msid:Yn1Zrj1JIuS1CXAZ Yn1Zrj1JIuS1CXAZ-video
a=rtcp-mux
a=rtpmap:96 {codec}/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
{parameters}""".replace("\n", "\r\n")
H264 = "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\r\n"
OBS_AGENT = "User-Agent: Mozilla/5.0 (OBS-Studio/30.2.3; Linux x86_64; en-US)"


def obs_request(studio: Studio, method: str, target: str, shown: str, sdp: str = "") -> tuple[int, dict[str, str], str]:
    """What OBS sends with libcurl, header by header: it wants 201 with a Location for a POST, and 200 for a DELETE."""
    body = sdp.encode()
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{studio.hub.port}", "Accept: */*"]
    if body:
        lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {shown}", OBS_AGENT]
    status, answer = raw_exchange(studio.hub.port, "\r\n".join([*lines, "", ""]).encode() + body)
    head, _, text = answer.decode().partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    return status, headers, text


@pytest.mark.parametrize(("codec", "parameters"), [("H264", H264), ("VP8", "")])
async def test_the_requests_of_obs(studio: Studio, codec: str, parameters: str) -> None:
    ada = await studio.participant()
    shown = token("obs", publish=True)
    sdp = OBS_OFFER.format(fingerprint=":".join(["5A"] * 32), codec=codec, parameters=parameters)
    ask = asyncio.to_thread(obs_request, studio, "POST", "/whip/studio/camera", shown, sdp)
    status, headers, answer = await ask
    assert status == 201
    assert headers["Content-Type"] == "application/sdp"
    assert headers["Location"].startswith("/whip/studio/camera/")
    assert answer.startswith("v=0\r\n")
    assert re.findall(r"^m=(\w+) \d+ (\S+) (.+?)\r$", answer, re.MULTILINE) == [
        ("audio", "UDP/TLS/RTP/SAVPF", "111"),
        ("video", "UDP/TLS/RTP/SAVPF", "96"),
    ]
    for line in ("a=ice-lite", "a=group:BUNDLE 0 1", f"a=rtpmap:96 {codec}/90000", "a=rtpmap:111 opus/48000/2"):
        assert f"{line}\r\n" in answer
    for line in ("a=recvonly", "a=setup:passive", "a=rtcp-mux", "a=end-of-candidates"):
        assert answer.count(f"{line}\r\n") == 2
    assert re.search(r"a=candidate:1 1 udp \d+ 127\.0\.0\.1 \d+ typ host\r\n", answer)
    added = await ada.hears("room_user_update")
    assert [user.user_id for user in added.users] == ["obs"]
    for wanted in (200, 404):
        status, _, _ = await asyncio.to_thread(obs_request, studio, "DELETE", headers["Location"], shown)
        assert status == wanted
    status, _, _ = await asyncio.to_thread(obs_request, studio, "POST", "/whip/studio/camera", shown, sdp)
    assert status == 201


async def test_obs_with_a_codec_that_nobody_here_takes(studio: Studio) -> None:
    sdp = OBS_OFFER.format(fingerprint=":".join(["5A"] * 32), codec="AV1", parameters="")
    ask = asyncio.to_thread(obs_request, studio, "POST", "/whip/studio/camera", token("obs", publish=True), sdp)
    status, headers, answer = await ask
    assert (status, headers["Content-Type"]) == (406, "application/problem+json; charset=utf-8")
    assert "H.264" in answer


# -- ffmpeg ---------------------------------------------------------------------------------------------------


class Ffmpeg:
    """ffmpeg's own WHIP muxer, as PyAV brings it along: a grey picture in H.264 and silence in Opus, in real time."""

    def __init__(self, url: str, shown: str, directory: Path) -> None:
        self._url = url
        self._certificate, self._key = write_certificate(directory)
        self._options = {"authorization": shown, "cert_file": str(self._certificate), "key_file": str(self._key)}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ffmpeg")
        self.error: Exception | None = None

    def __enter__(self) -> Ffmpeg:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with av.open(self._url, "w", format="whip", options=self._options) as output:
                self._send(output)
        except Exception as error:
            self.error = error

    def _send(self, output: av.container.OutputContainer) -> None:
        video = output.add_stream("libx264", rate=15)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.options = {"profile": "baseline", "tune": "zerolatency", "preset": "ultrafast", "g": "15", "bf": "0"}
        audio = output.add_stream("libopus", rate=48000, layout="stereo")
        began, samples, number = time.monotonic(), 0, 0
        while not self._over.wait(max(0.0, began + number / 15 - time.monotonic())):
            picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 128, np.uint8), format="rgb24")
            picture.pts, picture.time_base = number, fractions.Fraction(1, 15)
            output.mux(video.encode(picture))
            number += 1
            while samples < number * 3200:
                sound = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), format="s16", layout="stereo")
                sound.sample_rate, sound.pts, sound.time_base = 48000, samples, fractions.Fraction(1, 48000)
                output.mux(audio.encode(sound))
                samples += 960


def write_certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate and its key for DTLS. The one that ffmpeg makes with GnuTLS is of a curve that OpenSSL refuses."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ffmpeg")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


needs_whip_muxer = pytest.mark.skipif(
    "whip" not in av.formats_available or not {"libx264", "libopus"} <= av.codecs_available,
    reason="this PyAV comes without ffmpeg's WHIP muxer, or without its encoders",
)


@needs_whip_muxer
async def test_ffmpeg_publishes(studio: Studio, tmp_path: Path) -> None:
    ada = await studio.participant()
    with Ffmpeg(studio.whip("camera"), token("ffmpeg", publish=True), tmp_path) as ffmpeg:
        await ada.hears("room_stream_update")
        await ada.engine.start_playing_stream("camera")
        await ada.sees("camera")
        tv = await studio.viewer("camera")
        await tv.sees("video")
        await tv.sees("audio")
        assert ffmpeg.error is None
    left = await ada.hears("room_user_update", lambda event: event.update_type.name == "DELETE")
    assert [user.user_id for user in left.users] == ["ffmpeg"]


# -- GStreamer ------------------------------------------------------------------------------------------------

WHIP_CLIENT = "whip-client"
GST_AUDIO = (
    "audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=100 ssrc=1 ! queue ! "
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=100"
)
GST_VIDEO = (
    "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! "
    "vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96 ssrc=2 ! queue ! "
    "application/x-rtp,media=video,encoding-name=VP8,payload=96"
)


@contextlib.asynccontextmanager
async def gstreamer(studio: Studio, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The WHIP client of Debian's simple-whip-client; interrupted at the end, upon which it sends its DELETE."""
    shown = token("gstreamer", publish=True)
    command = [WHIP_CLIENT, "-u", studio.whip("camera"), "-t", shown, "-A", GST_AUDIO, "-V", GST_VIDEO, "-o", *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(2)
        try:
            async with asyncio.timeout(PATIENCE):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()


@pytest.mark.skipif(shutil.which(WHIP_CLIENT) is None, reason="Debian's simple-whip-client is not installed")
@pytest.mark.parametrize("options", [[], ["--no-trickle"]], ids=["trickle", "no trickle"])
async def test_gstreamer_publishes(studio: Studio, options: list[str]) -> None:
    ada = await studio.participant()
    async with gstreamer(studio, *options) as process:
        came, ended = asyncio.create_task(ada.hears("room_stream_update")), asyncio.create_task(process.wait())
        await asyncio.wait({came, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not came.done():
            came.cancel()
            said = (await process.stdout.read()).decode() if process.stdout else ""
            if "libsoup2 symbols detected" in said:
                pytest.skip("this whip-client needs another libsoup than the libnice it is installed with")
            pytest.fail(said)
        ended.cancel()
        await ada.engine.start_playing_stream("camera")
        await ada.sees("camera")
        tv = await studio.viewer("camera")
        await tv.sees("video")
        await tv.sees("audio")
    left = await ada.hears("room_user_update", lambda event: event.update_type.name == "DELETE")
    assert [user.user_id for user in left.users] == ["gstreamer"]
