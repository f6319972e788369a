"""How an MCP server does: what questions about its health and its breaker say, and whether calls may go there."""

import msgspec

from triplegate.config.documents_mcp_ends import ServerHealth
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.http import Reply
from triplegate.core.policy import BreakerRules
from triplegate.core.ports import Kit
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.retries import class_of_refusal
from triplegate.upstreams.sharing import Sharing
from triplegate.wire.hidden import visible

_BLAMED = frozenset({"transient", "stall", "malformed"})
"""Classes of failures that are the server's; not `overload`, which is a bound of our own here."""
_LONGEST = 300


class Verdict(msgspec.Struct, frozen=True):
    """How a server stands."""

    state: str
    """up, failing (it does not list what it has), down, open, half-open or unknown (it was not asked yet)."""
    reason: str = ""
    since: float = 0.0
    """Unix seconds; 0 where nobody noted it."""


class Known:
    """What is known of a server's health; kept by `kit.state` under its place."""

    __slots__ = ("error", "error_at", "ill", "since", "streak", "well")

    def __init__(self) -> None:
        self.well: bool | None = None
        """What the questions have come to; None: it was not asked yet."""
        self.streak = 0
        """Answers in a row that say otherwise."""
        self.ill = ""
        """What was wrong with the last answer; empty when nothing was."""
        self.since = 0.0
        """Unix seconds when `well` last changed."""
        self.error = ""
        """What went wrong last, whatever it was that failed."""
        self.error_at = 0.0
        """Unix seconds."""


class Health:
    """One server's, as one snapshot has it; what is known outlives it."""

    __slots__ = ("_breaker", "_clock", "_guarded", "_label", "_name", "_sharing", "known", "rules")

    def __init__(self, name: str, place: str, rules: ServerHealth | None, kit: Kit) -> None:
        self._name, self._label, self._clock = name, f"server:{name}", kit.clock
        self.rules = rules
        """How it is asked; None: it is not."""
        self.known = kit.state(Known, f"server:{place}", Known)
        self._breaker = kit.state(Breaker, self._label, Breaker)
        self._sharing = Sharing.kept(kit)
        self._guarded = False

    def guard(self, rules: BreakerRules | None, *, serving: bool) -> None:
        """A breaker is in force, if these are rules; `serving`: for calls that are under way."""
        if rules is not None:
            self._guarded = True
            if serving and rules.shared:
                self._sharing.join(self._label, self._breaker)

    # whether to call ---------------------------------------------------------------------------------------------
    def check(self, rules: BreakerRules | None) -> None:
        """Raises Refusal upstream_open, with the time until it may be well, when no call may go there."""
        if self.rules is not None and self.known.well is False:
            raise Refusal(
                "upstream_open",
                f"'{self._name}' does not answer and is left alone until it does.",
                reason=f"its health: {self.known.ill}",
                retry_after=max(self.rules.interval, 1.0),
            )
        if rules is not None:
            self._breaker.check(self._clock.now(), rules, self._name)

    @property
    def barred(self) -> bool:
        """Whether nothing of ours should be sent there, but the question whether it is well."""
        if self.rules is not None and self.known.well is False:
            return True
        return self._guarded and self._breaker.state(self._clock.now()) == "open"

    @property
    def verdict(self) -> Verdict:
        """How it stands by its health and its breaker."""
        known = self.known
        if self.rules is not None and known.well is False:
            return Verdict("down", known.ill, known.since)
        if self._guarded and (state := self._breaker.state(self._clock.now())) != "closed":
            ago = self._clock.now() - self._breaker.opened_at
            return Verdict(state, known.error, self._clock.wall() - ago)
        if self.rules is not None and known.well:
            return Verdict("up", "", known.since)
        return Verdict("unknown")

    # learning ----------------------------------------------------------------------------------------------------
    def mark(self, ill: str) -> bool:
        """Take in an answer about its health: what was wrong, or nothing; True when it is well again.

        The first one decides alone.
        """
        rules, known = self.rules, self.known
        assert rules is not None
        if ill:
            self.trouble(ill)
            ill = known.error
        known.ill = ill
        if known.well is (not ill):
            known.streak = 0
            return False
        known.streak += 1
        if known.well is not None and known.streak < (rules.unhealthy if ill else rules.healthy):
            return False
        back = known.well is False
        known.well, known.streak, known.since = not ill, 0, self._clock.wall()
        return back

    def trouble(self, why: str) -> None:
        """Remember what went wrong, so that it can be shown: on one line, with nothing hidden in it."""
        text = visible(" ".join(why.split()))
        self.known.error = text[:_LONGEST] + ("…" if len(text) > _LONGEST else "")
        self.known.error_at = self._clock.wall()

    def failed(self, refusal: Refusal) -> None:
        """A call ended with it."""
        if class_of_refusal(refusal) in _BLAMED:
            self.trouble(refusal.reason or refusal.code)

    # for the breaker: the attempts of calls ----------------------------------------------------------------------
    def note(self, rules: BreakerRules, attempt: Attempt) -> None:
        """An attempt without an answer; what is our own doing says nothing of the server."""
        if attempt.error_class in _BLAMED:
            self._breaker.note(attempt, self._clock.now(), rules)

    def answered(self, rules: BreakerRules, exchange: Exchange, reply: Reply) -> None:
        """The last attempt has an answer, be it an error; one that streams is judged when it ends."""
        attempt = exchange.attempts[-1]
        if reply.form != "events":
            self._breaker.note(attempt, self._clock.now(), rules)
            return

        def ended(over: Exchange) -> None:
            refusal = over.refusal
            failed = refusal is not None and class_of_refusal(refusal) in _BLAMED
            if failed or over.outcome == "ok":
                numbers, now = attempt.numbers, self._clock.now()
                took = numbers.upstream_head - numbers.dispatched
                self._breaker.take(numbers.dispatched, now, rules, failed=failed, took=took)
            if failed:
                assert refusal is not None
                self.failed(refusal)

        exchange.on_close(ended)
