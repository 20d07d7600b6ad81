"""A page on which a person asks what is wrong hears what the kernel sees of itself and of its hub."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from zego_widget import EngineProfile, ExpressEngine, protocol
from zego_widget.hub import discovery
from zego_widget.testing import hub

PATIENCE = 20.0


async def diagnosed(engine: ExpressEngine) -> dict[str, protocol.DiagnosisFinding]:
    """What the engine answers to a page, by check."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[protocol.KernelMessage] = loop.create_future()
    question = protocol.Diagnose("page-1", 7)
    engine._parts.pages.take(question, lambda message: loop.call_soon_threadsafe(answer.set_result, message))
    said = await asyncio.wait_for(answer, PATIENCE)
    assert isinstance(said, protocol.Diagnosis) and (said.page_id, said.request_id) == ("page-1", 7)
    return {finding.check: finding for finding in said.findings}


async def test_with_a_hub_all_is_well() -> None:
    async with hub() as lab:
        found = await diagnosed(lab.engine())
        assert lab.address.url in found["hub"].sentence
        assert lab.address.secret not in repr(found)
    assert {check: finding.verdict for check, finding in found.items()} == dict.fromkeys(
        ("ipykernel", "anywidget", "hub", "protocol", "clock"), "ok"
    )


async def test_many_who_ask_at_once_cost_one_look() -> None:
    async with hub() as lab:
        engine = lab.engine()
        before = len(await diagnosed(engine))
        answers = await asyncio.gather(*(diagnosed(engine) for _ in range(20)))
        assert {len(found) for found in answers} == {before}
        assert lab.status()["sessions"] == 0


async def test_a_hub_that_is_gone_is_named(runtime_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    profile = EngineProfile(app_id=1, app_sign="0" * 64, hub_url=url, hub_secret="s" * 43)
    async with ExpressEngine(profile) as engine:
        found = await diagnosed(engine)
    assert found["hub"].verdict == "broken" and url in found["hub"].sentence and found["hub"].advice


async def test_asking_starts_no_hub(runtime_dir: Path) -> None:
    async with ExpressEngine() as engine:
        found = await diagnosed(engine)
    assert found["hub"].verdict == "ok" and "the next call starts one" in found["hub"].sentence
    assert not (runtime_dir / discovery.HUB_FILE).exists()


async def test_a_directory_open_to_others_is_the_reason(runtime_dir: Path) -> None:
    runtime_dir.mkdir()
    runtime_dir.chmod(0o755)
    async with ExpressEngine() as engine:
        found = await diagnosed(engine)
    assert found["directory"].verdict == "broken" and "0700" in found["directory"].sentence


@pytest.fixture(autouse=True)
def _(runtime_dir: Path) -> None:
    """No test here may look at the hub of whoever runs it."""
