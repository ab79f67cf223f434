"""Markdown, a little HTML and a little TeX down to the words that people would read out.

Knows no language beyond the order of its letters: code becomes words with the names that a `CodeWords` gives to its
signs. What numbers and symbols are called is the business of `spoken_english` and `spoken_european`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

FENCE = re.compile(r"\s{0,3}(?:[-*+]\s+)?(`{3,}|~{3,})")
"""The start of a line that opens a code block."""

_LONGEST_INLINE_CODE = 60


@dataclass(frozen=True, slots=True)
class CodeWords:
    """What code is called aloud. signs: sign to word; block: the sentence in place of a code block; inline: of a long
    stretch within a sentence."""

    signs: Mapping[str, str]
    block: str
    inline: str


_LINK = re.compile(
    r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[\"'][^\"'\n]*[\"'])?\)|\[[^\[\]\n]*\])"
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:|www\.)[^<>\s]+|[^<>\s@]+@[^<>\s@]+)>")
_TAG = re.compile(
    r"</?[a-zA-Z][a-zA-Z0-9-]*(?:\s+[a-zA-Z-]+(?:=(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))?)*\s*/?>|<!--.*?-->", re.S
)
_NOTE = re.compile(r"\[\^[^\[\]\s]+\]:?|(?<=[\w.,;:!?\"])\s?\[[0-9]{1,3}(?:\s?[,-]\s?[0-9]{1,3})*\](?!\()")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|>~$&%])")
_STARS = re.compile(
    r"(?<![0-9])\*{2,}|\*{2,}(?![0-9])|~~|(?<![\w)\s])\*(?=\S)|(?<=\s)\*(?=\S)|^\*(?=\S)|(?<=[^\s*])\*(?![\w(])"
)
_UNDERSCORES = re.compile(r"(?<!\w)_+(?=\S)|(?<=\S)_+(?!\w)")
_CODE = re.compile(r"(`+)(.+?)\1", re.S)


def strip_markup(text: str, words: CodeWords, *, at_line_start: bool) -> str:
    """The words of `text`; its first line counts as a whole line only if `at_line_start`. Lines stay apart."""
    text = _CODE.sub(lambda match: " " + code_aloud(match[2].strip(), words) + " ", text).replace("`", "")
    lines = text.split("\n")
    spoken = [_strip_line(line, whole=at_line_start or number > 0) for number, line in enumerate(lines)]
    return _inline(_joined([line for line in spoken if line is not None]))


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    stands_alone: bool
    """A heading, list item or table row, which ends where the line ends, full stop or not."""


_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•◦▪‣]|–(?=\s))\s+(?:\[[ xX]\]\s+)?(?=\S)")
_NUMBERED = re.compile(r"\s*([0-9]{1,2})[.)]\s+(?=\S)")
_RULE = re.compile(r"\s*(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,}|={3,})\s*$")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
_QUOTE = re.compile(r"^\s{0,3}(?:>\s?)+(?![0-9=])")


def _strip_line(line: str, *, whole: bool) -> _Line | None:
    """None: nothing of the line is read out."""
    if not whole:
        return _Line(line, stands_alone=False)
    if _RULE.match(line) or (_TABLE_RULE.match(line) and "|" in line):
        return None
    line = _QUOTE.sub("", line, count=1)
    if heading := _HEADING.match(line):
        return _Line(heading[1], stands_alone=True)
    if line.count("|") >= 2 and line.strip().startswith("|"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        return _Line(", ".join(cell for cell in cells if cell), stands_alone=True)
    item, numbered = _ITEM.match(line), _NUMBERED.match(line)
    if numbered:
        return _Line(f"{numbered[1]}, {line[numbered.end() :]}", stands_alone=True)
    return _Line(line[item.end() :] if item else line, stands_alone=item is not None)


def _joined(lines: list[_Line]) -> str:
    """One line of text; what stands alone, and paragraphs, end in a full stop before the next."""
    text = ""
    ends = False
    for line in lines:
        stripped = line.text.strip()
        if not stripped:
            ends = ends or bool(text.strip())
            continue
        if text.strip() and (ends or line.stands_alone) and text.rstrip()[-1] not in ".!?:;,…":
            text = text.rstrip() + "."
        text = f"{text} {stripped}" if text else stripped
        ends = line.stands_alone
    return text


def _inline(text: str) -> str:
    text = _AUTOLINK.sub(r"\1", text)
    for _ in range(3):  # an image within a link
        text = _LINK.sub(r"\1", text)
    text = _tex(_NOTE.sub("", _TAG.sub(" ", text)))
    text = _ESCAPE.sub(r"\1", html.unescape(text))
    text = re.sub(r"(?<=\w)\*\*(?=[0-9])", "^", text)
    return _UNDERSCORES.sub("", _STARS.sub("", text))


_TEX_COMMANDS = {
    "times": "×", "cdot": "×", "div": "÷", "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "neq": "≠",
    "ne": "≠", "approx": "≈", "infty": "∞", "pi": "π", "to": "→", "rightarrow": "→", "sqrt": "√", "degree": "°",
}  # fmt: skip
_TEX_SPAN = re.compile(
    r"\\\((.+?)\\\)|\\\[(.+?)\\\]|\$\$(.+?)\$\$|\$(?=[^\s$])([^$\n]*?[\\^_={}a-zA-Z][^$\n]*?)(?<=[^\s$])\$(?![0-9])",
    re.S,
)


def _tex(text: str) -> str:
    return _TEX_SPAN.sub(lambda match: " " + _tex_formula(next(filter(None, match.groups()), "")) + " ", text)


def _tex_formula(formula: str) -> str:
    formula = re.sub(r"\\d?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1 ÷ \2", formula)
    formula = re.sub(r"\\(?:text|mathrm|mathbf|left|right|quad|,|;)\b", " ", formula)
    formula = re.sub(r"\\([a-zA-Z]+)", lambda match: f" {_TEX_COMMANDS.get(match[1], match[1])} ", formula)
    return re.sub(r"[{}]", " ", re.sub(r"\^\{([^{}]*)\}", r"^\1", formula)).replace("_", " ")


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LONG_SIGNS = re.compile(
    r"\(\s*\)|->|=>|===?|!==?|<=|>=|&&|\|\||\+\+|::|//|\*\*|--(?=\w)|(?<![\w.])[/.~](?=\w)|(?<=[\w)])\.(?=\w)|[^\w\s]"
)


def code_aloud(code: str, words: CodeWords) -> str:
    """A short stretch of code as words: `np.zeros` is "np dot zeros". Brackets and quotes are silent."""
    if len(code) > _LONGEST_INLINE_CODE or "\n" in code:
        return words.inline
    if re.match(r"(?:https?://|www\.)", code):
        return code
    code = _LONG_SIGNS.sub(lambda match: f" {words.signs.get(match[0].strip(), ' ')} ", code)
    return " ".join(_CAMEL.sub(" ", code.replace("_", " ")).split())
