"""llama.cpp's own server inside this process, through xllamacpp; the only file that imports it.

What xllamacpp does not say, learnt from its behaviour:

- The server always listens for HTTP as well, without authentication unless told otherwise. Here it listens on
  a Unix socket in a directory of mode 0700, and asks for a random key besides. We use that door for the
  tokenizer, which has no other. Without Unix sockets (Windows) it is a loopback port, guarded by the key.
- `handle_chat_completions` blocks its caller, lets the GIL go while it waits, and calls back in the caller's
  thread. A callback that returns True ends the request and frees its slot; one that raises is ignored.
- Request errors come through the same callback as chunks do, as `{"error": {...}}`; malformed requests raise.
- Its threads wait for each other by spinning (GNU OpenMP's default; `cpuparams.poll` has no effect in this build).
  When anything else wants a core, that makes them several times slower; when they sleep at once, waking them costs a
  third of the speed on a free machine. So they spin for a moment and then sleep, which OpenMP learns from the
  environment once, while it is loaded.
- Nothing is called during prefill unless the request sets `return_progress`: then once a batch. Sound is encoded and
  read without a call; every slot waits meanwhile, and a request can be given up only after it.
- A failed assertion ends the process, and starts a debugger first to print every frame with its arguments, which
  may be what somebody said. `GGML_NO_BACKTRACE` forbids that.

Knows nothing of conversations, sampling or asyncio.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from vivavoce.errors import EngineFailed, ModelNotInstalled
from vivavoce.threads import yielding

_QUIET = -1
"""The verbosity at which llama.cpp prints nothing, errors included: logs must never carry what was said."""

_SIDE_DOOR_TIMEOUT_S = 10.0
_WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "300"}
"""How OpenMP's threads wait. GNU's library goes by the count (figures: docs/engines/think.md), others by the policy."""

_NO_BACKTRACE = "GGML_NO_BACKTRACE"


def cuda_gpus() -> int:
    """How many CUDA GPUs this build of llama.cpp sees: none where it was built for processors."""
    return sum(str(device["name"]).startswith("CUDA") for device in _xllamacpp().get_device_info())


class LlamaServer:
    """A loaded model with its slots. Safe to call from several threads at once."""

    def __init__(
        self,
        model_path: Path,
        *,
        slots: int,
        context_tokens: int,
        threads: int,
        batch_tokens: int,
        gpu_layers: int,
        prompt_cache_mib: int,
        gpu: int | None = None,
        projector_path: Path | None = None,
        unix_socket: bool = hasattr(socket, "AF_UNIX"),
    ) -> None:
        """Load the weights; takes about a second per gigabyte. gpu: the only one to use, counted from 0; None spreads
        the layers over all. Raises `ModelNotInstalled`, `EngineFailed`."""
        for path in (model_path, projector_path):
            if path is not None and not path.is_file():
                raise ModelNotInstalled(f"No weights at {path}; fetch them with `viva models pull`.")
        native = _xllamacpp()
        self._key = secrets.token_hex(32)
        self._directory = Path(tempfile.mkdtemp(prefix="viva-")) if unix_socket else None
        params: Any = native.CommonParams()
        params.model.path = str(model_path)
        if projector_path is not None:
            params.mmproj.path = str(projector_path)
            params.mmproj_use_gpu = gpu_layers != 0
        params.api_keys = [self._key]
        if self._directory is not None:
            params.hostnames = [str(self._directory / "llama.sock")]
        params.n_parallel = slots
        params.n_ctx = slots * context_tokens
        params.kv_unified = False  # every slot owns its window, so no request can fail for another's length
        params.ctx_shift = False  # never forget the beginning in silence
        params.n_batch = params.n_ubatch = batch_tokens
        params.n_gpu_layers = gpu_layers
        if gpu is not None:
            params.main_gpu = gpu
            params.split_mode = native.llama_split_mode.LLAMA_SPLIT_MODE_NONE
        params.fit_params = False  # or it may shrink what was asked for
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.cache_ram_mib = prompt_cache_mib
        params.enable_reasoning = 0  # thinking aloud costs seconds before the first word
        params.use_jinja = True
        params.warmup = False
        params.ui = False
        params.endpoint_slots = False
        params.n_threads_http = 2
        params.verbosity = _QUIET
        try:
            self._server: Any = yielding(lambda: native.Server(params))
        except RuntimeError as error:
            self._remove_directory()
            raise EngineFailed(_not_loaded(model_path, projector_path)) from error
        self._address: str = self._server.listening_address
        properties = cast("dict[str, Any]", self.request("GET", "/props"))
        self.context_tokens = int(properties["default_generation_settings"]["n_ctx"])
        self.hears_audio = bool(properties["modalities"]["audio"])
        models = cast("dict[str, Any]", self.request("GET", "/v1/models"))
        self.vocabulary_size = int(models["data"][0]["meta"]["n_vocab"])

    @property
    def address(self) -> str:
        """Where llama.cpp listens: `unix:///path` or `http://host:port`."""
        return self._address

    def chat(self, body: dict[str, object], on_chunk: Callable[[str], bool]) -> None:
        """Run one chat completion to its end, handing each chunk of JSON to `on_chunk`, in this thread.

        `on_chunk` must not raise; it returns True to end the request. Raises `EngineFailed` on a request that
        llama.cpp cannot read.
        """
        try:
            self._server.handle_chat_completions(json.dumps(body), on_chunk)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"llama.cpp refused a request ({type(error).__name__}).") from error

    def tokenize(self, text: str) -> list[int]:
        """Ids of the tokens of `text`, special spellings read as ordinary text. About a millisecond; takes no slot."""
        body: dict[str, object] = {"content": text, "add_special": False, "parse_special": False}
        answer = cast("dict[str, Any]", self.request("POST", "/tokenize", body))
        return cast("list[int]", answer["tokens"])

    def request(self, method: str, path: str, body: dict[str, object] | None = None) -> object:
        """One request through llama.cpp's HTTP door. Raises `EngineFailed`."""
        connection: http.client.HTTPConnection | None = None
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Connection": "close",
        }
        try:
            connection = self._connection()
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineFailed(f"llama.cpp did not answer {path}.") from error
        finally:
            if connection is not None:
                connection.close()
        if response.status != http.HTTPStatus.OK:
            raise EngineFailed(f"llama.cpp answered {path} with status {response.status}.")
        return json.loads(payload)

    def _connection(self) -> http.client.HTTPConnection:
        where = urlsplit(self._address)
        if where.scheme == "unix":
            connection = http.client.HTTPConnection("localhost")
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(_SIDE_DOOR_TIMEOUT_S)
            connection.sock.connect(where.path)
            return connection
        return http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port or 80, timeout=_SIDE_DOOR_TIMEOUT_S)

    def close(self) -> None:
        """Free weights and slots. No call may be under way."""
        self._server = None
        self._remove_directory()

    def _remove_directory(self) -> None:
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


def _not_loaded(model_path: Path, projector_path: Path | None) -> str:
    if projector_path is None:
        return f"llama.cpp could not load {model_path}; check the file with `viva models verify`."
    return (
        f"llama.cpp could not load {model_path} with the projector {projector_path.name}; "
        "check that both files are whole and were made for each other."
    )


def _xllamacpp() -> Any:
    """The library, loaded with threads that hardly spin, unless the user's environment says otherwise."""
    os.environ.setdefault(_NO_BACKTRACE, "1")  # read when the process dies, so it stays set
    ours = {} if os.environ.keys() & _WAITING else _WAITING
    os.environ.update(ours)
    try:
        import xllamacpp  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
    finally:
        for name in ours:
            del os.environ[name]  # not meant for other libraries and child processes
    return xllamacpp
