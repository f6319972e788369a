"""Answers whose events somebody looks at: relayed bytes with a reader beside them, or written anew."""

from triplegate.core.watching import Watched
from triplegate.gates.llm.flow import Fail, Flow, Relayed, Translated
from triplegate.gates.llm.origins import Sealing
from triplegate.wire.codec import Reader, Relay, Writer
from triplegate.wire.custom_tools import Unwrapped
from triplegate.wire.neutral_events import Event


class Tapped(Relayed):
    """The bytes pass as they came; a second reader tells their events to those who only look."""

    __slots__ = ("_ended", "_heard", "_reader", "watched")

    def __init__(self, relay: Relay, fail: Fail, reader: Reader, watched: Watched) -> None:
        super().__init__(relay, fail)
        self._reader, self._heard = reader, watched
        self.watched = watched
        self._ended = False

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far; clients leave at the end marker, so the end is told with it."""
        block = super().feed(chunk)
        self._heard.feed(self._reader.feed(chunk))
        if self.done:
            self._end()
        return block

    def finish(self) -> bytes:
        """The rest."""
        rest = super().finish()
        self._end()
        return rest

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._heard.feed(self._reader.finish())


class SealedTranslated(Translated):
    """An answer written anew in its own dialect, whose ids and state are sealed as in a relayed one."""

    __slots__ = ("_sealing",)

    def __init__(
        self, reader: Reader, writer: Writer, sealing: Sealing, unwrapped: Unwrapped | None, watched: Watched
    ) -> None:
        super().__init__(reader, writer, unwrapped, watched)
        self._sealing = sealing

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far, sealed."""
        block = super().feed(chunk)
        return self._sealing(block) if block else block

    def finish(self) -> bytes:
        """The rest, sealed."""
        return self._sealing(super().finish())

    def tell(self, held: list[Event]) -> bytes:
        """What was held back and the end, sealed."""
        return self._sealing(super().tell(held))


def flow_of(
    watched: Watched,
    relay: Relay,
    fail: Fail,
    reader: Reader,
    writer: Writer,
    sealing: Sealing | None,
) -> Flow:
    """The flow of an answer in the client's own dialect that somebody looks at."""
    if not watched.changes and sealing is None:
        return Tapped(relay, fail, reader, watched)
    if sealing is None:
        return Translated(reader, writer, None, watched)
    return SealedTranslated(reader, writer, sealing, None, watched)
