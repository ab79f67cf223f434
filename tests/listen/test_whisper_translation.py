"""Real Whisper asked for English: recordings of seven languages against translations that we wrote.

The measure: how many of a translation's content words are found. A wrong translation of the same set finds hardly any,
so the figure tells meaning from English that sounds good.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import py3langid
import pytest
import pytest_asyncio
from speech_clips import sound

from vivavoce.listen.base import Heard, ListenOptions
from vivavoce.listen.whisper import WhisperListener
from vivavoce.turn import hear_all

pytestmark = [pytest.mark.real, pytest.mark.shared]

WRITTEN: dict[str, str] = {
    "misc_multi/thorsten_1": "Sharing a user account is strictly forbidden.",
    "misc_multi/thorsten_2": "The prophet always speaks in parables.",
    "misc_multi/thorsten_3": "Please do not simply throw your garbage into the wilderness.",
    "misc_multi/thorsten_5": "She climbs on a stone and takes the pose of a thinker.",
    "kerstin_de/de_rhasspy-0312": "In her last will Christel Kittner ordered the transfer of her wealth to a "
    "foundation.",
    "kerstin_de/de_rhasspy-0470": "Allow me to go briefly into some topics of the report.",
    "picovoice_multi/cheetah_test_de": "Advertising conveys a false impression.",
    "picovoice_multi/leopard_test_de": "The room behind this portal was used as a mortuary.",
    "dona_es/0ca92b12-d7d9-4a37-9191-283e586b982d": "But the foggy days of February ran on, and the sun did not "
    "appear.",
    "dona_es/1f157db0-bf66-46df-8ece-6b5b4cab9687": "Sometimes discovery is the prize of diligence.",
    "dona_es/4abf5406-e204-4bee-ad8d-2e4d602a5e66": "One fights for the glory of the homeland as one fights for "
    "the honor of his name.",
    "misc_multi/css10_19demarzo_0008": "The most powerful genius of war is the national conscience, and the discipline "
    "that gives more cohesion is patriotism.",
    "picovoice_multi/cheetah_test_fr": "The other two are located on the edge of the Yellow Sea.",
    "picovoice_multi/cheetah_test_it": "From the pass you climb to the summit along the south ridge.",
    "picovoice_multi/cheetah_test_it_norm": "My favorite number is 26.",
    "picovoice_multi/leopard_test_pt": "An old fox cannot learn any trade.",
    "misc_multi/se10x016-08071999-1334_u0016002": "Testing 1 2 3 4 5 6 7 8.",
    "misc_multi/se10x016-08071999-1334_u0016003": "Have you seen our lovely grandchildren playing out in the "
    "neighbor's garden?",
    "nemo_pl/EB0_anger_22": "The dog went into the river to swim.",
    "nemo_pl/EB0_anger_25": "Bitter chocolate is perfect for dessert.",
    "nemo_pl/EB0_anger_8": "My aunt is very helpful.",
}
SMALL = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by do for from have her his i in into is it my not of on one or our out she that "
        "the then this to was were will with you your",
    )
)


def content(text: str) -> set[str]:
    """Words that carry meaning, cut to five letters so that forms of a word count as one."""
    return {word[:5] for word in re.findall(r"[^\W_]+", text.lower()) if word not in SMALL}


def found(written: str, heard: str) -> float:
    """Share of the content words of `written` that are in `heard`."""
    return len(content(written) & content(heard)) / len(content(written))


@pytest_asyncio.fixture
async def listener(models_dir: Path) -> AsyncIterator[WhisperListener]:
    made = WhisperListener(models_dir / "whisper-base")
    yield made
    await made.close()


async def translated(listener: WhisperListener, shared_speech: Path) -> dict[str, tuple[str, Heard]]:
    """Language spoken, and what was heard, by clip."""
    made: dict[str, tuple[str, Heard]] = {}
    for line in (shared_speech / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["id"] in WRITTEN:
            audio = sound(shared_speech / row["path"])
            made[row["id"]] = row["language"], await hear_all(listener, audio, ListenOptions(task="translate"))
    return made


@pytest.mark.proves("POST /v1/audio/translations")
async def test_what_is_meant_arrives_in_english(listener: WhisperListener, shared_speech: Path) -> None:
    made = await translated(listener, shared_speech)
    assert made.keys() == WRITTEN.keys()
    shares: dict[str, list[float]] = {}
    for clip, (language, heard) in made.items():
        shares.setdefault(language, []).append(found(WRITTEN[clip], heard.transcript))
        sys.stdout.write(f"{language} {shares[language][-1]:.2f} {heard.transcript}\n")
    means = {language: round(sum(each) / len(each), 2) for language, each in shares.items()}
    right = sum(sum(each) for each in shares.values()) / len(WRITTEN)
    texts = [heard.transcript for _, heard in made.values()]
    turned = [*texts[1:], texts[0]]
    wrong = sum(found(WRITTEN[clip], text) for clip, text in zip(made, turned, strict=True)) / len(WRITTEN)
    english = sum(py3langid.classify(text)[0] == "en" for text in texts)
    sys.stdout.write(f"content words found: {means}, all {right:.2f}, of wrong ones {wrong:.2f}; English: {english}\n")
    assert right >= 0.4
    assert wrong <= 0.1
    assert english >= 0.9 * len(texts)


async def test_times_of_a_translation_lie_within_the_recording(listener: WhisperListener, shared_speech: Path) -> None:
    for _, heard in (await translated(listener, shared_speech)).values():
        assert heard.words
        assert all(0 <= word.start_s <= word.end_s <= heard.duration_s + 0.05 for word in heard.words)
        assert [word.start_s for word in heard.words] == sorted(word.start_s for word in heard.words)
