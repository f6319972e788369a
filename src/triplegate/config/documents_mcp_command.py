"""How a command that speaks MCP is run: its arguments, its variables, how many of it at once."""

from typing import Annotated

from pydantic import Field

from triplegate.config.documents_base import Document
from triplegate.config.types import Size, Worded
from triplegate.core.duration import Duration

Argument = Annotated[str, Worded(r"[^\x00]*", "text without NUL", longest=4096)]
Argv = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=256)]
"""A program and its arguments, one each: no shell reads them."""

Variable = Annotated[str, Worded(r"[A-Za-z_][A-Za-z0-9_]*", "letters, digits and underscore", longest=128)]
"""Name of an environment variable."""

INHERITED = ("PATH", "HOME", "LANG", "TZ")


class Processes(Document):
    """Bounds of a command's processes."""

    most: Annotated[int, Field(ge=1, le=4096)] = 16
    """At once; where all are in use, the call is refused."""
    idle: Duration = 1800.0
    """Without a call for so long, one is ended."""
    lifetime: Duration | None = None
    """Older ones take no more calls."""
    line: Annotated[Size, Field(ge=1024, le=1 << 30)] = 16 << 20
    """Longest message; a longer one ends the process."""
