"""Settings, read once at the edge (server, command line) and handed down as plain arguments.

Every field is a `VIVA_*` environment variable or a key in a TOML file (`viva.toml` in the working directory, or the
file that `VIVA_CONFIG` names). Environment beats file beats profile beats default. Knows no engine.
"""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from vivavoce.conversation import SPEAKING_NOTE
from vivavoce.engines.spec import AdmissionLimits, EngineSpec, Stage
from vivavoce.errors import InvalidValue

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses of this machine only, and its name for itself."""

Profile = Literal["default", "gpu", "tiny"]

PROFILES: dict[str, dict[str, str]] = {
    "default": {
        "listen": "whisper:whisper-base",
        "think": "llamacpp:qwen2.5-coder-1.5b",
        "speak": "kokoro:kokoro-82m,espeak:ng",
        "speakers": "campplus:campplus-zh-en",
    },
    "gpu": {
        "listen": "whisper:whisper-large-v3-turbo",
        "think": "llamacpp:qwen2.5-7b-instruct",
        "speak": "kokoro:kokoro-82m-fp32,espeak:ng",
        "speakers": "campplus:campplus-zh-en",
    },
    "tiny": {
        "listen": "whisper:whisper-tiny",
        "think": "llamacpp:smollm2-135m",
        "speak": "kokoro:kokoro-82m,espeak:ng",
        "speakers": "campplus:campplus-zh-en",
    },
}
"""What each profile runs, as `kind:model`.

