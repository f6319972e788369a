"""Documents of control over calls at the mcp gate: schemas, sizes of results, and results that are remembered."""

from typing import Annotated, Literal

from pydantic import Field

from triplegate.config.documents_access import ToolPattern
from triplegate.config.documents_base import Document
from triplegate.config.types import Size
from triplegate.core.duration import Duration

Held = Literal["off", "observe", "enforce"]
"""off: not looked at; observe: what does not fit is noted, and passes; enforce: it does not pass."""


class ValidationDocument(Document):
    """Whether what is said to tools and by them is held against the schemas that the tools declare."""

    arguments: Held = "off"
    """Arguments against `inputSchema`, before anything is taken of a limit; the caller is told what does not fit."""
    results: Held = "off"
    """`structuredContent` against `outputSchema`, where the tool declares one."""


class ResultsDocument(Document):
    """How large results may be."""

    largest: Annotated[Size, Field(ge=1024, le=16 * 1024 * 1024)]
    """Bytes of a result."""
    over: Literal["cut", "refuse"] = "cut"
    """What becomes of a larger one: its content is cut, and says so; or it is refused."""


class RememberedDocument(Document):
    """Results that are told again to the same question, of tools that say of themselves that they only read."""

    tools: Annotated[tuple[ToolPattern, ...], Field(min_length=1, max_length=1024)] = ("*",)
    """Tools by the server's own names; of these only those with `readOnlyHint` and `idempotentHint`."""
    ttl: Duration = 60.0
    """How long a result is told again; `ttlMs` of the result shortens it."""
    shared: bool = False
    """All callers are told one another's results where the result says `cacheScope: public`; else each its own."""
