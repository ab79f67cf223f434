"""Which pronouncer reads which language. Loads one when it is first asked for. Knows no engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from vivavoce.errors import MissingDependency
from vivavoce.speak.espeak_program import has_espeak
from vivavoce.speak.g2p.base import Pronouncer

# Each factory imports its module late: dictionaries and tables load only for the language that is spoken.


def _english(language: str) -> Pronouncer:
    from vivavoce.speak.g2p.english import EnglishPronouncer  # noqa: PLC0415

    return EnglishPronouncer("gb" if language == "en-GB" else "us")


def _espeak(voice: str) -> Pronouncer:
    from vivavoce.speak.g2p.espeak import EspeakPronouncer  # noqa: PLC0415

    return EspeakPronouncer(voice)


def _spanish(language: str) -> Pronouncer:
    from vivavoce.speak.g2p.spanish import SpanishPronouncer  # noqa: PLC0415

    return SpanishPronouncer()


def _italian(language: str) -> Pronouncer:
    from vivavoce.speak.g2p.italian import ItalianPronouncer  # noqa: PLC0415

    return _espeak("it") if has_espeak() else ItalianPronouncer()


def _mandarin(language: str) -> Pronouncer:
    from vivavoce.speak.g2p.mandarin import MandarinPronouncer  # noqa: PLC0415

    return MandarinPronouncer()


def _japanese(language: str) -> Pronouncer:
    from vivavoce.speak.g2p.japanese import JapanesePronouncer  # noqa: PLC0415

    return JapanesePronouncer()


_FACTORIES: dict[str, Callable[[str], Pronouncer]] = {
    "en-US": _english,
    "en-GB": _english,
    "es": _spanish,
    "it": _italian,
    "fr": lambda language: _espeak("fr-fr"),
    "hi": lambda language: _espeak("hi"),
    "pt-BR": lambda language: _espeak("pt-br"),
    "zh": _mandarin,
    "ja": _japanese,
}


@cache
def pronouncer(language: str) -> Pronouncer:
    """The pronouncer of a BCP 47 language that a voice speaks. Raises `MissingDependency` naming the cure."""
    factory = _FACTORIES.get(language)
    if factory is None:
        raise MissingDependency(
            f"No pronunciation rules for the language '{language}'. Known: {', '.join(_FACTORIES)}."
        )
    return factory(language)


_NEEDS_ESPEAK = frozenset({"fr", "hi", "pt-BR"})


def readable(language: str) -> bool:
    """Whether a BCP 47 language can be read on this machine, as far as can be told without loading anything.

    Japanese without its package is not: kana alone could be, but hardly a text is without kanji.
    """
    if language == "ja":
        return find_spec("pyopenjtalk") is not None
    return language in _FACTORIES and (language not in _NEEDS_ESPEAK or has_espeak())
