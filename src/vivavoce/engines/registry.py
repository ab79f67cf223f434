"""Engines by name: `kind:model` -> a lazy factory. The only file that names vendor files.

What is missing (weights, a package, a base URL) becomes a sentence with its cure. Knows no HTTP and reads no settings:
`EngineSpec` carries everything as plain values and can cross a process boundary as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from vivavoce.engines.devices import gpu_index, placed
from vivavoce.engines.spec import STAGES, EngineSpec, Stage
from vivavoce.errors import InvalidValue, MissingDependency, ModelNotInstalled
from vivavoce.listen.base import Listener
from vivavoce.listen.speakers.base import Diarizer
from vivavoce.listen.tone import ToneReader
from vivavoce.models.store import ModelStore
from vivavoce.speak.base import Speaker
from vivavoce.think.base import Thinker
from vivavoce.think.gguf_files import find_gguf, is_path
from vivavoce.turn import Engines

SCRIPTED_DELAY_S = 0.01
"""Seconds per word of a scripted answer: slow enough for a test to interrupt it."""


def _gguf_weights(model: str) -> list[str]:
    if not is_path(model):
        return [model]
    find_gguf(Path(model))
    return []


WEIGHTS: dict[str, Callable[[str], list[str]]] = {
    "kokoro": lambda model: [model, "kokoro-voices"],
    "espeak": lambda model: [],
    "llamacpp": _gguf_weights,
    "openai": lambda model: [],
    "campplus": lambda model: ["pyannote-segmentation-3.0", model],
    "scripted": lambda model: [],
}
"""Kinds that need other weights than the one model they name."""


def split_name(name: str, stage: Stage | Literal["tone"]) -> tuple[str, str]:
    """`kind:model` -> (kind, model). Raises `InvalidValue` naming the kinds that `stage` knows."""
    kind, _, model = name.partition(":")
    if kind not in FACTORIES[stage] or not model:
        known = ", ".join(f"{kind}:<model>" for kind in FACTORIES[stage])
        raise InvalidValue(f"'{name}' is no {stage} engine. Known: {known}.", param=stage)
    return kind, model


def _whisper(spec: EngineSpec, model: str) -> Listener:
    from vivavoce.listen.whisper import WhisperListener

    return WhisperListener(
        _store(spec).path(model),
        threads=spec.threads,
        device=spec.listen_device or "cpu",
        compute_type=spec.listen_compute_type,
    )


def _llamacpp(spec: EngineSpec, model: str) -> Thinker:
    from vivavoce.think.llamacpp import CPU_BATCH_TOKENS, GPU_BATCH_TOKENS, LlamaCppThinker

    files = find_gguf(Path(model) if is_path(model) else _store(spec).path(model))
    return LlamaCppThinker(
        files.model,
        files.projector,
        slots=spec.slots,
        context_tokens=spec.context_tokens,
        threads=spec.threads,
        prompt_cache_mib=spec.prompt_cache_mib,
        answer_tokens=spec.answer_tokens,
        gpu_layers=spec.think_gpu_layers or 0,
        gpu=gpu_index(spec.think_device),
        batch_tokens=GPU_BATCH_TOKENS if spec.think_gpu_layers else CPU_BATCH_TOKENS,
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

    store = _store(spec)
    return KokoroSpeaker(
        store.path(model) / "model.onnx",
        store.path("kokoro-voices"),
        threads=spec.threads,
        device=spec.speak_device or "cpu",
    )


def _piper(spec: EngineSpec, model: str) -> Speaker:
    from vivavoce.speak.piper import PiperSpeaker

    return PiperSpeaker(_store(spec).path(model), threads=spec.threads, device=spec.speak_device or "cpu")


def _espeak(spec: EngineSpec, model: str) -> Speaker:
    from vivavoce.speak.espeak import EspeakSpeaker

    if model != "ng":
        raise InvalidValue(f"'espeak:{model}' is no speak engine. Known: espeak:ng.", param="speak")
    return EspeakSpeaker()


def _campplus(spec: EngineSpec, model: str) -> Diarizer:
    from vivavoce.listen.speakers.campplus import CampplusEncoder
    from vivavoce.listen.speakers.diarizer import WindowDiarizer
    from vivavoce.listen.speakers.segmentation import Segmentation

    store = _store(spec)
    segmentation = Segmentation(store.path("pyannote-segmentation-3.0") / "model.bin", spec.threads)
    return WindowDiarizer(segmentation, CampplusEncoder(store.path(model) / "model.pt", spec.threads))


def _scripted_listener(spec: EngineSpec, transcript: str) -> Listener:
    from vivavoce.testing import ScriptedListener

    return ScriptedListener(transcript)


def _scripted_thinker(spec: EngineSpec, answer: str) -> Thinker:
    from vivavoce.testing import ScriptedThinker

    return ScriptedThinker(answer, delay_s=SCRIPTED_DELAY_S, context_tokens=spec.context_tokens)


def _scripted_speaker(spec: EngineSpec, model: str) -> Speaker:
    from vivavoce.testing import ScriptedSpeaker

    return ScriptedSpeaker()


def _tone_head(spec: EngineSpec, model: str) -> ToneReader:
    from vivavoce.listen.tone_head import ToneHead

    if spec.listen.partition(":")[2] != model:
        raise InvalidValue(
            f"tone = 'head:{model}' reads what {model} makes of speech, but '{spec.listen}' listens. Set tone = auto.",
            param="tone",
        )
    return ToneHead.for_listener(model)


def _scripted_tone(spec: EngineSpec, emotion: str) -> ToneReader:
    from vivavoce.testing import ScriptedTone

    return ScriptedTone(emotion)


def _scripted_diarizer(spec: EngineSpec, names: str) -> Diarizer:
    from vivavoce.testing import ScriptedDiarizer

    return ScriptedDiarizer(names)


LISTENERS: dict[str, Callable[[EngineSpec, str], Listener]] = {"whisper": _whisper, "scripted": _scripted_listener}
THINKERS: dict[str, Callable[[EngineSpec, str], Thinker]] = {
    "llamacpp": _llamacpp,
    "openai": _openai,
    "scripted": _scripted_thinker,
}
SPEAKERS: dict[str, Callable[[EngineSpec, str], Speaker]] = {
    "kokoro": _kokoro,
    "piper": _piper,
    "espeak": _espeak,
    "scripted": _scripted_speaker,
}
TONE_READERS: dict[str, Callable[[EngineSpec, str], ToneReader]] = {"head": _tone_head, "scripted": _scripted_tone}
DIARIZERS: dict[str, Callable[[EngineSpec, str], Diarizer]] = {"campplus": _campplus, "scripted": _scripted_diarizer}
FACTORIES = {
    "listen": LISTENERS,
    "think": THINKERS,
    "speak": SPEAKERS,
    "tone": TONE_READERS,
    "speakers": DIARIZERS,
}


def build(spec: EngineSpec) -> Engines:
    """Load all engines, on the devices that `placed` finds. Blocking and slow: call it off the event loop.

    Raises `InvalidValue` for an unknown engine, `ModelNotInstalled` for missing weights, `MissingDependency`.
    """
    spec = placed(spec)
    think_kind, think_model = split_name(spec.think, "think")
    try:
        thinker = THINKERS[think_kind](spec, think_model)
        tone, diarizer = build_tone(spec), build_diarizer(spec)
        return Engines(build_listener(spec), thinker, build_speaker(spec), tone=tone, diarizer=diarizer)
    except ImportError as error:
        raise MissingDependency(f"An engine needs a package that is not installed: {error.name}.") from error


def build_listener(spec: EngineSpec) -> Listener:
    """Load the listener alone. Raises as `build` does."""
    spec = placed(spec, ("listen",))
    kind, model = split_name(spec.listen, "listen")
    return LISTENERS[kind](spec, model)


def build_tone(spec: EngineSpec) -> ToneReader | None:
    """Load the tone engine; None where tone is off, or nothing fits the listener. Raises `InvalidValue`."""
    name = tone_engine(spec)
    if name is None:
        return None
    kind, model = split_name(name, "tone")
    return TONE_READERS[kind](spec, model)


def tone_engine(spec: EngineSpec) -> str | None:
    """The tone engine as `kind:model`: the one set, or the head that fits the listener; None: tone is not read."""
    from vivavoce.listen.tone_head import heads

    if spec.tone != "auto":
        return None if spec.tone == "off" else spec.tone
    kind, _, model = spec.listen.partition(":")
    return f"head:{model}" if kind == "whisper" and model in heads() else None


def build_diarizer(spec: EngineSpec) -> Diarizer | None:
    """Load what tells speakers apart; None where that is off. Raises as `build` does."""
    for kind, model in [split_name(name, "speakers") for name in spec.engines("speakers")]:
        return DIARIZERS[kind](spec, model)
    return None


def build_speaker(spec: EngineSpec) -> Speaker:
    """Load the speaker alone, which may be several as one. Raises as `build` does.

    Of several, one whose program is not on this machine is left out; its voices are then not there.
    """
    from vivavoce.speak.several import SeveralSpeakers

    spec = placed(spec, ("speak",))
    speakers: list[Speaker] = []
    missing: list[MissingDependency] = []
    for kind, model in [split_name(name, "speak") for name in spec.engines("speak")]:
        try:
            speakers.append(SPEAKERS[kind](spec, model))
        except MissingDependency as error:
            missing.append(error)
    if not speakers:
        raise missing[0]
    return speakers[0] if len(speakers) == 1 else SeveralSpeakers(speakers)


def weights(spec: EngineSpec, stages: Sequence[Stage] = STAGES) -> list[str]:
    """Catalogue names of all weights that `stages` of this spec need, in the order of the flow.

    Raises `ModelNotInstalled` where a model of the user's own is not where the spec says.
    """
    needed: list[str] = []
    for stage in stages:
        for kind, model in [split_name(name, stage) for name in spec.engines(stage)]:
            needed += WEIGHTS[kind](model) if kind in WEIGHTS else [model]
    return list(dict.fromkeys(needed))


def require_weights(spec: EngineSpec, stages: Sequence[Stage] = STAGES) -> None:
    """Raises `ModelNotInstalled` naming every missing model at once, before anything is loaded."""
    store = _store(spec)
    missing = [name for name in weights(spec, stages) if not store.is_installed(name)]
    if missing:
        raise ModelNotInstalled(
            f"Weights are missing: {', '.join(missing)}. Fetch them with: viva models pull {' '.join(missing)}"
        )


def _store(spec: EngineSpec) -> ModelStore:
    return ModelStore(Path(spec.models_dir), offline=spec.offline)
