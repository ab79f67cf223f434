"""Numbers and common signs in Spanish, French, German, Italian and Portuguese words.

Plainer than English: cardinals, decimals, percentages, prices, temperatures, the clock, ranges, addresses and signs.
Dates, ordinals and fractions keep the order that they are written in. Words for numbers come from num2words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from num2words import num2words  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from vivavoce.speak.spoken_markup import CodeWords

_LONGEST_NUMBER = 15
_GROUPED = r"[0-9]{1,3}(?:[.  ][0-9]{3})+(?![0-9])"
_NUMBER = rf"(?:{_GROUPED}|[0-9]+)(?:,[0-9]+)?"


@dataclass(frozen=True, slots=True)
class Language:
    """What a language calls things. code: as num2words knows it. signs: sign or unit to word."""

    code: str
    point: str
    dot: str
    to: str
    minus: str
    hour: str
    signs: Mapping[str, str]
    block: str

    @property
    def code_words(self) -> CodeWords:
        signs = {sign: word for sign, word in self.signs.items() if len(sign) == 1}
        return CodeWords({**signs, ".": self.dot}, self.block, self.block.rstrip("."))


def _signs(words: str) -> dict[str, str]:
    """Names in the order of `_SIGNS`, divided by commas."""
    return dict(zip(_SIGNS, words.split(","), strict=True))


_SIGNS = (
    "%",
    "€",
    "$",
    "£",
    "&",
    "+",
    "=",
    "@",
    "/",
    "×",
    "<",
    ">",
    "°C",
    "°",
    "km/h",
    "km",
    "kg",
    "cm",
    "mm",
    "GB",
    "MB",
)

LANGUAGES: Mapping[str, Language] = {
    "es": Language(
        "es", "coma", "punto", "a", "menos", "y",
        _signs("por ciento,euros,dólares,libras,y,más,es igual a,arroba,barra,por,menor que,mayor que,grados Celsius,"
               "grados,kilómetros por hora,kilómetros,kilogramos,centímetros,milímetros,gigabytes,megabytes"),
        "El código está en el texto.",
    ),
    "fr": Language(
        "fr", "virgule", "point", "à", "moins", "heures",
        _signs("pour cent,euros,dollars,livres,et,plus,égale,arobase,barre,fois,inférieur à,supérieur à,degrés Celsius,"
               "degrés,kilomètres heure,kilomètres,kilogrammes,centimètres,millimètres,gigaoctets,mégaoctets"),
        "Le code est dans le texte.",
    ),
    "de": Language(
        "de", "Komma", "Punkt", "bis", "minus", "Uhr",
        _signs("Prozent,Euro,Dollar,Pfund,und,plus,gleich,at,Schrägstrich,mal,kleiner als,größer als,Grad Celsius,"
               "Grad,Kilometer pro Stunde,Kilometer,Kilogramm,Zentimeter,Millimeter,Gigabyte,Megabyte"),
        "Der Code steht im Text.",
    ),
    "it": Language(
        "it", "virgola", "punto", "a", "meno", "e",
        _signs("per cento,euro,dollari,sterline,e,più,uguale,chiocciola,barra,per,minore di,maggiore di,gradi Celsius,"
               "gradi,chilometri orari,chilometri,chilogrammi,centimetri,millimetri,gigabyte,megabyte"),
        "Il codice è nel testo.",
    ),
    "pt": Language(
        "pt_BR", "vírgula", "ponto", "a", "menos", "e",
        _signs("por cento,euros,dólares,libras,e,mais,é igual a,arroba,barra,vezes,menor que,maior que,graus Celsius,"
               "graus,quilômetros por hora,quilômetros,quilogramas,centímetros,milímetros,gigabytes,megabytes"),
        "O código está no texto.",
    ),
}  # fmt: skip


def european(text: str, language: Language) -> str:
    """`text` with numbers and signs in the words of `language`. Takes any text."""
    signs = language.signs
    text = re.sub(
        r"https?://(?:www\.)?[^\s<>\"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", lambda m: _address(m[0], language), text
    )
    text = re.sub(
        r"(?<![\w:])([0-2]?[0-9])[:h]([0-5][0-9])(?![\w:])(?:\s?Uhr\b)?", lambda m: _clock(m[1], m[2], language), text
    )
    text = re.sub(rf"([€$£])\s?({_NUMBER})", r"\2 \1", text)
    text = re.sub(r"(?<=[0-9])\s?[-–]\s?(?=[0-9])", f" {language.to} ", text)
    text = re.sub(r"(?<![\w.,)])[-−](?=[0-9])", f"{language.minus} ", text)
    units = "|".join(re.escape(unit) for unit in sorted(signs, key=len, reverse=True) if len(unit) > 1)
    text = re.sub(rf"(?<=[0-9])\s?({units})(?!\w)", lambda m: f" {signs[m[1]]} ", text)
    text = re.sub(_NUMBER, lambda m: f" {_number(m[0], language)} ", text)
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", f" {language.dot} ", text)
    return re.sub(r"[%€$£&+=@/×<>°]", lambda m: f" {signs[m[0]]} ", text)


def _number(text: str, language: Language) -> str:
    whole, _, fraction = text.partition(",")
    whole = re.sub(r"\D", "", whole)
    spoken = _digits(whole, language) if len(whole) > _LONGEST_NUMBER or (whole[0] == "0" and len(whole) > 1) else ""
    spoken = spoken or _cardinal(int(whole), language)
    return f"{spoken} {language.point} {_digits(fraction, language)}" if fraction else spoken


def _cardinal(value: int, language: Language) -> str:
    return str(num2words(value, lang=language.code)).replace(",", "")


def _digits(text: str, language: Language) -> str:
    return " ".join(_cardinal(int(digit), language) for digit in text)


def _clock(hour: str, minute: str, language: Language) -> str:
    spoken = f"{_cardinal(int(hour), language)} {language.hour}"
    return (
        f"{spoken} {_cardinal(int(minute), language)}" if int(minute) else spoken.removesuffix(" y").removesuffix(" e")
    )


def _address(text: str, language: Language) -> str:
    tail = text[len(text.rstrip(".,;:!?)")) :]
    bare = re.split(r"[?#]", re.sub(r"^https?://(?:www\.)?", "", text.rstrip(".,;:!?)")))[0].strip("/")
    bare = bare.replace(".", f" {language.dot} ").replace("@", f" {language.signs['@']} ")
    return bare.replace("/", f" {language.signs['/']} ").replace("-", " ").replace("_", " ") + tail
