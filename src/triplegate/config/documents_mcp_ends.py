"""Parts of MCP servers: how a command is run, which routes are tools, how their health is asked for."""

import math
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from triplegate.config.accounts import account, is_root
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


class CommandLimits(Document):
    """What each process of a command may use; neither it nor what it starts can lift them."""

    memory: Annotated[Size, Field(ge=16 << 20, le=1 << 50)] | None = None
    """Bytes of its own: data, heap and other private memory (RLIMIT_DATA)."""
    cpu: Annotated[Duration, Field(ge=1, le=31_536_000)] | None = None
    """Processor time, in whole seconds, after which it is killed (RLIMIT_CPU)."""
    files: Annotated[int, Field(ge=8, le=1 << 20)] | None = None
    """Open files, pipes and sockets (RLIMIT_NOFILE)."""
    processes: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    """Processes and threads that its user may have, all together (RLIMIT_NPROC)."""

    @model_validator(mode="after")
    def _limits_something(self) -> "CommandLimits":
        if not self.written():
            raise ValueError("write memory, cpu, files or processes")
        return self

    def written(self) -> dict[str, int]:
        """Those that are set, in bytes, seconds and pieces."""
        found = {name: getattr(self, name) for name in ("memory", "cpu", "files", "processes")}
        return {name: math.ceil(most) for name, most in found.items() if most is not None}


def _check_user(text: str) -> str:
    if not is_root():
        raise ValueError("only a gateway that runs as root can run a command as somebody else")
    account(text)
    return text


User = Annotated[
    str,
    Worded(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?", "user or user:group", longest=128),
    AfterValidator(_check_user),
]
"""A user of this machine."""


class ServerHealth(Document):
    """Asking a server from time to time whether it is well."""

    interval: Annotated[Duration, Field(ge=0.1, le=86_400)] = 15.0
    """Time from one question to the next, a tenth more or less."""
    timeout: Annotated[Duration, Field(ge=0.01, le=300)] = 5.0
    """Longest wait for the answer, connecting included; longer for the first one, when it may have to be started."""
    healthy: Annotated[int, Field(ge=1, le=100)] = 1
    """Good answers in a row after which it is used again."""
    unhealthy: Annotated[int, Field(ge=1, le=100)] = 3
    """Bad ones in a row after which it is not; the very first answer decides alone."""


class RouteTools(Document):
    """Routes of the api gate as tools."""

    openapi: Argument
    """File with the OpenAPI 3 document (YAML or JSON); relative: to the configuration."""
    base: Annotated[str, Worded(r"(?:/[A-Za-z0-9._~-]+)*", "a path without slash at its end: /shop", longest=256)] = ""
    """Stands before the document's paths: they are what the gateway's routes match."""
    host: Annotated[str, Worded(r"[a-z0-9.-]*", "a host name in lower case", longest=253)] = ""
    """Host that the routes match; else the one that the client named."""
    largest: Annotated[Size, Field(ge=1024, le=1 << 28)] = 1 << 20
    """Bytes of an answer; of a larger one the beginning is told, as a failure."""
    largest_body: Annotated[Size, Field(ge=1024, le=1 << 28)] = 10 << 20
    """Bytes of a body that a call sends, files included; more is refused."""
    outputs: bool = True
    """Tools say what they answer (`outputSchema`); false for a document that is not exact about it."""
