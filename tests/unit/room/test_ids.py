"""What room, user and stream IDs may be, at the borders of each rule."""

import pytest

from zego_widget.errors import ErrorCode, Refused
from zego_widget.model import User
from zego_widget.room import ids

PUNCTUATION = "~!@#$%^&*()_+=-`;',.<>/"


def code_of(check, text):
    """0 where the check lets the text pass, else the code it refuses with."""
    refusal = None
    try:
        check(text)
    except Refused as refused:
        refusal = refused
    if refusal is None:
        return ErrorCode.SUCCESS
    assert refusal.message.endswith(".")
    assert refusal.message.isprintable()
    assert len(refusal.message) < 200
    return refusal.code


def user_id_check(user_id):
    ids.check_user(User(user_id, "Name"))


@pytest.mark.parametrize(
    ("room_id", "code"),
    [
        ("", ErrorCode.ROOM_ROOMID_NULL),
        ("a", ErrorCode.SUCCESS),
        ("a" * 127, ErrorCode.SUCCESS),
        ("a" * 128, ErrorCode.SUCCESS),
        ("a" * 129, ErrorCode.ROOM_ROOMID_TOO_LONG),
        ("é" * 64, ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
        ("é" * 65, ErrorCode.ROOM_ROOMID_TOO_LONG),
        (PUNCTUATION, ErrorCode.SUCCESS),
        ("two words", ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
        ("back\\slash", ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
        ("colon:", ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
        ("line\nfeed", ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
        ("nul\0", ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
        ("\ud800", ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
        ("٣", ErrorCode.ROOM_ROOMID_INVALID_CHARACTER),
    ],
)
def test_room_id(room_id, code):
    assert code_of(ids.check_room_id, room_id) == code


@pytest.mark.parametrize(
    ("user_id", "code"),
    [
        ("", ErrorCode.ROOM_USER_ID_NULL),
        ("a" * 63, ErrorCode.SUCCESS),
        ("a" * 64, ErrorCode.SUCCESS),
        ("a" * 65, ErrorCode.ROOM_USER_ID_TOO_LONG),
        ("ü" * 32, ErrorCode.ROOM_USER_ID_INVALID_CHARACTER),
        ("ü" * 33, ErrorCode.ROOM_USER_ID_TOO_LONG),
        (PUNCTUATION, ErrorCode.SUCCESS),
        ("al ice", ErrorCode.ROOM_USER_ID_INVALID_CHARACTER),
        ("al\\ice", ErrorCode.ROOM_USER_ID_INVALID_CHARACTER),
        ("al\x1b[31mice", ErrorCode.ROOM_USER_ID_INVALID_CHARACTER),
    ],
)
def test_user_id(user_id, code):
    assert code_of(user_id_check, user_id) == code


@pytest.mark.parametrize(
    ("user_name", "code"),
    [
        ("", ErrorCode.ROOM_USER_NAME_NULL),
        ("n" * 256, ErrorCode.SUCCESS),
        ("n" * 257, ErrorCode.ROOM_USER_NAME_TOO_LONG),
        ("é" * 128, ErrorCode.SUCCESS),
        ("é" * 128 + "n", ErrorCode.ROOM_USER_NAME_TOO_LONG),
        ("王" * 85, ErrorCode.SUCCESS),
        ("王" * 86, ErrorCode.ROOM_USER_NAME_TOO_LONG),
        ("😀" * 64, ErrorCode.SUCCESS),
        ("😀" * 64 + "n", ErrorCode.ROOM_USER_NAME_TOO_LONG),
        ("山田\u3000太郎", ErrorCode.SUCCESS),
        ("<img src=x onerror=alert(1)>", ErrorCode.SUCCESS),
        ("\U0001f469\u200d\U0001f4bb", ErrorCode.SUCCESS),
        ("Ann\nBob", ErrorCode.ROOM_USER_NAME_INVALID_CHARACTER),
        ("Ann\x1b[2J", ErrorCode.ROOM_USER_NAME_INVALID_CHARACTER),
        ("Ann\u202egpj.exe", ErrorCode.ROOM_USER_NAME_INVALID_CHARACTER),
        ("Ann\u2028Bob", ErrorCode.ROOM_USER_NAME_INVALID_CHARACTER),
        ("\udfff", ErrorCode.ROOM_USER_NAME_INVALID_CHARACTER),
    ],
)
def test_user_name(user_name, code):
    assert code_of(ids.check_user_name, user_name) == code


@pytest.mark.parametrize(
    ("stream_id", "code"),
    [
        ("", ErrorCode.COMMON_STREAM_ID_NULL),
        ("s" * 255, ErrorCode.SUCCESS),
        ("s" * 256, ErrorCode.SUCCESS),
        ("s" * 257, ErrorCode.COMMON_STREAM_ID_TOO_LONG),
        ("Az09_-", ErrorCode.SUCCESS),
        ("with.dot", ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER),
        ("with/slash", ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER),
        ("with space", ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER),
        ("ß" * 129, ErrorCode.COMMON_STREAM_ID_TOO_LONG),
    ],
)
def test_stream_id(stream_id, code):
    assert code_of(ids.check_stream_id, stream_id) == code


def test_a_user_without_a_name_is_called_by_the_id():
    user = User("alice")
    ids.check_user(user)
    assert user.user_name == "alice"


def test_a_refused_character_is_shown_as_it_was_typed_and_the_allowed_ones_are_named():
    with pytest.raises(Refused, match=r"contains 'ä'; allowed are A-Z, a-z, digits and ~"):
        ids.check_room_id("räume")
    with pytest.raises(Refused, match=r"contains '\\u202e'"):
        ids.check_room_id("\u202eroom")
