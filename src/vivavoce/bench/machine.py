"""What a benchmark ran on."""

from __future__ import annotations

import platform
from pathlib import Path


def machine_name() -> str:
    """The processor's name as Linux tells it, or what Python knows elsewhere."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
