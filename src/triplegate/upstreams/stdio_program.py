"""A command as a process: lines in and out, its own process group, what it says on stderr kept within bounds."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from triplegate.upstreams import failures
from triplegate.upstreams.stdio_reaper import Reaper

_UNREAD = 4 << 20  # bytes that it has not read; more calls are refused
_SAID_LINES, _SAID_LINE = 100, 1000  # of stderr, lines and bytes of one
_APART = 0.25  # seconds between the end of its output and its own
_ASKED, _FORCED = 0.5, 2.0  # seconds from the end of its input to SIGTERM, and to SIGKILL


class Command(msgspec.Struct, frozen=True, gc=False):
    """What is run: no shell ever sees it."""

    label: str
    """Names it in messages."""
    argv: tuple[str, ...]
    environment: dict[str, str]
    """All of it: nothing is inherited."""
    directory: str | None = None
    longest: int = 16 << 20
    """Bytes of one line; a longer one ends the process."""


class Hears(Protocol):
    """Whoever listens to a process."""

    def line(self, text: bytes) -> None:
        """A line of its output, without the end."""
        ...

    def gone(self, why: str) -> None:
        """It has ended, or is being ended because of what it did."""
        ...


class Program(asyncio.SubprocessProtocol):
    """One run of a command."""

    def __init__(self, command: Command, reaper: Reaper) -> None:
        self.command = command
        self.said: deque[bytes] = deque(maxlen=_SAID_LINES)
        """The last lines of its stderr, cut."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pid = 0
        self._reaper = reaper
        self._hearer: Hears | None = None
        self._transport: Any = None  # uvloop's is no asyncio.SubprocessTransport
        self._stdin: Any = None
        self._partial: list[bytes] = []
        self._size = 0
        self._errors = b""
        self._ending: list[asyncio.TimerHandle] = []
        self._settling: asyncio.TimerHandle | None = None
        self._silent = self._exited = False
        self._why = ""

    @classmethod
    async def start(cls, command: Command, hearer: Hears, reaper: Reaper) -> "Program":
        """Run it. Raises Refusal upstream_unreachable when that is not possible."""
        loop = asyncio.get_running_loop()
        process = cls(command, reaper)
        process._hearer = hearer
        try:
            await loop.subprocess_exec(
                lambda: process,
                *command.argv,
                env=command.environment,
                cwd=command.directory,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise failures.unreachable(command.label, error) from error
        return process

    @property
    def alive(self) -> bool:
        """Whether lines may be sent."""
        return self._hearer is not None and self._stdin is not None and not self._stdin.is_closing()

    # what asyncio calls ------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs."""
        self._transport = transport
        self.pid = self._transport.get_pid()
        self._stdin = self._transport.get_pipe_transport(0)
        with suppress(OSError):
            self._reaper.watch(self.pid)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Output, or what it says on stderr."""
        if fd == 2:
            self._note(data)
            return
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._partial.append(data[start:end])
            line = self._partial[0] if len(self._partial) == 1 else b"".join(self._partial)
            self._partial.clear()
            self._size, start = 0, end + 1
            if self._hearer is not None and len(line) <= self.command.longest and (line := line.strip()):
                self._hearer.line(line)
        rest = data[start:]
        if rest:
            self._partial.append(rest)
            self._size += len(rest)
            if self._size > self.command.longest:
                self._partial.clear()
                self._size = 0
                self.end(f"a line of its output is longer than {self.command.longest} bytes")

    def _note(self, data: bytes) -> None:
        *lines, rest = (self._errors + data).split(b"\n")
        self._errors = rest[:_SAID_LINE]
        self.said.extend(line[:_SAID_LINE] for line in lines[-_SAID_LINES:] if line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Without its output it is of no use."""
        if fd == 1:
            self._silent = True
            self._settle()

    def process_exited(self) -> None:
        """What it started may still run: the group goes with it."""
        self._exited = True
        self._signal(signal.SIGKILL)
        self._reaper.forget(self.pid)
        self._settle()

    def _settle(self) -> None:
        """Its last words and its status come in any order, mostly soon after each other."""
        if self._silent and self._exited:
            self._finish()
        elif self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(_APART, self._late)

    def _late(self) -> None:
        if self._exited:
            self._finish()
        else:
            self.end("it closed its output")

    def _finish(self) -> None:
        if self.ended.done():
            return
        for timer in (*self._ending, self._settling):
            if timer is not None:
                timer.cancel()
        last = self.said[-1].decode("utf-8", "replace") if self.said else ""
        status = self._transport.get_returncode()
        self._tell(self._why or f"it ended with status {status}" + (f": {last[:200]}" if last else ""))
        self._transport.close()
        self.ended.set_result(None)

    # what its owner does -----------------------------------------------------------------------------------------
    def send(self, line: bytes) -> None:
        """One line to its input. Raises Refusal upstream_unreachable or upstream_busy: it gets nothing of it then."""
        if not self.alive:
            raise failures.unreachable(self.command.label, self._why or "it has ended")
        if self._stdin.get_write_buffer_size() > _UNREAD:
            raise failures.busy(self.command.label, "it does not read its input")
        self._stdin.write(line + b"\n")

    def end(self, why: str = "it was ended") -> None:
        """Close its input, soon ask it to end, at last end it and all it started. Idempotent."""
        if self._ending or self.ended.done():
            return
        self._why = why
        if self._stdin is not None:
            self._stdin.close()
        loop = asyncio.get_running_loop()
        later: tuple[tuple[float, Callable[[int], None], int], ...] = (
            (_ASKED, self._signal, signal.SIGTERM),
            (_FORCED, self._signal, signal.SIGKILL),
        )
        self._ending = [loop.call_later(seconds, call, number) for seconds, call, number in later]
        self._tell(why)

    def _tell(self, why: str) -> None:
        hearer, self._hearer = self._hearer, None
        if hearer is not None:
            hearer.gone(why)

    def _signal(self, number: int) -> None:
        with suppress(OSError):
            if self.pid > 1:  # 0 would be our own group
                os.killpg(self.pid, number)
