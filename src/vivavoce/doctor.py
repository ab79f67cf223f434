"""`viva doctor`: what this machine has for the settings in force, and what is missing.

Asks the libraries that are installed, loads no weights and opens no socket.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console

from vivavoce import __version__
from vivavoce.engines.devices import RUNTIMES, placed, summary
from vivavoce.engines.registry import require_weights
from vivavoce.engines.spec import STAGES
from vivavoce.errors import VivaError
from vivavoce.settings import Settings
from vivavoce.speak.espeak_program import CURE, PROGRAM, has_espeak

_PACKAGES = {
    "whisper": ("ctranslate2",),
    "llamacpp": ("xllamacpp",),
    **dict.fromkeys(("kokoro", "piper"), ("onnxruntime", "onnxruntime-gpu")),
}


def examine(settings: Settings, console: Console | None = None) -> bool:
    """Print a line per finding; True when a server would start."""
    console = console or Console()

    def line(mark: str, text: str) -> None:
        console.print(f"{mark:<3}{text}", highlight=False, markup=False, soft_wrap=True)

    line("", f"viva {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    spec = settings.engine_spec()
    line("", f"profile {settings.profile}: " + ", ".join(spec.engine(stage) for stage in STAGES))
    fine = True
    for kind, find in RUNTIMES.items():
        try:
            runtime = find()
        except ImportError as error:
            line("!", f"{kind}: the package {error.name} is not installed")
            fine = False
            continue
        seen = f"{runtime.gpus} CUDA GPU(s)" if runtime.gpus else f"no CUDA GPU. To change that: {runtime.cure}"
        line("", f"{runtime.library} {_versions(kind)} ({kind}) sees {seen}")
    if not has_espeak():
        line("", f"The program {PROGRAM} is not here: most languages have no voice. To change that, {CURE}.")
    try:
        line("ok", f"would run: {summary(placed(spec)) or 'nothing that has a choice'}")
    except VivaError as error:
        line("!", error.message)
        fine = False
    try:
        require_weights(spec)
        line("ok", f"weights are in {settings.models_dir}")
    except VivaError as error:
        line("!", error.message)
        fine = False
    return fine


def _versions(kind: str) -> str:
    found: list[str] = []
    for package in _PACKAGES[kind]:
        try:
            found.append(version(package))
        except PackageNotFoundError:
            continue
    return " and ".join(found)
