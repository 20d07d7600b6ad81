"""How much may be said in a room (ZEGO.md section 3). Sizes are UTF-8 bytes, rates are per second."""

MAX_MESSAGE = 1024
MAX_RECIPIENT_ID = 64
MAX_RECIPIENTS = 500
"""Users one command may name; ZEGO takes rooms of up to 500 users."""

# ZEGO's restrictions page says 10 bytes for the key, its error codes 1002015 and 1002016 say 128 for both: the
# codes are what a caller sees, so they decide.
MAX_ROOM_EXTRA_KEY = 128
MAX_ROOM_EXTRA_VALUE = 128
MAX_STREAM_EXTRA_INFO = 1024

USER_BROADCASTS = 2
ROOM_BROADCASTS = 10
ROOM_BARRAGES = 20
COMMANDS_TO_ONE = 200
COMMANDS_TO_SEVERAL = 10
ROOM_EXTRA_INFO_CHANGES = 10
STREAM_EXTRA_INFO_CHANGES = 10
"""Of one user. ZEGO names none; each change is told to the whole room, as a change of the room's is."""

ONLINE_COUNT_INTERVAL = 30.0
"""Seconds between two counts of the users in the room (ZEGO.md section 5)."""

MAX_CLOCK_SKEW = 24 * 3600 * 1000
"""Milliseconds by which the clock of a hub that went down may have been ahead of ours: bounds what clients bring along
from there."""

STREAMS_TOLD_AT_ONCE = 16
USERS_TOLD_AT_ONCE = 200
"""More are told in several messages; what a newcomer is told first holds as many of both. With the longest names and
texts that is still less than the 256 KiB that a browser takes in one message of a data channel."""


def size(text: str) -> int:
    """UTF-8 bytes of a text."""
    return len(text.encode("utf-8", "surrogatepass"))
