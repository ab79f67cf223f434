"""The original's refusals, word for word, for those who want to find out before they move back to it.

Off by default (`VIVA_STRICT`): everything refused here works otherwise. Texts as recorded from the original, where one
was ever seen; what nobody has seen refused is not refused. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from vivavoce.errors import AudioNotFound, InvalidRequest, InvalidValue, UnsupportedFormat
from vivavoce.server.wire.chat_request import (
    AssistantMessage,
    AudioContent,
    ChatRequest,
    JsonSchemaFormat,
    UserMessage,
)
from vivavoce.server.wire.speech import SpeechRequest
from vivavoce.server.wire.transcription_request import TranscriptionRequest
from vivavoce.speak.voices import OPENAI_NAMES, quoted_list

INPUT_FORMATS = ("wav", "mp3")
FILE_FORMATS = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"]


def refuse(body: ChatRequest) -> None:
    """Raises `InvalidRequest` with the original's text for what the original would not do."""
    if not _speaks_or_listens(body):
        raise InvalidValue(
            "This model requires that either input content or output modality contain audio.", param="model"
        )
    if body.stream and body.wants_audio and body.audio is not None and body.audio.format != "pcm16":
        raise InvalidValue(
            f"'audio.format' does not support '{body.audio.format}' when stream=true. Supported values are: 'pcm16'.",
            param="audio.format",
            code="unsupported_value",
        )
    if body.wants_audio and body.audio is not None and body.audio.voice_name not in OPENAI_NAMES:
        raise _invalid(body.audio.voice_name, OPENAI_NAMES, "audio.voice")
    if body.metadata and not body.store:
        raise InvalidRequest("The 'metadata' parameter is only allowed when 'store' is enabled.", param="metadata")
    if isinstance(body.response_format, JsonSchemaFormat):
        raise InvalidRequest(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more "
            "about supported models at the Structured Outputs guide: "
            "https://platform.openai.com/docs/guides/structured-outputs"
        )
    for number, message in enumerate(body.messages):
        for index, part in enumerate(message.content if isinstance(message, UserMessage) else ()):
            if isinstance(part, AudioContent) and part.input_audio.format not in INPUT_FORMATS:
                param = f"messages[{number}].content[{index}].input_audio.format"
                raise _invalid(part.input_audio.format or "", INPUT_FORMATS, param)


def refuse_speech(body: SpeechRequest) -> None:
    """The same for `/v1/audio/speech`. Its documentation says what is refused; the text is that of like cases."""
    if body.stream_format == "sse" and body.model in ("tts-1", "tts-1-hd"):
        raise InvalidValue(
            f"'stream_format' does not support 'sse' with the model '{body.model}'. Supported values are: 'audio'.",
            param="stream_format",
            code="unsupported_value",
        )
    if body.voice_name not in OPENAI_NAMES:
        raise _invalid(body.voice_name, OPENAI_NAMES, "voice")


def refuse_transcription(form: TranscriptionRequest) -> None:
    """The same for `/v1/audio/transcriptions`, in the words that were reported."""
    if form.model.endswith("-diarize"):
        if form.prompt:
            raise InvalidRequest("Prompt is not supported for diarization models", param="prompt")
        if form.chunking_strategy is None:
            raise InvalidRequest("chunking_strategy is required for diarization models", param="chunking_strategy")
    allowed = ("json", "text", "diarized_json") if form.model.endswith("-diarize") else ("json", "text")
    if form.model.startswith("gpt-") and form.format not in allowed:
        raise InvalidValue(
            f"response_format '{form.format}' is not compatible with model '{form.model}'. "
            "Use 'json' or 'text' instead.",
            param="response_format",
            code="unsupported_value",
        )


def _invalid(given: str, supported: tuple[str, ...], param: str) -> InvalidValue:
    return InvalidValue(f"Invalid value: '{given}'. Supported values are: {quoted_list(supported)}.", param=param)


def _speaks_or_listens(body: ChatRequest) -> bool:
    return body.wants_audio or any(
        (isinstance(message, AssistantMessage) and message.audio is not None)
        or (isinstance(message, UserMessage) and any(isinstance(part, AudioContent) for part in message.content))
        for message in body.messages
    )


@contextmanager
def original_texts(strict: bool) -> Generator[None]:
    """Inside, our own clearer errors about recordings are told as the original would tell them, if `strict`."""
    try:
        yield
    except UnsupportedFormat as error:
        if not strict:
            raise
        raise UnsupportedFormat("This model does not support the format you provided.", param="messages") from error
    except AudioNotFound as error:
        if not strict:
            raise
        raise AudioNotFound(error.message, param=f"content.{error.param}") from error


@contextmanager
def original_file_texts(strict: bool) -> Generator[None]:
    """The same for recordings that come as files."""
    try:
        yield
    except UnsupportedFormat as error:
        if not strict:
            raise
        raise UnsupportedFormat(f"Invalid file format. Supported formats: {FILE_FORMATS}", param="file") from error
