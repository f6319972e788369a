"""Answer a question that was answered before with the answer it got then, in any dialect."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.config.types import Size
from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.stores.answers.recall import HEADER, Recall, Terms


class ExactCache(Policy):
    """Remember answers of models, and tell them again to whoever asks the same.

    The same means all of it: model, messages, tools and parameters, whatever dialect says so. Answers are shared within
    `scope` only. Equal questions under way at once are asked once. What is told again costs nothing.
    """

    use: Literal["exact_cache"] = "exact_cache"
    stage: ClassVar = Stage.RECALL
    gates: ClassVar = frozenset({"llm"})
    reads_call: ClassVar = "whole"
    reads_reply: ClassVar = "events"
    ttl: Duration = 3600.0
    """How long an answer is remembered."""
    scope: Literal["org", "team", "consumer", "key"] = "team"
    """Who shares answers."""
    tools: bool = False
    """Remember also questions that offer tools, and answers that call them."""
    finishes: Annotated[tuple[Literal["stop", "length", "stop_sequence"], ...], Field(min_length=1)] = ("stop",)
    """Ends after which an answer is remembered."""
    tags: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    """Names by which these answers can be purged."""
    largest: Size = 262_144
    """Longest question, and longest answer, that is remembered."""
    client_control: bool = True
    """Honour Cache-Control of clients: no-store, no-cache, max-age, only-if-cached."""

    def terms(self) -> Terms:
        """What is said, as the engine reads it."""
        return Terms(
            self.label,
            self.ttl,
            self.scope,
            self.tools,
            frozenset(self.finishes),
            self.tags,
            self.largest,
            self.client_control,
        )

    def build(self, kit: Kit) -> Step:
        """Look first, then join or ask."""
        recall = Recall(kit, self.terms())
        enforce = self.mode == "enforce"

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            asked = recall.asked(exchange)
            if isinstance(asked, str):
                if asked:
                    exchange.reply_headers.append((HEADER, b"bypass"))
                    exchange.decisions.append((self.label, "bypass", asked))
                return await proceed(exchange)
            kept = await recall.find(exchange, asked)
            if kept is not None and enforce:
                return await recall.tell(exchange, kept, "layer=exact")
            if kept is not None:
                exchange.decisions.append((self.label, "would hit", ""))
            return await recall.join_or_ask(exchange, proceed, asked)

        return step
