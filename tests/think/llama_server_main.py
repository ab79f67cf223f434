"""A real OpenAI-compatible server in a process of its own: llama.cpp with the model given, on a loopback port.

usage: llama_server_main.py MODEL_PATH KEY. Prints its address, and serves until its input closes.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when the library is loaded
    import xllamacpp

    model_path, key = sys.argv[1:]
    params = xllamacpp.CommonParams()
    params.model.path = model_path
    params.api_keys = [key]
    params.n_parallel = 2
    params.n_ctx = 4096
    params.n_batch = params.n_ubatch = 32
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.cache_ram_mib = 0
    params.warmup = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    sys.stdout.write(server.listening_address + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main()
