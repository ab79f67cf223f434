"""How well languages are heard and spoken: figures from scripted engines, the page made of them, the committed page."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from vivavoce.audio import LISTEN_RATE_HZ, SPEAK_RATE_HZ, Audio
from vivavoce.bench.clips import Clip, read_clips, reporting_half
from vivavoce.bench.languages import (
    Figures,
    LanguageRow,
    LanguagesReport,
    Trial,
    choose_clips,
    figures,
    measure,
    sentences,
)
from vivavoce.bench.languages_page import languages_page, languages_table, read_report, write_report
from vivavoce.bench.switching_page import read_switching
from vivavoce.cli import app
from vivavoce.codec.encode import encode
from vivavoce.errors import InvalidValue
from vivavoce.languages import name_of, whisper_languages
from vivavoce.listen.base import ListenOptions, Segment
from vivavoce.speak.base import Voice
from vivavoce.testing import ScriptedListener, ScriptedSpeaker

REPO = Path(__file__).resolve().parents[2]


class Bilingual(ScriptedSpeaker):
    """Hums in English and Spanish."""

    def __init__(self) -> None:
        super().__init__(voices=("af_heart",))
        self.voices = {**self.voices, "ef_dora": Voice("ef_dora", "es", "female", "a hum")}


class Parrot(ScriptedListener):
    """Hears what `speaker` said, also when asked again; untold, it takes every language for `language`."""

    def __init__(self, speaker: ScriptedSpeaker, language: str) -> None:
        super().__init__("what people said", language)
        self.speaker = speaker
        self.told: list[str | None] = []

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        self.told.append(options and options.language)
        if audio.rate_hz == SPEAK_RATE_HZ and self.speaker.spoken:
            self.transcript = " ".join(text for text, _, _ in self.speaker.spoken)
            self.speaker.spoken.clear()
        async for segment in super().listen(audio, options):
            yield segment


def recordings(folder: Path, *languages: str) -> list[Clip]:
    """One second of a tone per language, in which "what people said" is what was said."""
    tone = Audio((0.2 * np.sin(np.arange(LISTEN_RATE_HZ) / 20)).astype(np.float32), LISTEN_RATE_HZ)
    rows: list[str] = []
    for number, language in enumerate(languages):
        (folder / f"{number}.wav").write_bytes(encode(tone, "wav"))
        row = {"id": f"set/{number}", "path": f"{number}.wav", "language": language, "duration_s": 1.0}
        rows.append(json.dumps({**row, "text": "What people said."}))
    (folder / "manifest.jsonl").write_text("\n".join(rows))
    return read_clips(folder / "manifest.jsonl")


async def test_recordings_are_heard_untold_and_sentences_told(tmp_path: Path) -> None:
    speaker = Bilingual()
    listener = Parrot(speaker, "es")
    clips = recordings(tmp_path, "es", "es", "de")
    done: list[tuple[int, int, str]] = []
    rows = await measure(
        listener, speaker, clips, clips_per_language=5, languages=["de", "es"], progress=lambda *at: done.append(at)
    )
    german, spanish = rows
    assert (german.heard and german.heard.rate, german.heard and german.heard.taken_for) == (0.0, ("es",))
    assert (german.spoken, german.hearable, german.speakable) == (None, True, False)
    assert spanish.heard == Figures("WER", 2, 6, 0.0, None, None, 2, (), ())
    assert spanish.spoken is not None
    assert 0 < spanish.spoken.rate < 5, "all but the number, which is written in figures and said in words"
    assert (spanish.spoken.trials, spanish.spoken.voices) == (len(sentences()["es"]), ("ef_dora",))
    assert spanish.spoken.language_right == spanish.spoken.trials
    assert listener.told == [None] * 3 + ["es", None] * len(sentences()["es"])
    assert done[-1] == (11, 11, "es")


async def test_languages_without_data_are_listed_without_figures() -> None:
    speaker = ScriptedSpeaker(voices=("af_heart",))
    rows = await measure(Parrot(speaker, "en"), speaker, [], clips_per_language=5)
    by_code = {row.language: row for row in rows}
    assert len(rows) >= 99
    assert {code for code, row in by_code.items() if row.spoken} == {"en"}
    assert not any(row.heard for row in rows)
    assert by_code["yo"] == LanguageRow("yo", "Yoruba", True, False, None, None)


def test_figures_pool_errors_and_name_what_a_language_was_taken_for() -> None:
    trials = [Trial("nl", 1, 10, "de"), Trial("nl", 0, 10, "nl"), Trial("nl", 2, 5, "de"), Trial("nl", 0, 5, None)]
    assert figures(trials) == Figures("WER", 4, 30, 10.0, None, None, 1, ("de", "–"), ())
    more = figures([*trials, Trial("nl", 0, 10, "nl", "a_voice")])
    assert more is not None
    assert more.low is not None
    assert more.high is not None
    assert more.low <= more.rate <= more.high
    assert more.voices == ("a_voice",)
    assert figures([]) is None
    assert figures([Trial("nl", 0, 0, "nl")]) is None


def test_clips_that_chose_no_parameter_come_first() -> None:
    clips = [Clip(f"set/{n}", Path("x"), "de", "ja", None, 1.0) for n in range(40)]
    report = reporting_half(clips)
    chosen = choose_clips(clips, "de", len(report) + 3, 0)
    assert {clip.id for clip in chosen[: len(report)]} == report
    assert len({clip.id for clip in chosen}) == len(report) + 3
    assert choose_clips(clips, "fr", 5, 0) == []


REPORT = LanguagesReport(
    date="2026-01-02",
    machine="a machine",
    cores=2,
    listen="whisper:x",
    speak="kokoro:y",
    seed=0,
    rows=(
        LanguageRow("de", "German", True, True, Figures("WER", 9, 90, 12.0, 8.0, 15.5, 8, ("nl",), ()), None),
        LanguageRow("ga", "Irish", False, True, None, Figures("WER", 2, 9, 50.0, None, None, 0, ("cy",), ("ga_x",))),
        LanguageRow("yo", "Yoruba", True, False, None, None),
    ),
)


def test_the_page_tells_figures_from_untested_and_from_unknown() -> None:
    page = languages_page(REPORT)
    assert "| German | de | WER 12.0 % (8.0 to 15.5) | 9 | 8 (else nl) | untested |  |  |  |" in page
    assert "| Irish | ga | – |  |  | WER 50.0 % | 2 | 0 (else cy) | ga_x |" in page
    assert "| Yoruba | yo | untested | – |" in page
    assert languages_table(REPORT).row_count == 2


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path / "languages.json")
    assert read_report(tmp_path / "languages.json") == REPORT
    (tmp_path / "other.json").write_text('{"rows": 1}')
    with pytest.raises(InvalidValue, match=r"other\.json is no report"):
        read_report(tmp_path / "other.json")


def test_the_committed_page_is_made_of_the_committed_figures() -> None:
    report = read_report(REPO / "docs/languages.json")
    assert (REPO / "docs/languages.md").read_text(encoding="utf-8") == languages_page(
        report, read_switching(REPO / "docs/switching.json")
    )
    assert {row.language for row in report.rows} >= whisper_languages()


def test_the_command_measures_what_the_settings_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVA_LISTEN", "scripted:the bus leaves")
    monkeypatch.setenv("VIVA_SPEAK", "scripted:hum")
    out = tmp_path / "languages.json"
    done = CliRunner().invoke(
        app, ["bench", "languages", "--manifest", str(tmp_path / "none"), "--language", "en", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "hearing stays untested" in " ".join(done.output.split())
    (row,) = read_report(out).rows
    assert row.heard is None
    assert row.spoken is not None
    assert row.spoken.rate > 50


def test_sentences_are_many_and_each_has_a_named_language() -> None:
    assert len(sentences()) >= 25
    for language, texts in sentences().items():
        assert len(set(texts)) == 8, language
        assert any(char.isdigit() for char in texts[0]), language
        assert name_of(language) != language


@pytest.mark.real
def test_the_listed_languages_are_those_of_whispers_tokenizer(models_dir: Path) -> None:
    content = json.loads((models_dir / "whisper-base" / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = [token["content"][2:-2] for token in content["added_tokens"]]
    codes = tokens[tokens.index("startoftranscript") + 1 : tokens.index("translate")]
    assert {"jv" if code == "jw" else code for code in codes} == whisper_languages()
