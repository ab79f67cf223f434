"""Several speakers as one: whose voice it is speaks, the earlier is preferred, and what is missing may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.engines.registry import build_speaker, weights
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue, MissingDependency
from vivavoce.speak.several import SeveralSpeakers
from vivavoce.testing import ScriptedSpeaker


def spec(speak: str, models_dir: Path = Path("/nowhere")) -> EngineSpec:
    return EngineSpec("scripted:hm", "scripted:Four.", speak, str(models_dir), offline=True)


async def test_each_clause_goes_to_the_speaker_of_its_voice() -> None:
    first, second = ScriptedSpeaker(voices=("one", "both")), ScriptedSpeaker(voices=("both", "two"))
    speaker = SeveralSpeakers([first, second])
    assert list(speaker.voices) == ["one", "both", "two"]
    for voice in speaker.voices:
        await speaker.speak(f"by {voice}", voice, 1.5)
    assert first.spoken == [("by one", "one", 1.5), ("by both", "both", 1.5)]
    assert second.spoken == [("by two", "two", 1.5)]
    with pytest.raises(InvalidValue, match="'both', 'one', and 'two'"):
        await speaker.speak("x", "three")
    await speaker.close()


def test_a_part_whose_program_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(build_speaker(spec("scripted:hum, espeak:ng")).voices) == ["af_heart", "am_adam"]
    with pytest.raises(MissingDependency, match="apt install espeak-ng"):
        build_speaker(spec("espeak:ng"))


@pytest.mark.parametrize("name", ["", "kokoro", "scripted:hum,", "scripted:hum,gandalf:x", "espeak:klatt"])
def test_a_wrong_list_of_speakers_names_the_kinds(name: str) -> None:
    with pytest.raises(InvalidValue, match=r"espeak:(<model>|ng)") as raised:
        build_speaker(spec(name))
    assert raised.value.param == "speak"


def test_weights_of_all_parts_are_named_once() -> None:
    assert weights(spec("kokoro:kokoro-82m,espeak:ng,kokoro:kokoro-82m")) == ["kokoro-82m", "kokoro-voices"]
