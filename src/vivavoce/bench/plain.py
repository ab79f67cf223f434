"""The plain way to answer speech with speech, as people put it together today, with the same weights as the server.

    stock faster-whisper with its defaults  ->  the whole answer by llama.cpp, one slot  ->  Kokoro on the whole text

Each step waits for the one before it, and the first sound is there when the whole sound is. Nothing else is held
against it: it runs in this process, without HTTP; it is warm; its system prompt is cached; it gets the same note that
answers will be heard, so that it answers as briefly.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from contextlib import aclosing
from importlib import import_module
from pathlib import Path
from typing import Any

from vivavoce.bench.exchange import ANSWER_TOKENS, Exchange
from vivavoce.bench.playback import play
from vivavoce.conversation import SPEAKING_NOTE, Message, Sampling
from vivavoce.engines.registry import build_speaker, split_name
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue
from vivavoce.models.store import ModelStore
from vivavoce.speak.base import Speaker
from vivavoce.speak.saying import Saying
from vivavoce.speak.spoken_form import spoken_form
from vivavoce.think.base import CallDelta, TextDelta, Thinker, ThoughtEnd
from vivavoce.think.gguf_files import find_gguf, is_path

LLAMA_BATCH_TOKENS = 512
"""What llama.cpp reads per step unless told otherwise."""

Transcribe = Callable[[bytes], str]
"""A WAV file to its words."""


class PlainWay:
    """Answers one question after the other. `note`: as the server puts it before a system prompt."""

    def __init__(
        self, transcribe: Transcribe, thinker: Thinker, speaker: Speaker, note: str | None = SPEAKING_NOTE
    ) -> None:
        self._transcribe = transcribe
        self._thinker = thinker
        self._speaker = speaker
        self._note = note
        self._loop = asyncio.Runner()

    def ask(self, question_wav: bytes, system: str, voice: str) -> Exchange:
        """One question to its end; see `bench.speed.Ask`. Raises what the engines raise."""
        started_s = time.perf_counter()
        words = self._transcribe(question_wav)
        heard_s = time.perf_counter() - started_s
        text, cached_tokens = self._loop.run(self._think(words, system))
        first_text_s = time.perf_counter() - started_s
        saying = Saying.with_voice(voice, self._speaker.voices)
        audio = self._loop.run(self._speaker.speak(spoken_form(text, saying.language), saying.voice))
        end_s = time.perf_counter() - started_s
        return Exchange(heard_s, first_text_s, end_s, play([(end_s, audio)]), text, cached_tokens)

    async def _think(self, words: str, system: str) -> tuple[str, int]:
        first = f"{self._note}\n{system}" if self._note else system
        conversation = [Message.of("system", first), Message.of("user", words)]
        sampling = Sampling(temperature=0, max_tokens=ANSWER_TOKENS)
        text: list[str] = []
        cached_tokens = 0
        async with aclosing(self._thinker.think(conversation, sampling)) as thoughts:
            async for thought in thoughts:
                match thought:
                    case TextDelta():
                        text.append(thought.text)
                    case ThoughtEnd():
                        cached_tokens = thought.cached_tokens
                    case CallDelta():
                        pass  # no tools were offered
        return "".join(text), cached_tokens

    def close(self) -> None:
        self._loop.run(self._thinker.close())
        self._loop.run(self._speaker.close())
        self._loop.close()


def build_plain(spec: EngineSpec, note: str | None) -> PlainWay:
    """The plain way with the weights of `spec`. Raises `InvalidValue` where those are no weights on this machine."""
    listen_kind, listen_model = split_name(spec.listen, "listen")
    think_kind, think_model = split_name(spec.think, "think")
    if listen_kind != "whisper" or think_kind != "llamacpp":
        raise InvalidValue(
            "--against plain needs whisper:<model> and llamacpp:<model>; the settings name "
            f"{spec.listen} and {spec.think}.",
            param="against",
        )
    store = ModelStore(Path(spec.models_dir), offline=spec.offline)
    gguf = find_gguf(Path(think_model) if is_path(think_model) else store.path(think_model))
    thinking: Any = import_module("vivavoce.think.llamacpp")
    thinker: Thinker = thinking.LlamaCppThinker(
        gguf.model,
        slots=1,
        context_tokens=spec.context_tokens,
        threads=spec.threads,
        batch_tokens=LLAMA_BATCH_TOKENS,
    )
    return PlainWay(_stock_listener(store.path(listen_model), spec.threads), thinker, _stock_speaker(spec, store), note)


def _stock_speaker(spec: EngineSpec, store: ModelStore) -> Speaker:
    """Kokoro as it was published; another voice as the server has it."""
    kind, model = split_name(spec.engines("speak")[0], "speak")
    if kind != "kokoro":
        return build_speaker(spec)
    speaking: Any = import_module("vivavoce.speak.kokoro")
    network, voices = store.path(model) / "model.onnx", store.path("kokoro-voices")
    return speaking.KokoroSpeaker(network, voices, threads=spec.threads, as_published=True)


def _stock_listener(model_dir: Path, threads: int) -> Transcribe:
    faster_whisper: Any = import_module("faster_whisper")
    model = faster_whisper.WhisperModel(
        str(model_dir), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
    )

    def transcribe(wav: bytes) -> str:
        segments, _ = model.transcribe(io.BytesIO(wav))
        return "".join(segment.text for segment in segments).strip()

    return transcribe
