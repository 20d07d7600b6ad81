"""Verdicts on the hub: its directory, whether it answers, its secret, its version, its clock, and a login."""

from __future__ import annotations

from dataclasses import dataclass

from .finding import Finding, Verdict

FAIR_CLOCK = 5.0
"""Seconds of difference that nobody notices."""
WRONG_CLOCK = 300.0
"""Seconds of difference with which tokens for a short time are refused, or last too long."""
OLDEST_PROTOCOL_ADVICE = "Run `zego-widget stop`; the next call starts a new hub."


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """How something answered a request for the status of a hub."""

    status: int
    version: str | None = None
    """None where it gave no status that can be read."""
    protocol: int | None = None
    pid: int | None = None
    clock_ahead: float | None = None
    """Seconds that its clock is ahead of ours (less than 0: behind); None where it does not say."""
    clock_error: float = 0.0
    """Seconds by which that may be wrong."""
    gives_way: bool = False
    """Whether it ends for a hub of another version."""


def judge_directory(path: str, refusal: str | None) -> Finding:
    """The runtime directory: `refusal` is the sentence with which it was refused."""
    if refusal is None:
        return Finding("directory", Verdict.OK, f"The runtime directory {path} is private.")
    advice = "Make it yours alone (`chmod 700`), or name another one in ZEGO_WIDGET_RUNTIME_DIR."
    return Finding("directory", Verdict.BROKEN, refusal, advice)


def judge_hub(url: str, answer: HttpAnswer | None, *, started: bool, named: bool, reason: str = "") -> Finding:
    """Whether a hub answers at `url`: one that was `started` for this, one that was `named`, or the one that runs."""
    if answer is None:
        where = f" at {url}" if url else ""
        advice = (
            "Start it there (`zego-widget serve`), and see that this machine may reach that port."
            if named
            else "Run `zego-widget stop` and try again; hub.log in the runtime directory says more."
        )
        return Finding("hub", Verdict.BROKEN, f"No hub answers{where}: {reason or 'nothing listens there'}.", advice)
    if answer.status not in (200, 401) or (answer.status == 200 and answer.protocol is None):
        sentence = f"What answers at {url} is no hub (HTTP status {answer.status})."
        return Finding("hub", Verdict.BROKEN, sentence, "Name the address that `zego-widget serve` prints.")
    if started:
        return Finding("hub", Verdict.OK, "No hub runs now; one can be started and ended (it was, for this).")
    process = f" (process {answer.pid})" if answer.pid else ""
    return Finding("hub", Verdict.OK, f"A hub answers at {url}{process}.")


def no_hub_yet() -> Finding:
    """Nobody has called yet, or for a while."""
    return Finding("hub", Verdict.OK, "No hub runs now; the next call starts one.")


def judge_secret(answer: HttpAnswer, *, given: bool) -> Finding:
    """Whether the hub accepts the secret, if there is one to show."""
    if answer.status == 200:
        return Finding("secret", Verdict.OK, "The hub accepts our secret.")
    if not given:
        return Finding(
            "secret",
            Verdict.UNKNOWN,
            "There is no secret to show to this hub, so login and media were not tried.",
            "Name a file of mode 0600 with its secret, such as its hub.json, with --secret-file.",
        )
    return Finding(
        "secret",
        Verdict.BROKEN,
        "The hub does not accept our secret; it may have been started by someone else, or anew.",
        "Take the secret from its present hub.json; on this machine `zego-widget stop` and the next call start afresh.",
    )


def judge_protocol(answer: HttpAnswer, own_version: str, own_protocol: int) -> Finding:
    """Whether the hub speaks our protocol."""
    if answer.protocol == own_protocol:
        return Finding(
            "protocol", Verdict.OK, f"The hub is zego-widget {answer.version}, which speaks protocol {own_protocol}."
        )
    sentence = (
        f"The hub is zego-widget {answer.version}, which speaks protocol {answer.protocol}; this one ({own_version}) "
        f"speaks {own_protocol}."
    )
    if answer.gives_way:
        return Finding("protocol", Verdict.OK, f"{sentence[:-1]}, but nobody is on it: the next call replaces it.")
    older = (answer.protocol or 0) < own_protocol
    advice = OLDEST_PROTOCOL_ADVICE if older else "Update zego-widget here, and restart the kernel."
    return Finding("protocol", Verdict.BROKEN, sentence, advice)


def judge_clock(answer: HttpAnswer) -> Finding:
    """Whether the hub's time of day is ours; the validity of tokens is decided by the hub's."""
    ahead = answer.clock_ahead
    if ahead is None:
        return Finding("clock", Verdict.UNKNOWN, "The hub does not say what time it has.")
    off = abs(ahead)
    if off <= FAIR_CLOCK + answer.clock_error:
        return Finding(
            "clock", Verdict.OK, "The hub's clock and ours agree within a few seconds; tokens are valid in time."
        )
    direction, effect = (
        ("ahead of", "tokens end that much earlier than they say")
        if ahead > 0
        else ("behind", "tokens last that much longer than they say")
    )
    mended = "Set both clocks by NTP."
    if ahead > WRONG_CLOCK:
        mended = f"Set both clocks by NTP; until then sign tokens for {off:.0f} s longer."
    sentence = f"The hub's clock is {off:.0f} s {direction} ours: {effect}."
    return Finding("clock", Verdict.LIMITED, sentence, mended)


def judge_link(refusal: str | None) -> Finding:
    """The WebSocket that a kernel talks over."""
    if refusal is None:
        return Finding("websocket", Verdict.OK, "The hub greets back on its WebSocket.")
    return Finding(
        "websocket",
        Verdict.BROKEN,
        f"The hub can not be talked to on its WebSocket: {refusal}",
        "A proxy on the way must let WebSockets through; on this machine `zego-widget stop` and try again.",
    )


def judge_upgrade(status: int | None) -> Finding:
    """The WebSocket of a hub to which there is no secret to show: its refusal (401) is as good as an answer."""
    if status == 401:
        return Finding("websocket", Verdict.OK, "The hub's WebSocket can be reached; it asks for the secret.")
    what = "nothing came back" if status is None else f"HTTP status {status}"
    return Finding(
        "websocket",
        Verdict.BROKEN,
        f"The hub's WebSocket can not be reached ({what}).",
        "A proxy on the way must let WebSockets through.",
    )


def judge_login(refusal: str | None, *, has_app: bool) -> Finding:
    """A login to a room of its own."""
    if not has_app:
        return Finding(
            "login",
            Verdict.UNKNOWN,
            "There is no app to log in to, so login and media were not tried.",
            "Give ZEGO_APP_ID with ZEGO_APP_SIGN or ZEGO_SERVER_SECRET in the environment.",
        )
    if refusal is None:
        return Finding("login", Verdict.OK, "A user can log in to a room.")
    return Finding(
        "login",
        Verdict.BROKEN,
        f"The hub refuses a login: {refusal}",
        "Look at app ID, app sign and server secret, which have to be those of the hub, and at the clock.",
    )
