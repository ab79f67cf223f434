"""An endpoint under examination, by its base URL, through the official client: ask, transcribe, speak.

Works with every server of OpenAI's shapes. Retries are the client's own and heed `retry-after`. The only file of the
exams that imports the client.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from vivavoce.errors import InvalidRequest, TooBusy, UpstreamFailed
from vivavoce.usage import Usage

if TYPE_CHECKING:
    import openai

RETRIES = 4

REFUSALS = frozenset({400, 413, 415, 422})
"""Statuses that say that this question will never be taken. A wrong key or model (401, 404) may be mended, and all that
was asked with it is asked again."""

DIARIZER = "gpt-4o-transcribe-diarize"

Turn = tuple[float, float, str]
"""(start, end, speaker), in seconds."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is put besides the question itself. sound: the answer is to be spoken too."""

    system: str = ""
    sound: bool = False
    tools: Sequence[Mapping[str, Any]] = ()
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 400


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. text: what was written, or the transcript of what was spoken; audio: a WAV file, or empty.

    heard: what our own server says that it understood. calls: (name, arguments as sent). seconds: until all was there.
    usage: None where the server counts nothing. first_text_s, first_sound_s: from the request, where it was streamed.
    turns: who spoke when, where that was asked.
    """

    text: str
    seconds: float
    audio: bytes = b""
    heard: str | None = None
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = ""
    usage: Usage | None = None
    reheard: str | None = None
    first_text_s: float | None = None
    first_sound_s: float | None = None
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`model` answers chats, `transcriber` transcribes, `diarizer` says who spoke, `speaker` speaks, all by one key.
    timeout_s: per try."""

    base_url: str
    api_key: str
    model: str
    transcriber: str = "gpt-4o-mini-transcribe"
    speaker: str = "gpt-4o-mini-tts"
    diarizer: str = DIARIZER
    voice: str = "alloy"
    timeout_s: float = 300.0
    _client: openai.OpenAI = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import openai  # a second, which pages that only read runs do not have

        client = openai.OpenAI(
            base_url=self.base_url, api_key=self.api_key, max_retries=RETRIES, timeout=self.timeout_s
        )
        object.__setattr__(self, "_client", client)

    def ask(self, question: str | bytes, request: Request) -> Reply:
        """Put a question, typed or spoken (a WAV file). Raises `InvalidRequest`, `UpstreamFailed` or `TooBusy`."""
        create: Any = self._client.chat.completions.create  # the types of a dict's values are not told
        body = self._body(question, request)
        started_s = time.perf_counter()
        with self._mapped():
            answer = create(**body)
            return _reply(answer, time.perf_counter() - started_s)

    def stream(self, question: str | bytes, request: Request) -> Reply:
        """As `ask`, with the times of the first word and the first sound; the sound itself is not kept."""
        create: Any = self._client.chat.completions.create
        body = self._body(question, request) | {"stream": True, "stream_options": {"include_usage": True}}
        if request.sound:
            body["audio"] = {"voice": self.voice, "format": "pcm16"}
        first: dict[str, float] = {}
        words: list[str] = []
        usage: Usage | None = None
        started_s = time.perf_counter()
        with self._mapped(), create(**body) as chunks:
            for chunk in chunks:
                now_s = time.perf_counter() - started_s
                usage = usage_of(chunk.usage) or usage
                for choice in chunk.choices:
                    text, sound = words_and_sound(choice.delta)
                    words.append(text)
                    if text:
                        first.setdefault("text", now_s)
                    if sound:
                        first.setdefault("sound", now_s)
        return Reply(
            "".join(words),
            time.perf_counter() - started_s,
            usage=usage,
            first_text_s=first.get("text"),
            first_sound_s=first.get("sound"),
        )

    def _body(self, question: str | bytes, request: Request) -> dict[str, Any]:
        content: Any = question
        if isinstance(question, bytes):
            data = base64.b64encode(question).decode("ascii")
            content = [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}]
        system = [{"role": "system", "content": request.system}] if request.system else []
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [*system, {"role": "user", "content": content}],
            "modalities": ["text", "audio"] if request.sound else ["text"],
            "temperature": 0,
            "max_completion_tokens": request.max_tokens,
        }
        if request.sound:
            body["audio"] = {"voice": self.voice, "format": "wav"}
        if request.tools:
            body["tools"] = list(request.tools)
        if request.schema is not None:
            form = {"name": "answer", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def transcribe(self, wav: bytes, language: str | None = None) -> Reply:
        """What is said in a WAV file. Raises as `ask` does."""
        told: dict[str, Any] = {"language": language} if language else {}
        create: Any = self._client.audio.transcriptions.create
        started_s = time.perf_counter()
        with self._mapped():
            answer = create(model=self.transcriber, file=("question.wav", wav, "audio/wav"), **told)
            usage = usage_of(getattr(answer, "usage", None))
            return Reply(str(answer.text), time.perf_counter() - started_s, usage=usage)

    def diarize(self, wav: bytes) -> Reply:
        """Who said what when, in a WAV file. Raises as `ask` does."""
        create: Any = self._client.audio.transcriptions.create
        started_s = time.perf_counter()
        with self._mapped():
            answer = create(
                model=self.diarizer,
                file=("question.wav", wav, "audio/wav"),
                response_format="diarized_json",
                chunking_strategy="auto",
            )
            turns = tuple((float(each.start), float(each.end), str(each.speaker)) for each in answer.segments)
            usage = usage_of(getattr(answer, "usage", None))
            return Reply(str(answer.text), time.perf_counter() - started_s, usage=usage, turns=turns)

    def speak(self, text: str, voice: str) -> bytes:
        """A text as a WAV file. Raises as `ask` does."""
        with self._mapped():
            answer = self._client.audio.speech.create(
                model=self.speaker, voice=voice, input=text, response_format="wav"
            )
            return answer.read()

    @contextmanager
    def _mapped(self) -> Generator[None]:
        import openai

        try:
            yield
        except openai.RateLimitError as error:
            raise TooBusy(f"{self.base_url} answered 429: {error.message}") from error
        except openai.APIStatusError as error:
            said = f"{self.base_url} answered {error.status_code}: {error.message}"
            raise (InvalidRequest if error.status_code in REFUSALS else UpstreamFailed)(said) from error
        except openai.OpenAIError as error:
            raise UpstreamFailed(f"{self.base_url} did not answer: {error}") from error
        except (AttributeError, TypeError, ValueError, LookupError) as error:
            raise UpstreamFailed(f"{self.base_url} answered in a shape that is not OpenAI's: {error}") from error

    def close(self) -> None:
        self._client.close()


def _reply(answer: Any, seconds: float) -> Reply:
    if not answer.choices:
        raise UpstreamFailed("The answer holds no choice.")
    choice = answer.choices[0]
    message = choice.message
    audio: Any = message.audio
    heard: Any = getattr(message, "heard", None)
    parts = cast("list[dict[str, Any]]", heard) if isinstance(heard, list) else []
    return Reply(
        text=str((audio.transcript if audio is not None else "") or message.content or ""),
        seconds=seconds,
        audio=base64.b64decode(audio.data) if audio is not None and audio.data else b"",
        heard=" ".join(str(part.get("transcript", "")) for part in parts) if parts else None,
        calls=tuple((call.function.name, call.function.arguments) for call in message.tool_calls or ()),
        finish=str(choice.finish_reason or ""),
        usage=usage_of(answer.usage),
    )


def words_and_sound(delta: Any) -> tuple[str, str]:
    """Words and sound (base64) of a piece; newer clients make an object of its `audio`, older ones leave it a dict."""
    audio: Any = getattr(delta, "audio", None)

    def member(name: str) -> Any:
        return cast("dict[str, Any]", audio).get(name) if isinstance(audio, dict) else getattr(audio, name, None)

    return str(member("transcript") or delta.content or ""), str(member("data") or "")


def usage_of(told: Any) -> Usage | None:
    """OpenAI's two shapes of a usage; None where there are no tokens in it."""
    if told is None:
        return None
    fields: dict[str, Any] = told.model_dump() if hasattr(told, "model_dump") else dict(told)
    total_in = fields.get("prompt_tokens", fields.get("input_tokens"))
    total_out = fields.get("completion_tokens", fields.get("output_tokens"))
    if total_in is None or total_out is None:
        return None
    ins: dict[str, Any] = fields.get("prompt_tokens_details") or fields.get("input_token_details") or {}
    outs: dict[str, Any] = fields.get("completion_tokens_details") or {}
    audio_in, audio_out = int(ins.get("audio_tokens") or 0), int(outs.get("audio_tokens") or 0)
    return Usage(
        input_text_tokens=int(total_in) - audio_in,
        input_audio_tokens=audio_in,
        input_cached_tokens=int(ins.get("cached_tokens") or 0),
        output_text_tokens=int(total_out) - audio_out,
        output_audio_tokens=audio_out,
    )
