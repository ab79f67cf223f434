"""The body of `POST /v1/chat/completions`, as the contract lists it. Shapes only; meaning is given in `server.turns`.

Fields that the original knows and that change nothing here are accepted; unknown fields are refused by name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from vivavoce.server.wire.tools import (
    MOST_TOOLS,
    Call,
    CalledFunction,
    FunctionChoice,
    FunctionTool,
    LegacyFunction,
    NamedChoice,
    ToolChoice,
)

FIRST_ONLY = Field(fail_fast=True)
"""For lists without an end: only one problem is told, and to put down those of a million entries takes seconds."""

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


TextParts = Annotated[
    list[TextContent], FIRST_ONLY, BeforeValidator(_as_parts, json_schema_input_type=str | list[TextContent])
]
UserPart = Annotated[TextContent | AudioContent, Field(discriminator="type")]
UserParts = Annotated[
    list[UserPart],
    Field(min_length=1, fail_fast=True),
    BeforeValidator(_as_parts, json_schema_input_type=str | Annotated[list[UserPart], Field(min_length=1)]),
]
AssistantPart = Annotated[TextContent | RefusalContent, Field(discriminator="type")]
AssistantParts = Annotated[
    list[AssistantPart], FIRST_ONLY, BeforeValidator(_as_parts, json_schema_input_type=str | list[AssistantPart])
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
    tool_calls: Annotated[list[Call], Field(max_length=MOST_TOOLS)] | None = None
    function_call: CalledFunction | None = None


class ToolMessage(_Wire):
    role: Literal["tool"]
    content: TextParts
    tool_call_id: str
    name: str | None = None
    """Not the original's, but sent by some clients."""


class FunctionMessage(_Wire):
    role: Literal["function"]
    content: TextParts | None
    name: str


WireMessage = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage, Field(discriminator="role")
]


class VoiceReference(_Wire):
    id: str


class AudioOut(_Wire):
    voice: str | VoiceReference
    format: AudioFormat
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None
    """Ours: how fast the answer is spoken, as `/v1/audio/speech` has it."""

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


def _as_biases(biases: object) -> object:
    """Told apart by hand, so that an error names the field and not one of its keys."""
    if not isinstance(biases, dict):
        return biases
    for token, bias in cast("dict[object, object]", biases).items():
        if not (isinstance(token, str) and token.isascii() and token.isdigit() and len(token) < 10):
            raise ValueError("keys are token ids, written as strings; POST /tokenize tells the ids of a text")
        if isinstance(bias, bool) or not isinstance(bias, int | float) or not -100 <= bias <= 100:
            raise ValueError(f"the bias of token {token} must be a number from -100 to 100")
    return cast("dict[object, object]", biases)


Bias = Annotated[float, Field(ge=-100, le=100)]
TokenId = Annotated[str, Field(pattern="^[0-9]{1,9}$")]
Biases = Annotated[dict[int, float], BeforeValidator(_as_biases, json_schema_input_type=dict[TokenId, Bias])]


class TextFormat(_Wire):
    type: Literal["text"]


class JsonObjectFormat(_Wire):
    type: Literal["json_object"]


class JsonSchema(_Wire):
    name: Annotated[str, Field(pattern="^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    wanted: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class JsonSchemaFormat(_Wire):
    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]
MOST_PAIRS = 16


def _few(pairs: object) -> object:
    """Counted before they are looked at, because each of a million could be wrong."""
    if isinstance(pairs, dict) and (count := len(cast("dict[object, object]", pairs))) > MOST_PAIRS:
        raise ValueError(f"at most {MOST_PAIRS} pairs are kept, not {count}")
    return cast("object", pairs)


Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=MOST_PAIRS),
    BeforeValidator(_few),
]


class ChatRequest(_Wire):
    model: str
    messages: Annotated[list[WireMessage], Field(min_length=1, fail_fast=True)]
    modalities: Annotated[list[Literal["text", "audio"]], Field(min_length=1, fail_fast=True)] | None = None
    audio: AudioOut | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: StopStrings | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: Biases | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[LegacyFunction], Field(max_length=MOST_TOOLS)] | None = None
    function_call: FunctionChoice | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    """Put beside an answer that is stored; without `store` it has no effect."""
    hearing_note: bool | None = None
    """Ours: whether the thinker is told how things were said; unset: as the server is set."""
    ask_back: bool | None = None
    """Ours: whether an answer asks back where a word that matters was unclear; unset: as the server is set."""

    # Known to the original, without effect on the answer here.
    moderation: Any = None
    prediction: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    reasoning_effort: str | None = None
    safety_identifier: Annotated[str, Field(max_length=64)] | None = None
    service_tier: Literal["auto", "default", "flex", "priority", "scale"] | None = None
    user: str | None = None
    verbosity: str | None = None
    web_search_options: Any = None

    @property
    def wants_audio(self) -> bool:
        return "audio" in (self.modalities or ())

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def wants_obfuscation(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_obfuscation)

    @property
    def most_tokens(self) -> int | None:
        """Both bounds hold, where both are given."""
        return min((cap for cap in (self.max_tokens, self.max_completion_tokens) if cap is not None), default=None)

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def wants_json(self) -> bool:
        return self.response_format is not None and not isinstance(self.response_format, TextFormat)

    @property
    def offers_tools(self) -> bool:
        return bool(self.tools or self.functions)

    @property
    def legacy_functions(self) -> bool:
        """Whether calls are told in the form that came before tools."""
        return bool(self.functions)

    @property
    def names_its_call(self) -> bool:
        """Whether one function was named to be called: the original then said "stop" at the end of it."""
        return self.offers_tools and isinstance(self.tool_choice or self.function_call, NamedChoice)
