"""What a turn is, the engines it needs, and the events that come of it. The flow itself is `turn.py`, from where all of
this is to be had too. Knows no wire format and no engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vivavoce.audio import Audio
from vivavoce.conversation import SPEAKING_NOTE, Message, Sampling
from vivavoce.listen.base import Heard, Listener, ListenOptions
from vivavoce.listen.speakers.base import Diarizer
from vivavoce.listen.tone import ToneReader
from vivavoce.speak.base import Speaker
from vivavoce.speak.saying import Saying
from vivavoce.think.base import FinishReason, Thinker, TokenLogprob
from vivavoce.tickets import Admission, OpenDoor, Room
from vivavoce.usage import Usage


@dataclass(frozen=True, slots=True)
class Engines:
    """The three engines a turn needs, who lets it start, and those that read tone and tell speakers apart, if any.

    Without a diarizer all that is said is said by one speaker.
    """

    listener: Listener
    thinker: Thinker
    speaker: Speaker
    admission: Admission = field(default_factory=OpenDoor)
    tone: ToneReader | None = None
    diarizer: Diarizer | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange. `saying` None: written answer only. `speaking_note` is put before the conversation if spoken.

    `choices`: how many answers to think, at the same time; only the first is ever spoken. `background`: nobody waits
    for it, so it rests between stages and clauses while others are served. `hearing_note`: tell the thinker how things
    were said, see `listen.note`. `ask_back`: where a word that matters was unclear, the answer begins by asking.
    """

    conversation: Sequence[Message]
    sampling: Sampling = field(default_factory=Sampling)
    listening: ListenOptions = field(default_factory=ListenOptions)
    saying: Saying | None = None
    speaking_note: str | None = SPEAKING_NOTE
    choices: int = 1
    background: bool = False
    hearing_note: bool = True
    ask_back: bool = True


@dataclass(frozen=True, slots=True)
class PartHeard:
    """What was heard in one audio part; `message` and `part` are its indices in the conversation. `note`: what the
    thinker is told besides the words; "" if nothing."""

    message: int
    part: int
    heard: Heard
    note: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """The next piece of a written answer; never empty. `choice` is the answer's index."""

    text: str
    choice: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """The next words spoken in place of a JSON answer, which is not read out as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """The next piece of a tool call, the `index`-th of its answer; never spoken. `name` comes with the first piece."""

    id: str
    index: int
    arguments: str
    name: str | None = None
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Spoke:
    """A spoken clause with the pause after it. `text_span` are character offsets in all that is said, so that
    barge-in can later cut history to what was heard; times in seconds from the start of the spoken answer."""

    audio: Audio
    text_span: tuple[int, int]
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds from when the turn was asked for; None where a stage had nothing to do. It waited for `admitted_s`."""

    admitted_s: float = 0.0
    heard_s: float | None = None
    first_text_s: float | None = None
    first_sound_s: float | None = None
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """Always the last event of `run`. `finish_reasons` has one entry per choice."""

    finish_reasons: tuple[FinishReason, ...]
    usage: Usage
    timings: Timings


Event = Room | PartHeard | Thought | Called | Read | Spoke | Finished
