"""The layers of a section of SDP that sends one picture in several sizes (RFC 8851 `a=rid`, RFC 8853 `a=simulcast`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_LAYERS = 3
RID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"

_RID = re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII)  # RFC 8852, section 3.1: letters and digits; shorter than theirs


def sent_rids(lines: Sequence[str]) -> tuple[str, ...]:
    """The RIDs that a section offers to send at once, in its order, at most `MAX_LAYERS`; none without simulcast.

    Of alternatives the first is taken, and whether a layer starts paused is the sender's affair. What does not parse
    is no simulcast: the section is then answered as one that sends one picture.
    """
    declared = {
        parts[0].removeprefix("a=rid:")
        for line in lines
        if line.startswith("a=rid:") and len(parts := line.split()) > 1 and parts[1] == "send"
    }
    simulcast = next((line for line in lines if line.startswith("a=simulcast:")), None)
    if simulcast is None:
        return ()
    words = simulcast.removeprefix("a=simulcast:").split()
    directions = dict(zip(words[::2], words[1::2], strict=False))
    rids: list[str] = []
    for alternatives in directions.get("send", "").split(";"):
        rid = alternatives.split(",")[0].removeprefix("~")
        if rid not in declared or not _RID.fullmatch(rid) or rid in rids:
            return ()
        rids.append(rid)
    return tuple(rids[:MAX_LAYERS]) if len(rids) > 1 else ()


def answer_lines(rids: Sequence[str]) -> list[str]:
    """What an answer says to the layers it takes (RFC 8853, section 5.3.2)."""
    if not rids:
        return []
    return [*(f"a=rid:{rid} recv" for rid in rids), f"a=simulcast:recv {';'.join(rids)}"]
