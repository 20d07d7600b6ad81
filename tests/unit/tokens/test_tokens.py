"""token04: what ZEGO signs is understood, what we sign too, and every fault has its code."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zego_widget
from tests.unit.tokens.samples import (
    CBC,
    CBC_WITH_PRIVILEGES,
    CREATED_AT,
    EXPIRES_AT,
    FIELDS,
    GCM,
    NOW,
    SECRET,
    envelope,
    saying,
    sealed,
)
from zego_widget import tokens
from zego_widget.errors import ErrorCode, InvalidArgument
from zego_widget.tokens import Privileges, Token, TokenError, privilege_payload, sign, verify

OTHER_SECRET = SECRET[::-1]


def code_of(token: str, app_id: int = 1, secret: str = SECRET, user_id: str = "demo", now: float = NOW) -> ErrorCode:
    """Of the refusal of a token."""
    with pytest.raises(TokenError) as refused:
        verify(token, app_id, secret, user_id, now)
    return refused.value.code


class TestTokensOfZego:
    @pytest.mark.parametrize("token", [CBC, GCM], ids=["CBC", "GCM"])
    def test_are_understood(self, token: str) -> None:
        said = verify(token, 1, SECRET, "demo", NOW)
        assert said == Token(1, "demo", 123456789, CREATED_AT, EXPIRES_AT, "", None)

    def test_give_privileges(self) -> None:
        said = verify(CBC_WITH_PRIVILEGES, 1, SECRET, "demo", NOW)
        assert said.privileges == Privileges("demo", may_login=True, may_publish=False)
        assert json.loads(said.payload)["privilege"] == {"1": 1, "2": 0}

    @pytest.mark.parametrize("mode", ["gcm", "cbc"])
    def test_may_have_their_fields_in_any_order_and_no_payload(self, mode: str) -> None:
        fields = dict(reversed(FIELDS.items()))
        del fields["payload"]
        said = verify(sealed(json.dumps(fields).encode(), mode=mode), 1, SECRET, "demo", NOW)
        assert (said.nonce, said.payload) == (123456789, "")

    def test_may_name_the_mode_of_cbc(self) -> None:
        named = "04" + base64.b64encode(base64.b64decode(CBC[2:]) + b"\x00").decode()
        assert verify(named, 1, SECRET, "demo", NOW) == verify(CBC, 1, SECRET, "demo", NOW)


class TestOurTokens:
    def test_say_what_was_signed(self) -> None:
        payload = privilege_payload("r", publish=True, stream_ids=["s1", "s2"])
        said = verify(sign(7, "älice", SECRET, 60, payload, now=NOW), 7, SECRET, "älice", NOW)
        assert (said.app_id, said.user_id, said.created_at, said.expires_at) == (7, "älice", int(NOW), int(NOW) + 60)
        assert said.privileges == Privileges("r", True, True, frozenset({"s1", "s2"}))

    def test_are_new_each_time(self) -> None:
        assert len({sign(1, "demo", SECRET, 60, now=NOW) for _ in range(50)}) == 50

    def test_are_made_as_the_newest_generator_does(self) -> None:
        data = base64.b64decode(sign(1, "demo", SECRET, 3600, now=CREATED_AT)[2:])
        assert (int.from_bytes(data[:8]), int.from_bytes(data[8:10]), data[-1]) == (EXPIRES_AT, 12, 1)

    def test_use_the_clock_where_no_time_is_given(self) -> None:
        assert verify(sign(1, "demo", SECRET, 60), 1, SECRET, "demo").expires_at > EXPIRES_AT
        with pytest.raises(TokenError):
            verify(CBC, 1, SECRET, "demo")

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            ((0, "demo", SECRET, 60), ErrorCode.ENGINE_APPID_ZERO),
            ((2**32, "demo", SECRET, 60), ErrorCode.ENGINE_APPID_ZERO),
            ((True, "demo", SECRET, 60), ErrorCode.ENGINE_APPID_ZERO),
            ((1, "", SECRET, 60), ErrorCode.ROOM_USER_ID_NULL),
            ((1, "é" * 33, SECRET, 60), ErrorCode.ROOM_USER_ID_TOO_LONG),
            ((1, "demo", "short", 60), ErrorCode.COMMON_ILLEGAL_PARAM),
            ((1, "demo", "é" * 16, 60), ErrorCode.COMMON_ILLEGAL_PARAM),
            ((1, "demo", SECRET, 0), ErrorCode.COMMON_ILLEGAL_PARAM),
            ((1, "demo", SECRET, 2**63), ErrorCode.COMMON_ILLEGAL_PARAM),
            ((1, "demo", SECRET, 60, "\ud800"), ErrorCode.COMMON_ILLEGAL_PARAM),
            ((1, "demo", SECRET, 60, "x" * 9000), ErrorCode.COMMON_ILLEGAL_PARAM),
        ],
    )
    def test_are_not_made_of_nonsense(self, arguments: tuple[object, ...], code: ErrorCode) -> None:
        with pytest.raises(InvalidArgument) as refused:
            sign(*arguments)  # type: ignore[arg-type]
        assert refused.value.code is code

    def test_may_be_as_long_as_a_user_id_may_be(self) -> None:
        assert verify(sign(1, "u" * 64, SECRET, 60), 1, SECRET, "u" * 64).user_id == "u" * 64


BLOCKS = b"x" * 32


class TestRefusals:
    """Each with the code that ZEGO.md's "Ours" names, in the order of the checks."""

    @pytest.mark.parametrize("token", ["03" + CBC[2:], CBC[2:], "4", "x", "\ud800\udfff"])
    def test_of_another_version_are_1002079(self, token: str) -> None:
        assert code_of(token) is ErrorCode.ROOM_TOKEN_VERSION_ERROR

    def test_of_no_token_are_1002067(self) -> None:
        assert code_of("") is ErrorCode.ROOM_NO_TOKEN

    @pytest.mark.parametrize(
        "token",
        {
            "nothing": "04",
            "no base64": "04====",
            "not ASCII": "04é",
            "line feeds": CBC[:40] + "\n" + CBC[40:],
            "no padding": CBC.rstrip("="),
            "other spelling of the same bytes": CBC_WITH_PRIVILEGES[:-3] + "B==",
            "cut off": CBC[:-8],
            "one byte more": "04" + base64.b64encode(base64.b64decode(CBC[2:]) + b"\x00\x00").decode(),
            "unknown mode": envelope(b"n" * 12, BLOCKS, b"\x02"),
            "IV of the other mode": envelope(b"n" * 12, BLOCKS, b""),
            "nonce of the other mode": envelope(b"n" * 16, BLOCKS, b"\x01"),
            "no blocks": envelope(b"n" * 16, b"", b""),
            "half a block": envelope(b"n" * 16, b"x" * 24, b""),
            "nothing but a tag": envelope(b"n" * 12, b"x" * 16, b"\x01"),
            "enormous": "04" + "A" * 100_000,
            "not JSON": sealed(b"hello"),
            "not an object": sealed(b"[1]"),
            "deep": sealed(b"[" * 2000 + b"]" * 2000),
            "not UTF-8": sealed(b'{"app_id":1,"user_id":"\xff"}'),
            "expiry that differs outside": sealed(json.dumps(FIELDS).encode(), expires_at=EXPIRES_AT + 1),
            "no creation time": saying(ctime=...),
            "payload that is no text": saying(payload={}),
            "payload that is no JSON": saying(payload="hello"),
            "payload that grants nothing": saying(payload="{}"),
            "privileges without a room": saying(payload='{"room_id":"","privilege":{"1":1}}'),
            "privileges that are no numbers": saying(payload='{"room_id":"r","privilege":{"1":true}}'),
            "privileges that are neither 0 nor 1": saying(payload='{"room_id":"r","privilege":{"1":2}}'),
        }.items(),
        ids=lambda item: item[0],
    )
    def test_of_another_format_are_1002075(self, token: tuple[str, str]) -> None:
        assert code_of(token[1]) is ErrorCode.ROOM_TOKEN_FORMAT_ERROR

    @pytest.mark.parametrize("token", [CBC, CBC_WITH_PRIVILEGES, GCM], ids=["CBC", "privileges", "GCM"])
    def test_of_another_secret_are_1002033(self, token: str) -> None:
        assert code_of(token, secret=OTHER_SECRET) is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED

    @pytest.mark.parametrize("theirs", [2, "1", 1.0, True, None, ..., 0, 2**32, 10**30], ids=repr)
    def test_of_another_app_are_1002076(self, theirs: object) -> None:
        assert code_of(saying(app_id=theirs)) is ErrorCode.ROOM_TOKEN_APPID_ERROR

    @pytest.mark.parametrize("theirs", ["Demo", "demo ", "", 1, None, ...], ids=repr)
    def test_of_another_user_are_1002077(self, theirs: object) -> None:
        assert code_of(saying(user_id=theirs)) is ErrorCode.ROOM_TOKEN_USERID_ERROR

    @pytest.mark.parametrize("theirs", ["1700003600", 1700003600.0, None, ...], ids=repr)
    def test_of_a_token_without_an_end_are_1002078(self, theirs: object) -> None:
        assert code_of(saying(expire=theirs)) is ErrorCode.ROOM_TOKEN_EXPIRE_ERROR

    @pytest.mark.parametrize("theirs", ["1", 1.5, None, ..., 2**31, -(2**31) - 1, False], ids=repr)
    def test_of_a_nonce_that_is_none_are_1002080(self, theirs: object) -> None:
        assert code_of(saying(nonce=theirs)) is ErrorCode.ROOM_TOKEN_NONCETYPE_ERROR

    def test_of_an_expired_token_are_1002078_and_begin_after_its_last_second(self) -> None:
        assert verify(GCM, 1, SECRET, "demo", float(EXPIRES_AT)).expires_at == EXPIRES_AT
        assert code_of(GCM, now=EXPIRES_AT + 0.001) is ErrorCode.ROOM_TOKEN_EXPIRE_ERROR

    def test_tell_of_the_app_before_the_user_and_of_both_before_the_time(self) -> None:
        late = EXPIRES_AT + 1.0
        assert code_of(GCM, app_id=2, user_id="eve", now=late) is ErrorCode.ROOM_TOKEN_APPID_ERROR
        assert code_of(GCM, user_id="eve", now=late) is ErrorCode.ROOM_TOKEN_USERID_ERROR

    def test_do_not_repeat_the_token_or_the_secret(self) -> None:
        for token in (GCM[:-8], saying(app_id=2), saying(payload="x"), "04" + GCM):
            with pytest.raises(TokenError) as refused:
                verify(token, 1, SECRET, "demo", NOW)
            assert token[2:20] not in str(refused.value)
            assert SECRET not in str(refused.value)

    def test_do_not_tell_wrong_padding_from_wrong_text(self) -> None:
        """With CBC, the difference would be an oracle: whoever asks often enough could sign."""
        iv, blocks = b"0123456789abcdef", base64.b64decode(CBC[2:])[28:]
        answers = set()
        for last in range(256):
            changed = blocks[:-17] + bytes([last]) + blocks[-16:]
            if changed != blocks:
                with pytest.raises(TokenError) as refused:
                    verify(envelope(iv, changed, b""), 1, SECRET, "demo", NOW)
                answers.add((refused.value.code, str(refused.value)))
        assert len(answers) == 1

    def test_of_a_secret_that_is_none_are_the_callers_fault(self) -> None:
        with pytest.raises(InvalidArgument):
            verify(GCM, 1, "short", "demo", NOW)


