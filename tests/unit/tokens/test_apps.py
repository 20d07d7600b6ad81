"""Who may come in to a hub, and what he may do there; time is an argument."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import pytest

from tests.unit.tokens.samples import CBC, SECRET
from zego_widget.credentials import App, new_app, signature, signed
from zego_widget.errors import ErrorCode, InvalidArgument, Refused
from zego_widget.hub.admission import Admission, Grant
from zego_widget.hub.apps import Apps
from zego_widget.protocol import Credential
from zego_widget.tokens import Privileges, privilege_payload, sign, verify

NOW = 1700000000.0
APP = new_app()
SIGN_ONLY = App(APP.app_id ^ 1, app_sign="a" * 64)
TOKEN_ONLY = App(APP.app_id ^ 2, server_secret="s" * 32)


def code_of(act: Callable[[], object]) -> ErrorCode:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


def token(user_id: str = "alice", lifetime: int = 60, payload: str = "", app: App = APP) -> str:
    return sign(app.app_id, user_id, app.server_secret, lifetime, payload, now=NOW)


@pytest.fixture
def apps() -> Apps:
    return Apps([APP, SIGN_ONLY, TOKEN_ONLY])


class TestAdmission:
    def test_by_a_token_lasts_as_long_as_the_token(self, apps: Apps) -> None:
        payload = privilege_payload("room", publish=True)
        grant = apps.admit(Credential(APP.app_id, token(payload=payload)), "s1", "room", "alice", NOW)
        assert grant == Grant(APP.app_id, "alice", NOW + 60, Privileges("room", True, True))

    def test_by_a_signature_has_no_end(self, apps: Apps) -> None:
        credential = signed(APP.app_id, APP.app_sign, "s1", "room", "alice")
        assert apps.admit(credential, "s1", "room", "alice", NOW) == Grant(APP.app_id, "alice")

    def test_looks_at_the_signature_first(self, apps: Apps) -> None:
        good = signature(APP.app_sign, "s1", "room", "alice")
        both = Credential(APP.app_id, "04nonsense", good)
        assert apps.admit(both, "s1", "room", "alice", NOW).expires_at is None
        wrong = Credential(APP.app_id, token(), "0" * 64)
        assert code_of(lambda: apps.admit(wrong, "s1", "room", "alice", NOW)) is ErrorCode.ENGINE_APPSIGN_INCORRECT

    @pytest.mark.parametrize("app", [APP, SIGN_ONLY, TOKEN_ONLY], ids=["both", "app sign", "server secret"])
    def test_takes_what_an_app_signs_for_itself(self, apps: Apps, app: App) -> None:
        for session_id, room_id in (("s1", "room"), ("s2", "")):
            grant = apps.admit(app.credential(session_id, room_id, "alice"), session_id, room_id, "alice", NOW)
            assert grant.app_id == app.app_id
            assert grant.may_publish

    @pytest.mark.parametrize(
        ("credential", "code"),
        [
            (Credential(), ErrorCode.ROOM_NO_TOKEN),
            (Credential(APP.app_id), ErrorCode.ROOM_NO_TOKEN),
            (Credential(0, token()), ErrorCode.ENGINE_APPID_ZERO),
            (Credential(4, token()), ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE),
            (Credential(-1, signature="x"), ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE),
            (Credential(APP.app_id, signature="\ud800"), ErrorCode.ENGINE_APPSIGN_INCORRECT),
            (Credential(TOKEN_ONLY.app_id, signature="x"), ErrorCode.ROOM_NO_TOKEN),
            (Credential(SIGN_ONLY.app_id, token()), ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED),
            (Credential(TOKEN_ONLY.app_id, token()), ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED),
            (Credential(APP.app_id, "03"), ErrorCode.ROOM_TOKEN_VERSION_ERROR),
            (Credential(APP.app_id, "04"), ErrorCode.ROOM_TOKEN_FORMAT_ERROR),
            (Credential(APP.app_id, "04\ud800"), ErrorCode.ROOM_TOKEN_FORMAT_ERROR),
            (Credential(APP.app_id, token("bob")), ErrorCode.ROOM_TOKEN_USERID_ERROR),
            (Credential(APP.app_id, token(payload="x")), ErrorCode.ROOM_TOKEN_FORMAT_ERROR),
            (
                Credential(APP.app_id, token(payload=privilege_payload("other"))),
                ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED,
            ),
            (
                Credential(APP.app_id, token(payload=privilege_payload("room", login=False, publish=True))),
                ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED,
            ),
        ],
    )
    def test_is_refused_with_zegos_code(self, apps: Apps, credential: Credential, code: ErrorCode) -> None:
        assert code_of(lambda: apps.admit(credential, "s1", "room", "alice", NOW)) is code

    def test_ends_with_the_token(self, apps: Apps) -> None:
        credential = Credential(APP.app_id, token(lifetime=60))
        late = NOW + 60.5
        assert code_of(lambda: apps.admit(credential, "s1", "room", "alice", late)) is ErrorCode.ROOM_TOKEN_EXPIRE_ERROR

    @pytest.mark.parametrize("where", [("s2", "room", "alice"), ("s1", "other", "alice"), ("s1", "room", "bob")])
    def test_by_a_signature_is_for_one_session_room_and_user(self, apps: Apps, where: tuple[str, str, str]) -> None:
        credential = signed(APP.app_id, APP.app_sign, "s1", "room", "alice")
        assert code_of(lambda: apps.admit(credential, *where, NOW)) is ErrorCode.ENGINE_APPSIGN_INCORRECT

    def test_on_the_hub_alone_does_not_ask_for_a_room(self, apps: Apps) -> None:
        credential = Credential(APP.app_id, token(payload=privilege_payload("room")))
        assert apps.admit(credential, "s1", "", "alice", NOW).user_id == "alice"


class TestAUsedToken:
    def test_lets_its_own_session_in_again(self, apps: Apps) -> None:
        credential = Credential(APP.app_id, token())
        for _ in range(3):
            apps.admit(credential, "s1", "room", "alice", NOW)

    def test_lets_nobody_else_in(self, apps: Apps) -> None:
        credential = Credential(APP.app_id, token())
        apps.admit(credential, "s1", "room", "alice", NOW)
        refused = code_of(lambda: apps.admit(credential, "s2", "room", "alice", NOW))
        assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED

    def test_lets_in_the_client_that_comes_back_and_knows_its_session(self, apps: Apps) -> None:
        stolen = token()
        apps.admit(Credential(APP.app_id, stolen), "s1", "room", "alice", NOW)
        apps.admit(Credential(APP.app_id, stolen, earlier_session_id="s1"), "s2", "room", "alice", NOW)
        apps.admit(Credential(APP.app_id, stolen, earlier_session_id="s2"), "s3", "room", "alice", NOW)
        # A client names one session for good: it may not have heard what became of the others.
        apps.admit(Credential(APP.app_id, stolen, earlier_session_id="s1"), "s4", "room", "alice", NOW)
        guessed = Credential(APP.app_id, stolen, earlier_session_id="s5")
        refused = code_of(lambda: apps.admit(guessed, "s6", "room", "alice", NOW))
        assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED

    def test_is_not_made_to_remember_what_is_no_session(self, apps: Apps) -> None:
        credential = Credential(APP.app_id, token(), earlier_session_id="s" * 100_000)
        refused = code_of(lambda: apps.admit(credential, "s1", "room", "alice", NOW))
        assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED
        assert len(apps.used) == 0

    def test_that_renewed_a_login_lets_the_same_client_in_again(self, apps: Apps) -> None:
        first, second = token(), token()
        apps.admit(Credential(APP.app_id, first), "s1", "room", "alice", NOW)
        back = apps.admit(Credential(APP.app_id, first, earlier_session_id="s1"), "s2", "room", "alice", NOW)
        again = apps.renew(back, second, "s2", "room", NOW)
        third = token()
        apps.renew(again, third, "s2", "room", NOW)
        for number, each in enumerate((second, third)):
            late = Credential(APP.app_id, each, earlier_session_id="s1")
            apps.admit(late, f"late {number}", "room", "alice", NOW)
            stolen = Credential(APP.app_id, each)
            refused = code_of(lambda stolen=stolen: apps.admit(stolen, "thief's", "room", "alice", NOW))
            assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED


class TestApps:
    def test_of_a_hub_that_is_given_none_are_one_of_its_own(self) -> None:
        apps, others = Apps(), Apps()
        assert apps.own.check().app_sign
        assert apps.own != others.own
        credential = others.own.credential("s", "room", "alice")
        code = code_of(lambda: apps.admit(credential, "s", "room", "alice", NOW))
        assert code is ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE

    def test_hand_the_first_to_the_kernels(self, apps: Apps) -> None:
        assert apps.own is APP

    def test_are_checked(self) -> None:
        with pytest.raises(InvalidArgument):
            Apps([App(1)])


class TestPublishing:
    def test_is_free_without_privileges(self) -> None:
        Admission(Grant(1, "alice")).check_publishing("any", NOW)

    @pytest.mark.parametrize(
        "grant",
        [
            Grant(1, "alice", NOW - 1),
            Grant(1, "alice", NOW + 1, Privileges("room", True, False)),
            Grant(1, "alice", NOW + 1, Privileges("room", True, True, frozenset({"main"}))),
        ],
        ids=["expired", "no right", "other stream"],
    )
    def test_is_refused_with_1003072(self, grant: Grant) -> None:
        code = code_of(lambda: Admission(grant).check_publishing("screen", NOW))
        assert code is ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR

    def test_of_a_stream_that_is_named_is_allowed(self) -> None:
        grant = Grant(1, "alice", NOW, Privileges("room", True, True, frozenset({"main"})))
        Admission(grant).check_publishing("main", NOW)


class TestTheEndOfAToken:
    def test_is_told_once_30_s_before(self) -> None:
        admission = Admission(Grant(1, "alice", NOW + 100))
        heard = [(second, admission.ends_in(NOW + second)) for second in range(120)]
        assert [(second, left) for second, left in heard if left is not None] == [(70, 30)]

    @pytest.mark.parametrize(("lifetime", "left"), [(29.5, 30), (10, 10), (0.1, 1), (0, 0), (-5, 0)])
    def test_is_told_at_once_where_less_is_left(self, lifetime: float, left: int) -> None:
        assert Admission(Grant(1, "alice", NOW + lifetime)).ends_in(NOW) == left

    def test_is_told_again_of_the_next_token(self) -> None:
        admission = Admission(Grant(1, "alice", NOW + 10))
        assert admission.ends_in(NOW) == 10
        admission.renew(Grant(1, "alice", NOW + 100), publishing=False)
        assert [admission.ends_in(NOW), admission.ends_in(NOW + 75), admission.ends_in(NOW + 76)] == [None, 25, None]

    def test_is_never_told_of_an_app_sign(self) -> None:
        assert Admission(Grant(1, "alice")).ends_in(NOW) is None

    def test_takes_the_right_to_publish_until_the_token_is_renewed(self) -> None:
        admission = Admission(Grant(1, "alice", NOW + 10))
        admission.check_publishing("main", NOW + 10)
        with pytest.raises(Refused):
            admission.check_publishing("main", NOW + 11)
        admission.renew(Grant(1, "alice", NOW + 100), publishing=False)
        admission.check_publishing("main", NOW + 11)

    def test_of_the_right_to_publish_is_refused_to_who_publishes(self) -> None:
        admission = Admission(Grant(1, "alice", NOW + 10))
        viewer = Grant(1, "alice", NOW + 100, Privileges("room", True, False))
        code = code_of(lambda: admission.renew(viewer, publishing=True))
        assert code is ErrorCode.ROOM_RENEW_TOKEN_NO_PUBLISH_AUTH_ERROR
        assert admission.grant.expires_at == NOW + 10
        admission.renew(viewer, publishing=False)
        with pytest.raises(Refused):
            admission.check_publishing("main", NOW)


class TestBearer:
    def test_is_the_user_of_the_token_in_its_app(self, apps: Apps) -> None:
        for app in (APP, TOKEN_ONLY):
            bearer = apps.bearer(token("bob", app=app), NOW)
            assert (bearer.user_id, bearer.credential.app_id) == ("bob", app.app_id)

    def test_says_nothing_of_its_token_in_logs(self, apps: Apps) -> None:
        bearer = apps.bearer(token(), NOW)
        assert bearer.credential.token not in repr(bearer)
        assert bearer.credential.earlier_session_id not in repr(bearer) + repr(bearer.credential)

    def test_comes_in_again_and_again_and_after_the_hub(self, apps: Apps) -> None:
        shown = token()
        for session_id in ("s1", "s2"):
            assert apps.admit(apps.bearer(shown, NOW).credential, session_id, "room", "alice", NOW)
        again = Apps([TOKEN_ONLY, APP]).bearer(shown, NOW)
        assert apps.admit(again.credential, "s3", "room", "alice", NOW)

    def test_leaves_nothing_for_a_link_that_has_a_copy(self, apps: Apps) -> None:
        shown = token()
        apps.admit(apps.bearer(shown, NOW).credential, "s1", "room", "alice", NOW)
        copy = Credential(APP.app_id, shown)
        refused = code_of(lambda: apps.admit(copy, "s2", "room", "alice", NOW))
        assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED

    def test_does_not_come_in_with_what_a_link_has_used(self, apps: Apps) -> None:
        shown = token()
        apps.admit(Credential(APP.app_id, shown), "s1", "room", "alice", NOW)
        bearer = apps.bearer(shown, NOW)
        refused = code_of(lambda: apps.admit(bearer.credential, "s2", "room", "alice", NOW))
        assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED

    @pytest.mark.parametrize(
        ("shown", "code"),
        [
            ("", ErrorCode.ROOM_NO_TOKEN),
            ("nonsense", ErrorCode.ROOM_TOKEN_VERSION_ERROR),
            ("04nonsense", ErrorCode.ROOM_TOKEN_FORMAT_ERROR),
            (token(app=App(1, server_secret="x" * 32)), ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED),
            (token(app=App(1, server_secret=APP.server_secret)), ErrorCode.ROOM_TOKEN_APPID_ERROR),
            (token(lifetime=1), ErrorCode.ROOM_TOKEN_EXPIRE_ERROR),
        ],
        ids=["none", "no token", "not well formed", "of another secret", "of another app", "expired"],
    )
    def test_with_a_token_that_is_not_good_is_refused(self, apps: Apps, shown: str, code: ErrorCode) -> None:
        assert code_of(lambda: apps.bearer(shown, NOW + 2)) is code

    def test_is_nobody_where_no_app_takes_tokens(self) -> None:
        refused = code_of(lambda: Apps([SIGN_ONLY]).bearer(token(), NOW))
        assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED


def test_what_is_secret_is_compared_in_constant_time(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    compare = hmac.compare_digest

    def spy(a: bytes, b: bytes) -> bool:
        compared.extend((a, b))
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    wrong = Credential(APP.app_id, signature="0" * 64)
    code_of(lambda: apps.admit(wrong, "s1", "room", "alice", NOW))
    assert compared == [b"0" * 64, signature(APP.app_sign, "s1", "room", "alice").encode()]
    compared.clear()
    verify(CBC, 1, SECRET, "demo", NOW)
    padding = compared[0]
    assert isinstance(padding, bytes) and padding == bytes([len(padding)]) * len(padding) == compared[1]
    assert compared[2:] == [b"demo", b"demo"]
