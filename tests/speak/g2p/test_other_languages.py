"""Languages besides English: spelling rules, the espeak-ng pipe, and what is said when a route is missing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from vivavoce.errors import EngineFailed, MissingDependency
from vivavoce.speak.g2p.espeak import EspeakPronouncer
from vivavoce.speak.g2p.italian import ItalianPronouncer
from vivavoce.speak.g2p.japanese import JapanesePronouncer, katakana_phonemes
from vivavoce.speak.g2p.languages import pronouncer
from vivavoce.speak.g2p.mandarin import MandarinPronouncer
from vivavoce.speak.g2p.numbers import spell_numbers
from vivavoce.speak.g2p.spanish import SpanishPronouncer
from vivavoce.speak.kokoro_symbols import SYMBOL_IDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("guitarra", "ɡitˈara"),
        ("queso", "kˈeso"),
        ("pingüino", "pinɡwˈino"),
        ("ciudad", "θjuðˈað"),
        ("ahí", "aˈi"),
        ("mañana", "maɲˈana"),
        ("¿Qué hora es?", "kˈe ˈoɾa ˈes?"),
        ("rey", "rˈei"),
    ],
)
def test_spanish(text: str, expected: str) -> None:
    assert SpanishPronouncer().phonemes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ciao", "ʧˈao"),
        ("gli amici", "ʎi amˈiʧi"),
        ("perché", "peɾkˈe"),
        ("scuola", "skwˈola"),
        ("famiglia", "famˈiʎa"),
        ("giardino", "ʤaɾdˈino"),
        ("casa rossa", "kˈaza ɾˈosːa"),
    ],
)
def test_italian(text: str, expected: str) -> None:
    assert ItalianPronouncer().phonemes(text) == expected


def test_mandarin_marks_tones_after_the_vowel_and_softens_third_tones() -> None:
    pytest.importorskip("pypinyin", reason="pypinyin is an optional package")
    assert MandarinPronouncer().phonemes("你好，中国。") == "ni↗xau↓, ꭧʊ→ŋkwo↗."


@pytest.mark.parametrize(
    ("kana", "expected"),
    [("シャツ", "ɕaʦɨ"), ("キョウ", "kʲoɯ"), ("ガッコー", "ɡaʔkoː"), ("パーティー", "paːtʲiː"), ("シンブン", "ɕimbɯɴ")],
)
def test_japanese_kana(kana: str, expected: str) -> None:
    assert katakana_phonemes(kana) == expected


def test_japanese_kanji_without_a_reader_name_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    japanese = JapanesePronouncer()
    monkeypatch.setattr(japanese, "_reader", None)
    assert japanese.phonemes("こんにちは。") == "koɲɲiʨiha."
    with pytest.raises(MissingDependency, match="pyopenjtalk"):
        japanese.phonemes("日本")


def test_digits_are_read_in_their_language() -> None:
    assert spell_numbers("12", "es").strip() == "doce"
    assert spell_numbers("1200", "zh").strip() == "一千二百"
    assert spell_numbers("007", "it").split() == ["zero", "zero", "sette"]


def test_a_language_without_espeak_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(MissingDependency, match="espeak-ng"):
        EspeakPronouncer("fr-fr")


def test_an_unknown_language_lists_the_known_ones() -> None:
    with pytest.raises(MissingDependency, match="en-US"):
        pronouncer("tlh")


def fake_espeak(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> EspeakPronouncer:
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    return EspeakPronouncer("it")


def test_espeak_sounds_are_rewritten_and_marks_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak = fake_espeak(tmp_path, monkeypatch, 'read line; echo " (^en^)t^ʃˈa^ɪ-o(^it^) "')
    assert espeak.phonemes("ciao, ciao!") == "ʧˈIo, ʧˈIo!"


def test_a_failing_espeak_is_an_engine_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak = fake_espeak(tmp_path, monkeypatch, "exit 3")
    with pytest.raises(EngineFailed):
        espeak.phonemes("ciao")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("language", "text"), [("fr", "Bonjour à tous, ça va ?"), ("hi", "नमस्ते, कैसे हैं?"), ("pt-BR", "Olá, tudo bem?")]
)
def test_the_real_espeak_yields_symbols_that_the_model_knows(language: str, text: str) -> None:
    said = pronouncer(language).phonemes(text)
    assert "," in said and said.endswith("?")
    assert sum(symbol in SYMBOL_IDS for symbol in said) >= 0.9 * len(said)


def test_espeak_is_never_loaded_into_our_process() -> None:
    """A licence promise: the GPL library must not be linked, so no module of ours may import a binding of it.

    `ctypes` is for two alone, which speak to the C library that Python has loaded already: the exams' sandbox, and
    `memory`.
    """
    source = Path(__file__).parents[3] / "src" / "vivavoce"
    bindings = re.compile(r"^\s*(?:import|from) (phonemizer|espeakng|piper|ctypes)\b", re.MULTILINE)
    found = {
        (file.relative_to(source).as_posix(), name)
        for file in source.rglob("*.py")
        for name in bindings.findall(file.read_text(encoding="utf-8"))
    }
    assert found == {("exam/sandboxed.py", "ctypes"), ("memory.py", "ctypes")}
    for file, _ in found:
        assert set(re.findall(r"CDLL\((\w+)", (source / file).read_text(encoding="utf-8"))) == {"None"}
