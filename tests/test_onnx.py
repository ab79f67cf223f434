"""No route to onnxruntime but through `vivavoce.onnx`, which silences it first."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LOOK = (
    "import sys, os, {module}; assert 'onnxruntime' in sys.modules; print(os.environ.get('ORT_DISABLE_TELEMETRY'));"
    "from vivavoce.onnx import onnxruntime; print(onnxruntime.get_available_providers())"
)


@pytest.mark.parametrize(
    "module", ["vivavoce.onnx", "vivavoce.listen.vad", "vivavoce.listen.whisper", "vivavoce.speak.onnx_graph"]
)
def test_it_is_silenced_before_it_is_loaded(module: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(module=module)], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[:1] == ["1"], done.stderr
    assert "CPUExecutionProvider" in done.stdout