`gpu` wants a graphics card of 12 GB; `tiny` is for tests and very small machines, and answers poorly.
"""


_DEVICE = r"^(auto|cpu|cuda(:[0-9]+)?)$"


def _config_file() -> Path:
    return Path(os.environ.get("VIVA_CONFIG", "viva.toml"))


def _cores() -> int:
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2)


class Settings(BaseSettings):
    """All there is to set; every field has a default that works."""

    model_config = SettingsConfigDict(env_prefix="VIVA_", extra="forbid", validate_default=True)

    profile: Profile = Field("default", description="Which set of models runs: default, gpu or tiny.")
    listen: str | None = Field(None, description="Listener as kind:model, e.g. whisper:whisper-base.")
    think: str | None = Field(
        None,
        description="Thinker as kind:model, e.g. llamacpp:qwen2.5-coder-1.5b, llamacpp:./folder or openai:gpt-4o-mini.",
    )
    speak: str | None = Field(
        None,
        description="Speaker as kind:model, or several with commas: the first one's voices answer to OpenAI's names.",
    )
    tone: str = Field(
        "auto", description="What hears tone, as kind:model: auto is the head that fits the listener, if any; or off."
    )
    speakers: str | None = Field(
        None, description="What tells speakers apart, as kind:model, e.g. campplus:campplus-zh-en; off: nothing does."
    )
    think_base_url: str | None = Field(
        None, description="Base URL of an OpenAI-compatible server, for think = openai:<model>."
    )
    think_api_key: SecretStr | None = Field(None, description="Key for that server.")
    think_hears_audio: bool = Field(False, description="That server's model takes audio itself.")
    host: str = Field("127.0.0.1", description="Address to bind.")
    port: int = Field(8080, ge=0, le=65535, description="Port to bind; 0 takes a free one.")
    cors_origins: str = Field(
        "local", description="Web pages that may call from a browser: local, * or origins like https://a.example, …"
    )
    workers: int = Field(
        1, ge=1, le=64, description="HTTP worker processes; the weights live once, in a process of their own."
    )
    device: str = Field(
        "auto", pattern=_DEVICE, description="Where engines run: auto (a GPU if there is one), cpu, cuda or cuda:N."
    )
    listen_device: str | None = Field(None, pattern=_DEVICE, description="The same for the listener alone.")
    think_device: str | None = Field(None, pattern=_DEVICE, description="The same for the thinker alone.")
    speak_device: str | None = Field(None, pattern=_DEVICE, description="The same for the speaker alone.")
    listen_compute_type: Literal[
        "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"
    ] = Field("auto", description="Number format of the listener: auto is int8 on a processor, float16 on a GPU.")
    think_gpu_layers: int | None = Field(
        None, ge=0, description="Layers of the thinker on the GPU; unset: all of them where it runs on one."
    )
    hosts: str = Field(
        "local",
        description="Names it answers to: local (this machine's, while bound to it only), * or names joined by commas.",
    )
    threads: int = Field(default_factory=_cores, ge=1, description="Threads per engine.")
    slots: int = Field(4, ge=1, le=64, description="Conversations the thinker works on at once.")
    context_tokens: int = Field(8192, ge=512, description="Longest conversation with its answer, in text tokens.")
    prompt_cache_mib: int = Field(
        512, ge=0, description="Memory for what idle conversations had read so far, in MiB; 0 reads them anew."
    )
    answer_tokens: int = Field(
        1024, ge=1, description="Longest answer, in text tokens, where a request sets no cap (1024: about 6 min)."
    )
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("vivavoce", appauthor=False),
        description="State: spoken replies, what was heard, files and batches, all of it encrypted.",
    )
    models_dir: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "vivavoce" / "models",
        description="Where weights lie.",
    )
    accept_licence: bool = Field(
        False, description="Agree to the terms of weights that have some, Llama's for one, when they are pulled."
    )
    offline: bool = Field(False, description="Reach for nothing: weights must already be there.")
    max_body_bytes: int = Field(26_214_400, ge=1024, description="Largest request body, in bytes.")
    max_audio_s: float = Field(1800.0, gt=0, description="Longest recording in a request, in seconds.")
    max_speech_characters: int = Field(
        4096, ge=1, description="Longest text for POST /v1/audio/speech, in characters; a book chapter works."
    )
    reply_ttl_s: int = Field(86_400, ge=1, description="Seconds that a spoken reply, and what was heard, is kept.")
    max_file_bytes: int = Field(
        209_715_200,
        ge=1024,
        description="Largest file for POST /v1/files, in bytes (200 MB, as the original's batches).",
    )
    max_files_bytes: int = Field(
        10_737_418_240, ge=1024, description="All uploaded files of one key together, in bytes (10 GiB)."
    )
    file_ttl_s: int = Field(
        2_592_000,
        ge=3600,
        description="Seconds that files, and batches that have ended, are kept unless told otherwise.",
    )
    stored_days: int = Field(
        30, ge=1, description="Days that a completion asked for with store is kept, its words but not its sound."
    )
    remember_heard: bool = Field(True, description="Never listen to the same recording twice; off: listen each time.")
    strict: bool = Field(
        False, description="Refuse what the original refused, in its words; otherwise all of that works."
    )
    max_choices: int = Field(
        128, ge=1, le=128, description="Largest n of a request: each choice takes one of the slots, and they queue."
    )
    speaking_note: str | None = Field(
        SPEAKING_NOTE, description="Note to the thinker that makes answers fit to speak; empty turns it off."
    )
    hearing_note: bool = Field(
        True, description="Tell the thinker in a few words how something was said, and what was unclear."
    )
    ask_back: bool = Field(
        True, description="Begin the answer by asking, where a word that matters was not heard clearly."
    )
    max_turns: int | None = Field(
        None, ge=1, description="Turns under way at once, over all workers; unset: as many as slots."
    )
    max_speaking: int | None = Field(
        None,
        ge=1,
        description="Turns that speak at once; unset: as many as it keeps fed, measured, and at most one per thread.",
    )
    queue_turns: int = Field(32, ge=0, description="Requests that wait for a turn; more are told when to come back.")
    queue_wait_s: float = Field(
        6.0, gt=0, description="Longest wait for a turn; who would wait longer is told at once, with 429."
    )
    batch_turns: int | None = Field(
        None,
        ge=0,
        description="Lines of batches under way at once, per worker; unset: half of max_turns; 0: it runs none.",
    )
    stage_timeout_s: float = Field(
        90.0, gt=0, description="A stage that makes no progress for so long ends its turn; long work gets more."
    )
    cost_per_hour: Decimal | None = Field(
        None,
        ge=0,
        description="What an hour of this machine costs, in US dollars: `viva usage --compare`, `viva prices --costs`.",
    )
    prices_dir: Path | None = Field(
        None, description="Folder of more prices (*.yaml, as in src/vivavoce/prices), beside those that come along."
    )
    usage_days: int = Field(
        400, ge=32, description="Days that the figures of a request (never its content) stay in the ledger."
    )
    drain_s: int = Field(
        30, ge=0, description="How long answers under way may take to end when the server stops, in seconds."
    )
    web: bool = Field(True, description="Serve the pages for people with a browser: the live test and the boards.")
    metrics: bool = Field(True, description="Answer GET /metrics, for Prometheus and `viva top`.")
    otel_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Send OpenTelemetry traces to this collector (OTLP/HTTP), as http://127.0.0.1:4318; unset: none.",
    )
    log_format: Literal["line", "json"] = Field(
        "line", description="Log for people (line), or one JSON object per event."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _config_file())

    def for_worker(self) -> str:
        """All settings as one line of JSON, without the key that only the engine process needs."""
        return self.model_dump_json(exclude={"think_api_key"})

    def engine_spec(self) -> EngineSpec:
        """What engines to build, in this process or in one of their own."""
        return EngineSpec(
            listen=self.engine("listen"),
            think=self.engine("think"),
            speak=self.engine("speak"),
            models_dir=str(self.models_dir),
            speakers=self.engine("speakers"),
            offline=self.offline,
            threads=self.threads,
            slots=self.slots,
            context_tokens=self.context_tokens,
            prompt_cache_mib=self.prompt_cache_mib,
            answer_tokens=self.answer_tokens,
            think_base_url=self.think_base_url,
            think_api_key=self.think_api_key.get_secret_value() if self.think_api_key else None,
            think_hears_audio=self.think_hears_audio,
            device=self.device,
            listen_device=self.listen_device,
            think_device=self.think_device,
            speak_device=self.speak_device,
            listen_compute_type=self.listen_compute_type,
            think_gpu_layers=self.think_gpu_layers,
            tone=self.tone,
            admission=AdmissionLimits(
                self.max_turns or self.slots, self.max_speaking, self.queue_turns, self.queue_wait_s
            ),
        )

    def lines_at_once(self) -> int:
        """Lines of batches that one worker has under way; the rest of the places stays free for who waits."""
        return max(1, (self.max_turns or self.slots) // 2) if self.batch_turns is None else self.batch_turns

    def engine(self, stage: Stage) -> str:
        """The engine of a stage as `kind:model`: set by itself, or by the profile."""
        chosen: str | None = getattr(self, stage)
        return chosen or PROFILES[self.profile][stage]


class WorkerSettings(Settings):
    """What `for_worker` wrote. Nothing is read again: a file edited since must not set one worker apart."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def load_settings(**overrides: object) -> Settings:
    """Read settings. Raises `InvalidValue` with the field's name where one is wrong or unknown."""
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # pyright: ignore[reportArgumentType]
    except tomllib.TOMLDecodeError as error:
        raise InvalidValue(f"{_config_file()} is not valid TOML: {error}.", param="config") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidValue(f"Setting '{name}': {first['msg']}. See docs/settings.md.", param=name) from error
