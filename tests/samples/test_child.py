"""All samples in one child process: quick to start, small, and gone with its parent."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from triplegate.samples.journal import read
from triplegate.samples.start import StartError, start_samples

PARENT = """
import sys, time
from triplegate.samples.start import start_samples
samples = start_samples()
print(samples.pid, samples.ports["orders"], flush=True)
{then}
time.sleep(60)
"""
FORK = "import os\nif os.fork() == 0: time.sleep(60)"  # someone else holds the pipe open


def test_one_process_serves_all_three_soon_and_small() -> None:
    began = time.monotonic()
    with start_samples() as samples:
        took = time.monotonic() - began
        assert samples.ports.keys() == {"orders", "llm", "mcp"}
        for name in samples.ports:
            assert httpx.get(f"{samples.url(name)}/health").json() == {"status": "ok"}
        status = Path(f"/proc/{samples.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 60 * 1024
    assert took < 5  # 0.1 s on a quiet machine
    assert not samples.alive


def test_it_loads_no_vendor_sdk_and_nothing_of_the_gateway() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, triplegate.samples.child as c; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    outside = {"openai", "mcp", "anthropic", "litestar", "httpx", "httpx2", "pydantic", "sqlalchemy"}
    assert not outside & set(loaded)
    ours = {name for name in loaded if name.startswith("triplegate.")}
    assert {name for name in ours if not name.startswith("triplegate.samples")} == set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("then", ["", FORK], ids=["alone", "pipe-held-by-another"])
def test_it_ends_when_its_parent_dies(
    number: signal.Signals, then: str, running: Callable[[int], bool], gone_within: Callable[[int, float], bool]
) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(then=then)], stdout=subprocess.PIPE, text=True,
                              start_new_session=True)  # fmt: skip
    assert parent.stdout is not None
    pid, port = map(int, parent.stdout.readline().split())
    try:
        assert running(pid)
        os.kill(parent.pid, number)
        assert gone_within(pid, 2)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/health")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)  # the forked one
        parent.wait()
        parent.stdout.close()


def test_it_ends_when_its_standard_input_does() -> None:
    command = [sys.executable, "-m", "triplegate.samples.child", "--parent", str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert b"orders" in child.stdout.readline()
        child.stdin.close()
        try:
            child.wait(2)
        finally:
            child.kill()


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    command = [sys.executable, "-m", "triplegate.samples.child", "--parent", "1"]
    done = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, timeout=10)
    assert (done.returncode, done.stdout) == (0, b"")


def test_the_ports_may_be_fixed_and_the_provider_may_stand_in_for_the_model() -> None:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        wanted = dict(zip(("orders", "llm", "mcp", "stand_in"), (p.getsockname()[1] for p in probes), strict=True))
    with start_samples(wanted) as samples:
        assert samples.ports == wanted
        body = {"model": "smollm2", "messages": [{"role": "user", "content": "hi"}]}
        reply = httpx.post(f"{samples.url('stand_in')}/v1/chat/completions", json=body).json()
        assert "pip install xllamacpp" in reply["choices"][0]["message"]["content"]


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match="address already in use"):
        start_samples({"mcp": taken.getsockname()[1]})


def test_the_journal_survives_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    with start_samples(journal=file) as samples:
        for name, path in (("orders", "/orders"), ("llm", "/v1/models"), ("mcp", "/mcp")):
            httpx.get(samples.url(name) + path, headers={"x-request-id": name})
        os.kill(samples.pid, signal.SIGKILL)
    lines = [(line["sample"], line["id"], line["event"]) for line in read(file)]
    assert lines == [(name, name, event) for name in ("orders", "llm", "mcp") for event in ("request", "answered")]


def test_stop_is_clean_and_may_be_called_twice() -> None:
    samples = start_samples()
    with httpx.Client() as client:
        client.get(f"{samples.url('orders')}/health")  # a kept connection must not hold it up
        began = time.monotonic()
        samples.stop()
    assert time.monotonic() - began < 2
    samples.stop()
    assert samples._process.returncode == 0
