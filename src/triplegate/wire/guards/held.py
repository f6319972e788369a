"""An answer that is kept back whole until guards have judged it: its texts by choice, and what of it may be told."""

from collections.abc import Mapping

from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.neutral_events import (
    Answer,
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    Unknown,
    gather,
)
from triplegate.wire.screening.asked import arguments_changed, cited
from triplegate.wire.screening.members import Change

_JSON = frozenset({"tool_call", "native"})
_EVENT = 64
"""Bytes that an event counts besides its text."""


class Held:
    """The events of one attempt's answer."""

    __slots__ = ("_blocks", "_choices", "_events", "_texts", "size")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._blocks: dict[int, BlockStart] = {}
        self._texts: dict[int, list[str]] = {}
        self.size = 0
        """About how many bytes are kept."""

    def take(self, events: list[Event]) -> list[Event]:
        """What may go on at once: that an answer begins."""
        going: list[Event] = []
        for event in events:
            if isinstance(event, Start):
                going.append(event)
                continue
            self.size += _EVENT
            if isinstance(event, BlockStart):
                self._blocks[event.index] = event
                self._texts[event.index] = []
            elif isinstance(event, Delta):
                self._texts.setdefault(event.index, []).append(event.text)
                self.size += len(event.text)
            self._events.append(event)
        return going

    def asked(self) -> dict[int, Pieces]:
        """The texts of every choice."""
        found: dict[int, Pieces] = {}
        for index in self._texts:
            self._changed(index, found.setdefault(self._choice(index), Pieces()).taking("output"))
        for event in self._events:
            if isinstance(event, Cited):
                cited(event.citation, found.setdefault(self._choice(event.index), Pieces()).taking("output"))
        return found

    def answer(self) -> Answer:
        """What the events add up to."""
        return gather(self._events)

    def told(self, changes: Mapping[int, Change], ended: frozenset[int], *, seen: bool) -> list[Event]:
        """The answer with `changes` at the choices that have some, without those that `ended`.

        `seen`: without events that nobody could look into.
        """
        going: list[Event] = []
        written: set[int] = set()
        for event in self._events:
            if isinstance(event, Finish):
                going.append(Finish("content_filter", choice=event.choice) if event.choice in ended else event)
            elif isinstance(event, BlockStart | Delta | BlockEnd | OpaqueSeen | Cited | Logprobs):
                choice = self._choice(event.index)
                if choice not in ended:
                    self._told(event, changes.get(choice), written, going)
            elif not (seen and isinstance(event, Unknown)):
                going.append(event)
        return going

    def _told(self, event: Event, change: Change | None, written: set[int], going: list[Event]) -> None:
        match event:
            case _ if change is None:
                going.append(event)
            case Delta(index):
                if index not in written:
                    written.add(index)
                    going.append(Delta(index, self._changed(index, change)))
            case Cited(index, citation):
                going.append(Cited(index, cited(citation, change)))
            case Logprobs():
                pass  # they would say what was masked
            case _:
                going.append(event)

    def _changed(self, index: int, change: Change) -> str:
        """The whole text of a block with `change` at every text in it."""
        block, whole = self._blocks.get(index), "".join(self._texts[index])
        if block is not None and block.kind in _JSON:
            return arguments_changed(whole, change)
        return change(whole)

    def _choice(self, index: int) -> int:
        block = self._blocks.get(index)
        return 0 if block is None else block.choice
