"""Process groups of a worker that was killed do not stay behind."""

import asyncio
import os
import signal
import subprocess
import sys

from tests.upstreams.commands import runs, until

from triplegate.upstreams import stdio_reaper
from triplegate.upstreams.stdio_reaper import Reaper, reap

STUBBORN = (
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import signal, time; signal.signal(15, 1); print(1, flush=True); time.sleep(60)",
)


def stubborn():
    child = subprocess.Popen(STUBBORN, start_new_session=True, stdout=subprocess.PIPE)
    child.stdout.readline()
    return child


def test_what_is_left_when_the_input_ends_is_ended(monkeypatch):
    monkeypatch.setattr(stdio_reaper, "_GRACE", 0.05)
    left, gone = stubborn(), stubborn()
    reap(iter([f"+{left.pid}\n", f"+{gone.pid}\n", f"-{gone.pid}\n"]))
    assert left.wait(5) == -signal.SIGKILL
    assert gone.poll() is None
    gone.kill()
    for child in (left, gone):
        child.stdout.close()
        child.wait(5)


async def test_a_worker_that_is_killed_leaves_nothing_behind(tmp_path):
    program = """
import asyncio
from tests.upstreams.commands import server, tool, told, text
async def main():
    print(text(await told(server("modern", "stubborn", "child"), tool("pid"))), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    pid = int(await asyncio.wait_for(worker.stdout.readline(), 20))
    assert runs(pid)
    os.kill(worker.pid, signal.SIGKILL)
    await worker.wait()
    await until(lambda: not runs(pid))


def test_it_is_started_anew_when_somebody_ended_it():
    reaper = Reaper()
    reaper.watch(2**22 + 1)
    reaper._process.kill()
    reaper._process.wait()
    reaper.forget(2**22 + 1)  # nobody hears it
    reaper.watch(2**22 + 2)
    assert reaper._process.poll() is None
    reaper.forget(2**22 + 2)
    reaper.close()
    reaper.close()
