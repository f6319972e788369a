"""A command as a process: lines, last words, what it inherits, and that it always goes."""

import asyncio
import json
import sys

import pytest
from tests.upstreams.commands import argv, command, message, runs, tool, until

from triplegate.core.errors import Refusal
from triplegate.upstreams import stdio_program
from triplegate.upstreams.stdio_program import Command, Program
from triplegate.upstreams.stdio_reaper import Reaper


class Ear:
    """Keeps what it hears."""

    def __init__(self):
        self.lines, self.why = [], None

    def line(self, text):
        self.lines.append(text)

    def gone(self, why):
        self.why = why


@pytest.fixture
async def start():
    reaper, begun = Reaper(), []

    async def make(made):
        ear = Ear()
        begun.append(await Program.start(made, ear, reaper))
        return begun[-1], ear

    yield make
    for process in begun:
        process.end()
        await asyncio.wait_for(asyncio.shield(process.ended), 5)
    reaper.close()


def python(program, **more):
    return Command("program", (sys.executable, "-I", "-S", "-u", "-c", program), {}, **more)


async def test_it_gets_the_variables_that_were_named_and_no_others(start):
    process, ear = await start(command("modern", environment={"ONLY": "this"}))
    process.send(tool("environment"))
    await until(lambda: ear.lines)
    seen = json.loads(json.loads(ear.lines[0])["result"]["content"][0]["text"])
    assert {name: value for name, value in seen.items() if name != "LC_CTYPE"} == {"ONLY": "this"}


async def test_no_shell_reads_its_arguments(start):
    program = "import sys; print(sys.argv[1])"
    made = Command("program", (sys.executable, "-I", "-S", "-c", program, "$(id); `id` && id"), {})
    _, ear = await start(made)
    await until(lambda: ear.lines)
    assert ear.lines == [b"$(id); `id` && id"]


async def test_lines_come_whole_however_they_are_cut(start):
    parts = ["on", "e\ntw", "o\r\n", "\n", "three"]
    program = f"import sys, time\nfor part in {parts}:\n sys.stdout.write(part)\n time.sleep(.02)"
    _, ear = await start(python(program))
    await until(lambda: ear.why)
    assert ear.lines == [b"one", b"two"]
    assert "status 0" in ear.why


async def test_a_flood_on_stderr_is_kept_within_bounds(start):
    lines = "for n in range(300): sys.stderr.write(f'{n} ' + 'x' * 5000 + '\\n')"
    process, ear = await start(python(f"import sys\n{lines}\nsys.stderr.write('y' * 3000000)"))
    await until(lambda: ear.why)
    assert len(process.said) <= stdio_program._SAID_LINES
    assert max(map(len, process.said)) <= stdio_program._SAID_LINE
    assert len(process._errors) <= stdio_program._SAID_LINE


async def test_one_that_does_not_read_is_sent_no_more_than_so_much(start):
    process, _ = await start(python("import time; time.sleep(60)"))
    process.send(b"x" * 8_000_000)
    with pytest.raises(Refusal, match="upstream_busy"):
        process.send(b"more")


async def test_one_that_closes_its_output_is_ended(start):
    process, ear = await start(python("import time; time.sleep(60)"))
    process.pipe_connection_lost(1, None)  # uvloop's children hold their ends twice, and cannot close them by chance
    await until(lambda: ear.why)
    assert ear.why == "it closed its output"
    with pytest.raises(Refusal, match="upstream_unreachable"):
        process.send(message("ping"))


async def test_the_end_of_its_input_is_enough_for_most(start):
    process, ear = await start(command("modern"))
    process.end("enough")
    await asyncio.wait_for(asyncio.shield(process.ended), 5)
    assert ear.why == "enough"
    assert not runs(process.pid)


async def test_a_program_that_is_not_there_says_so(start):
    with pytest.raises(Refusal, match="upstream_unreachable") as refused:
        await start(Command("none", ("/nowhere/at/all", *argv()), {}))
    assert "No such file" in refused.value.reason
