"""One lane of the spool: numbered files of bounded size, one write an entry, and what follows when the disk fails."""

import contextlib
import errno
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from triplegate.stores.spool_frame import HEADER, MAX_PAYLOAD
from triplegate.stores.spool_sync import GroupSync

Write = Callable[[int, bytes], int]
_ROOM = HEADER.size + MAX_PAYLOAD
_PENDING_LIMIT = 4 << 20


class Segment(msgspec.Struct, eq=False):
    """One file of a lane; sizes in bytes."""

    path: Path
    size: int = 0
    drained: int = 0
    entries: int = 0
    taken: int = 0
    """Entries that are in the ledger."""
    intents: int = 0
    """Open intents whose entry is here: the file may not go before they are closed or carried on."""

    @property
    def name(self) -> str:
        """What the ledger calls it: lane and file, for both lanes number their files alike."""
        return f"{self.path.parent.name}/{self.path.name}"


class Lane:
    """Appends frames; keeps open intents; knows what may be deleted.

    `limit` is the most it may occupy on disk, `mark` (4/5 of it) where new intents are refused. What is between is
    room for the finals of the intents that stand open.
    """

    def __init__(self, directory: Path, stem: str, limit: int, sync: GroupSync, write: Write = os.write) -> None:
        self.directory, self.stem, self.limit, self.mark = directory, stem, limit, limit * 4 // 5
        self.segments: deque[Segment] = deque()
        self.total = 0
        """Bytes on disk, adopted files included."""
        self.dropped = 0
        """Entries refused a place because the lane is full; each is counted, none is billed."""
        self.lost = 0
        """Entries that neither disk nor memory could take."""
        self.trouble = ""
        """Why the disk does not take entries; empty when it does."""
        self.open: dict[str, tuple[Segment, bytes]] = {}
        self.pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._segment_bytes = min(8 << 20, limit // 8)
        self._sync, self._write, self._fd, self._number = sync, write, -1, 0
        self._reserve = directory / f"{stem}.reserve"
        self._reserve_bytes = min(1 << 20, limit // 16)
        self._reserved = False
        directory.mkdir(parents=True, exist_ok=True)
        self.recover()

    @property
    def full(self) -> bool:
        """No further intent: the mark is reached, or every open intent's final might not fit, or the disk fails."""
        return bool(self.total >= self.mark or self.total + (len(self.open) + 1) * _ROOM > self.limit or self.trouble)

    @property
    def waiting(self) -> int:
        """Entries that are not in the ledger."""
        return sum([segment.entries - segment.taken for segment in self.segments]) + len(self.pending)

    def append(self, frame: bytes) -> None:
        """Write one entry; when the disk refuses it waits in memory (≤ 4 MiB), else it is counted as lost."""
        if self.pending or not self._put(frame):
            self._keep(frame)

    def append_all(self, frames: list[bytes]) -> None:
        """Several entries by one write, or one by one when the disk does not take them so."""
        if not self.pending and self._put(b"".join(frames), len(frames)):
            return
        for frame in frames:
            self.append(frame)

    def intend(self, exchange: str, frame: bytes) -> bool:
        """Write an intent and remember it; False (and nothing kept) when the disk refuses it."""
        if self.pending or not self._put(frame):
            return False
        segment = self.segments[-1]
        segment.intents += 1
        self.open[exchange] = (segment, frame)
        return True

    def settle(self, exchange: str) -> None:
        """The exchange has its final: its intent no longer holds a file."""
        found = self.open.pop(exchange, None)
        if found is not None:
            found[0].intents -= 1

    def recover(self) -> None:
        """Take back the reserve and write what waits in memory; called every now and then, cheap when all is well."""
        if not self._reserved:
            self._reserved = self._allocate()
        while self.pending:
            if not self._put(self.pending[0]):
                return
            self._pending_bytes -= len(self.pending.popleft())
        if self._reserved:
            self.trouble = ""

    @property
    def collectable(self) -> bool:
        """The oldest file is drained and no longer written to."""
        return len(self.segments) > 1 and self.segments[0].drained >= self.segments[0].size

    def collect(self) -> list[Segment]:
        """Forget the files that are drained, oldest first, carrying open intents on; they are to be deleted."""
        gone: list[Segment] = []
        while self.collectable:
            oldest = self.segments[0]
            if oldest.intents and not self._carry(oldest):
                break
            self.segments.popleft()
            self.total -= oldest.size
            gone.append(oldest)
        return gone

    def close(self) -> None:
        """Hand the file to the last sync; the reserve goes."""
        if self._fd >= 0:
            self._sync.retire(self._fd)
            self._fd = -1
        self._reserve.unlink(missing_ok=True)

    def _carry(self, oldest: Segment) -> bool:
        """Write the open intents of `oldest` again, in the newest file; their finals can only come after that."""
        for exchange, (segment, frame) in list(self.open.items()):
            if segment is oldest:
                if not self._put(frame):
                    return False
                self.settle(exchange)
                self.segments[-1].intents += 1
                self.open[exchange] = (self.segments[-1], frame)
        return True

    def _put(self, frame: bytes, entries: int = 1) -> bool:
        """One entry on disk; a second try after giving the reserve back or in a new file."""
        if self._fd < 0 or self.segments[-1].size >= self._segment_bytes:
            self._rotate()
        if self._try(frame, entries):
            return True
        if self._reserved:
            self._reserve.unlink(missing_ok=True)
            self._reserved = False
        elif self.trouble != "disk full":
            self._rotate()
        return self._try(frame, entries)

    def _try(self, frame: bytes, entries: int) -> bool:
        if self._fd < 0:
            return False
        segment = self.segments[-1]
        try:
            written = self._write(self._fd, frame)
            while written < len(frame):
                written += self._write(self._fd, frame[written:])
        except OSError as error:
            self._note(error)
            self._truncate(segment)
            return False
        segment.size += len(frame)
        self.total += len(frame)
        segment.entries += entries
        self._sync.touch(self._fd)
        return True

    def _truncate(self, segment: Segment) -> None:
        """Take a torn entry back; where even that fails, its bytes are counted and readers skip them."""
        try:
            os.ftruncate(self._fd, segment.size)
        except OSError:
            with contextlib.suppress(OSError):
                size = os.fstat(self._fd).st_size
                self.total += size - segment.size
                segment.size = size

    def _rotate(self) -> None:
        if self._fd >= 0 and not self.segments[-1].size:
            return
        path = self.directory / f"{self.stem}.{self._number:06d}.spool"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._note(error)
            return
        if self._fd >= 0:
            self._sync.retire(self._fd)
        self._fd = descriptor
        self._number += 1
        self.segments.append(Segment(path))
        with contextlib.suppress(OSError):  # the name of the file, too, is to survive a power loss
            self._sync.retire(os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC))

    def _keep(self, frame: bytes) -> None:
        if self._pending_bytes + len(frame) > _PENDING_LIMIT:
            self.lost += 1
            return
        self.pending.append(frame)
        self._pending_bytes += len(frame)

    def _allocate(self) -> bool:
        try:
            descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._reserve_bytes)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._note(error)
            self._reserve.unlink(missing_ok=True)
            return False
        return True

    def _note(self, error: OSError) -> None:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        self.trouble = "disk full" if full else f"disk fails: {error.strerror}"
