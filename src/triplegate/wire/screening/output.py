"""A model's answer on its way out: text goes through windows, arguments of tools wait until they are whole."""

from collections.abc import Sequence

from triplegate.core.errors import Refusal
from triplegate.core.watching import Watch
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Finish,
    Logprobs,
    OpaqueSeen,
    Unknown,
)
from triplegate.wire.screening.asked import arguments_changed, cited
from triplegate.wire.screening.spans import Finder, Replace, found, replaced
from triplegate.wire.screening.window import Window

_HELD = frozenset({"tool_call", "custom_tool_call", "native"})


class Rules:
    """What is looked for in one answer, and what becomes of it."""

    __slots__ = ("choices", "counts", "finders", "longest", "replace")

    def __init__(self, finders: Sequence[Finder], replace: Replace, longest: int, choices: int) -> None:
        """`replace` raises Refusal where a find must not pass; `longest`: characters of one choice, 0 = any."""
        self.finders, self.replace, self.longest, self.choices = finders, replace, longest, choices
        self.counts: dict[str, int] = {}

    def change(self, text: str) -> str:
        """A text that is there whole."""
        spans = found(self.finders, text)
        for span in spans:
            self.counts[span.kind] = self.counts.get(span.kind, 0) + 1
        return replaced(text, spans, self.replace) if spans else text


class _Block:
    __slots__ = ("choice", "custom", "index", "later", "pieces", "window")

    def __init__(self, start: BlockStart, rules: Rules) -> None:
        self.index, self.choice, self.custom = start.index, start.choice, start.kind == "custom_tool_call"
        self.window = None if start.kind in _HELD else Window(rules.finders, rules.counts)
        self.pieces: list[str] = []
        self.later: list[Event] = []


class Screening(Watch):
    """One attempt's answer. With several choices a blocked one ends by itself, else the answer does."""

    __slots__ = ("_blocks", "_ended", "_lengths", "_rules")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._blocks: dict[int, _Block] = {}
        self._lengths: dict[int, int] = {}
        self._ended: set[int] = set()

    def feed(self, events: list[Event]) -> list[Event]:
        """What of them may go on now. Raises Refusal content_blocked."""
        going: list[Event] = []
        for event in events:
            self._guarded(event, going)
        return going

    async def judge(self) -> None:
        """Everything is judged as it comes."""

    def finish(self) -> list[Event]:
        """What was held of blocks that never ended. Raises Refusal content_blocked."""
        going: list[Event] = []
        for block in list(self._blocks.values()):
            self._flush(block, going)
        return going

    def _guarded(self, event: Event, going: list[Event]) -> None:
        match event:
            case BlockStart():
                if event.choice not in self._ended:
                    self._blocks[event.index] = _Block(event, self._rules)
                    going.append(event)
            case Delta(index) | BlockEnd(index) | OpaqueSeen(index) | Cited(index):
                block = self._blocks.get(index)
                if block is not None:
                    self._in_block(block, event, going)
            case Finish(_, _, choice):
                self._end(choice, event, going)
            case Logprobs() | Unknown():
                pass  # they would say what is held back
            case _:
                going.append(event)

    def _in_block(self, block: _Block, event: Delta | BlockEnd | OpaqueSeen | Cited, going: list[Event]) -> None:
        try:
            match event:
                case Delta(_, text):
                    self._delta(block, text, going)
                case BlockEnd():
                    self._write(block, going)
                    del self._blocks[block.index]
                    going.append(event)
                case Cited(index, citation):
                    block.later.append(Cited(index, cited(citation, self._rules.change)))
                case _:
                    block.later.append(event)
        except Refusal as refusal:
            self._block(block.choice, refusal, going)

    def _delta(self, block: _Block, text: str, going: list[Event]) -> None:
        if block.window is None:
            block.pieces.append(text)
            return
        length = self._lengths[block.choice] = self._lengths.get(block.choice, 0) + len(text)
        if 0 < self._rules.longest < length:
            self._rules.counts["longest"] = 1
            self._rules.replace("longest", "")
        told = block.window.feed(text, self._rules.replace)
        if told:
            going.append(Delta(block.index, told))

    def _write(self, block: _Block, going: list[Event]) -> None:
        """All that is left of a block."""
        rules = self._rules
        if block.window is not None:
            rest = block.window.finish(rules.replace)
        else:
            whole = "".join(block.pieces)
            rest = rules.change(whole) if block.custom else arguments_changed(whole, rules.change)
            block.pieces.clear()
        if rest:
            going.append(Delta(block.index, rest))
        going += block.later
        block.later.clear()

    def _flush(self, block: _Block, going: list[Event]) -> None:
        try:
            self._write(block, going)
        except Refusal as refusal:
            self._block(block.choice, refusal, going)

    def _end(self, choice: int, event: Finish, going: list[Event]) -> None:
        for block in list(self._blocks.values()):
            if block.choice == choice:
                self._flush(block, going)
        if choice not in self._ended:
            going.append(event)

    def _block(self, choice: int, refusal: Refusal, going: list[Event]) -> None:
        """End the choice that held it; where it is the only one, the answer. Raises `refusal`."""
        if self._rules.choices <= 1:
            raise refusal
        self._ended.add(choice)
        for block in [one for one in self._blocks.values() if one.choice == choice]:
            del self._blocks[block.index]
            going.append(BlockEnd(block.index))
        going.append(Finish("content_filter", choice=choice))