@given(st.text())
def test_any_text_is_a_token_error(text: str) -> None:
    for token in (text, "04" + text):
        with pytest.raises(TokenError):
            verify(token, 1, SECRET, "demo", NOW)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_token_error(data: bytes) -> None:
    for token in (envelope(b"n" * 12, data, b"\x01"), envelope(b"n" * 16, data + bytes(-len(data) % 16), b"")):
        with pytest.raises(TokenError):
            verify(token, 1, SECRET, "demo", NOW)


@given(
    st.dictionaries(
        st.sampled_from(["room_id", "privilege", "stream_id_list", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=3),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["1", "2", "3"]), inner),
        ),
    )
)
def test_any_payload_is_privileges_or_a_token_error(payload: dict[str, object]) -> None:
    """A signer's mistake lets in nobody who was not meant."""
    token = saying(payload=json.dumps(payload))
    granted = payload.get("privilege")
    try:
        said = verify(token, 1, SECRET, "demo", NOW)
    except TokenError:
        assert code_of(token) is ErrorCode.ROOM_TOKEN_FORMAT_ERROR
        return
    assert said.privileges is not None
    assert isinstance(granted, dict)
    assert said.privileges.room_id == payload["room_id"] != ""
    assert (said.privileges.may_login, said.privileges.may_publish) == (granted.get("1") == 1, granted.get("2") == 1)


def test_what_is_not_granted_is_denied() -> None:
    said = verify(saying(payload='{"room_id":"r","privilege":{}}'), 1, SECRET, "demo", NOW)
    assert said.privileges == Privileges("r", may_login=False, may_publish=False)


def test_an_empty_list_of_streams_allows_any() -> None:
    for streams in ([], None):
        said = verify(saying(payload=privilege_payload("r", stream_ids=streams)), 1, SECRET, "demo", NOW)
        assert said.privileges is not None and said.privileges.stream_ids is None


def test_is_at_hand_where_the_package_is() -> None:
    assert zego_widget.tokens is tokens
    assert set(tokens.__all__) >= {"Token", "TokenError", "sign", "verify"}


def test_a_payload_that_no_hub_would_take_is_not_signed() -> None:
    with pytest.raises(InvalidArgument):
        sign(1, "demo", SECRET, 60, b"bytes")  # type: ignore[arg-type]
