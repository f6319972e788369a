"""The group fsync: a thread that makes written entries safe from power loss, while nobody waits."""

import contextlib
import os
import threading

INTERVAL = 0.01
"""Seconds that writes are gathered before a sync; together with the sync itself it stays under 20 ms on a sane disk."""


class GroupSync:
    """Syncs the files it is told about, at most one sync a file in each interval."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self.syncs = 0
        self.failures = 0
        """Syncs the disk refused; what they covered survives kill -9, but perhaps not a power loss."""
        self._interval = interval
        self._dirty: set[int] = set()
        self._retired: list[int] = []
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool-sync", daemon=True)
        self._thread.start()

    def touch(self, descriptor: int) -> None:
        """Sync `descriptor` soon; costs 0.1 µs when that is already due."""
        if descriptor not in self._dirty:
            self._dirty.add(descriptor)
            self._wake.set()

    def retire(self, descriptor: int) -> None:
        """Sync `descriptor` a last time and close it."""
        self._retired.append(descriptor)
        self._wake.set()

    def close(self) -> None:
        """Sync what is due, close what is retired, end the thread (waits at most 5 s)."""
        self._closing.set()
        self._wake.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(self._interval)
            self._wake.clear()
            self._round()
        self._round()

    def _round(self) -> None:
        # Only `pop` and `add` on one set: whoever finds its file listed wrote before the sync that is to come.
        retired = [self._retired.pop() for _ in range(len(self._retired))]
        self._dirty.difference_update(retired)
        for _ in range(len(self._dirty)):
            self._sync(self._dirty.pop())
        for descriptor in retired:
            self._sync(descriptor)
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _sync(self, descriptor: int) -> None:
        try:
            os.fdatasync(descriptor)
            self.syncs += 1
        except OSError:
            self.failures += 1
