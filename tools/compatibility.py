"""Writes docs/compatibility.md: field, status, and the tests that prove it.

python tools/compatibility.py           writes it
python tools/compatibility.py --check   exits 1 if it is out of date, or a row lacks its proof

Rows come from docs/compatibility.toml, tests from the marks `@pytest.mark.proves("id", …)` in tests/.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

from pydantic import BaseModel
from starlette.routing import Route

from vivavoce.server.app import create_app
from vivavoce.server.service import Service
from vivavoce.server.wire.batches import BatchRequest
from vivavoce.server.wire.chat_request import AudioOut, ChatRequest, StreamOptions
from vivavoce.server.wire.files import FileUpload
from vivavoce.server.wire.speech import SpeechRequest
from vivavoce.server.wire.transcription_request import TranscriptionRequest, TranslationRequest

REPO = Path(__file__).resolve().parents[1]
TABLE, PAGE = REPO / "docs" / "compatibility.toml", REPO / "docs" / "compatibility.md"
NESTED: dict[str, type[BaseModel]] = {"audio": AudioOut, "stream_options": StreamOptions}
STATUSES = {
    "works": "works",
    "accepted": "taken, without effect",
    "refused": "refused, clearly",
    "later": "not yet: refused, clearly",
    "ours": "ours: more than the original had",
}
HEADER = """# Compatibility

Everything that the contract of `gpt-4o-mini-audio-preview` has, what becomes of it here, and the test that proves it.
`make docs` writes this page from `docs/compatibility.toml` and from marks on the tests; a row without a test fails the
suite, and so does a route or a request field without a row.
"""

Rows = dict[str, dict[str, dict[str, str]]]


def request_fields() -> set[str]:
    """Every field of a chat request, those of its objects by path; those of other routes after the route's name."""
    fields = set(ChatRequest.model_fields) - NESTED.keys()
    others: dict[str, type[BaseModel]] = {
        "speech": SpeechRequest,
        "transcriptions": TranscriptionRequest,
        "translations": TranslationRequest,
        "files": FileUpload,
        "batches": BatchRequest,
    }
    fields |= {f"{route}: {name}" for route, model in others.items() for name in model.model_fields}
    return fields | {f"{name}.{inner}" for name, model in NESTED.items() for inner in model.model_fields}


def routes() -> set[str]:
    """`GET /v1/models/{}` and the like: every route that the application has."""

    def never() -> Service:
        raise NotImplementedError

    pending, found = [*create_app(never).routes], set[str]()
    while pending:
        route = pending.pop()
        if isinstance(route, Route):
            found |= {f"{method} {_unnamed(route.path)}" for method in route.methods or () if method != "HEAD"}
        elif (router := getattr(route, "original_router", None)) is not None:  # FastAPI keeps routers whole
            pending += router.routes
    return found


def _unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def routes_of(row: str) -> set[str]:
    """What a row like `GET, DELETE /v1/a/{id}` or `GET /v1/a, /v1/b` speaks of; nothing where it is no such row."""
    if (found := re.fullmatch(r"([A-Z]+(?:, [A-Z]+)*) (/\S+(?:, /\S+)*)", row)) is None:
        return set()
    return {f"{method} {_unnamed(path)}" for method in found[1].split(", ") for path in found[2].split(", ")}


def proofs() -> dict[str, list[str]]:
    """Row id -> tests that prove it, as `file.py::test`."""
    found: dict[str, list[str]] = {}
    for file in sorted((REPO / "tests").rglob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in [name for decorator in node.decorator_list for name in proved_by(decorator)]:
                    found.setdefault(name, []).append(f"{file.relative_to(REPO).as_posix()}::{node.name}")
    return found


def proved_by(decorator: ast.expr) -> list[str]:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.proves":
        return []
    return [ast.literal_eval(argument) for argument in decorator.args]


def problems(rows: Rows, tests: dict[str, list[str]]) -> list[str]:
    """What is missing between the request model, the table and the tests."""
    known = {name: row for section in rows.values() for name, row in section.items()}
    found = [f"the request field {name} has no row" for name in sorted(request_fields() - known.keys())]
    told = {route for name in known for route in routes_of(name)}
    found += [f"the route {route} has no row" for route in sorted(routes() - told)]
    found += [f"{route}: no such route" for route in sorted(told - routes())]
    found += [f"{name}: no such row" for name in sorted(tests.keys() - known.keys())]
    found += [f"{name}: no test proves it" for name in known if name not in tests]
    found += [f"{name}: status {row['is']}?" for name, row in known.items() if row["is"] not in STATUSES]
    return found


def page(rows: Rows, tests: dict[str, list[str]]) -> str:
    lines = [HEADER]
    for title, section in rows.items():
        lines += [f"## {title}", "", "| what | status | note | proved by |", "|---|---|---|---|"]
        for name, row in section.items():
            links = ", ".join(link(test) for test in tests.get(name, ()))
            lines.append(f"| `{name}` | {STATUSES[row['is']]} | {row['note']} | {links} |")
        lines.append("")
    return "\n".join(lines)


def link(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})"


def main() -> None:
    rows: Rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    tests = proofs()
    if wrong := problems(rows, tests):
        sys.exit("docs/compatibility.toml and the tests differ:\n  " + "\n  ".join(wrong))
    made = page(rows, tests)
    if "--check" not in sys.argv:
        PAGE.write_text(made, encoding="utf-8")
    elif made != PAGE.read_text(encoding="utf-8"):
        sys.exit("docs/compatibility.md is out of date: run `make docs`")


if __name__ == "__main__":
    main()
