"""Questions that hang on one word which is easily misheard: is an answer built on a word that nobody said?

Each question is spoken clearly and among other people's talk, and put to a server twice: with doubt told (the thinker
reads which words are unclear, and asks back) and without. Knows no server: what asks is handed in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from vivavoce.audio import Audio
from vivavoce.bench.babble import in_babble
from vivavoce.bench.exchange import Answered
from vivavoce.bench.questions import Progress, new_wav
from vivavoce.bench.scoring import normalise
from vivavoce.bench.stats import Interval, paired_ratio

SNR_DB = 3.0
"""Talk all around, a little lower than the one who asks: about half of the keys are misheard."""

ASKING_BACK = re.compile(
    r"\bdid you (say|mean|ask)|\b(do|if) you (mean|meant)|\bwhat do you mean|\bassuming you|\bwas that\b"
    r"|\b(could|can|would) you (please )?(repeat|clarify|confirm|rephrase|say|tell me|provide more|be more)"
    r"|\bnot sure (what|if|whether|i|you|who|which)|\bdid( not|n't) (quite )?(catch|hear|understand)"
    r"|\bare you (asking|referring|talking)",
    re.IGNORECASE,
)
"""What an answer says that asks back, or says what it takes the question for."""

Ask = Callable[[bytes, bool], Answered]
"""Puts a question (a WAV file), with doubt told or not. Raises `UpstreamFailed`, `TooBusy`."""


@dataclass(frozen=True, slots=True)
class Question:
    """`key`: the word or words that it hangs on."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One question, put once. noisy: among other people's talk; told: with doubt."""

    key: str
    question: str
    noisy: bool
    told: bool
    heard: str
    answer: str

    @property
    def misheard(self) -> bool:
        """The key is not in what was heard, however its words are divided."""
        return not _holds(self.heard, self.key)

    @property
    def asks_back(self) -> bool:
        return ASKING_BACK.search(self.answer) is not None

    @property
    def built_on_phantom(self) -> bool:
        """Answers, without a doubt, what nobody asked. An answer that has the key after all has not been misled."""
        return self.misheard and not self.asks_back and not _holds(self.answer, self.key)


@dataclass(frozen=True, slots=True)
class Outcome:
    """misheard: questions whose key was; built: answers built on that, by whether doubt was told. rest: what is left of
    them (told over not told). clear: questions spoken clearly and heard rightly; needless: asked back, with doubt told.
    """

    misheard: int
    built_told: int
    built_untold: int
    rest: Interval | None
    clear: int
    needless: int


@cache
def questions() -> tuple[Question, ...]:
    table = tomllib.loads(files("vivavoce.bench").joinpath("confusable.toml").read_text(encoding="utf-8"))
    return tuple(Question(str(each["key"]), str(each["text"])) for each in table["question"])


def put_questions(ask: Ask, spoken: Sequence[Audio], seed: int, progress: Progress | None = None) -> list[Trial]:
    """Every question, clear and in babble, with doubt told and not. spoken: our questions in their order, at one rate.

    Raises what `ask` raises.
    """
    random = np.random.default_rng(seed)
    trials: list[Trial] = []
    for number, (question, audio) in enumerate(zip(questions(), spoken, strict=True)):
        others = [other for index, other in enumerate(spoken) if index != number]
        for noisy, sound in ((False, audio), (True, in_babble(audio, others, SNR_DB, random))):
            wav = new_wav(sound, int(random.integers(1 << 62)))
            for told in (True, False) if number % 2 else (False, True):
                came = ask(wav, told)
                trials.append(Trial(question.key, question.text, noisy, told, came.heard or "", came.text))
        if progress is not None:
            progress(number + 1, len(spoken), question.key)
    return trials


def outcome(trials: Sequence[Trial], seed: int = 0) -> Outcome:
    """`trials` as `put_questions` gives them."""
    told = sorted((each for each in trials if each.told), key=_place)
    untold = sorted((each for each in trials if not each.told), key=_place)
    pairs = [(a, b) for a, b in zip(told, untold, strict=True) if b.misheard and b.noisy]
    built = [[float(each[way].built_on_phantom) for each in pairs] for way in (0, 1)]
    clear = [each for each in told if not each.noisy and not each.misheard]
    rest = paired_ratio(built[0], built[1], seed=seed) if pairs and sum(built[1]) else None
    return Outcome(
        misheard=len(pairs),
        built_told=int(sum(built[0])),
        built_untold=int(sum(built[1])),
        rest=rest,
        clear=len(clear),
        needless=sum(each.asks_back for each in clear),
    )


def _place(trial: Trial) -> tuple[str, bool]:
    return trial.question, trial.noisy


def _holds(text: str, key: str) -> bool:
    said, wanted = normalise(text, "en"), normalise(key, "en")
    return f" {wanted} " in f" {said} " or (len(wanted) > 4 and wanted.replace(" ", "") in said.replace(" ", ""))
