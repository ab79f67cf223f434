"""What is written in English text and said otherwise: numbers, dates, money, units, addresses, abbreviations, signs.

An ordered table of rules, each a pattern and what it becomes; an earlier rule takes its text away from later ones, so
the particular come before the general. Knows no markup, and leaves acronyms to pronunciation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from vivavoce.speak import spoken_numbers as say
from vivavoce.speak.spoken_english_words import (
    ABBREVIATIONS,
    CURRENCIES,
    CURRENCY_CODES,
    FILE_ENDINGS,
    NOT_A_YEAR_AFTER,
    NOT_A_YEAR_BEFORE,
    NUMBERED,
    SCALES,
    SIGNS,
    TITLES,
    TOP_LEVEL,
    UNITS,
    VERSIONED,
    WEEKDAYS,
    YEAR_BEFORE,
)

_Match = re.Match[str]
_Spoken = Callable[[_Match], str]
_Rule = tuple[re.Pattern[str], _Spoken]

_NUM = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
_FREE = r"(?<![\w.,/:-])"
"""Nothing before it that it could be part of."""
_END = r"(?![\w]|[.,:/-][0-9])"


def english(text: str) -> str:
    """`text` with everything said in words. Takes any text."""
    for pattern, spoken in _RULES:
        text = pattern.sub(spoken, text)
    return text


def _rule(pattern: str, spoken: _Spoken | str, flags: re.RegexFlag = re.NOFLAG) -> _Rule:
    if isinstance(spoken, str):
        template = spoken
        return re.compile(pattern, flags), lambda match: match.expand(template)
    return re.compile(pattern, flags), spoken


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")"


def _address(match: _Match) -> str:
    """The host and the path; query and fragment say nothing to an ear. Long or numbered segments are left out."""
    address = re.sub(r"^(?:[a-z]+://|mailto:)?(?:www\.)?", "", match[0].rstrip(".,;:!?)]'\""), flags=re.I)
    tail = match[0][len(match[0].rstrip(".,;:!?)]'\"")) :]
    host, *path = re.split(r"[?#]", address)[0].strip("/").split("/")
    said = [segment for segment in path if segment and len(segment) <= 30 and not re.search(r"[0-9a-f]{12}|%", segment)]
    return " slash ".join(_dotted(part) for part in (host, *said)) + tail


def _dotted(name: str) -> str:
    named = name
    for sign, word in ((".", "dot"), ("@", "at"), ("_", "underscore"), ("-", "dash"), (":", "colon"), ("+", "plus")):
        named = named.replace(sign, f" {word} ")
    return re.sub(r"(?<=[a-zA-Z])(?=[0-9])|(?<=[0-9])(?=[a-zA-Z])", " ", " ".join(named.split()))


def _path(written: str) -> str:
    bare = written.lstrip("~.").rstrip("./")
    return " ".join(bare.replace("/", " slash ").replace(".", " dot ").split()) + "." * written.endswith(".")


def _date(day: str, month: int, year: str | None, written: str) -> str:
    return (
        say.date(int(day), month, int(year) if year else None) if 1 <= int(day) <= 31 and 1 <= month <= 12 else written
    )


def _slash_date(match: _Match) -> str:
    first, second = int(match[1]), int(match[2])
    month, day = (first, second) if first <= 12 else (second, first)
    return _date(str(day), month, match[3], match[0].replace("/", " "))


_MONTH_NUMBERS = {name[:3].lower(): number for number, name in enumerate(say.MONTHS, start=1)}
_MONTH = (
    r"(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)


def _month(name: str) -> int:
    return _MONTH_NUMBERS[name[:3].lower()]


def _time(match: _Match) -> str:
    hour, minute, second, half = int(match[1]), int(match[2]), match[3], match[4]
    if hour > 24 or minute > 59:
        return f"{say.cardinal(hour)} to {say.cardinal(minute)}"  # a ratio or a score
    spoken = say.clock(hour, minute)
    if half:
        spoken = spoken.removesuffix(" o'clock") + " " + _half(half)
    return f"{spoken} and {say.cardinal(int(second))} seconds" if second else spoken


def _half(written: str) -> str:
    return written.replace(".", "").upper()


def _phone(match: _Match) -> str:
    groups = re.findall(r"[0-9]+", match[0])
    plus = "plus " if match[0].startswith("+") else ""
    return plus + ", ".join(say.digits(group) for group in groups)


def _version(match: _Match) -> str:
    parts = match[0].lstrip("vV").split(".")
    address = len(parts) == 4 and any(len(part) == 3 for part in parts)
    said = (" dot " if address else " point ").join(say.digits(p) if address else say.number(p) for p in parts)
    return f"version {said}" if match[0][0] in "vV" else said


def _versioned(match: _Match) -> str:
    if match[1].lower() not in VERSIONED:
        return match[0]
    return f"{match[1]} {say.number(match[2])} point {say.number(match[3])}"


def _money(match: _Match) -> str:
    sign, amount, scale = match[1], match[2], match[3]
    unit = CURRENCIES[sign]
    if scale:
        return f"{say.number(amount)} {SCALES[scale]} {unit.many}"
    whole, _, cents = amount.replace(",", "").partition(".")
    if len(cents) != 2:
        return f"{say.number(amount)} {unit.one if amount == '1' else unit.many}"
    parts: list[str] = []
    if int(whole) or not int(cents):
        parts.append(f"{say.number(whole)} {unit.one if int(whole) == 1 else unit.many}")
    if int(cents):
        parts.append(f"{say.cardinal(int(cents))} {unit.cent if int(cents) == 1 else unit.cents}")
    return " and ".join(parts)


def _money_after(match: _Match) -> str:
    code = CURRENCY_CODES.get(match[2])
    return f"{say.number(match[1])} {code if code else CURRENCIES[match[2]].many}"


def _measure(match: _Match) -> str:
    one, many = UNITS[match[2]]
    return f"{say.number(match[1])} {one if match[1] == '1' else many}"


def _mixed(match: _Match) -> str:
    return f"{say.number(match[1])} and {say.fraction(int(match[2]), int(match[3])).replace('one half', 'a half')}"


def _maybe_year(match: _Match) -> str:
    """A number of four digits: a year where the words around say so, and 1900 to 2099 unless they say otherwise."""
    before, digits, after = match[1] or "", match[2], match[3] or ""
    word, following = before.strip(" (,").lower(), after.strip()
    counted = following in NOT_A_YEAR_AFTER or re.fullmatch(r"[a-z]{2,}[^s\W]s", following) is not None
    by_itself = digits[:2] in ("19", "20") and word not in NOT_A_YEAR_BEFORE
    is_year = not counted and (word in YEAR_BEFORE or by_itself)
    return f"{before}{say.year(int(digits)) if is_year else say.number(digits)}{after}"


def _power(match: _Match) -> str:
    exponent = match[2]
    if exponent in ("2", "3"):
        return f"{match[1]} {'squared' if exponent == '2' else 'cubed'}"
    minus = "minus " if exponent.startswith(("-", "−")) else ""
    bare = exponent.lstrip("-−+")
    return f"{match[1]} to the power of {minus}{say.number(bare) if bare.isdecimal() else bare}"


def _scientific(match: _Match) -> str:
    minus = "minus " if match[2] in ("-", "−") else ""
    return f"{say.number(match[1])} times ten to the power of {minus}{say.number(match[3])}"


def _slashed(match: _Match) -> str:
    """and/or; TCP/IP; he/she."""
    first, second = match[1], match[2]
    if first.isupper() and second.isupper():
        return f"{first} {second}"
    return f"{first} {second}" if (first, second) == ("and", "or") else f"{first} or {second}"


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

_ADDRESSES: list[_Rule] = [
    _rule(r"(?:https?|ftp|wss?)://[^\s<>\"]+|\bwww\.[^\s<>\"]+", _address, re.I),
    _rule(r"(?<![\w.+-])(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+", lambda m: _dotted(m[0].removeprefix("mailto:"))),
    _rule(rf"(?<![\w@.])(?:[a-z0-9-]+\.)+{_any(TOP_LEVEL)}(?:/[\w./-]*)?(?![\w])", _address),
    _rule(rf"(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.{_any(FILE_ENDINGS)}(?![\w])", lambda m: _dotted(m[0])),
    _rule(r"(?<![\w/.])(?:~|\.{1,2})?(?:/[\w.-]+){2,}/?|(?<![\w/.])~(?:/[\w.-]+)+", lambda m: _path(m[0])),
]
_WORDS: list[_Rule] = [
    _rule(r"\b(?:[A-Z]\.){2,}(\s*$)?", lambda m: m[0].replace(".", "") + ("." if m[1] is not None else "")),  # U.S.
    _rule(
        rf"\b({_any(WEEKDAYS)})\.?\s?[-–]\s?({_any(WEEKDAYS)})\b",
        lambda m: f"{WEEKDAYS[m[1]]} to {WEEKDAYS[m[2]]}",
    ),
    _rule(
        r"(?<=[\w%])\s?/\s?(second|minute|hour|day|week|month|year|person|user|token|request|mile|page)\b", r" per \1"
    ),
    _rule(rf"(?<![\w.]){_any(ABBREVIATIONS)}(?![\w])", lambda m: ABBREVIATIONS[m[0]]),
    _rule(rf"\b({_any(TITLES)})\.\s?(?=[A-Z])", lambda m: f"{TITLES[m[1]]} "),
    _rule(r"(?<=[a-z] )St\.(?=\s|$|,)", "Street"),
    _rule(rf"\b({_any(NUMBERED)})\.\s?(?=[0-9])", lambda m: f"{NUMBERED[m[1]]} "),
    _rule(r"(?<![\w#])#\s?(?=[0-9])", "number "),
    _rule(r"(?<![\w#])#(?=[A-Za-z])", "hashtag "),
    _rule(r"(?<!\w)@(?=\w)", "at "),
]
_DATES: list[_Rule] = [
    _rule(
        r"(?<![\w/-])([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T(?=[0-9]))?(?![\w/]|-[0-9])(?:Z\b)?",
        lambda m: _date(m[3], int(m[2]), m[1], m[0].replace("-", " ")) + (", " if m[0].endswith("T") else ""),
    ),
    _rule(
        r"(?<![\w/-])([0-9]{4})-([0-9]{2})-([0-9]{2})T(?=[0-9])",
        lambda m: _date(m[3], int(m[2]), m[1], m[0].replace("-", " ")) + ", ",
    ),
    _rule(r"(?<![\w/.])([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?![\w/])", _slash_date),
    _rule(
        rf"\b{_MONTH}\s([0-9]{{1,2}})(?:st|nd|rd|th)?(?:,?\s([12][0-9]{{3}}))?{_END}",
        lambda m: _date(m[2], _month(m[1]), m[3], m[0]),
    ),
    _rule(
        rf"(?<![\w.,:])([0-9]{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s{_MONTH}(?:,?\s([12][0-9]{{3}}))?{_END}",
        lambda m: _date(m[1], _month(m[2]), m[3], m[0]),
    ),
    _rule(rf"\b{_MONTH}\s([12][0-9]{{3}}){_END}", lambda m: f"{say.MONTHS[_month(m[1]) - 1]} {say.year(int(m[2]))}"),
]
_CLOCK = r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?Z?(?:\s?([ap]\.?m\b\.?))?"
_TIMES: list[_Rule] = [
    _rule(r"(?<![\w.,])([0-9]{1,2})h([0-5][0-9])\b", r"\1 h \2 min"),
    _rule(r"(?<=[0-9])(\s?(?:[ap]\.?m\.?)?)\s?[-–—]\s?(?=[0-9]{1,2}(?::[0-9]{2}|\s?[ap]m))", r"\1 to ", re.I),
    _rule(rf"(?<![\w.,:]){_CLOCK}(?![\w]|:[0-9])", _time, re.I),
    _rule(
        r"(?<![\w.,:])([0-9]{1,2})(?:\s?[-–]\s?([0-9]{1,2}))?\s?([ap])\.?m\b\.?",
        lambda m: say.cardinal(int(m[1])) + (f" to {say.cardinal(int(m[2]))}" if m[2] else "") + f" {m[3].upper()}M",
        re.I,
    ),
]
_CODES: list[_Rule] = [
    _rule(r"(?<![\w.,])0[xX]([0-9a-fA-F]+)\b", lambda m: "zero x " + " ".join(m[1])),
    _rule(r"(?<![\w.,])([0-9]+):([0-9]{1}|[0-9]{3,})(?![\w:]|[.,][0-9])", r"\1 to \2"),
    _rule(r"(?<![\w.,-])[0-9]+(?:-[0-9]+){3,}(?![\w-])", _phone),
    _rule(
        r"(?<![\w.,])(?:\+[0-9]{1,3}[ .-]?)?(?:\([0-9]{2,4}\)\s?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?![\w-])", _phone
    ),
    _rule(r"(?<![\w.,])\+[0-9]{1,3}(?:[ -]?[0-9]{2,}){2,}(?![\w-])|(?<![\w.,])\+[0-9]{7,15}\b", _phone),
    _rule(r"(?<![\w.,-])[0-9]{3}-[0-9]{4}(?![\w-])|(?<![\w-])[0-9]{4}(?:[ -][0-9]{4}){2,3}(?![\w-])", _phone),
    _rule(r"(?<![\w.,])0[0-9]{2,4}(?: [0-9]{2,4}){2,}(?![\w])", _phone),
    _rule(r"(?<![\w.])[vV][0-9]+(?:\.[0-9]+)*(?![\w])|(?<![\w.,])[0-9]+(?:\.[0-9]+){2,}(?![\w])", _version),
    _rule(r"\b([A-Za-z][\w.]*)\s([0-9]{1,3})\.([0-9]{1,3})(?![\w%]|[.,][0-9])", _versioned),
]
_SIGN = _any(CURRENCIES)
_SCALE = _any(SCALES)
_AMOUNTS: list[_Rule] = [
    _rule(rf"({_SIGN})\s?({_NUM}\s?{_SCALE}?)\s?[-–—]\s?(?:{_SIGN})?(?={_NUM})", r"\2 to \1"),
    _rule(rf"(?<![\w.])[-−]({_SIGN})(?=[0-9])", r"minus \1"),
    _rule(rf"({_SIGN})\s?({_NUM})(?:\s?({_SCALE})\b)?", _money),
    _rule(rf"(?<![\w.,])({_NUM})\s?({_any([*CURRENCIES, *CURRENCY_CODES])})(?![\w])", _money_after),
    _rule(rf"(?<![\w.,])({_NUM})(%?)(?:-|\s?[–—‒]\s?)(?={_NUM})(?![^a-z]{0, 30}=)", r"\1\2 to "),
    _rule(r"(?<![\w.,)])[-−](?=\.?[0-9])", "minus "),
    _rule(r"(?<![\w.,])([12][0-9]{2}0)['’]?s\b", lambda m: say.decade(int(m[1]))),
    _rule(r"(?<!\w)['’]?([2-9]0)s\b", lambda m: say.decade(int(m[1]))),
    _rule(rf"(?<![\w.,])({_NUM})[\s-]?({_any(UNITS)})(?![\w/²³])", _measure),
    _rule(rf"(?<![\w.,])({_NUM})(k|M|B|bn)(?![\w])", lambda m: f"{say.number(m[1])} {SCALES[m[2]]}"),
    _rule(rf"(?<![\w.,])({_NUM})[x×](?![\w])(?!\s?[0-9])", lambda m: f"{say.number(m[1])} times"),
    _rule(rf"(?<![\w.,])({_NUM})\s?[x×]\s?(?=[0-9])", lambda m: f"{say.number(m[1])} times "),
    _rule(r"(?<![\w.,/])([0-9]+)\s([1-9])/([2-9])(?![\w/])", _mixed),
    _rule(r"(?<=[0-9])\s?([½¼¾⅓⅔])", r" and \1"),
    _rule(r"(?<![\w.,/])([0-9]{1,3})[/⁄]([0-9]{1,3})(?![\w/]|[.,][0-9])", lambda m: say.fraction(int(m[1]), int(m[2]))),
    _rule(
        r"\b([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:st|nd|rd|th)\b", lambda m: say.ordinal(int(m[1].replace(",", "")))
    ),
    _rule(r"(\b[A-Za-z]+[\s(,]{1,2})?(?<![\w.,])((?:1[1-9]|20)[0-9]{2})(?![\w%]|[.,][0-9])(\s[a-z]+)?", _maybe_year),
]
_MATHS: list[_Rule] = [
    _rule(rf"(?<![\w.,])({_NUM})[eE]([-+−]?)([0-9]+)\b", _scientific),
    _rule(r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda m: "^" + m[1].translate(_SUPERSCRIPTS)),
    _rule(r"([\w)]+)\s?\^\s?\(?([-−+]?\w+)\)?", _power),
    _rule(r"\b([a-zA-Z])\(([a-zA-Z])\)", r"\1 of \2"),
    _rule(r"(?<=\w)\((?:s|es)\)", "s"),
    _rule(r"!=|≠|=/=", " is not equal to "),
    _rule(r"<=|≤|⩽", " is at most "),
    _rule(r">=|≥|⩾", " is at least "),
    _rule(r"[-=]+>|→|⟶", " to "),
    _rule(r"<-+|←", " from "),
    _rule(r"==+", " equals "),
    _rule(r"(?<!\S)[~≈]\s?(?=[0-9])", "about "),
    _rule(r"(?<!\S)<(?=[0-9])", "less than "),
    _rule(r"(?<!\S)>(?=[0-9])", "more than "),
    _rule(r"(?<=[0-9])\s?[*×·⋅]\s?(?=[\w(])|(?<=[\w)])\s[*×·⋅]\s(?=[\w(])", " times "),
    _rule(r"(?<=[0-9]\.[0-9])/(?=[0-9])", " out of "),
    _rule(r"(?<=[0-9)])/(?=[a-z]\b)", " over "),
    _rule(r"(?<=\w)\s?\*\*\s?(?=\w)", " to the power of "),
    _rule(r"(?<=[0-9)])\s/\s(?=[\w(])|(?<=[0-9)])/(?=[0-9(])", " divided by "),
    _rule(r"(?<=[0-9)])\s?[-−–]\s?(?=[0-9(])|(?<=\b[a-z])\s?−\s?(?=\w)|(?<=\b[a-z])\s-\s(?=[a-z0-9]\b)", " minus "),
    _rule(r"(?<=[\w)])\s?÷\s?(?=[\w(])", " divided by "),
]
_LAST: list[_Rule] = [
    _rule(rf"(?<![\w.,]){_NUM}|[0-9]+(?:\.[0-9]+)?", lambda m: f" {say.number(m[0])} "),
    _rule(r"(?<=\W)\.(?= [a-z]+)(?<=[ (]\.)", "point"),
    _rule(r"\b([A-Z])[-–]([A-Z])\b(?!-)", r"\1 to \2"),
    _rule(r"(?<![\w/])([A-Za-z]+)/([A-Za-z]+)(?![\w/])", _slashed),
    _rule(r"(?<=[a-z0-9])\.(?=[a-z])", " dot "),
    _rule(r"(?<=[a-z])\.(?=[A-Z])", ". "),
    _rule(rf"[{re.escape(''.join(SIGNS))}]", lambda m: f" {SIGNS[m[0]]} "),
]
_RULES: list[_Rule] = [*_ADDRESSES, *_WORDS, *_DATES, *_TIMES, *_CODES, *_AMOUNTS, *_MATHS, *_LAST]
