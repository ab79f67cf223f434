"""Writes the tree in README.md anew: one line per file, from the first sentence of each file's header.

python tools/readme_tree.py           writes it
python tools/readme_tree.py --check   exits 1 if it is out of date
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
START, END = "<!-- tree -->", "<!-- /tree -->"
WIDTH = 34

TOP = {
    "Makefile": "make demo, test, unit, check, serve, weights, docs",
    "pyproject.toml": "dependencies, and who may import whom",
    "constraints.txt": "the versions that the suite passed with",
    ".ci/run": "everything from a fresh clone",
    "docs/": "quick start, tokens, settings, voices, weights, engines; decisions/ for the hard choices",
    "examples/": "short programs, each run by a test",
    "tests/": "mirrors src; clients/ has the real SDKs over real weights, contract/ one suite for every engine",
    "tools/readme_tree.py": "writes this tree",
}

SCRIPTS = "What browsers are given, besides style sheets and pictures"


def sentence(file: Path) -> str:
    """The first sentence of a module's docstring, of a script's `@module`, or of a TOML file's first comment."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        header = ast.get_docstring(ast.parse(text)) or ""
    elif file.suffix == ".js":
        header = re.sub(r"\n \* ?", "\n", text.partition("@module ")[2].partition("*/")[0])
    else:
        header = text.split("\n\n")[0].replace("# ", "").replace("\n", " ")
    first = re.split(r"(?<=[^.\d][a-z)`\"])[.](?:\s|$)", header.split("\n\n")[0].replace("\n", " "), maxsplit=1)[0]
    return first.strip().rstrip(".")


def tree() -> str:
    lines = [f"{name:<{WIDTH}} {what}" for name, what in TOP.items()]
    source = REPO / "src" / "vivavoce"
    lines.append("src/vivavoce/")
    found = (file for kind in ("*.py", "*.toml", "*.js") for file in source.rglob(kind))
    files = sorted(found, key=lambda file: (file.parent.parts, file.name))
    folder = source
    for file in files:
        if file.parent != folder:
            folder = file.parent
            init = folder / "__init__.py"
            what = sentence(init) if init.is_file() else SCRIPTS
            lines.append(f"  {str(folder.relative_to(source)) + '/':<{WIDTH - 2}} {what}")
        if file.name != "__init__.py":
            indent = "  " * len(file.relative_to(source).parts)
            lines.append(f"{indent + file.name:<{WIDTH}} {sentence(file)}")
    return "\n".join(lines)


def main() -> int:
    readme = REPO / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    fresh = f"{before}{START}\n```\n{tree()}\n```\n{END}{after}"
    if "--check" in sys.argv:
        if fresh != text:
            sys.stderr.write("README.md: the tree is out of date; run: make docs\n")
            return 1
        return 0
    readme.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
