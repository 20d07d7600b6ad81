"""`zego-widget serve --apps`, `zego-widget token` and the environment, as a person uses them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.hub.auth.test_logins import enter
from tests.hub.hub_process import PATIENCE, Link, environment, write_apps
from zego_widget import protocol as p
from zego_widget.credentials import App, new_app
from zego_widget.errors import ErrorCode
from zego_widget.hub import discovery
from zego_widget.tokens import Privileges, verify

APP, OTHER = new_app(), new_app()
IN_ENVIRONMENT = {
    "ZEGO_APP_ID": str(APP.app_id),
    "ZEGO_APP_SIGN": APP.app_sign,
    "ZEGO_SERVER_SECRET": APP.server_secret,
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "runtime"


def run(directory: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`zego-widget <arguments>` with more in its environment."""
    command = [sys.executable, "-m", "zego_widget", *arguments]
    return subprocess.run(
        command,
        env=environment(directory, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )


@contextlib.contextmanager
def serving(directory: Path, *arguments: str, **more: str) -> Iterator[discovery.HubAddress]:
    """A hub started by `zego-widget serve`; nothing of APP may be in what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zego_widget", "serve", *arguments],
        env=environment(directory, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        address = discovery.read_address(directory)
        assert address is not None, first
        yield address
    finally:
        process.terminate()
        printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0
    for secret in (APP.app_sign, APP.server_secret):
        assert secret not in first + printed


async def enters(address: discovery.HubAddress, credential: p.Credential) -> int:
    """What comes of a login as alice to demo."""
    async with (
        aiohttp.ClientSession(headers=address.headers) as session,
        session.ws_connect(address.url + "/v1/link") as socket,
    ):
        link = Link(socket)
        await link.greet()
        return await enter(link, credential)


class TestServe:
    async def test_reads_its_apps_from_a_file(self, directory: Path, tmp_path: Path) -> None:
        apps = write_apps(tmp_path / "apps.json", [APP, OTHER])
        with serving(directory, "--apps", str(apps)) as address:
            assert await enters(address, APP.credential("", "demo", "alice")) == 0
            assert await enters(address, OTHER.credential("", "demo", "alice")) == 0
            stranger = new_app().credential("", "demo", "alice")
            assert await enters(address, stranger) == ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE

    async def test_takes_the_app_of_its_environment(self, directory: Path) -> None:
        with serving(directory, **IN_ENVIRONMENT) as address:
            assert address.app == APP
            assert await enters(address, APP.credential("", "demo", "alice")) == 0

    async def test_makes_an_app_where_it_is_given_none(self, directory: Path) -> None:
        with serving(directory) as address:
            assert address.app is not None and address.app != APP
            assert await enters(address, address.app.credential("", "demo", "alice")) == 0

    def test_says_in_one_line_what_is_wrong_with_the_file(self, directory: Path, tmp_path: Path) -> None:
        apps = write_apps(tmp_path / "apps.json", [APP])
        apps.chmod(0o644)
        done = run(directory, "serve", "--apps", str(apps))
        assert done.returncode == 1
        assert "0600" in done.stderr and len(done.stderr.splitlines()) == 1
        assert APP.server_secret not in done.stderr

    def test_says_in_one_line_what_is_wrong_with_the_environment(self, directory: Path) -> None:
        done = run(directory, "serve", ZEGO_APP_ID="12", ZEGO_APP_SIGN="short")
        assert done.returncode == 1
        assert "64 characters" in done.stderr and "Traceback" not in done.stderr


class TestToken:
    def test_is_signed_for_the_app_of_the_environment(self, directory: Path) -> None:
        done = run(directory, "token", "--user", "alice", "--room", "demo", "--publish", **IN_ENVIRONMENT)
        said = verify(done.stdout.strip(), APP.app_id, APP.server_secret, "alice")
        assert said.privileges == Privileges("demo", may_login=True, may_publish=True)
        assert said.expires_at - said.created_at == 3600
        assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)

    def test_is_signed_for_an_app_of_a_file(self, directory: Path, tmp_path: Path) -> None:
        apps = str(write_apps(tmp_path / "apps.json", [APP, OTHER]))
        done = run(directory, "token", "--user", "bob", "--apps", apps, "--app-id", str(OTHER.app_id))
        assert verify(done.stdout.strip(), OTHER.app_id, OTHER.server_secret, "bob").privileges is None
        which = run(directory, "token", "--user", "bob", "--apps", apps)
        assert which.returncode == 1 and "--app-id" in which.stderr

    async def test_is_signed_for_the_hub_that_runs(self, directory: Path) -> None:
        with serving(directory) as address:
            assert address.app is not None
            done = run(directory, "token", "--user", "alice", "--room", "demo", "--lifetime", "60")
            credential = p.Credential(address.app.app_id, done.stdout.strip())
            assert await enters(address, credential) == 0
            assert await enters(address, credential) == ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED

    def test_does_not_let_publish_unless_asked(self, directory: Path) -> None:
        done = run(directory, "token", "--user", "alice", "--room", "demo", "--lifetime", "5", **IN_ENVIRONMENT)
        said = verify(done.stdout.strip(), APP.app_id, APP.server_secret, "alice")
        assert said.privileges == Privileges("demo", may_login=True, may_publish=False)
        assert said.expires_at - said.created_at == 5

    @pytest.mark.parametrize(
        ("arguments", "app", "words"),
        [
            (["--user", "alice"], None, "no app"),
            (["--user", "two words"], APP, "user ID"),
            (["--user", "alice", "--room", "two words"], APP, "room ID"),
            (["--user", "alice"], App(12, APP.app_sign), "no server secret"),
        ],
        ids=["no app", "user", "room", "no secret"],
    )
    def test_is_refused_in_one_line(self, directory: Path, arguments: list[str], app: App | None, words: str) -> None:
        more = {"ZEGO_APP_ID": str(app.app_id), "ZEGO_APP_SIGN": app.app_sign} if app else {}
        if app and app.server_secret:
            more["ZEGO_SERVER_SECRET"] = app.server_secret
        done = run(directory, "token", *arguments, **more)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
        assert words in done.stderr

    @pytest.mark.parametrize("lifetime", ["0", "-1", "soon"])
    def test_asks_for_a_lifetime_that_is_one(self, directory: Path, lifetime: str) -> None:
        done = run(directory, "token", "--user", "alice", f"--lifetime={lifetime}", **IN_ENVIRONMENT)
        assert done.returncode == 2 and done.stdout == ""
