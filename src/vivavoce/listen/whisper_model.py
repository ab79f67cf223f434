"""The thin layer over CTranslate2's Whisper and its tokenizer: five native calls, typed.

Each method is one native call (or none), most of them for several windows at once, and blocks; `whisper_calls.py` runs
them off the event loop. Knows no policy. Traps of the library that are handled here: `max_length` counts double (it
stops at half of it), scores are per token without end-of-text, and `encode` takes any even number of frames up to 3000
although its documentation shows 3000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import numpy.typing as npt
import tokenizers

from vivavoce.errors import EngineFailed, ModelNotInstalled
from vivavoce.listen.base import Task
from vivavoce.listen.decoding import Decoding, Languages
from vivavoce.listen.mel import Features
from vivavoce.threads import yielding

_ct2: Any = ctranslate2  # the package has no types; every use of it is in this file

MAX_CONTEXT_TOKENS = 448
MAX_PROMPT_TOKENS = 112
"""Room for the caller's prompt: half of what Whisper allows, since each of its tokens costs decoding time."""
MAX_PROMPT_CHARACTERS = 8_000
"""More than those tokens can hold; what lies before is not even looked at."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Encoded:
    """The encoder's view of one window, in main memory; none equals another. seconds: how much sound it was shown."""

    states: Any
    seconds: float

    @property
    def steps(self) -> npt.NDArray[np.float32]:
        """One row for each 20 ms, shape (steps, width)."""
        return np.asarray(self.states)[0].astype(np.float32)

    def between(self, start_s: float, end_s: float) -> Encoded:
        """What the encoder made of a stretch, knowing what is around it."""
        rows = np.asarray(self.states)[:, round(start_s * 50) : round(start_s * 50) + round((end_s - start_s) * 50)]
        return Encoded(_ct2.StorageView.from_array(np.ascontiguousarray(rows)), end_s - start_s)


@dataclass(frozen=True, slots=True)
class Passage:
    """What to decode. start: tokens that the decoder is given first. bound: most text tokens that may follow."""

    encoded: Encoded
    start: tuple[int, ...]
    bound: int


@dataclass(frozen=True, slots=True)
class Search:
    """beam: width of the search; 1 is greedy. forbid: n-grams of this length may not repeat; 0 allows them.
    temperature: above 0, with a beam of 1, tokens are drawn by their probabilities at this temperature."""

    beam: int = 1
    forbid: int = 0
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class Alignment:
    """pairs: (token index, 20 ms step). token_probabilities: one per text token."""

    pairs: tuple[tuple[int, int], ...]
    token_probabilities: tuple[float, ...]


CALLS_AT_ONCE = 2
"""Calls that run side by side, sharing the weights.

On two cores a decode of three beams takes 0.11 s with one thread and 0.15 s with two, and a 10 s window is encoded in
the same 0.13 s by either (medians of 12 clips, alternated): cores are better spent on two calls than on one.
"""


def cuda_gpus() -> int:
    """How many CUDA GPUs CTranslate2 sees."""
    return int(_ct2.get_cuda_device_count())


def compute_types(device: str) -> frozenset[str]:
    """Number formats that CTranslate2 has on "cpu", "cuda" or "cuda:N"."""
    name, index = _split(device)
    return frozenset(str(kind) for kind in _ct2.get_supported_compute_types(name, index))


def _split(device: str) -> tuple[str, int]:
    """`cuda:1` as CTranslate2 wants it: ("cuda", 1)."""
    name, _, index = device.partition(":")
    return name, int(index or 0)


