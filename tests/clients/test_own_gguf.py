"""GGUF folders of the user's own, through `viva serve`: one that hears, one that kills llama.cpp, one that is missing.

Ears and mouth are scripted, so no weights are needed.
"""

from __future__ import annotations

import base64
import io
import subprocess
import time
import wave
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest
import tiny_audio_model
from real_servers import VIVA, RealServer, serving

pytestmark = pytest.mark.slow

OWN_EARS_AND_MOUTH = {"VIVA_LISTEN": "scripted:what is two plus two", "VIVA_SPEAK": "scripted:hum", "VIVA_SLOTS": "2"}


def ask(server: RealServer) -> openai.types.chat.ChatCompletion:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((np.random.default_rng(1).standard_normal(32_000) * 3000).astype("<i2").tobytes())
    data = base64.b64encode(buffer.getvalue()).decode()
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    return server.client.chat.completions.create(
        model="gpt-4o-audio-preview",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
        max_tokens=90,
        messages=[{"role": "user", "content": [part]}],  # type: ignore[list-item]
    )


def health(server: RealServer) -> str:
    try:
        return httpx.get(f"{server.url}/health").text
    except httpx.TransportError:
        return "not listening yet"


def test_a_model_that_hears_answers_aloud(tmp_path: Path) -> None:
    folder = tiny_audio_model.write_model(tmp_path / "own", "ultravox")
    with serving(VIVA_THINK=f"llamacpp:{folder}", **OWN_EARS_AND_MOUTH) as server:
        answer = ask(server)
    audio = answer.choices[0].message.audio
    assert audio is not None
    assert audio.transcript.strip()
    assert base64.b64decode(audio.data).startswith(b"RIFF")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.audio_tokens == 20


def test_a_model_that_kills_llama_cpp_is_told_not_waited_for(tmp_path: Path) -> None:
    """A width that llama.cpp asserts against when it first hears, which is while we warm up."""
    folder = tiny_audio_model.write_model(tmp_path / "own", "ultravox")
    tiny_audio_model.write_projector(folder / "mmproj.gguf", "ultravox", ear_width=32)
    with serving(warm=False, VIVA_THINK=f"llamacpp:{folder}", **OWN_EARS_AND_MOUTH) as server:
        deadline_s = time.monotonic() + 60
        while "before it was ready" not in (status := health(server)):
            assert time.monotonic() < deadline_s, status
            time.sleep(0.1)
        with pytest.raises(openai.InternalServerError, match="ended before it was ready") as caught:
            ask(server)
        assert caught.value.status_code == 503
        log = server.log.read_text()
        assert "Invalid number of output tokens" in log, "llama.cpp's last word"
        assert "#0 " not in log, "no trace: its arguments may be what somebody said"


def test_a_folder_that_is_not_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = ["env", f"VIVA_THINK=llamacpp:{tmp_path}/nowhere", *(f"{k}={v}" for k, v in OWN_EARS_AND_MOUTH.items())]
    done = subprocess.run([*settings, *VIVA, "serve", "--port", "0"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert f"No GGUF model at {tmp_path}/nowhere" in done.stderr
    assert "Traceback" not in done.stderr
