"""Calls and answers before guards that others run: what they say is done, noted, and its time is told."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed
from triplegate.core.http import Reply
from triplegate.core.ports import Kit
from triplegate.stores.verdicts.answers import AnswerLook
from triplegate.stores.verdicts.asker import Asker, Heard
from triplegate.stores.verdicts.panel import Panel
from triplegate.stores.verdicts.pending import Pending, Spans
from triplegate.stores.verdicts.sending import is_inward
from triplegate.stores.verdicts.tally import Tally
from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.guards.screened import pieces_of, rewritten
from triplegate.wire.screening.guard import HEADER
from triplegate.wire.screening.restoring import Restore, vault_of
from triplegate.wire.screening.sight import must_be_seen, unseen
from triplegate.wire.screening.spans import Span, apart
from triplegate.wire.screening.vault import Placeholders

HOLD = b"x-triplegate-guard-hold-ms"
_MARK = "guard_hold"
_ON_LOOP = 65_536
"""Bytes of a call up to which its texts are taken out at once: some milliseconds."""


class Rules(msgspec.Struct, frozen=True):
    """What a policy says besides its guards."""

    label: str
    on: frozenset[str]
    enforces: bool
    """False: what guards say is noted only."""
    holds: bool
    """Whether any of them may keep a call or an answer from going on as it is."""
    reversible: bool
    beside: bool
    """Calls are sent while they are judged: nothing of them can be masked."""


class Bench:
    """The step of one policy in one chain."""

    __slots__ = ("_askers", "_asks", "_panel", "_placeholders", "_tally", "_watches", "kit", "largest", "rules")

    def __init__(self, kit: Kit, rules: Rules, askers: Sequence[Asker]) -> None:
        self.kit, self.rules = kit, rules
        self._askers = askers
        self._panel = Panel(askers, kit.supervisor, self._settles)
        self.largest = self._panel.largest
        """Bytes of an answer about which any guard may be asked."""
        self._tally = kit.state(Tally, rules.label, lambda: Tally(rules.label))
        self._placeholders = [Placeholders()] if rules.reversible else []
        self._asks = bool(rules.on & {"input", "tool_results"})
        self._watches = "output" in rules.on

    async def __call__(self, exchange: Exchange, proceed: Proceed) -> Reply:
        """Have the call judged, and its answer later. Raises Refusal content_*, guard_unavailable."""
        call = exchange.call
        if call is not None and not is_inward(exchange):
            rules = self.rules
            if rules.holds:
                must_be_seen(call, asks=self._asks, watches=self._watches, label=rules.label)
            if self._asks:
                return await self._judged(exchange, call, proceed)
            self._watch(exchange, call)
        return await proceed(exchange)

    def _watch(self, exchange: Exchange, call: Any) -> None:
        if self._watches and call.endpoint.codec is not None:
            exchange.look(AnswerLook(self, exchange))

    # the call ------------------------------------------------------------------------------------------------------
    async def _judged(self, exchange: Exchange, call: Any, proceed: Proceed) -> Reply:
        rules = self.rules
        large = call.size > _ON_LOOP
        pieces = await asyncio.to_thread(pieces_of, call, rules.on) if large else pieces_of(call, rules.on)
        if not pieces.size:
            self._watch(exchange, call)
            return await proceed(exchange)
        if rules.beside:
            self._watch(exchange, call)
            return await self._beside(exchange, pieces, proceed)
        now = self.kit.clock.now
        begun = now()
        try:
            [spans] = await self.heard(exchange, [pieces], "call")
        finally:
            self.held(exchange, now() - begun)
        if spans:
            await self._mask(exchange, call, pieces, spans, large=large)
        self._watch(exchange, call)
        return await proceed(exchange)

    async def _mask(self, exchange: Exchange, call: Any, pieces: Pieces, spans: Spans, *, large: bool) -> None:
        if call.endpoint.codec is None:
            raise self.blocked("call")
        rules, vault = self.rules, vault_of(exchange)
        keep = vault.keep if rules.reversible else vault.mask
        changes = (pieces.masking("input", spans, keep), pieces.masking("tool_results", spans, keep))
        request = await asyncio.to_thread(rewritten, call, *changes) if large else rewritten(call, *changes)
        if vault and rules.reversible:
            exchange.look(Restore(vault, self._placeholders, request.n))

    async def _beside(self, exchange: Exchange, pieces: Pieces, proceed: Proceed) -> Reply:
        """Send the call while it is judged; nothing of its answer is told before. What it cost is booked anyway."""
        pending = Pending(self, exchange, [pieces], "call")
        try:
            reply = await proceed(exchange)
        except BaseException:
            pending.cancel()
            raise
        try:
            [spans] = await pending.wait()
            if spans:
                raise self.blocked("call")
        except BaseException:
            exchange.gate.encoder(exchange, reply)  # at the exchange's end it books what the provider was asked for
            reply.frames.close()
            raise
        return reply

    # verdicts ------------------------------------------------------------------------------------------------------
    async def heard(self, exchange: Exchange, groups: Sequence[Pieces], what: str) -> list[Spans | None]:
        """What is to be masked, by group; None for one that is blocked where there are several.

        Raises Refusal content_blocked, content_unseen, guard_unavailable. `what`: call or answer.
        """
        heard = await self._panel.hear(exchange, groups)
        for each in heard:
            self._note(exchange, each, what)
        return [self._weighed(each, what, alone=len(groups) == 1) for each in heard]

    def _weighed(self, heard: Sequence[Heard], what: str, *, alone: bool) -> Spans | None:
        if not self.rules.enforces:
            return {}
        if any(one.told is not None and one.told.action == "block" for one in heard):
            if alone:
                raise self.blocked(what)
            return None
        for one in heard:
            if one.told is None and one.guard.closed:
                if one.unseen:
                    raise self._too_long(what)
                raise self.unavailable(what, f"{one.guard.name}: {one.why}")
        spans: dict[int, list[Span]] = {}
        for one in heard:
            for at, found in (one.told.spans if one.told is not None else {}).items():
                spans.setdefault(at, []).extend(found)
        return {at: apart(found) for at, found in spans.items()}

    def _settles(self, heard: Heard) -> bool:
        if not self.rules.enforces:
            return False
        return heard.told.action == "block" if heard.told is not None else heard.guard.closed

    def blocked(self, what: str) -> Refusal:
        """The refusal of what a guard forbids."""
        return Refusal("content_blocked", f"A guard forbids what the {what} says.", policy=self.rules.label)

    def unavailable(self, what: str, why: str) -> Refusal:
        """The refusal where a verdict is missing."""
        told = f"A guard that must judge the {what} cannot be asked at the moment."
        return Refusal("guard_unavailable", told, reason=why, policy=self.rules.label)

    def _too_long(self, what: str) -> Refusal:
        return unseen("so long a call" if what == "call" else "so long an answer", self.rules.label)

    def too_long(self, exchange: Exchange) -> None:
        """An answer longer than any guard may be asked about. Raises Refusal content_unseen unless all may fail."""
        self._note(exchange, [Heard(asker.terms, None, "too long", unseen=True) for asker in self._askers], "answer")
        if self.rules.enforces and not self._panel.open:
            raise self._too_long("answer")

    # what is told of it --------------------------------------------------------------------------------------------
    def _note(self, exchange: Exchange, heard: Sequence[Heard], what: str) -> None:
        for one in heard:
            verdict, why = self._verdict(one)
            self._tally.add(one.guard.name, verdict)
            told = f"{one.guard.name}, {what}: {why}{one.seconds * 1000:.0f} ms"
            exchange.decisions.append((self.rules.label, verdict, told))
            if one.told is not None and one.told.action == "annotate" and self.rules.enforces:
                exchange.reply_headers.append((HEADER, _kinds(one.told.kinds).encode("ascii")))

    def _verdict(self, heard: Heard) -> tuple[str, str]:
        if heard.told is None:
            if not heard.guard.closed:
                return "failed open", f"{heard.why}, "
            return "failed closed" if self.rules.enforces else "would refuse", f"{heard.why}, "
        action, kinds = heard.told.action, _kinds(heard.told.kinds)
        why = f"{kinds}, " if kinds else ""
        return f"would {action}" if action in ("block", "mask") and not self.rules.enforces else action, why

    def held(self, exchange: Exchange, seconds: float) -> None:
        """Note how long the client waited for guards, all of them together, while there is a head to tell it in."""
        if exchange.marks is None:
            exchange.marks = {}
        held = exchange.marks[_MARK] = exchange.marks.get(_MARK, 0.0) + seconds
        exchange.reply_headers[:] = [line for line in exchange.reply_headers if line[0] != HOLD]
        exchange.reply_headers.append((HOLD, b"%d" % round(held * 1000)))


def _kinds(counts: Mapping[str, int]) -> str:
    return ", ".join([f"{kind}={count}" for kind, count in sorted(counts.items())[:16]])
