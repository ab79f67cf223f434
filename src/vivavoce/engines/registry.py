"""Engines by name: `kind:model` -> a lazy factory. The only file that names vendor files.

What is missing (weights, a package, a base URL) becomes a sentence with its cure. Knows no HTTP and reads no settings:
`EngineSpec` carries everything as plain values and can cross a process boundary as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from vivavoce.errors import InvalidValue, MissingDependency
from vivavoce.listen.base import Listener
from vivavoce.models.store import ModelStore
from vivavoce.speak.base import Speaker
from vivavoce.think.base import Thinker
from vivavoce.turn import Engines


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Which engines to build and how. `listen`, `think`, `speak` are `kind:model`."""

    listen: str
    think: str
    speak: str
    models_dir: str
    offline: bool = False
    threads: int = 2
    slots: int = 4
    context_tokens: int = 8192
    think_base_url: str | None = None
    think_api_key: str | None = None
    think_hears_audio: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> EngineSpec:
        return cls(**json.loads(text))

    @property
    def store(self) -> ModelStore:
        return ModelStore(Path(self.models_dir), offline=self.offline)

    def weights(self) -> list[str]:
        """Catalogue names of all weights this spec needs, in the order of the flow."""
        needed: list[str] = []
        for stage, name in (("listen", self.listen), ("think", self.think), ("speak", self.speak)):
            kind, model = split_name(name, stage)
            needed += WEIGHTS.get(kind, lambda model: [model])(model)
        return needed


WEIGHTS: dict[str, Callable[[str], list[str]]] = {
    "kokoro": lambda model: [model, "kokoro-voices"],
    "openai": lambda model: [],
}
"""Kinds that need other weights than the one model they name."""


def split_name(name: str, stage: str) -> tuple[str, str]:
    """`kind:model` -> (kind, model). Raises `InvalidValue` naming the kinds that `stage` knows."""
    kind, _, model = name.partition(":")
    if kind not in FACTORIES[stage] or not model:
        known = ", ".join(f"{kind}:<model>" for kind in FACTORIES[stage])
        raise InvalidValue(f"'{name}' is no {stage} engine. Known: {known}.", param=stage)
    return kind, model


def _whisper(spec: EngineSpec, model: str) -> Listener:
    from vivavoce.listen.whisper import WhisperListener

    return WhisperListener(spec.store.path(model), threads=spec.threads)


def _llamacpp(spec: EngineSpec, model: str) -> Thinker:
    from vivavoce.think.llamacpp import LlamaCppThinker

    return LlamaCppThinker(
        spec.store.path(model) / "model.gguf",
        slots=spec.slots,
        context_tokens=spec.context_tokens,
        threads=spec.threads,
    )


def _openai(spec: EngineSpec, model: str) -> Thinker:
    from vivavoce.think.openai_api import OpenAIThinker

    if not spec.think_base_url:
        raise InvalidValue(
            f"think = 'openai:{model}' needs a base URL: set VIVA_THINK_BASE_URL, e.g. http://127.0.0.1:11434/v1.",
            param="think_base_url",
        )
    return OpenAIThinker(spec.think_base_url, spec.think_api_key, model, hears_audio=spec.think_hears_audio)


def _kokoro(spec: EngineSpec, model: str) -> Speaker:
    from vivavoce.speak.kokoro import KokoroSpeaker

    store = spec.store
    return KokoroSpeaker(store.path(model) / "model.onnx", store.path("kokoro-voices"), threads=spec.threads)


LISTENERS: dict[str, Callable[[EngineSpec, str], Listener]] = {"whisper": _whisper}
THINKERS: dict[str, Callable[[EngineSpec, str], Thinker]] = {"llamacpp": _llamacpp, "openai": _openai}
SPEAKERS: dict[str, Callable[[EngineSpec, str], Speaker]] = {"kokoro": _kokoro}
FACTORIES = {"listen": LISTENERS, "think": THINKERS, "speak": SPEAKERS}


def build(spec: EngineSpec) -> Engines:
    """Load all three engines. Blocking and slow: call it off the event loop.

    Raises `InvalidValue` for an unknown engine, `ModelNotInstalled` for missing weights, `MissingDependency`.
    """
    listen_kind, listen_model = split_name(spec.listen, "listen")
    think_kind, think_model = split_name(spec.think, "think")
    speak_kind, speak_model = split_name(spec.speak, "speak")
    try:
        return Engines(
            LISTENERS[listen_kind](spec, listen_model),
            THINKERS[think_kind](spec, think_model),
            SPEAKERS[speak_kind](spec, speak_model),
        )
    except ImportError as error:
        raise MissingDependency(f"An engine needs a package that is not installed: {error.name}.") from error
