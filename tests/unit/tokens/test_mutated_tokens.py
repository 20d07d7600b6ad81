"""10,000 tokens that were changed on the way: each is refused with a token error, and with nothing else."""

from __future__ import annotations

import base64
import random
import string
from collections import Counter
from collections.abc import Callable

from tests.unit.tokens.samples import CBC, CBC_WITH_PRIVILEGES, GCM, NOW, SECRET, saying
from zego_widget.errors import ErrorCode
from zego_widget.tokens import TokenError, privilege_payload, verify

MUTATIONS = 10_000
TOKEN_CODES = {ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED, ErrorCode.ROOM_NO_TOKEN} | {
    code for code in ErrorCode if code.name.startswith("ROOM_TOKEN_") and not code.name.endswith("KICKED_OUT")
}
BASE64 = string.ascii_letters + string.digits + "+/="

Mutate = Callable[[random.Random, str], str]


def change_a_character(dice: random.Random, token: str) -> str:
    where = dice.randrange(len(token))
    return token[:where] + dice.choice(BASE64) + token[where + 1 :]


def insert_a_character(dice: random.Random, token: str) -> str:
    where = dice.randrange(len(token) + 1)
    return token[:where] + dice.choice(BASE64 + "\n é\x00") + token[where:]


def leave_some_out(dice: random.Random, token: str) -> str:
    start = dice.randrange(len(token))
    return token[:start] + token[start + dice.randint(1, 8) :]


def cut_off(dice: random.Random, token: str) -> str:
    return token[: dice.randrange(len(token))]


def swap_two_pieces(dice: random.Random, token: str) -> str:
    first, second, third = sorted(dice.sample(range(len(token) + 1), 3))
    return token[:first] + token[second:third] + token[first:second] + token[third:]


def flip_bits(dice: random.Random, token: str) -> str:
    data = bytearray(base64.b64decode(token[2:]))
    for _ in range(dice.randint(1, 4)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return "04" + base64.b64encode(data).decode()


def flip_a_bit_of_the_header(dice: random.Random, token: str) -> str:
    data = bytearray(base64.b64decode(token[2:]))
    data[dice.choice([*range(10), -1])] ^= 1 << dice.randrange(8)
    return "04" + base64.b64encode(data).decode()


def swap_two_blocks(dice: random.Random, token: str) -> str:
    data = base64.b64decode(token[2:])
    first, second = sorted(dice.sample(range(28, len(data) - 16, 16), 2))
    changed = data[:first] + data[second : second + 16] + data[first + 16 : second] + data[first : first + 16]
    return "04" + base64.b64encode(changed + data[second + 16 :]).decode()


def say_other_bytes(dice: random.Random, token: str) -> str:
    data = base64.b64decode(token[2:])
    start = dice.randrange(len(data))
    return "04" + base64.b64encode(data[:start] + dice.randbytes(dice.randrange(64))).decode()


def go_on_as_another(dice: random.Random, token: str) -> str:
    other = dice.choice([CBC, CBC_WITH_PRIVILEGES, GCM])
    where = dice.randrange(len(token))
    return token[:where] + other[where:]


ALL: list[Mutate] = [
    change_a_character,
    insert_a_character,
    leave_some_out,
    cut_off,
    swap_two_pieces,
    flip_bits,
    flip_a_bit_of_the_header,
    swap_two_blocks,
    say_other_bytes,
    go_on_as_another,
]


def test_10000_mutated_tokens_are_each_a_token_error() -> None:
    dice = random.Random(4)
    ours = saying(payload=privilege_payload("demo", publish=True, stream_ids=["main"]))
    good = [CBC, CBC_WITH_PRIVILEGES, GCM, ours]
    codes: Counter[ErrorCode] = Counter()
    while codes.total() < MUTATIONS:
        token = ALL[codes.total() % len(ALL)](dice, dice.choice(good))
        if token in good:
            continue
        try:
            verify(token, 1, SECRET, "demo", NOW)
        except TokenError as error:
            codes[error.code] += 1
        else:
            raise AssertionError(f"mutation {codes.total()} was let in: {token}")
    assert set(codes) <= TOKEN_CODES
    assert len(codes) >= 4, f"the mutations all end at the same check: {codes}"