class WhisperModel:
    """Weights, tokenizer and special tokens. Safe in any thread; the library queues calls itself."""

    def __init__(self, model_dir: Path, *, threads: int, compute_type: str, device: str) -> None:
        """threads: processor threads of all calls together. device: "cpu", "cuda" or "cuda:N".

        Raises `ModelNotInstalled`, `EngineFailed`.
        """
        for name in ("model.bin", "config.json", "tokenizer.json"):
            if not (model_dir / name).is_file():
                raise ModelNotInstalled(f"{name} is missing in {model_dir}; fetch the model with `viva models pull`.")
        name, index = _split(device)
        try:
            self._model: Any = yielding(
                lambda: _ct2.models.Whisper(
                    str(model_dir),
                    device=name,
                    device_index=index,
                    compute_type=compute_type,
                    intra_threads=max(1, threads // CALLS_AT_ONCE),
                    inter_threads=CALLS_AT_ONCE,
                )
            )
        except (RuntimeError, ValueError) as fault:
            raise EngineFailed(f"Whisper did not load from {model_dir}: {fault}") from fault
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self.n_mels = int(self._model.n_mels)
        self.multilingual = bool(self._model.is_multilingual)
        self._sot = self._id("<|startoftranscript|>")
        self._eot = self._id("<|endoftext|>")
        self._previous = self._id("<|startofprev|>")
        self._tasks: dict[Task, int] = {task: self._id(f"<|{task}|>") for task in ("transcribe", "translate")}
        self._no_timestamps = self._id("<|notimestamps|>")

    def has_language(self, code: str) -> bool:
        return not self.multilingual or self._tokenizer.token_to_id(_language_token(code)) is not None

    def encode(self, windows: Sequence[Features]) -> list[Encoded]:
        """Run the encoder over windows of shape (n_mels, frames), all of the same even number of frames."""
        view = _ct2.StorageView.from_array(np.stack(windows))
        states = self._model.encode(view, to_cpu=True)
        # NumPy has no bfloat16, which some devices compute in.
        if states.dtype == _ct2.DataType.bfloat16:
            states = states.to(_ct2.DataType.float32)
        seconds = windows[0].shape[1] / 100
        if len(windows) == 1:
            return [Encoded(states, seconds)]
        rows = np.asarray(states).copy()
        return [Encoded(_ct2.StorageView.from_array(rows[i : i + 1]), seconds) for i in range(len(rows))]

    def detect_languages(self, encoded: Sequence[Encoded], count: int = 128) -> list[Languages]:
        """The `count` likeliest languages of each, of about a hundred; English-only models always hear English."""
        if not self.multilingual:
            return [(("en", 1.0),) for _ in encoded]
        return [
            tuple((_language_code(str(token)), float(probability)) for token, probability in found[:count])
            for found in self._model.detect_language(_joined(encoded))
        ]

    def generate(self, passages: Sequence[Passage], search: Search) -> list[Decoding]:
        """Decode each without timestamps; deterministic unless the search has a temperature. All have equally long
        windows and equally long starts."""
        start_tokens = len(passages[0].start)
        rooms = [min(passage.bound, MAX_CONTEXT_TOKENS - start_tokens) for passage in passages]
        results = self._model.generate(
            _joined([passage.encoded for passage in passages]),
            [list(passage.start) for passage in passages],
            beam_size=search.beam,
            max_length=max(2 * max(rooms), start_tokens + max(rooms)),
            no_repeat_ngram_size=search.forbid,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=[-1],
            sampling_topk=0 if search.temperature else 1,
            sampling_temperature=search.temperature or 1.0,
        )
        return [self._decoding(result, room) for result, room in zip(results, rooms, strict=True)]

    def align(
        self, encoded: Encoded, language: str, tokens: Sequence[int], duration_s: float, task: Task = "transcribe"
    ) -> Alignment:
        """Pair each text token with a 20 ms step of the first `duration_s` seconds by cross-attention.

        One window a call: the library normalises over all tokens of a batch, so that a longer text beside it would
        shift a word now and then by a step.
        """
        frames = max(2, min(round(duration_s * 100), round(encoded.seconds * 100)))
        start = list(self.start_tokens(language, None, task)[:-1])
        result = self._model.align(encoded.states, start, [list(tokens)], frames)[0]
        return Alignment(
            tuple((int(token), int(step)) for token, step in result.alignments),
            tuple(float(p) for p in result.text_token_probs),
        )

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens)))

    def close(self) -> None:
        self._model.unload_model()

    def token_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """The bytes of text that each token stands for: joined, they are the text in UTF-8."""
        return [_bytes_of(str(self._tokenizer.id_to_token(token))) for token in tokens]

    def start_tokens(
        self, language: str, prompt: str | None, task: Task = "transcribe", keywords: Sequence[str] = ()
    ) -> tuple[int, ...]:
        """What the decoder is given before the first word: prompt and keywords, language, task, no times."""
        start = [self._sot]
        if self.multilingual:
            start += [self._id(_language_token(language)), self._tasks[task]]
        start.append(self._no_timestamps)
        words = self._prompt_tokens(prompt, keywords)
        return (self._previous, *words, *start) if words else tuple(start)

    def _prompt_tokens(self, prompt: str | None, keywords: Sequence[str]) -> list[int]:
        """The first keywords that there is room for, last, where they weigh most; before them the prompt's end."""
        listed: list[int] = []
        for count in range(1, len(keywords) + 1):
            longer = self._words_of(f"{', '.join(keywords[:count])}.")
            if len(longer) > MAX_PROMPT_TOKENS:
                break
            listed = longer
        room = MAX_PROMPT_TOKENS - len(listed)
        before = self._words_of(prompt[-MAX_PROMPT_CHARACTERS:])[-room:] if prompt and room else []
        return [*before, *listed]

    def _words_of(self, text: str) -> list[int]:
        """Its tokens. The tokenizer takes "<|translate|>" in a text for the command; a prompt holds words only."""
        if not text.strip():
            return []
        encoded = self._tokenizer.encode(" " + text.strip(), add_special_tokens=False).ids
        return [int(token) for token in encoded if token < self._eot]

    def _decoding(self, result: Any, room: int) -> Decoding:
        everything = [int(token) for token in result.sequences_ids[0]]
        count = len(everything)
        # In a batch a window may run on to the bound of another.
        tokens = tuple(token for token in everything[:room] if token < self._eot)
        return Decoding(
            tokens=tokens,
            text=self.decode(tokens).strip(),
            mean_log_probability=float(result.scores[0]) * count / (count + 1) if count else 0.0,
            no_speech_probability=float(result.no_speech_prob),
            ended=count < room,
        )

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise EngineFailed(f"The tokenizer has no {token}: these are not Whisper's files.")
        return int(found)


def _joined(encoded: Sequence[Encoded]) -> Any:
    """The encoder's states of several windows as one batch."""
    if len(encoded) == 1:
        return encoded[0].states
    return _ct2.StorageView.from_array(np.concatenate([np.asarray(each.states) for each in encoded]))


def _byte_alphabet() -> dict[str, int]:
    """The characters in which byte-level tokenizers write bytes (GPT-2's `bytes_to_unicode`, the other way round)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}


_BYTES = _byte_alphabet()


def _bytes_of(token: str) -> bytes:
    return b"".join(bytes([_BYTES[char]]) if char in _BYTES else char.encode() for char in token)


def _language_token(code: str) -> str:
    """Whisper writes Javanese as jw; ISO 639-1 has jv."""
    return f"<|{'jw' if code == 'jv' else code}|>"


def _language_code(token: str) -> str:
    code = token.removeprefix("<|").removesuffix("|>")
    return "jv" if code == "jw" else code
