"""Have calls and answers of models judged by guards that others run: moderation, webhooks, Presidio, a model."""

import hashlib
import secrets
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from triplegate.config.documents_guards import (
    AnyGuard,
    JudgeGuard,
    ModerationGuard,
    PresidioGuard,
    WebhookGuard,
)
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.verdicts.asker import Asker, Terms
from triplegate.stores.verdicts.bench import Bench, Rules
from triplegate.stores.verdicts.sending import Posting, Reentering, Send
from triplegate.wire.guards.judge import judge
from triplegate.wire.guards.moderation import moderation
from triplegate.wire.guards.presidio import presidio
from triplegate.wire.guards.told import Ask
from triplegate.wire.guards.webhook import webhook


class ExternalGuard(Policy):
    """Ask guards that others run about calls and answers, and do what they say.

    All guards are asked at once. A call waits for all verdicts before it is sent; an answer is kept back whole until
    they are there. One that gives no verdict in time refuses the call, or lets it pass where that is written.
    """

    use: Literal["external_guard"] = "external_guard"
    stage: ClassVar = Stage.SCREEN
    gates: ClassVar = frozenset({"llm"})
    security: ClassVar = True
    reads_call: ClassVar = "whole"
    reads_reply: ClassVar = "events"
    guards: Annotated[tuple[AnyGuard, ...], Field(min_length=1, max_length=16)]
    """Who is asked."""
    on: Annotated[tuple[Literal["input", "output", "tool_results"], ...], Field(min_length=1)] = (
        "input",
        "output",
        "tool_results",
    )
    """What they are asked about: what is asked, what is answered, what tools answered."""
    reversible: bool = False
    """Where the answer has a placeholder of what was masked in the call, its caller gets the piece itself."""
    beside: bool = False
    """Send the call while its guards are asked; its answer waits for them. For guards that do not mask calls."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [guard.label for guard in self.guards]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"several guards are called {', '.join(twice)}: give each a name")
        if self.reversible and not any(isinstance(guard, PresidioGuard | WebhookGuard) for guard in self.guards):
            raise ValueError("reversible needs a guard that masks: presidio or webhook")
        if self.beside and (self.reversible or any(getattr(one, "action", "") == "mask" for one in self.guards)):
            raise ValueError("beside sends calls as they are: it does not go with action: mask or reversible")
        return self

    def status(self, kit: Kit) -> str:
        """What is missing of a guard: calls are refused without it."""
        for guard in self.guards:
            for reference in _references(guard):
                if kit.secrets.read(reference) is None:
                    return f"{reference} of the guard {guard.label} is missing"
        return ""

    def build(self, kit: Kit) -> Step:
        """Have calls judged, and their answers."""
        if kit.offline:
            return self._said
        rules = Rules(
            self.label,
            frozenset(self.on),
            self.mode == "enforce",
            self.mode == "enforce" and any(guard.closed or guard.changes for guard in self.guards),
            self.reversible,
            self.beside or self.mode == "observe",
        )
        return Bench(kit, rules, [self._asker(kit, guard) for guard in self.guards])

    async def _said(self, exchange: Exchange, proceed: Proceed) -> Reply:
        """Offline nobody is asked."""
        exchange.decisions.append((self.label, "would ask", ", ".join([guard.label for guard in self.guards])))
        return await proceed(exchange)

    def _asker(self, kit: Kit, guard: Any) -> Asker:
        terms = Terms(
            guard.label,
            guard.timeout,
            guard.closed,
            guard.remember or 0.0,
            guard.at_once,
            guard.largest,
            hashlib.sha256(guard.model_dump_json().encode()).digest(),
        )
        return Asker(kit, self.label, terms, _question(guard), _way(kit, guard))


def _question(guard: Any) -> Ask:
    match guard:
        case ModerationGuard():
            return moderation(guard.model or guard.vendor_model, guard.thresholds, guard.categories, guard.action)
        case PresidioGuard():
            return presidio(guard.language, guard.entities, guard.score, guard.action)
        case JudgeGuard():
            return judge(guard.model, guard.rule, guard.categories, guard.action, _mark, guard.temperature)
    return webhook()


def _mark() -> str:
    return secrets.token_hex(16)


def _way(kit: Kit, guard: Any) -> Send:
    """How it is reached."""
    if isinstance(guard, JudgeGuard):
        return Reentering(kit, "/chat/completions")
    if guard.url is None:
        return Reentering(kit, "/moderations")
    assert kit.consult is not None
    url = guard.url
    if isinstance(guard, PresidioGuard):
        url = url.removesuffix("/analyze") + "/analyze"
    key = kit.secrets.read(guard.key) if guard.key is not None else None
    secret = getattr(guard, "secret", None)
    signing = kit.secrets.read(secret) if secret is not None else None
    return Posting(kit.consult(kit, url, guard.tls), key, signing, kit.clock, dated=isinstance(guard, WebhookGuard))


def _references(guard: Any) -> list[str]:
    found = [getattr(guard, "key", None), getattr(guard, "secret", None)]
    return [reference for reference in found if reference is not None]
