"""A guard of calls of tools, prompts and resources: what they are given, and all that their servers say to it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.watching import Watch
from triplegate.wire.json_members import set_members
from triplegate.wire.jsonrpc import Env, read
from triplegate.wire.mcp_params import PREFIX
from triplegate.wire.screening import secrets
from triplegate.wire.screening.among import LONGEST, finders_among, texts_of
from triplegate.wire.screening.guard import Guard, Terms
from triplegate.wire.screening.holding import Judge
from triplegate.wire.screening.injection import Scoring
from triplegate.wire.screening.input import LEAST, Looked
from triplegate.wire.screening.restoring import vault_of
from triplegate.wire.screening.sight import unseen
from triplegate.wire.screening.spans import Finder, Replace, found, replaced
from triplegate.wire.screening.spliced import spliced
from triplegate.wire.screening.vault import Placeholders, Vault

_DEPTH = 1000
_ENVELOPE = frozenset({"jsonrpc", "id", "method"})
_KNOWN = frozenset({"params", "result", "error"})
_METHODS = frozenset(
    {
        "notifications/message",
        "notifications/progress",
        "sampling/createMessage",
        "elicitation/create",
        "roots/list",
    }
)
_MANY = 4096
"""Bytes of JSON from which on its texts are looked at together first."""
_OPAQUE = frozenset({"requestState", "progressToken"})
"""Members that nobody reads but who wrote them."""
_UNASKED = frozenset({"progressToken", "traceparent", "tracestate"})


class Said(msgspec.Struct, frozen=True, gc=False):
    """A part of a call that says something."""

    name: str
    raw: bytes
    """JSON."""
    fixed: bool = False
    """It names what is called, and nothing may stand in its place."""


class ToolGuard(Guard):
    """Looks at calls of models, and at those of tools."""

    __slots__ = ("_looks_at_answers", "_scores")

    def __init__(self, terms: Terms, judges: Sequence[Judge] = ()) -> None:
        """`judges` are asked about calls of models, and their answers."""
        super().__init__(terms, judges)
        self._scores = self._score if "tool_results" in terms.on else None
        what = bool(self._finders) or bool(terms.longest) or self._scores is not None
        self._looks_at_answers = what and bool(terms.on & {"output", "tool_results"})

    def enter_tools(self, exchange: Exchange) -> None:
        """As `enter`, of a message to servers of tools. Raises Refusal content_blocked, content_unseen."""
        if "input" in self._terms.on:
            parts: list[Said] = exchange.call.said()
            if parts:
                self._look_at(exchange, parts)
        if self._looks_at_answers:
            exchange.look(_Look(self, exchange))

    def _look_at(self, exchange: Exchange, parts: list[Said]) -> None:
        terms, vault, changes = self._terms, vault_of(exchange), dict[str, bytes]()
        texts = self._texts("call", vault.keep if terms.reversible else vault.mask, self._score)
        try:
            for part in parts:
                texts.fixed = part.fixed
                texts.expect(part.raw)
                raw = spliced(part.raw, texts, _UNASKED)
                if raw is not part.raw:
                    changes[part.name] = raw
        except Refusal:
            self.told(exchange, texts.counts, "block")
            raise
        if changes or (self.enforces and any(name.startswith(PREFIX) for name, _ in exchange.inbound.headers)):
            exchange.call = exchange.call.resaid(changes)  # headers that say more than the arguments stay behind, too
        self.told(exchange, texts.counts, terms.action)
        if terms.reversible and vault:
            exchange.look(_Restore(vault, self._placeholders))

    def answered(self, exchange: Exchange) -> "SeenTexts":
        """What looks at one message that a server sends."""
        return self._texts("answer", vault_of(exchange).mask, self._scores)

    def _texts(self, what: str, mask: Replace, score: Scoring | None) -> "SeenTexts":
        terms = self._terms
        hidden = unseen(f"what is no text in the {what}", terms.label)
        return SeenTexts(terms, self._finders, score, mask, self._blocked(what), hidden)


class SeenTexts(Looked):
    """The texts of one message, and what was found in them, by kind."""

    __slots__ = ("_all", "_clean", "_few", "_scoring", "_secrets", "_short", "_unseen", "fixed")

    def __init__(
        self,
        terms: Terms,
        finders: list[Finder],
        score: Scoring | None,
        mask: Replace,
        blocked: Refusal,
        hidden: Refusal,
    ) -> None:
        enforces, masks = terms.action in ("block", "mask"), terms.action == "mask"

        def refuse(kind: str) -> None:
            if enforces:
                raise blocked

        def replace(kind: str, piece: str) -> str:
            if masks and not self.fixed:
                return mask(kind, piece)
            refuse(kind)
            return piece

        super().__init__(finders, replace, score, terms.injection, terms.longest, refuse)
        self._all = self._few = finders
        self._scoring = score
        self._short: set[str] = set()
        """Texts in which only a few finders can find anything."""
        self._secrets = terms.secrets
        self._unseen = hidden if enforces and terms.blobs == "refuse" else None
        self._clean: set[tuple[str, str]] = set()
        """Those in which nothing was found."""
        self.fixed = False
        """What is looked at cannot be masked."""

    def expect(self, raw: bytes) -> None:
        """JSON whose texts come next: where they are many, it is found out first what none of them shows."""
        if len(raw) < _MANY:
            return
        self._short = {text for text in texts_of(raw) if len(text) <= LONGEST}
        self._few = finders_among(self._short, self._all)
        if self._scoring is not None:
            self._score = self._scoring.among([text for text in self._short if len(text) >= LEAST])

    def text(self, name: str, text: str, *, again: bool = False) -> str:
        """One of them. Raises Refusal content_blocked."""
        if (name, text) in self._clean:  # rows of a table say the same names over and over
            self.measure(text)
            return text
        self._finders = self._few if text in self._short else self._all
        new = self.judged(text) if again else self.change(text)
        if new == text and self._secrets and secrets.named(name, text):
            self._note("secret")
            return self._replace("secret", text)
        if new == text and not self.counts:
            self._clean.add((name, text))
        return new

    def unseen(self) -> None:
        """A picture, a sound, a file. Raises Refusal content_unseen."""
        if self._unseen is not None:
            raise self._unseen


class _Look:
    """Makes the watch of an answer."""

    __slots__ = ("_exchange", "_guard", "changes")

    def __init__(self, guard: ToolGuard, exchange: Exchange) -> None:
        self._guard, self._exchange = guard, exchange
        self.changes = guard.enforces

    def __call__(self) -> Watch:
        """A fresh one."""
        return _Watching(self._guard, self._exchange)


class _Watching:
    """Looks at messages, raw JSON-RPC: a notification that must not pass is left out, all else is refused."""

    __slots__ = ("_counts", "_exchange", "_guard", "_left_out", "_told")

    def __init__(self, guard: ToolGuard, exchange: Exchange) -> None:
        self._guard, self._exchange = guard, exchange
        self._counts: dict[str, int] = {}
        self._left_out: dict[str, int] = {}
        self._told = False

    def feed(self, events: list[bytes]) -> list[bytes]:
        """These messages as they go on. Raises Refusal content_blocked, content_unseen."""
        return [new for event in events if (new := self._message(event))]

    async def judge(self) -> None:
        """Everything is judged as it comes."""

    def finish(self) -> list[bytes]:
        """Nothing is held back."""
        return []

    def _message(self, text: bytes) -> bytes:
        env, texts = _read(text), self._guard.answered(self._exchange)
        texts.expect(text)
        try:
            new = _changed(env, texts)
        except Refusal:
            if env.kind == "notification":
                self._add(self._left_out, texts.counts or {"unseen": 1})
                return b""
            self._add(self._counts, texts.counts)
            self._tell("block")
            raise
        self._add(self._counts, texts.counts)
        if env.kind == "response":
            self._tell(self._guard.action)
        return new

    def _add(self, sums: dict[str, int], counts: dict[str, int]) -> None:
        if counts and not (self._counts or self._left_out or self._told):
            self._exchange.on_close(lambda _: self._tell(self._guard.action))
        for kind, count in counts.items():
            sums[kind] = sums.get(kind, 0) + count

    def _tell(self, verdict: str) -> None:
        if not self._told:
            self._told = True
            self._guard.told(self._exchange, self._counts, verdict)
            self._guard.told(self._exchange, self._left_out, "leave out")


class _Restore:
    """Makes the watch that brings back what was masked in the call."""

    __slots__ = ("_finders", "_vault")
    changes = True

    def __init__(self, vault: Vault, finders: list[Placeholders]) -> None:
        self._vault, self._finders = vault, finders

    def __call__(self) -> Watch:
        """A fresh one."""
        return _Restoring(self._vault.restore, self._finders)


class _Restoring:
    """Puts the pieces where their placeholders are."""

    __slots__ = ("_finders", "_restore")

    def __init__(self, restore: Replace, finders: list[Placeholders]) -> None:
        self._restore, self._finders = restore, finders

    def feed(self, events: list[bytes]) -> list[bytes]:
        """These messages as they go on."""
        return [_changed(_read(event), self) for event in events]

    async def judge(self) -> None:
        """There is nothing to judge."""

    def finish(self) -> list[bytes]:
        """Nothing is held back."""
        return []

    def text(self, name: str, text: str, *, again: bool = False) -> str:
        """One text."""
        spans = found(self._finders, text) if "<" in text else []
        return replaced(text, spans, self._restore) if spans else text

    def unseen(self) -> None:
        """It stays."""


def _changed(env: Env, texts: Any) -> bytes:
    """The message with its texts changed; its own bytes where nothing is."""
    changes: dict[str, bytes] = {}
    names = [name for name in env.members if name not in _ENVELOPE]
    strange = [name for name in names if name not in _KNOWN]
    if env.method and env.method not in _METHODS:
        strange.append(env.method)
    for name in strange:
        if texts.text("", name) != name:
            raise Refusal("content_blocked", "A guard forbids what the answer is called.")
    for name in names:
        raw = bytes(env.members[name])
        new = spliced(raw, texts, _OPAQUE)
        if new is not raw:
            changes[name] = new
    return set_members(env.text, env.members, changes) if changes else env.text


def _read(text: bytes) -> Env:
    try:
        return read(text, _DEPTH)
    except Refusal as refusal:
        reason = f"{refusal.code}: {refusal.detail}"
        raise Refusal("upstream_malformed", "The upstream's answer is malformed.", reason=reason) from refusal
