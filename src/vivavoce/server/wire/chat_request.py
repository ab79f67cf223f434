"""The body of `POST /v1/chat/completions`, as the contract lists it. Shapes only; meaning is given in `server.turns`.

Fields that the original knows and that change nothing here are accepted; unknown fields are refused by name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

AudioFormat = Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextContent(_Wire):
    type: Literal["text"]
    text: str
    prompt_cache_breakpoint: Any = None


class InputAudio(_Wire):
    data: str
    format: str | None = None
    """A label only, the container is sniffed; but samples without a container are known by the label `pcm16`."""


class AudioContent(_Wire):
    type: Literal["input_audio"]
    input_audio: InputAudio
    prompt_cache_breakpoint: Any = None


class RefusalContent(_Wire):
    type: Literal["refusal"]
    refusal: str


def _as_parts(content: object) -> object:
    """A plain string is short for one text part."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


TextParts = Annotated[list[TextContent], BeforeValidator(_as_parts, json_schema_input_type=str | list[TextContent])]
UserPart = Annotated[TextContent | AudioContent, Field(discriminator="type")]
UserParts = Annotated[
    list[UserPart],
    Field(min_length=1),
    BeforeValidator(_as_parts, json_schema_input_type=str | Annotated[list[UserPart], Field(min_length=1)]),
]
AssistantPart = Annotated[TextContent | RefusalContent, Field(discriminator="type")]
AssistantParts = Annotated[
    list[AssistantPart], BeforeValidator(_as_parts, json_schema_input_type=str | list[AssistantPart])
]


class SystemMessage(_Wire):
    role: Literal["system", "developer"]
    content: TextParts
    name: str | None = None


class UserMessage(_Wire):
    role: Literal["user"]
    content: UserParts
    name: str | None = None


class AudioReference(BaseModel):
    """`{"id": …}`; a whole `message.audio` object sent back as it came is taken too."""

    id: str


class AssistantMessage(BaseModel):
    """Clients send back our own messages as they came, with `annotations`, `heard` and the like: all are taken."""

    role: Literal["assistant"]
    content: AssistantParts | None = None
    audio: AudioReference | None = None
    refusal: str | None = None
    name: str | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None


WireMessage = Annotated[SystemMessage | UserMessage | AssistantMessage, Field(discriminator="role")]


class VoiceReference(_Wire):
    id: str


class AudioOut(_Wire):
    voice: str | VoiceReference
    format: AudioFormat

    @property
    def voice_name(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id


class StreamOptions(_Wire):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


def _as_list(stop: object) -> object:
    return [stop] if isinstance(stop, str) else stop


StopString = Annotated[str, Field(min_length=1)]
StopList = Annotated[list[StopString], Field(max_length=4)]
StopStrings = Annotated[StopList, BeforeValidator(_as_list, json_schema_input_type=StopString | StopList)]


class ChatRequest(_Wire):
    model: str
    messages: Annotated[list[WireMessage], Field(min_length=1)]
    modalities: Annotated[list[Literal["text", "audio"]], Field(min_length=1)] | None = None
    audio: AudioOut | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: StopStrings | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None

    # Known to the original, without effect on the answer here.
    metadata: dict[str, Any] | None = None
    moderation: Any = None
    prediction: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    reasoning_effort: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    user: str | None = None
    verbosity: str | None = None
    web_search_options: Any = None
    parallel_tool_calls: bool | None = None

    # Known to the original, not done here yet: any value that would change the answer is refused by `unsupported`.
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: dict[str, Any] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    functions: list[Any] | None = None
    function_call: Any = None

    @property
    def wants_audio(self) -> bool:
        return "audio" in (self.modalities or ())

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    def unsupported(self) -> str | None:
        """The first field that asks for something this server does not do, or None."""
        asked = {
            "n": (self.n or 1) > 1,
            "frequency_penalty": bool(self.frequency_penalty),
            "presence_penalty": bool(self.presence_penalty),
            "logit_bias": bool(self.logit_bias),
            "logprobs": bool(self.logprobs),
            "top_logprobs": bool(self.top_logprobs),
            "response_format": (self.response_format or {}).get("type", "text") != "text",
            "tools": bool(self.tools),
            "functions": bool(self.functions),
        }
        return next((name for name, refused in asked.items() if refused), None)
