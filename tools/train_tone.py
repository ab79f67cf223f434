"""Trains the tone heads in src/vivavoce/listen/tone_heads/.

python tools/train_tone.py                          the head for Whisper base, in about five minutes on two cores
python tools/train_tone.py --listener whisper-tiny  for another listener whose weights are installed

Reads recordings by their manifest and takes only those whose licence lets weights be shipped: acted emotions, and read
speech in many languages, whose emotions nobody knows but which tells what differs between voices, rooms and languages
and not between emotions. Everything is seeded; the same recordings give the same head. What the head is, is told in
`tone_head.py`; here its means and covariance are estimated, and its temperature is set by leaving speakers out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tone_sounds import disguised

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.codec.decode import decode
from vivavoce.listen.level import gain_for
from vivavoce.listen.mel import FRAMES_PER_S, LogMel
from vivavoce.listen.tone_head import HEADS, HeadWeights, measurements
from vivavoce.listen.vad import FRAME_S, VoiceActivity
from vivavoce.listen.voicing import voicing_of
from vivavoce.listen.whisper_model import WhisperModel
from vivavoce.listen.windows import Window, WindowPlanner, WindowPolicy, encoder_s
from vivavoce.resampling import resample
from vivavoce.settings import load_settings

Floats = npt.NDArray[np.float64]

EMOTIONS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
ACTED = ("emodb_de", "thorsten_emo_de")
READ = ("kerstin_de", "ljspeech_en", "misc_multi", "picovoice_multi", "so762_en_zh")
NOISE = "noise"
GUISES = {ACTED: 9, READ: 4}
"""How often each recording is heard in another guise, besides as it is."""

RIDGE = 0.2
"""Of the mean variance within an emotion, added to each variance."""
BETWEEN_CORPORA = 1.0
"""How much what differs between the neutral speech of corpora and speakers counts as no emotion."""
INTENSITIES = (1 / 3, 2 / 3, 1.0)
NEUTRAL_PRIOR = 3.0
RELEVANCE = 4.0


@dataclass(frozen=True, slots=True)
class Examples:
    """rows: measurements, shape (n, inputs). Names of n emotions ("" where unknown), speakers and corpora. guise: 0 for
    the recording as it is."""

    rows: Floats
    emotion: npt.NDArray[np.str_]
    speaker: npt.NDArray[np.str_]
    corpus: npt.NDArray[np.str_]
    guise: npt.NDArray[np.int64]

    def where(self, mask: npt.NDArray[np.bool_]) -> Examples:
        return Examples(*(getattr(self, name)[mask] for name in self.__slots__))


def main() -> None:
    asked = argparse.ArgumentParser(description="Train a tone head.")
    asked.add_argument("--manifest", type=Path, default=Path("../shared/speech/manifest.jsonl"))
    asked.add_argument("--listener", default="whisper-base", help="name of the listener's model")
    options = asked.parse_args()
    settings = load_settings()
    hear = Ear(settings.models_dir / options.listener)
    rows = [json.loads(line) for line in options.manifest.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if not row["non_commercial"] and "GPL" not in row["licence"]]
    noises = [hear.samples(options.manifest.parent / row["path"]) for row in rows if corpus_of(row) == NOISE]
    acted, read = (
        listen_to([row for row in rows if corpus_of(row) in corpora], guises, noises, options.manifest.parent, hear)
        for corpora, guises in GUISES.items()
    )
    acted = acted.where(np.isin(acted.emotion, EMOTIONS))
    print(f"{len(acted.rows)} acted and {len(read.rows)} read examples")
    folds = cross_validated(acted, read)
    temperature = calibrated(folds)
    head = replace(trained(acted, read), temperature=temperature)
    head.save(HEADS / f"{options.listener}.npz")
    kept = HEADS / "unseen" / options.listener
    kept.mkdir(parents=True, exist_ok=True)
    for speaker, fold in folds.items():
        replace(fold.head, temperature=temperature).save(kept / f"{speaker}.npz")
    report(folds, temperature)


class Ear:
    """What listening makes of a recording: the measurements of its longest window of speech. Safe in any thread."""

    def __init__(self, model_dir: Path) -> None:
        self._model = WhisperModel(model_dir, threads=2, compute_type="int8", device="cpu")
        self._mel = LogMel(self._model.n_mels)
        self._activity = VoiceActivity()
        self._policy = WindowPolicy()

    def samples(self, path: Path) -> Samples:
        return resample(decode(path.read_bytes()), LISTEN_RATE_HZ).samples

    def measured(self, samples: Samples) -> npt.NDArray[np.float32] | None:
        """As `WhisperListener` would; None where nobody speaks."""
        gain = gain_for(samples)
        windows = self._windows(samples, gain)
        if not windows:
            return None
        window = max(windows, key=lambda each: each.speech_end_s - each.speech_start_s)
        sound = samples[round(window.start_s * LISTEN_RATE_HZ) : round(window.end_s * LISTEN_RATE_HZ)]
        seconds = encoder_s(len(sound) / LISTEN_RATE_HZ, self._policy)
        features = self._mel(sound * gain, 2 * round(seconds * FRAMES_PER_S / 2))
        return measurements([voicing_of(sound, self._model.encode([features])[0].steps, window)])[0]

    def _windows(self, samples: Samples, gain: np.float32) -> list[Window]:
        planner = WindowPlanner(self._policy, FRAME_S)
        windows = [window for block in self._activity.blocks(samples, gain) for window in planner.feed(block.tolist())]
        return windows + planner.finish()


def corpus_of(row: dict[str, Any]) -> str:
    return str(row["id"]).split("/", maxsplit=1)[0]


def listen_to(
    rows: Sequence[dict[str, Any]], guises: int, noises: Sequence[Samples], folder: Path, hear: Ear
) -> Examples:
    """Each recording as it is, and in so many guises, which are the same for all of one speaker."""

    def example(row: dict[str, Any], guise: int) -> tuple[Any, ...] | None:
        speaker = str(row["speaker"] or row["id"])
        samples = hear.samples(folder / row["path"])
        if guise:
            seed = int(hashlib.sha256(speaker.encode()).hexdigest()[:8], 16)
            samples = disguised(samples, noises, np.random.default_rng([seed, guise]))
        measured = hear.measured(samples)
        corpus = f"{corpus_of(row)} {row['language']}"
        return None if measured is None else (measured, row["emotion"] or "", speaker, corpus, guise)

    with ThreadPoolExecutor(2) as pool:
        made = list(
            pool.map(example, *zip(*[(row, guise) for row in rows for guise in range(guises + 1)], strict=True))
        )
    columns = zip(*[each for each in made if each is not None], strict=True)
    rows_, *names = (np.array(column) for column in columns)
    return Examples(rows_.astype(np.float64), *names)


def trained(acted: Examples, read: Examples) -> HeadWeights:
    """Means by emotion, and one covariance: half of it within acted emotions, half within read corpora, and what
    differs between the neutral speech of corpora and of actors, in which no emotion can lie."""
    everything = np.concatenate((acted.rows, read.rows))
    mean, scale = everything.mean(axis=0), everything.std(axis=0)
    x, others = (acted.rows - mean) / scale, (read.rows - mean) / scale
    neutral = acted.emotion == "neutral"
    places = [others[read.corpus == corpus].mean(axis=0) for corpus in np.unique(read.corpus)]
    places += [x[neutral & (acted.speaker == speaker)].mean(axis=0) for speaker in np.unique(acted.speaker[neutral])]
    within = np.cov(_residues(x, acted.emotion).T)
    covariance = (
        0.5 * within
        + 0.5 * np.cov(_residues(others, read.corpus).T)
        + BETWEEN_CORPORA * np.cov(np.array(places).T)
        + RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    )
    means = np.array([x[acted.emotion == emotion].mean(axis=0) for emotion in EMOTIONS])
    weights = np.linalg.solve(covariance, means.T)
    arrays = (mean, scale, weights, means @ weights, np.array(INTENSITIES))
    return HeadWeights(
        EMOTIONS,
        *(array.astype(np.float32) for array in arrays),
        neutral_prior=NEUTRAL_PRIOR,
        temperature=1.0,
        relevance=RELEVANCE,
    )


def _residues(rows: Floats, groups: npt.NDArray[np.str_]) -> Floats:
    """Rows less the mean of their group, where it has more than one."""
    kept = [rows[groups == group] for group in np.unique(groups)]
    return np.concatenate([each - each.mean(axis=0) for each in kept if len(each) > 1])


@dataclass(frozen=True, slots=True)
class Fold:
    """A head that has heard neither this speaker nor some of the corpora, and those."""

    head: HeadWeights
    acted: Examples
    read: Examples


def cross_validated(acted: Examples, read: Examples) -> dict[str, Fold]:
    """Leaves out each actor with several emotions in turn, and with them a share of the read corpora."""
    speakers = [name for name in np.unique(acted.speaker) if len(np.unique(acted.emotion[acted.speaker == name])) > 5]
    corpora = list(np.unique(read.corpus))
    folds: dict[str, Fold] = {}
    for number, speaker in enumerate(speakers):
        out, away = acted.speaker == speaker, np.isin(read.corpus, corpora[number :: len(speakers)])
        folds[str(speaker)] = Fold(trained(acted.where(~out), read.where(~away)), acted.where(out), read.where(away))
    return folds


def calibrated(folds: dict[str, Fold]) -> float:
    """The temperature at which speakers left out are predicted best, as they are and in guises alike."""

    def loss(temperature: float) -> float:
        costs: dict[bool, list[float]] = {False: [], True: []}
        for fold in folds.values():
            found = _found(fold, temperature, fold.acted)
            right = found[np.arange(len(found)), [EMOTIONS.index(name) for name in fold.acted.emotion]]
            for guise, cost in zip(fold.acted.guise, -np.log(right), strict=True):
                costs[bool(guise)].append(float(cost))
        return float(sum(np.mean(each) for each in costs.values()))

    return float(min(np.geomspace(1, 15, 60), key=loss))


def _found(fold: Fold, temperature: float, examples: Examples) -> Floats:
    head = replace(fold.head, temperature=temperature)
    return head.probabilities(head.projected(examples.rows.astype(np.float32))).astype(np.float64)


def report(folds: dict[str, Fold], temperature: float) -> None:
    """What the choices above were made by. The figures of the model card are those of `viva bench tone`."""

    def pooled(pick: Callable[[Fold], Examples]) -> tuple[Floats, npt.NDArray[np.str_]]:
        picked = [(fold, pick(fold)) for fold in folds.values()]
        found = np.concatenate([_found(fold, temperature, examples) for fold, examples in picked])
        return found, np.concatenate([examples.emotion for _, examples in picked])

    urgent, calm = [EMOTIONS.index("anger"), EMOTIONS.index("fear")], EMOTIONS.index("neutral")
    for title, guised in (("as recorded", False), ("in guises", True)):
        found, true = pooled(lambda fold, guised=guised: fold.acted.where((fold.acted.guise > 0) == guised))
        likeliest = np.array(EMOTIONS)[found.argmax(axis=1)]
        recall = np.mean([(likeliest[true == emotion] == emotion).mean() for emotion in EMOTIONS])
        alarm = found[:, urgent].sum(axis=1) > found[:, calm]
        balanced = (alarm[np.isin(true, ("anger", "fear"))].mean() + (~alarm)[true == "neutral"].mean()) / 2
        print(f"{title}: unweighted recall {recall:.3f}, anger or fear against neutral {balanced:.3f}, n = {len(true)}")
    found, _ = pooled(lambda fold: fold.read.where(fold.read.guise == 0))
    alarm, sure = found[:, urgent].sum(axis=1) > found[:, calm], found[:, urgent].sum(axis=1) > 0.6
    print(
        f"read speech of corpora left out: anger or fear {alarm.mean():.3f}, told {sure.mean():.3f}, n = {len(found)}"
    )
    print(f"temperature {temperature:.2f}")


if __name__ == "__main__":
    main()
