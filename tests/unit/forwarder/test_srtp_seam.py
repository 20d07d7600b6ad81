"""What `srtp` uses below pylibsrtp's public names does what pylibsrtp does.

Red after an update of pylibsrtp: read what changed there, mend `srtp`, then the bound in pyproject.toml.
"""

from __future__ import annotations

import gc
from struct import pack

import pylibsrtp
import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES

from zego_widget.forwarder import rtcp
from zego_widget.forwarder.rtp import FIXED_HEADER
from zego_widget.forwarder.srtp import Srtp

KEY = bytes(range(46))
PROFILES = [profile.libsrtp_profile for profile in SRTP_PROFILES]


def session(profile: int, direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=KEY, ssrc_type=direction, srtp_profile=profile)
    policy.window_size = 1024
    return pylibsrtp.Session(policy)


def outbound(profile: int) -> pylibsrtp.Session:
    return session(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)


def inbound(profile: int) -> pylibsrtp.Session:
    return session(profile, pylibsrtp.Policy.SSRC_ANY_INBOUND)


def rtp(sequence_number: int, length: int = 1200) -> bytes:
    return FIXED_HEADER.pack(0x80, 96, sequence_number, 3000 * sequence_number, 0x1234) + bytes(length)


@pytest.mark.parametrize("profile", PROFILES)
def test_packets_are_those_that_pylibsrtp_makes(profile: int) -> None:
    ours, theirs = Srtp(outbound(profile)), outbound(profile)
    for number, length in enumerate((0, 1, 100, 1200, 1300)):
        assert ours.protect(rtp(number, length)) == theirs.protect(rtp(number, length))
    report = rtcp.picture_loss(1, 2)
    assert ours.protect_rtcp(report) == theirs.protect_rtcp(report)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_burst_is_what_its_packets_are_one_by_one(profile: int) -> None:
    ours, theirs = Srtp(outbound(profile)), outbound(profile)
    packets = [rtp(number, length) for number, length in enumerate((0, 1, 1200, 1300))]
    pieces = [(packet[:12], packet[12:]) for packet in packets]
    assert ours.protect_all(pieces) == [theirs.protect(packet) for packet in packets]


def test_of_a_burst_only_what_cannot_be_sent_is_left_out() -> None:
    ours, theirs = Srtp(outbound(PROFILES[0])), outbound(PROFILES[0])
    good = [rtp(1), rtp(2)]
    burst = [(good[0][:12], good[0][12:]), (b"", b"\x80"), (rtp(7)[:12], bytes(65_000)), (good[1][:12], good[1][12:])]
    assert ours.protect_all(burst) == [theirs.protect(packet) for packet in good]


@pytest.mark.parametrize("profile", PROFILES)
def test_packets_come_back_as_they_were(profile: int) -> None:
    sender, receiver = Srtp(outbound(profile)), Srtp(inbound(profile))
    packets = [rtp(number, length) for number, length in enumerate((1200, 0, 1300, 1500))]
    assert [receiver.unprotect(sender.protect(packet)) for packet in packets] == packets
    report = rtcp.picture_loss(1, 2)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(report)) == report


@pytest.mark.parametrize("profile", PROFILES)
def test_what_libsrtp_refuses_is_pylibsrtps_error(profile: int) -> None:
    sender, receiver = Srtp(outbound(profile)), Srtp(inbound(profile))
    protected = sender.protect(rtp(1))
    receiver.unprotect(protected)
    with pytest.raises(pylibsrtp.Error, match="replay"):
        receiver.unprotect(protected)
    with pytest.raises(pylibsrtp.Error, match="authentication"):
        receiver.unprotect(sender.protect(rtp(2))[:-1] + b"\0")
    for short in (b"", b"\x80", pack("!BB", 0x80, 200)):
        for function in (receiver.unprotect, receiver.unprotect_rtcp, sender.protect, sender.protect_rtcp):
            with pytest.raises(pylibsrtp.Error):
                function(short)
    assert receiver.unprotect(sender.protect(rtp(3))) == rtp(3)


def test_what_is_too_long_is_refused() -> None:
    sender, receiver = Srtp(outbound(PROFILES[0])), Srtp(inbound(PROFILES[0]))
    for function in (sender.protect, sender.protect_rtcp, receiver.unprotect, receiver.unprotect_rtcp):
        with pytest.raises(ValueError, match="too long"):
            function(rtp(1, 65_000))


def test_the_state_lives_as_long_as_a_function_does() -> None:
    protect = Srtp(outbound(PROFILES[0])).protect
    gc.collect()
    assert protect(rtp(1)) == outbound(PROFILES[0]).protect(rtp(1))
