"""Bound the size of request bodies."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.config.types import Size
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage


class BodyLimit(Policy):
    """Take bodies of at most `max` bytes, whether their length is told or not: more, or less, than `limits.body`."""

    use: Literal["body_limit"] = "body_limit"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.EDGE
    max: Annotated[Size, Field(ge=0)]
    """Bytes of a request body; above it 413."""

    def decide(self, exchange: Exchange) -> Refusal | None:
        """413 at once for a length that is told; a body that grows too large ends when it does."""
        body = exchange.inbound.body
        if body.length is not None and body.length > self.max:
            return Refusal("body_too_large", f"The body may have at most {self.max} bytes.")
        if body.kind == "one_pass":
            body.allow(self.max)
        return None
