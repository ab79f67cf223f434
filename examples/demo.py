"""A spoken question in, a spoken answer out, through a real server and the official `openai` client.

    python examples/demo.py                 asks a question spoken by one of our own voices
    python examples/demo.py question.wav    asks yours

Starts `viva serve` on a free loopback port, prints what was heard and answered, tokens and time to first sound, and
writes `answer.wav`.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
from openai import OpenAI

QUESTION = "Why is the sky blue? Tell me in two short sentences."
VIVA = Path(sys.executable).with_name("viva")


@contextmanager
def server() -> Iterator[str]:
    """A server of our own for as long as the block runs; yields its base URL once it is warm."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([VIVA, "serve", "--port", "0"], stderr=log)
        try:
            yield wait_until_warm(process, log)
        finally:
            process.terminate()
            process.wait(30)


def wait_until_warm(process: subprocess.Popen[bytes], log: IO[str]) -> str:
    for _ in range(1200):
        log.seek(0)
        text = log.read()
        found = re.search(r"http://[\d.]+:\d+", text)
        if process.poll() is not None:
            sys.exit(f"the server did not start:\n{text}")
        if found:
            try:
                if httpx.get(f"{found[0]}/health").status_code == 200:
                    return f"{found[0]}/v1"
            except httpx.TransportError:
                pass
        time.sleep(0.1)
    sys.exit("the server did not become warm within two minutes")


def spoken_question(given: list[str], folder: Path) -> Path:
    if given:
        return Path(given[0])
    question = folder / "question.mp3"
    print(f"asking    “{QUESTION}” (spoken by our voice nova, sent as mp3)")
    subprocess.run([VIVA, "speak", QUESTION, "-o", question, "--voice", "nova"], check=True, capture_output=True)
    return question


def ask(base_url: str, question: Path) -> None:
    client = OpenAI(base_url=base_url, api_key=os.environ.get("VIVA_API_KEY", "none"))
    recording = base64.b64encode(question.read_bytes()).decode()
    started_s = time.perf_counter()
    stream = client.chat.completions.create(
        model="gpt-4o-mini-audio-preview",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "input_audio", "input_audio": {"data": recording, "format": "mp3"}},  # pyright: ignore
                ],
            }
        ],
        stream=True,
        stream_options={"include_usage": True},
    )
    sound, first_sound_s, usage = b"", None, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            for heard in getattr(choice.delta, "heard", None) or []:
                print(f"heard     “{heard['transcript']}” ({heard['language']})\nanswered  ", end="")
            audio = choice.delta.audio
            if audio and audio.transcript:
                print(audio.transcript, end="", flush=True)
            if audio and audio.data:
                first_sound_s = first_sound_s or time.perf_counter() - started_s
                sound += base64.b64decode(audio.data)
    total_s = time.perf_counter() - started_s
    with wave.open("answer.wav", "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(sound)
    if usage and usage.prompt_tokens_details and usage.completion_tokens_details:
        asked, answered = usage.prompt_tokens_details, usage.completion_tokens_details
        print(
            f"\ntokens    in {asked.audio_tokens} audio + {usage.prompt_tokens - (asked.audio_tokens or 0)} text, "
            f"out {answered.audio_tokens} audio + {usage.completion_tokens - (answered.audio_tokens or 0)} text"
        )
    print(f"time      first sound {first_sound_s or 0:.2f} s, all of it {total_s:.2f} s")
    print(f"wrote     answer.wav ({len(sound) / 48_000:.1f} s)")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        question = spoken_question(sys.argv[1:], Path(folder))
        print("starting  the server …")
        with server() as base_url:
            ask(base_url, question)


if __name__ == "__main__":
    main()
