"""One guard: what it looks for, made ready once; what a call and its answer mean to it."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.watching import Watch
from triplegate.wire.screening import pii
from triplegate.wire.screening.holding import Find, Holding, Judge, Spoken
from triplegate.wire.screening.injection import scorer
from triplegate.wire.screening.input import Looked, Verdict
from triplegate.wire.screening.output import Rules, Screening
from triplegate.wire.screening.restoring import Restore, vault_of
from triplegate.wire.screening.secrets import Secrets
from triplegate.wire.screening.sight import must_be_seen
from triplegate.wire.screening.spans import Finder
from triplegate.wire.screening.spoken import said_in, said_in_json
from triplegate.wire.screening.vault import Placeholders
from triplegate.wire.screening.words import Patterns, Words

Kind = Literal[
    "email",
    "phone",
    "iban",
    "ip",
    "us_ssn",
    "es_dni",
    "es_nie",
    "it_cf",
    "fi_hetu",
    "card",
    "de_idnr",
    "fr_nir",
    "nl_bsn",
    "pl_pesel",
    "br_cpf",
    "in_aadhaar",
    "ch_ahv",
    "gb_nhs",
    "be_nn",
    "ca_sin",
    "au_tfn",
]
HEADER = b"x-triplegate-guard"


class Terms(msgspec.Struct, frozen=True):
    """What a policy says."""

    label: str
    on: frozenset[str]
    action: Literal["block", "mask", "annotate", "observe"]
    reversible: bool = False
    pii: tuple[str, ...] = ()
    secrets: bool = False
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    span: int = 256
    injection: float = 0.0
    longest: int = 0
    blobs: str = "refuse"
    """What becomes of what is no text in messages of tools."""


class Guard:
    """Looks at calls and answers as its terms say."""

    __slots__ = (
        "_asks",
        "_finders",
        "_hears",
        "_holds",
        "_placeholders",
        "_score",
        "_screens",
        "_terms",
        "_watches",
        "enforces",
    )

    def __init__(self, terms: Terms, judges: Sequence[Judge] = ()) -> None:
        """`judges` are asked about calls and answers as a whole."""
        self._terms = terms
        self._hears = [judge for judge in judges if "input" in judge.where]
        self._holds = [judge for judge in judges if "output" in judge.where]
        self._finders = _finders(terms)
        self._score = scorer() if terms.injection else None
        self._placeholders = [Placeholders()] if terms.reversible else []
        self.enforces = terms.action in ("block", "mask")
        self._asks = bool(terms.on & {"input", "tool_results"})
        self._screens = "output" in terms.on and bool(self._finders or terms.longest)
        self._watches = self._screens or bool(self._holds)

    def enter(self, exchange: Exchange) -> None:
        """Look at the call, and see its answer later. Raises Refusal content_blocked, content_unseen."""
        call = exchange.call
        if call is None:
            return  # it asks for nothing of a model's
        endpoint = call.endpoint
        if self.enforces:
            must_be_seen(call, asks=self._asks, watches=self._watches, label=self._terms.label)
        if self._holds and endpoint.codec is not None:  # outside of the others: what is judged is what will be told
            exchange.look(_Held(self, exchange, self._holds, call.request().n))
        if self._asks:
            self._look(exchange, call)
        if self._screens and endpoint.codec is not None:
            exchange.look(_Look(self, exchange, call.request().n))

    @property
    def hears(self) -> bool:
        """Whether somebody judges calls as a whole."""
        return bool(self._hears)

    async def hear(self, exchange: Exchange) -> None:
        """Ask those who judge calls as a whole. Raises Refusal content_blocked, policy_unavailable."""
        call = exchange.call
        if call is None or not (call.endpoint.codec is not None or call.size):
            return
        spoken = _spoken(call)
        for judge in self._hears:
            found = await judge(spoken)
            if found is None:
                continue
            self.told(exchange, {found.kind: 1}, "block" if self.enforces else self.action)
            if self.enforces:
                raise self.refused("call", found)
            return

    # the call ------------------------------------------------------------------------------------------------------
    def _look(self, exchange: Exchange, call: Any) -> None:
        terms = self._terms
        vault = vault_of(exchange)
        masks = terms.action == "mask" and call.endpoint.codec is not None
        keep = vault.keep if terms.reversible else vault.mask

        def refuse(kind: str) -> None:
            if self.enforces:
                raise self._blocked("call")

        def replace(kind: str, piece: str) -> str:
            if masks:
                return keep(kind, piece)
            refuse(kind)
            return piece

        looked = Looked(self._finders, replace, self._score, terms.injection, terms.longest, refuse)
        try:
            if call.endpoint.codec is not None:
                request = call.request()
                said = looked.at(request, said="input" in terms.on, answered="tool_results" in terms.on)
                if said is not request:
                    call.rewrite(said)
            elif "input" in terms.on and not call.endpoint.form and call.size:
                looked.at_text(call.look.text)
        except Refusal:
            self.told(exchange, looked.counts, "block")
            raise
        self.told(exchange, looked.counts, "mask" if masks else terms.action)
        if terms.reversible and vault:
            exchange.look(Restore(vault, self._placeholders, call.request().n))

    @property
    def action(self) -> str:
        """What becomes of a find."""
        return self._terms.action

    # the answer ----------------------------------------------------------------------------------------------------
    def rules(self, exchange: Exchange, choices: int) -> Rules:
        """Those of one attempt."""
        terms = self._terms
        vault = vault_of(exchange)

        def replace(kind: str, piece: str) -> str:
            if terms.action == "mask" and kind != "longest":
                return vault.mask(kind, piece)
            if self.enforces:
                raise self._blocked("answer")
            return piece

        return Rules(self._finders, replace, terms.longest if "output" in terms.on else 0, choices)

    def _blocked(self, what: str) -> Refusal:
        return Refusal("content_blocked", f"A guard forbids what the {what} says.", policy=self._terms.label)

    def refused(self, what: str, found: Find) -> Refusal:
        """Of a call or answer that was judged as a whole."""
        detail = f"A guard forbids what the {what} says. {found.why}"
        return Refusal("content_blocked", detail, reason=found.kind, policy=self._terms.label)

    def told(self, exchange: Exchange, counts: dict[str, int], verdict: str) -> None:
        """Note what was found, by kind only."""
        if not counts:
            return
        kinds = Verdict.of(counts).kinds
        exchange.decisions.append((self._terms.label, "would block" if verdict == "observe" else verdict, kinds))
        if verdict == "annotate":
            exchange.reply_headers.append((HEADER, kinds.encode("ascii")))


class _Look:
    """Makes the watch of each attempt."""

    __slots__ = ("_choices", "_exchange", "_guard", "changes")

    def __init__(self, guard: Guard, exchange: Exchange, choices: int) -> None:
        self._guard, self._exchange, self._choices = guard, exchange, choices
        self.changes = guard.enforces

    def __call__(self) -> Watch:
        """A fresh one."""
        return _Telling(self._guard, self._exchange, self._guard.rules(self._exchange, self._choices))


class _Telling(Screening):
    """Screens, and notes what was found once it is over."""

    __slots__ = ("_exchange", "_guard", "_told")

    def __init__(self, guard: Guard, exchange: Exchange, rules: Rules) -> None:
        super().__init__(rules)
        self._guard, self._exchange = guard, exchange
        self._told = False

    def feed(self, events: list[Any]) -> list[Any]:
        """As the screening does."""
        try:
            going = super().feed(events)
        except Refusal:
            self._tell("block")
            raise
        if self._ended:
            self._tell("block")
        return going

    def finish(self) -> list[Any]:
        """As the screening does."""
        try:
            going = super().finish()
        except Refusal:
            self._tell("block")
            raise
        self._tell("block" if self._ended else self._guard.action)
        return going

    def _tell(self, verdict: str) -> None:
        if not self._told and self._rules.counts:
            self._told = True
            self._guard.told(self._exchange, self._rules.counts, verdict)


class _Held:
    """Makes the watch that holds an attempt's answer for its judges."""

    __slots__ = ("_choices", "_exchange", "_guard", "_judges", "changes")

    def __init__(self, guard: Guard, exchange: Exchange, judges: Sequence[Judge], choices: int) -> None:
        self._guard, self._exchange, self._judges, self._choices = guard, exchange, judges, choices
        self.changes = guard.enforces

    def __call__(self) -> Watch:
        """A fresh one."""
        refuse = (lambda found: self._guard.refused("answer", found)) if self.changes else None
        return Holding(self._judges, self._choices, self._tell, refuse)

    def _tell(self, finds: Sequence[Find]) -> None:
        counts: dict[str, int] = {}
        for found in finds:
            counts[found.kind] = counts.get(found.kind, 0) + 1
        self._guard.told(self._exchange, counts, "block" if self.changes else self._guard.action)


def _spoken(call: Any) -> Spoken:
    if call.endpoint.codec is not None:
        return said_in(call.request())
    return Spoken("input", ()) if call.endpoint.form else said_in_json(call.look.text)


def _finders(terms: Terms) -> list[Finder]:
    found: list[Finder] = pii.finders(list(terms.pii))
    if terms.secrets:
        found.append(Secrets())
    if terms.words:
        found.append(Words(terms.words))
    if terms.patterns:
        found.append(Patterns(terms.patterns, terms.span))
    return found
