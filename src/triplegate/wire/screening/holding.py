"""A whole answer held back until judges have said whether it may be told; what they are asked, and what they say."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.watching import Watch
from triplegate.wire.guards.held import Held
from triplegate.wire.neutral_events import Answer, Event

Where = Literal["input", "output"]
_MOST = 16_777_216
"""Bytes about of an answer that is held; a longer one cannot be judged."""
_CALLS = frozenset({"tool_call", "custom_tool_call", "native"})


class Spoken(msgspec.Struct, frozen=True):
    """What is judged at once: what users say in a call, or one choice of an answer."""

    where: Where
    texts: tuple[str, ...]
    calls: bool = False
    """The choice calls tools."""
    refuses: bool = False
    """The choice is the model's own refusal."""


class Find(msgspec.Struct, frozen=True):
    """Why it must not pass."""

    kind: str
    why: str = ""
    """For the client and the record: never a piece of what was said."""


class Judge(Protocol):
    """Judges one thing about what is said."""

    where: frozenset[Where]
    """What it is asked about."""

    async def __call__(self, spoken: Spoken, /) -> Find | None:
        """Why it must not pass; None: it may. Raises Refusal where that cannot be told."""
        ...


Tell = Callable[[Sequence[Find]], None]
Refuse = Callable[[Find], Refusal]


class Holding(Watch):
    """One attempt's answer. With several choices one that must not pass ends by itself, else the answer does."""

    __slots__ = ("_finds", "_held", "_judges", "_refuse", "_several", "_tell")

    def __init__(self, judges: Sequence[Judge], choices: int, tell: Tell, refuse: Refuse | None) -> None:
        """`tell` notes what is found; `refuse` makes the refusal, None: everything passes at once."""
        self._judges, self._several = judges, choices > 1
        self._tell, self._refuse = tell, refuse
        self._held = Held()
        self._finds: dict[int, Find] = {}

    def feed(self, events: list[Event]) -> list[Event]:
        """That it begins, where something could be refused, and all of it where not. Raises Refusal content_blocked."""
        held, refuse = self._held, self._refuse
        going = held.take(events) if held.size <= _MOST else []
        if refuse is None:
            return events
        if held.size > _MOST:
            raise refuse(Find("size", "It is too long to be judged."))
        return going

    async def judge(self) -> None:
        """Ask every judge about every choice."""
        if self._held.size > _MOST:
            return
        answer = self._held.answer()
        finds: dict[int, Find] = {}
        for choice in answer.choices:
            spoken = spoken_of(answer, choice)
            for judge in self._judges:
                found = await judge(spoken)
                if found is not None:
                    finds[choice] = found
                    break
        self._finds = finds

    def finish(self) -> list[Event]:
        """What was held, without the choices that must not pass. Raises Refusal content_blocked."""
        finds, refuse = self._finds, self._refuse
        if finds:
            self._tell(list(finds.values()))
        if refuse is None:
            return []
        if finds and not self._several:
            raise refuse(next(iter(finds.values())))
        return self._held.told({}, frozenset(finds), seen=True)


def spoken_of(answer: Answer, choice: int) -> Spoken:
    """What one choice says."""
    blocks = answer.of(choice)
    text = "".join([block.text for block in blocks if block.kind == "text"])
    calls = any(block.kind in _CALLS for block in blocks)
    return Spoken("output", (text,), calls, any(block.kind == "refusal" for block in blocks))
