"""onnxruntime, kept from reporting to its maker: the only file that imports it.

From version 1.32 on its Linux packages send usage events to a server of Microsoft's, a few seconds after a model is
loaded, and leave a device id in ~/.cache. The variable is read when the library is loaded; switching events off later,
by its function, does not stop them (seen with strace). A program that loads onnxruntime before us must set it itself.
"""

from __future__ import annotations

import os
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as _library  # pyright: ignore[reportMissingTypeStubs]

onnxruntime: Any = _library
"""The library; it carries no types."""
