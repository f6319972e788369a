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
from triplegate.wire.screening.window import Told, Window

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


class _Line:
    """Blocks of one kind and choice, one after the other: what they say is read as one text."""

    __slots__ = ("index", "last", "open", "window")

    def __init__(self, index: int, rules: Rules) -> None:
        self.index = self.last = index
        """Of the block whose text goes on now, and of the one whose text comes now."""
        self.open = 0
        self.window = Window(rules.finders, rules.counts)


class _Block:
    __slots__ = ("choice", "index", "kind", "later", "line", "pieces")

    def __init__(self, start: BlockStart, line: _Line | None) -> None:
        self.index, self.choice, self.kind = start.index, start.choice, start.kind
        self.line = line
        """None: it waits until it is whole."""
        self.pieces: list[str] = []
        self.later: list[Event] = []


class Screening(Watch):
    """One attempt's answer. With several choices a blocked one ends by itself, else the answer does."""

    __slots__ = ("_begun", "_blocks", "_ended", "_lengths", "_lines", "_rules")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._blocks: dict[int, _Block] = {}
        self._lines: dict[tuple[int, str], _Line] = {}
        """By choice and kind."""
        self._begun: dict[int, int] = {}
        """Choices of blocks that have been told to begin, and not yet to end."""
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
        for choice in sorted({*[block.choice for block in self._blocks.values()], *[one for one, _ in self._lines]}):
            self._flush(choice, going)
        return going

    def _guarded(self, event: Event, going: list[Event]) -> None:
        match event:
            case BlockStart():
                if event.choice not in self._ended:
                    self._begin(event, going)
            case Delta(index) | BlockEnd(index) | OpaqueSeen(index) | Cited(index):
                block = self._blocks.get(index)
                if block is not None:
                    self._in_block(block, event, going)
            case Finish(_, _, choice):
                self._flush(choice, going)
                if choice not in self._ended:
                    going.append(event)
            case Logprobs() | Unknown():
                pass  # they would say what is held back
            case _:
                going.append(event)

    def _begin(self, start: BlockStart, going: list[Event]) -> None:
        """A block goes on where the last of its kind ended, unless another stands between: that one need not wait."""
        choice, kind = start.choice, start.kind
        for key, line in list(self._lines.items()):
            if key[0] == choice and key[1] != kind and not line.open and not self._rest(choice, line, going):
                return
        if kind in _HELD:
            self._blocks[start.index] = _Block(start, None)
            self._pass(start, going)
            return
        known = self._lines.get((choice, kind))
        line = known or self._lines.setdefault((choice, kind), _Line(start.index, self._rules))
        line.window.border()
        line.last = start.index
        line.open += 1
        self._blocks[start.index] = _Block(start, line)
        self._on(line, line.window.pass_by(start), going)

    def _in_block(self, block: _Block, event: Delta | BlockEnd | OpaqueSeen | Cited, going: list[Event]) -> None:
        try:
            match event:
                case Delta(_, text):
                    self._delta(block, text, going)
                case BlockEnd():
                    self._end(block, event, going)
                case Cited(index, citation):
                    block.later.append(Cited(index, cited(citation, self._rules.change)))
                case _:
                    block.later.append(event)
        except Refusal as refusal:
            self._block(block.choice, refusal, going)

    def _delta(self, block: _Block, text: str, going: list[Event]) -> None:
        line = block.line
        if line is None:
            block.pieces.append(text)
            return
        if line.last != block.index:  # they come in turns: it is read by itself from here on
            line.open -= 1
            line = block.line = _Line(block.index, self._rules)
            line.open = 1
        length = self._lengths[block.choice] = self._lengths.get(block.choice, 0) + len(text)
        if 0 < self._rules.longest < length:
            self._rules.counts["longest"] = 1
            self._rules.replace("longest", "")
        self._on(line, line.window.feed(text, self._rules.replace), going)

    def _end(self, block: _Block, end: BlockEnd, going: list[Event]) -> None:
        line = block.line
        if line is None:
            self._whole(block, going)
            self._pass(end, going)
        else:
            for event in (*block.later, end):
                self._on(line, line.window.pass_by(event), going)
            line.open -= 1
            if line is not self._lines.get((block.choice, block.kind)):
                self._on(line, line.window.finish(self._rules.replace), going)
        self._blocks.pop(block.index, None)

    def _whole(self, block: _Block, going: list[Event]) -> None:
        """All of a block that has waited."""
        rules, whole = self._rules, "".join(block.pieces)
        custom = block.kind == "custom_tool_call"
        rest = rules.change(whole) if custom else arguments_changed(whole, rules.change)
        block.pieces.clear()
        if rest:
            going.append(Delta(block.index, rest))
        going += block.later
        block.later.clear()

    def _rest(self, choice: int, line: _Line, going: list[Event]) -> bool:
        """All that a line still holds; whether it may pass."""
        try:
            self._on(line, line.window.finish(self._rules.replace), going)
        except Refusal as refusal:
            self._block(choice, refusal, going)
            return False
        return True

    def _flush(self, choice: int, going: list[Event]) -> None:
        """All that is held of a choice: nothing follows."""
        for key in [key for key in self._lines if key[0] == choice]:
            line = self._lines.get(key)
            if line is not None:
                self._rest(choice, line, going)
        for block in [one for one in self._blocks.values() if one.choice == choice]:
            if choice not in self._ended:
                self._unended(block, going)

    def _unended(self, block: _Block, going: list[Event]) -> None:
        if block.line is not None:
            if self._rest(block.choice, block.line, going):
                going += block.later
                block.later.clear()
            return
        try:
            self._whole(block, going)
        except Refusal as refusal:
            self._block(block.choice, refusal, going)

    def _on(self, line: _Line, told: Told, going: list[Event]) -> None:
        for one in told:
            if isinstance(one, str):
                going.append(Delta(line.index, one))
            else:
                if isinstance(one, BlockStart):
                    line.index = one.index
                self._pass(one, going)

    def _pass(self, event: Event, going: list[Event]) -> None:
        if isinstance(event, BlockStart):
            self._begun[event.index] = event.choice
        elif isinstance(event, BlockEnd):
            self._begun.pop(event.index, None)
        going.append(event)

    def _block(self, choice: int, refusal: Refusal, going: list[Event]) -> None:
        """End the choice that held it; where it is the only one, the answer. Raises `refusal`."""
        if self._rules.choices <= 1:
            raise refusal
        self._ended.add(choice)
        for key in [key for key in self._lines if key[0] == choice]:
            del self._lines[key]
        for index in [index for index, block in self._blocks.items() if block.choice == choice]:
            del self._blocks[index]
        for index in [index for index, of in self._begun.items() if of == choice]:
            self._pass(BlockEnd(index), going)
        going.append(Finish("content_filter", choice=choice))
