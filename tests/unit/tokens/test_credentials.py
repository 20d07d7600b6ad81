"""Apps from files and the environment, and secrets that stay where they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from zego_widget import wire
from zego_widget.credentials import App, apps_from_environment, apps_from_file, new_app, signature
from zego_widget.errors import ErrorCode, InvalidArgument, Unauthorized, ZegoError
from zego_widget.hub.discovery import HubAddress
from zego_widget.model import User
from zego_widget.protocol import Credential, LoginRoom, RenewToken

SIGN, SECRET = "0123456789abcdefABCDEF" + "0" * 42, "s" * 32


def write(path: Path, content: object) -> Path:
    path.touch(mode=0o600)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


class TestTheEnvironment:
    def test_names_one_app(self) -> None:
        named = {"ZEGO_APP_ID": "12", "ZEGO_APP_SIGN": SIGN, "ZEGO_SERVER_SECRET": SECRET}
        assert apps_from_environment(named) == [App(12, SIGN, SECRET)]

    @pytest.mark.parametrize("environment", [{}, {"ZEGO_APP_ID": "", "ZEGO_SERVER_SECRET": SECRET}])
    def test_names_none_without_an_app_id(self, environment: dict[str, str]) -> None:
        assert apps_from_environment(environment) == []

    @pytest.mark.parametrize(
        ("environment", "code"),
        [
            ({"ZEGO_APP_ID": "twelve", "ZEGO_APP_SIGN": SIGN}, ErrorCode.ENGINE_APPID_ZERO),
            ({"ZEGO_APP_ID": "0", "ZEGO_APP_SIGN": SIGN}, ErrorCode.ENGINE_APPID_ZERO),
            ({"ZEGO_APP_ID": str(2**32), "ZEGO_APP_SIGN": SIGN}, ErrorCode.ENGINE_APPID_ZERO),
            ({"ZEGO_APP_ID": "\u0661", "ZEGO_APP_SIGN": SIGN}, ErrorCode.ENGINE_APPID_ZERO),
            ({"ZEGO_APP_ID": "9" * 5000, "ZEGO_APP_SIGN": SIGN}, ErrorCode.ENGINE_APPID_ZERO),
            ({"ZEGO_APP_ID": "12"}, ErrorCode.ENGINE_APPSIGN_NULL),
            ({"ZEGO_APP_ID": "12", "ZEGO_APP_SIGN": SIGN[1:]}, ErrorCode.ENGINE_APPSIGN_INVALID_LENGTH),
            ({"ZEGO_APP_ID": "12", "ZEGO_APP_SIGN": "g" + SIGN[1:]}, ErrorCode.ENGINE_APPSIGN_INVALID_CHARACTER),
            ({"ZEGO_APP_ID": "12", "ZEGO_SERVER_SECRET": SECRET[1:]}, ErrorCode.COMMON_ILLEGAL_PARAM),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, environment: dict[str, str], code: ErrorCode) -> None:
        with pytest.raises(InvalidArgument) as refused:
            apps_from_environment(environment)
        assert refused.value.code is code


class TestAFile:
    def test_lists_apps(self, tmp_path: Path) -> None:
        path = write(tmp_path / "apps", [{"app_id": 1, "app_sign": SIGN}, {"app_id": 2, "server_secret": SECRET}])
        assert apps_from_file(path) == [App(1, SIGN), App(2, "", SECRET)]

    @pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
    def test_that_others_can_reach_is_refused(self, tmp_path: Path, mode: int) -> None:
        path = write(tmp_path / "apps", [{"app_id": 1, "app_sign": SIGN}])
        path.chmod(mode)
        with pytest.raises(Unauthorized, match="0600"):
            apps_from_file(path)

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "{}",
            "[]",
            "[1]",
            [{"app_id": "1", "app_sign": SIGN}],
            [{"app_id": 1}],
            [{"app_id": 1, "app_sign": SIGN}, {"app_id": 1, "server_secret": SECRET}],
        ],
        ids=["empty", "object", "no app", "number", "text as ID", "no secret", "twice"],
    )
    def test_that_makes_no_sense_is_refused(self, tmp_path: Path, content: object) -> None:
        with pytest.raises(InvalidArgument):
            apps_from_file(write(tmp_path / "apps", content))

    def test_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        for path in (tmp_path / "missing", tmp_path):
            with pytest.raises(ZegoError, match=r"cannot be read|0600"):
                apps_from_file(path)


class TestSecrets:
    def test_are_in_no_repr(self) -> None:
        app = new_app()
        credential = Credential(app.app_id, "04token", signature(app.app_sign, "s", "r", "u"))
        shown = repr(
            [
                app,
                HubAddress("http://127.0.0.1:1", "bearer", 1, "1", 1, app),
                credential,
                LoginRoom(1, "r", User("u"), credential=credential),
                RenewToken(1, "r", "04token"),
            ]
        )
        for secret in (app.app_sign, app.server_secret, "04token", credential.signature, "bearer"):
            assert secret not in shown

    def test_of_a_credential_travel_all_the_same(self) -> None:
        login = LoginRoom(1, "r", User("u"), credential=Credential(7, "04token", "signature", "earlier"))
        assert wire.decode_client(wire.encode(login)) == login

    def test_of_new_apps_are_new(self) -> None:
        apps = [new_app().check() for _ in range(20)]
        assert len({app.app_sign for app in apps} | {app.server_secret for app in apps}) == 40

    def test_may_be_spelt_in_capitals(self) -> None:
        assert signature(SIGN.upper(), "s", "r", "u") == signature(SIGN.lower(), "s", "r", "u")
