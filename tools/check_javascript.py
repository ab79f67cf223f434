"""Has TypeScript check the scripts of the pages: plain JavaScript with its types in comments. Part of `make check`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests" / "clients"))

from node_clients import NODE, PAGES, fetched  # noqa: E402

if __name__ == "__main__":
    try:
        compiler = fetched(PAGES) / "node_modules" / "typescript" / "bin" / "tsc"
    except RuntimeError as error:
        sys.exit(f"TypeScript is not there to check the pages' scripts: {error}")
    sys.exit(subprocess.run([NODE, compiler, "-p", REPO / "src/vivavoce/web/static"], check=False).returncode)
