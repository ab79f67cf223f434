"""Which engines to build and how many turns to let in, as plain values that cross as JSON. Knows no engine."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

Stage = Literal["listen", "think", "speak", "speakers"]
STAGES: tuple[Stage, ...] = ("listen", "think", "speak", "speakers")
GPU_STAGES: tuple[Stage, ...] = ("listen", "think", "speak")
"""Those that a GPU can help; the networks that tell speakers apart are too small for one."""

OFF = "off"
"""In place of `kind:model`: nobody tells speakers apart."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """`turns` under way at once; `speaking` of them that make sound, None: as many as the machine was measured to keep
    fed; `waiting` in the queue; `wait_s`: the longest that one waits there."""

    turns: int = 4
    speaking: int | None = None
    waiting: int = 32
    wait_s: float = 6.0


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """`listen`, `think`, `speak` and `speakers` are `kind:model`, `speak` also several with commas, `speakers` also
    OFF; the rest is what they may need.

    tone: `kind:model` too, "auto" for the head that fits the listener, if there is one, or "off"."""

    listen: str
    think: str
    speak: str
    models_dir: str
    speakers: str = OFF
    offline: bool = False
    threads: int = 2
    slots: int = 4
    context_tokens: int = 8192
    prompt_cache_mib: int = 512
    answer_tokens: int = 1024
    think_base_url: str | None = None
    think_api_key: str | None = None
    think_hears_audio: bool = False
    device: str = "auto"
    listen_device: str | None = None
    think_device: str | None = None
    speak_device: str | None = None
    listen_compute_type: str = "auto"
    think_gpu_layers: int | None = None
    tone: str = "auto"
    admission: AdmissionLimits = field(default_factory=AdmissionLimits)

    def engine(self, stage: Stage) -> str:
        return {"listen": self.listen, "think": self.think, "speak": self.speak, "speakers": self.speakers}[stage]

    def engines(self, stage: Stage) -> list[str]:
        """`kind:model` of each engine of a stage: one, for `speak` perhaps several, for `speakers` perhaps none."""
        name = self.engine(stage)
        if stage == "speakers" and name == OFF:
            return []
        return [part.strip() for part in name.split(",")] if stage == "speak" else [name]

    def stage_device(self, stage: Stage) -> str | None:
        """The device of a stage's own; None where `device` decides."""
        own = {"listen": self.listen_device, "think": self.think_device, "speak": self.speak_device}
        return own.get(stage)

    @property
    def thinks_on_processor(self) -> bool:
        """Whether answers are thought by this machine's cores. Then a turn that speaks needs about a core of its own,
        whatever speaking alone would allow: with twice as many at once most answers had gaps (docs/operations)."""
        return self.think.startswith("llamacpp:") and not self.think_gpu_layers

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> EngineSpec:
        fields = json.loads(text)
        return cls(**fields | {"admission": AdmissionLimits(**fields["admission"])})
