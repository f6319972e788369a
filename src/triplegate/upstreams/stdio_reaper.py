"""Ends the process groups of a worker that was killed: a small process that waits for the end of its input.

This file is also that process's program; it imports nothing of ours.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import IO

_GRACE = 1.0  # seconds between the request to end and the end


class Reaper:
    """The worker's side: one process for all its groups, started with the first."""

    __slots__ = ("_process",)

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, group: int) -> None:
        """End this group when we are gone. Raises OSError."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            command = [sys.executable, "-I", "-S", __file__]
            self._process = subprocess.Popen(  # noqa: S603 - our own file
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, bufsize=0
            )
        self._tell(b"+%d\n" % group)

    def forget(self, group: int) -> None:
        """It has ended: its number may soon be another's."""
        self._tell(b"-%d\n" % group)

    def _tell(self, line: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(line)

    def close(self) -> None:
        """All groups have ended."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_GRACE * 3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def reap(lines: IO[str]) -> None:
    """Read groups until the input ends, then end those that are left."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in tuple(groups):
            try:
                os.killpg(group, number)
            except OSError:
                groups.discard(group)
        if groups and number is signal.SIGTERM:
            time.sleep(_GRACE)


if __name__ == "__main__":
    reap(sys.stdin)
