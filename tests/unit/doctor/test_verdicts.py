"""What `zego-widget doctor` says of which facts."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from zego_widget.doctor import Finding, Verdict, as_json, as_text, can_call
from zego_widget.doctor.hub import (
    HttpAnswer,
    judge_clock,
    judge_directory,
    judge_hub,
    judge_link,
    judge_login,
    judge_protocol,
    judge_secret,
    judge_upgrade,
)
from zego_widget.doctor.machine import judge_buffers, judge_files, judge_loop
from zego_widget.doctor.media import PathFacts, judge_paths
from zego_widget.doctor.versions import KNOWN, judge_package, judge_python, numbers

OK, LIMITED, BROKEN, UNKNOWN = Verdict.OK, Verdict.LIMITED, Verdict.BROKEN, Verdict.UNKNOWN
URL = "http://127.0.0.1:4711"
MIB = 1 << 20
known = {each.package: each for each in KNOWN}

UDP_WORKS = PathFacts("udp", ("192.0.2.1:40404",), 0.002, 0.006, "192.0.2.1:40404")
UDP_BLOCKED = PathFacts("udp", ("192.0.2.1:40404",), reason="nothing came back")
TCP_WORKS = PathFacts("tcp", ("192.0.2.1:40404",), 0.001, 0.003, "192.0.2.1:40404")
TCP_BLOCKED = PathFacts("tcp", ("192.0.2.1:40404",), reason="Connection refused")

TABLE: list[tuple[Finding, Verdict, str]] = [
    (judge_python((3, 11, 7), "1.0", 3), OK, "Python 3.11.7"),
    (judge_python((3, 10, 1), "1.0", 3), BROKEN, "too old"),
    (judge_package(known["ipykernel"], "7.4.0"), OK, "known to work"),
    (judge_package(known["ipykernel"], "7.1.0rc1"), OK, "known to work"),
    (judge_package(known["ipykernel"], "7.0.1"), LIMITED, "while a cell runs"),
    (judge_package(known["ipykernel"], "6.29.5"), LIMITED, "while a cell runs"),
    (judge_package(known["ipykernel"], "8.0.0"), LIMITED, "newer than any"),
    (judge_package(known["ipykernel"], None), UNKNOWN, "not installed"),
    (judge_package(known["jupyterlab"], "4.4.0"), OK, "known to work"),
    (judge_package(known["jupyterlab"], "4.3.9"), LIMITED, "subshells"),
    (judge_package(known["anywidget"], None), BROKEN, "not installed"),
    (judge_loop("linux", "0.21.0"), OK, "uvloop 0.21.0"),
    (judge_loop("linux", None), LIMITED, "not installed"),
    (judge_loop("win32", None), OK, "no uvloop for Windows"),
    (judge_buffers(4 * MIB, 4 * MIB), OK, "4 MiB"),
    (judge_buffers(212992, 4 * MIB), LIMITED, "208 KiB to receive"),
    (judge_files(None), OK, "any number of"),
    (judge_files(4096), OK, "4096"),
    (judge_files(1024), LIMITED, "only 1024"),
    (judge_files(64), BROKEN, "only 64"),
    (judge_directory("/run/user/7/zego-widget", None), OK, "is private"),
    (judge_directory("", "It is open to other users."), BROKEN, "open to other users"),
    (judge_hub(URL, HttpAnswer(200, "1.0", 3, 42), started=False, named=False), OK, "process 42"),
    (judge_hub(URL, HttpAnswer(200, "1.0", 3, 42), started=True, named=False), OK, "No hub runs now"),
    (judge_hub(URL, HttpAnswer(401), started=False, named=True), OK, URL),
    (judge_hub(URL, HttpAnswer(200), started=False, named=True), BROKEN, "is no hub"),
    (judge_hub(URL, HttpAnswer(404), started=False, named=True), BROKEN, "status 404"),
    (judge_hub(URL, None, started=False, named=True, reason="it is not there"), BROKEN, "it is not there"),
    (judge_secret(HttpAnswer(200, "1.0", 3), given=True), OK, "accepts"),
    (judge_secret(HttpAnswer(401), given=True), BROKEN, "does not accept"),
    (judge_secret(HttpAnswer(401), given=False), UNKNOWN, "no secret"),
    (judge_protocol(HttpAnswer(200, "1.0", 3), "1.0", 3), OK, "protocol 3"),
    (judge_protocol(HttpAnswer(200, "0.9", 2), "1.0", 3), BROKEN, "speaks 3"),
    (judge_protocol(HttpAnswer(200, "1.1", 4), "1.0", 3), BROKEN, "protocol 4"),
    (judge_protocol(HttpAnswer(200, "0.9", 2, gives_way=True), "1.0", 3), OK, "the next call replaces it"),
    (judge_clock(HttpAnswer(200, clock_ahead=-4.9)), OK, "agree"),
    (judge_clock(HttpAnswer(401, clock_ahead=5.5, clock_error=1.0)), OK, "agree"),
    (judge_clock(HttpAnswer(200, clock_ahead=61.0)), LIMITED, "61 s ahead of ours"),
    (judge_clock(HttpAnswer(200, clock_ahead=-3600.0)), LIMITED, "3600 s behind ours"),
    (judge_clock(HttpAnswer(200)), UNKNOWN, "does not say"),
    (judge_link(None), OK, "greets"),
    (judge_link("It closed the connection."), BROKEN, "closed the connection"),
    (judge_upgrade(401), OK, "can be reached"),
    (judge_upgrade(None), BROKEN, "nothing came back"),
    (judge_upgrade(400), BROKEN, "HTTP status 400"),
    (judge_login(None, has_app=True), OK, "log in"),
    (judge_login("The token has expired.", has_app=True), BROKEN, "expired"),
    (judge_login(None, has_app=False), UNKNOWN, "no app"),
    (judge_paths(UDP_WORKS, TCP_WORKS)[0], OK, "over UDP at 192.0.2.1:40404: an answer after 2 ms"),
    (judge_paths(UDP_WORKS, TCP_WORKS)[1], OK, "over TCP at 192.0.2.1:40404"),
    (judge_paths(UDP_BLOCKED, TCP_WORKS)[0], LIMITED, "over UDP (192.0.2.1:40404): nothing came back"),
    (judge_paths(UDP_WORKS, TCP_BLOCKED)[1], LIMITED, "over TCP (192.0.2.1:40404): Connection refused"),
    (judge_paths(UDP_BLOCKED, TCP_BLOCKED)[0], BROKEN, "nothing came back"),
    (judge_paths(UDP_BLOCKED, TCP_BLOCKED)[1], BROKEN, "Connection refused"),
]


@pytest.mark.parametrize(("finding", "verdict", "words"), TABLE)
def test_each_fact_has_its_verdict(finding: Finding, verdict: Verdict, words: str) -> None:
    assert finding.verdict is verdict and words in finding.sentence, finding


@pytest.mark.parametrize("finding", [row[0] for row in TABLE])
def test_what_is_wrong_comes_with_what_to_do(finding: Finding) -> None:
    assert finding.sentence.endswith(".") and "\n" not in finding.sentence
    if finding.verdict in (LIMITED, BROKEN):
        assert finding.advice.endswith(".") and "\n" not in finding.advice
    if finding.verdict is OK:
        assert not finding.advice


def test_what_is_broken_stands_in_the_way_and_what_is_essential_and_was_not_looked_at() -> None:
    assert not can_call([judge_login(None, has_app=False)])
    assert can_call([judge_clock(HttpAnswer(200))])
    assert can_call(judge_paths(UDP_BLOCKED, TCP_WORKS))
    assert not can_call(judge_paths(UDP_BLOCKED, TCP_BLOCKED))


@pytest.mark.parametrize(
    ("findings", "last"),
    [
        ([judge_link(None)], "A call can work."),
        ([judge_link(None), *judge_paths(UDP_BLOCKED, TCP_WORKS)], "A call can work, with limits: udp."),
        (judge_paths(UDP_BLOCKED, TCP_BLOCKED), "A call can not work before this is mended: udp, tcp."),
        ([judge_package(known["ipykernel"], None)], "A call can work."),
        (
            [judge_secret(HttpAnswer(401), given=False)],
            "Nobody can say whether a call can work before this was looked at: secret.",
        ),
    ],
)
def test_the_last_line_is_the_conclusion(findings: list[Finding], last: str) -> None:
    lines = as_text(findings).splitlines()
    assert lines[-1] == last
    assert sum(line.lstrip().startswith("-> ") for line in lines) == sum(bool(each.advice) for each in findings)
    content = json.loads(as_json(findings))
    assert content["conclusion"] == last and content["can_call"] is can_call(findings)
    assert [each["check"] for each in content["findings"]] == [each.check for each in findings]


@pytest.mark.parametrize(
    ("version", "expected"), [("4.6.0rc1", (4, 6, 0)), ("7", (7,)), ("0.9.18.dev3", (0, 9, 18)), ("odd", ())]
)
def test_versions_count_by_their_numbers(version: str, expected: tuple[int, ...]) -> None:
    assert numbers(version) == expected


def test_what_this_package_asks_for_is_known_to_work() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())["project"]
    wanted = {
        line.partition(">=")[0]: line.partition(">=")[2].partition(",<")
        for line in [*project["dependencies"], *project["optional-dependencies"]["lab"]]
    }
    for each in KNOWN:
        oldest, _, below = wanted[each.package]
        assert each.works_from <= numbers(oldest) and numbers(below) <= (*each.below, 0)
