"""Word lists that `spoken_english` reads by: units, currencies, abbreviations, signs. Knows no rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Currency(NamedTuple):
    one: str
    many: str
    cent: str
    cents: str


_DOLLAR = Currency("dollar", "dollars", "cent", "cents")
_POUND = Currency("pound", "pounds", "penny", "pence")
_EURO = Currency("euro", "euros", "cent", "cents")
_RUPEE = Currency("rupee", "rupees", "paisa", "paise")

CURRENCIES: Mapping[str, Currency] = {
    "$": _DOLLAR,
    "US$": Currency("US dollar", "US dollars", "cent", "cents"),
    "€": _EURO,
    "£": _POUND,
    "¥": Currency("yen", "yen", "sen", "sen"),
    "₹": _RUPEE,
    "₩": Currency("won", "won", "jeon", "jeon"),
    "₽": Currency("rouble", "roubles", "kopek", "kopeks"),
}
CURRENCY_CODES: Mapping[str, str] = {
    "USD": "US dollars",
    "EUR": "euros",
    "GBP": "pounds",
    "CHF": "Swiss francs",
    "JPY": "yen",
    "CAD": "Canadian dollars",
    "AUD": "Australian dollars",
    "INR": "rupees",
}

SCALES: Mapping[str, str] = {"k": "thousand", "K": "thousand", "M": "million", "m": "million", "B": "billion",
                             "bn": "billion", "T": "trillion", "thousand": "thousand", "million": "million",
                             "billion": "billion", "trillion": "trillion"}  # fmt: skip


def _plural(**words: str) -> dict[str, tuple[str, str]]:
    return {unit: (word, word + "s") for unit, word in words.items()}


UNITS: Mapping[str, tuple[str, str]] = {
    **_plural(
        km="kilometer",
        m="meter",
        cm="centimeter",
        mm="millimeter",
        μm="micrometer",
        nm="nanometer",
        mi="mile",
        yd="yard",
        kg="kilogram",
        g="gram",
        mg="milligram",
        μg="microgram",
        lb="pound",
        lbs="pound",
        oz="ounce",
        l="liter",
        L="liter",
        ml="milliliter",
        mL="milliliter",
        s="second",
        sec="second",
        secs="second",
        ms="millisecond",
        μs="microsecond",
        ns="nanosecond",
        min="minute",
        mins="minute",
        h="hour",
        hr="hour",
        hrs="hour",
        W="watt",
        kW="kilowatt",
        MW="megawatt",
        GW="gigawatt",
        Wh="watt hour",
        kWh="kilowatt hour",
        V="volt",
        kV="kilovolt",
        mV="millivolt",
        mA="milliamp",
        mAh="milliamp hour",
        dB="decibel",
        kB="kilobyte",
        KB="kilobyte",
        MB="megabyte",
        GB="gigabyte",
        TB="terabyte",
        PB="petabyte",
        KiB="kibibyte",
        MiB="mebibyte",
        GiB="gibibyte",
        TiB="tebibyte",
        px="pixel",
        J="joule",
        kJ="kilojoule",
        kcal="kilocalorie",
        Pa="pascal",
        kPa="kilopascal",
        ha="hectare",
        mol="mole",
        cal="calorie",
        pt="point",
    ),
    "ft": ("foot", "feet"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("meter per second", "meters per second"),
    "m/s²": ("meter per second squared", "meters per second squared"),
    "mg/dL": ("milligram per deciliter", "milligrams per deciliter"),
    "mmHg": ("millimeter of mercury", "millimeters of mercury"),
    "bpm": ("beat per minute", "beats per minute"),
    "fps": ("frame per second", "frames per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "tok/s": ("token per second", "tokens per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "kbit/s": ("kilobit per second", "kilobits per second"),
    "Mbit/s": ("megabit per second", "megabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"),
    "GB/s": ("gigabyte per second", "gigabytes per second"),
    "m²": ("square meter", "square meters"),
    "m2": ("square meter", "square meters"),
    "km²": ("square kilometer", "square kilometers"),
    "km2": ("square kilometer", "square kilometers"),
    "cm²": ("square centimeter", "square centimeters"),
    "kg/m³": ("kilogram per cubic meter", "kilograms per cubic meter"),
    "m³": ("cubic meter", "cubic meters"),
    "m3": ("cubic meter", "cubic meters"),
    "cm³": ("cubic centimeter", "cubic centimeters"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "℃": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "℉": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "%": ("percent", "percent"),
    "‰": ("per mille", "per mille"),
}
"""Unit to its name after one and after any other number."""

TITLES: Mapping[str, str] = {
    "Dr": "Doctor",
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Miz",
    "Prof": "Professor",
    "St": "Saint",
    "Mt": "Mount",
    "Gen": "General",
    "Gov": "Governor",
    "Sen": "Senator",
    "Rep": "Representative",
    "Rev": "Reverend",
    "Capt": "Captain",
    "Lt": "Lieutenant",
    "Sgt": "Sergeant",
    "Col": "Colonel",
    "Hon": "Honorable",
    "Fr": "Father",
}
"""Said in full before a name."""

ABBREVIATIONS: Mapping[str, str] = {
    "e.g.": "for example",
    "eg.": "for example",
    "i.e.": "that is",
    "ie.": "that is",
    "etc.": "et cetera",
    "etc": "et cetera",
    "E.g.": "For example",
    "I.e.": "That is",
    "vs.": "versus",
    "vs": "versus",
    "approx.": "approximately",
    "ca.": "about",
    "cf.": "compare",
    "et al.": "and others",
    "a.m.": "AM",
    "p.m.": "PM",
    "A.M.": "AM",
    "P.M.": "PM",
    "w/o": "without",
    "w/": "with ",
    "b/c": "because",
    "incl.": "including",
    "excl.": "excluding",
    "max.": "maximum",
    "min.": "minimum",
    "avg.": "average",
    "dept.": "department",
    "Dept.": "Department",
    "est.": "estimated",
    "Jr.": "Junior",
    "Sr.": "Senior",
    "Inc.": "Incorporated",
    "Ltd.": "Limited",
    "Corp.": "Corporation",
    "Co.": "Company",
    "Ave.": "Avenue",
    "Blvd.": "Boulevard",
    "Rd.": "Road",
    "Ph.D.": "PhD",
    "c/o": "care of",
    "n/a": "not applicable",
    "N/A": "not applicable",
    "24/7": "twenty-four seven",
    "C++": "C plus plus",
    "C#": "C sharp",
    "F#": "F sharp",
    ".NET": "dot net",
    "&&": " and ",
    "||": " or ",
}

NUMBERED: Mapping[str, str] = {
    "No": "number", "Nos": "numbers", "no": "number", "Nr": "number", "Fig": "figure", "fig": "figure",
    "Figs": "figures", "Eq": "equation", "eq": "equation", "Vol": "volume", "vol": "volume", "Ch": "chapter",
    "ch": "chapter", "Sec": "section", "sec": "section", "p": "page", "pp": "pages", "Art": "article",
}  # fmt: skip
"""Abbreviations that only a number after them tells from words."""

VERSIONED = _words(
    "version versions v release python node nodejs node.js java ruby php perl go golang rust swift kotlin scala numpy "
    "pytorch tensorflow ubuntu debian fedora android ios ipados macos windows linux kernel cuda django flask react "
    "angular postgres postgresql mysql redis docker kubernetes openssl http tls llama gpt claude gemini qwen"
)
"""Words after which 3.11 is a version, read "three point eleven"."""

YEAR_BEFORE = _words(
    "in since from by until till before after during around circa year years early late mid between through spring "
    "summer autumn fall winter january february march april may june july august september october november december "
    "class born died founded copyright and to"
)
"""Words after which a number of four digits is likely a year."""

NOT_A_YEAR_AFTER = _words(
    "words people dollars euros pounds tokens lines times characters items users files pages steps points miles meters "
    "kilometers seconds minutes hours days weeks months years percent degrees votes units calories requests rows bytes "
    "samples watts copies women men children students feet grams kilograms cases examples hertz more fewer or"
)
"""Words before which it is not."""

NOT_A_YEAR_BEFORE = _words(
    "cost costs costed paid pay price worth of about over under than nearly almost roughly exactly only total is are "
    "equals least most times room flight number error code port page line step size"
)
"""Words after which a number of four digits is a quantity or a name."""

WEEKDAYS: Mapping[str, str] = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip

FILE_ENDINGS = _words(
    "py js ts tsx jsx json md txt csv tsv html css yaml yml toml ini cfg sh bash cpp hpp rs go java kt rb php sql xml "
    "pdf png jpg jpeg gif svg mp3 mp4 wav flac ogg zip tar gz exe dll so ipynb lock log env"
)

TOP_LEVEL = _words(
    "com org net io dev ai edu gov co uk de fr es it eu app info biz me us ca ch at nl pl br jp cn in tv ly"
)

SIGNS: Mapping[str, str] = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "#": "hash", "/": "slash", "\\": "backslash",
    "×": "times", "÷": "divided by", "±": "plus or minus", "≈": "is about", "≠": "is not equal to", "≤": "is at most",
    "≥": "is at least", "<": "is less than", ">": "is greater than", "→": "to", "⇒": "so", "←": "from",
    "√": "square root of",
    "∞": "infinity", "π": "pi", "°": "degrees", "§": "section", "−": "minus", "∑": "sum of", "μ": "micro",
    "€": "euros", "£": "pounds", "$": "dollars", "¥": "yen", "²": "squared", "³": "cubed", "½": "one half",
    "¼": "one quarter", "¾": "three quarters", "⅓": "one third", "⅔": "two thirds", "∈": "in", "Ω": "ohm",
}  # fmt: skip
"""What a sign is called where no rule knew better."""

CODE_SIGNS: Mapping[str, str] = {
    ".": "dot", "/": "slash", "\\": "backslash", "=": "equals", "==": "equals", "===": "equals", "!=": "is not",
    "!==": "is not", "<=": "is at most", ">=": "is at least", "<": "less than", ">": "greater than", "->": "to",
    "=>": "to", "&&": "and", "||": "or", "+": "plus", "++": "plus plus", "*": "star", "**": "to the power of",
    "%": "percent", "@": "at", "&": "and", "#": "hash", "$": "dollar", "--": "dash dash", "-": "dash", "~": "tilde",
    "|": "pipe", "//": "slash slash", "::": "colon colon", "!": "not", "^": "caret", ",": ",", ";": ",",
}  # fmt: skip
