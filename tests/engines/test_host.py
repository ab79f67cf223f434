"""What the engine process does when an engine stumbles, and what it leaves behind when it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import tiny_audio_model

from vivavoce.audio import Audio
from vivavoce.children import Report
from vivavoce.engines.admission import Admission
from vivavoce.engines.host import EngineHost, streams_fed
from vivavoce.engines.process import EngineProcess
from vivavoce.engines.remote import Connection, one
from vivavoce.engines.spec import AdmissionLimits, EngineSpec
from vivavoce.errors import EngineFailed
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker
from vivavoce.turn import Engines


class Unplugged(ScriptedSpeaker):
    """An engine that loses a connection of its own."""

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        raise BrokenPipeError("text of the answer")


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncGenerator[Connection, None]:
    host = EngineHost(Engines(ScriptedListener(), ScriptedThinker(), Unplugged()), Admission(AdmissionLimits()))
    path = str(tmp_path / "engine.sock")
    async with await asyncio.start_unix_server(host.serve, path):
        connection = await Connection.open(path)
        yield connection
        await connection.close()


async def test_an_engine_that_loses_its_own_connection_has_failed(connection: Connection) -> None:
    with pytest.raises(EngineFailed, match="BrokenPipeError") as caught:
        await asyncio.wait_for(one(connection.call("speak", "hello", "af_heart", 1.0)), 10)
    assert "text of the answer" not in caught.value.message


@pytest.fixture
def temporary() -> Generator[Path, None, None]:
    """Not in pytest's own: the name of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        yield Path(folder)


async def test_engines_leave_nothing_on_the_disk(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not of a life that was killed."""
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    model = tiny_audio_model.write_model(tmp_path / "model", None)
    spec = EngineSpec("scripted:hi", f"llamacpp:{model}", "scripted:hum", str(tmp_path), context_tokens=512, slots=1)
    reports: asyncio.Queue[Report] = asyncio.Queue()

    async def ready() -> None:
        while (report := await asyncio.wait_for(reports.get(), 60)).state != "ready":
            assert report.failure is None, report

    async with EngineProcess(spec, reports.put_nowait) as process:
        await ready()
        assert list(temporary.rglob("llama.sock")), "there is something to leave"
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await ready()
        assert len(list(temporary.rglob("llama.sock"))) == 1
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("think", "gpu_layers", "fed"), [("llamacpp:m", None, 2), ("llamacpp:m", 20, 9), ("openai:m", None, 9)]
)
def test_who_thinks_on_the_same_cores_speaks_less_at_once(think: str, gpu_layers: int | None, fed: int) -> None:
    spec = EngineSpec("whisper:m", think, "kokoro:m", "none", threads=2, slots=4, think_gpu_layers=gpu_layers)
    assert streams_fed(9, spec) == fed, "slots are no limit: a remote thinker may have more"
    assert streams_fed(1, spec) == 1
