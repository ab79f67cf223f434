"""GBNF, the notation of llama.cpp's grammars: any JSON value as rules, and how characters are spelt.

JSON is written on one line, a space after commas and colons or none; with room for more, small models fill pages
with it. Knows no schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from vivavoce.think.automaton import Ranges

JSON_RULES = {
    "space": '" "?',
    "hexdig": "[0-9a-fA-F]",
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]',
    "string": r'"\"" char* "\""',
    "integer": '"-"? ("0" | [1-9] [0-9]{0,14})',
    "number": 'integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "value": "object | array | string | number | boolean | null",
    "member": 'string ":" space value',
    "object": '"{" (member ("," space member)*)? "}"',
    "array": '"[" (value ("," space value)*)? "]"',
}

_ESCAPES = {34: r"\"", 92: r"\\", 8: r"\b", 9: r"\t", 10: r"\n", 12: r"\f", 13: r"\r"}


def grammar(root: str, rules: Mapping[str, str]) -> str:
    """`root` and `rules` as a grammar, with the rules of any JSON."""
    return "\n".join(f"{name} ::= {body}" for name, body in ({"root": root} | JSON_RULES | dict(rules)).items())


def quoted(text: str) -> str:
    """A literal of the grammar. JSON leaves only printable characters, quotes and backslashes in `text`."""
    return '"' + text.encode("utf-8", "replace").decode().replace("\\", "\\\\").replace('"', '\\"') + '"'


def characters(ranges: Ranges) -> str | None:
    """A class of the grammar, all characters by their number; surrogates are none."""
    kept: list[tuple[int, int]] = []
    for low, high in ranges:
        kept += [(low, min(high, 0xD7FF)), (max(low, 0xE000), high)]
    spelt = [f"\\U{low:08X}-\\U{high:08X}" for low, high in kept if low <= high]
    return f"[{''.join(spelt)}]" if spelt else None


def characters_in_json(ranges: Ranges) -> str | None:
    """The same inside a JSON string, where some characters are escaped and control characters are left out."""
    plain: list[tuple[int, int]] = []
    for low, high in ranges:
        start = max(low, 0x20)
        for special in (34, 92, 0x7F):
            if start <= special <= high:
                plain.append((start, special - 1))
                start = special + 1
        plain.append((start, high))
    terms = [
        quoted(spelling) for code, spelling in _ESCAPES.items() if any(low <= code <= high for low, high in ranges)
    ]
    if spelt := characters(tuple(plain)):
        terms.append(spelt)
    return f"({' | '.join(terms)})" if terms else None


def _shared_start(one: str, other: str) -> str:
    length = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def write_words(words: Iterable[str], new_rule: Callable[[], str], rules: dict[str, str]) -> str:
    """Write rules for any one of `words`, which part where they differ; return the first one's name."""
    first = new_rule()
    pending = [(first, set(words))]
    while pending:
        name, here = pending.pop()
        ways: list[str] = []
        for start in sorted({word[0] for word in here if word}):
            group = [word for word in here if word.startswith(start)]
            shared = _shared_start(min(group), max(group))
            rests = {word[len(shared) :] for word in group}
            if rests == {""}:
                ways.append(quoted(shared))
            else:
                ways.append(f"{quoted(shared)} {(rest := new_rule())}")
                pending.append((rest, rests))
        rules[name] = " | ".join([*ways, '""'] if "" in here else ways)
    return first
