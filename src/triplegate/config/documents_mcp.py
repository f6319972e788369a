"""Documents of the mcp gate: servers and the virtual servers cut out of them."""

import shlex
from typing import Annotated, Literal

from pydantic import Field, model_validator

from triplegate.config.accounts import is_root
from triplegate.config.documents_access import (
    Access,
    PromptFilter,
    PromptPattern,
    ResourceFilter,
    ResourcePattern,
    ToolFilter,
    ToolPattern,
)
from triplegate.config.documents_approval import ApprovalRules
from triplegate.config.documents_base import Document, Policies, Reached
from triplegate.config.documents_call_price import PriceOfTools
from triplegate.config.documents_control import RememberedDocument, ResultsDocument, ValidationDocument
from triplegate.config.documents_mcp_ends import (
    INHERITED,
    Argument,
    Argv,
    CommandLimits,
    Processes,
    RouteTools,
    ServerHealth,
    User,
    Variable,
)
from triplegate.config.documents_oauth import ClientCredentials
from triplegate.config.documents_pins import Pins
from triplegate.config.types import (
    Address,
    Alias,
    HeaderName,
    HeaderValue,
    ModelName,
    Scope,
    SecretRef,
    TeamRef,
    Worded,
)

OwnName = Annotated[str, Field(min_length=1, max_length=256)]
"""A tool's name at its server."""
FullName = Annotated[str, Field(min_length=1, max_length=300)]
"""Alias, two underscores, a tool's name at its server."""
ToolName = Annotated[str, Worded(r"[A-Za-z0-9_./-]+", "letters, digits and _ . / -", longest=64)]
"""A tool's name as clients see it."""
NamingMode = Literal["always", "collisions", "never"]
Instructions = Annotated[str, Field(max_length=16384)]
Separator = Annotated[str, Worded(r"[._/-]+", "of _ . / -", longest=4)]


class ToolOverride(Document):
    """What clients see of a tool instead of what its server says."""

    name: ToolName | None = None
    """Another name."""
    description: Annotated[str, Field(max_length=16384)] | None = None
    """Another description."""


class ServerAuth(Document):
    """Our credential at a server."""

    bearer: SecretRef | None = None
    """Sent as `Authorization: Bearer …`."""
    client_credentials: ClientCredentials | None = None
    """Instead of it: tokens that the gateway asks for itself."""

    @model_validator(mode="after")
    def _one_credential(self) -> "ServerAuth":
        if (self.bearer is None) == (self.client_credentials is None):
            raise ValueError("write bearer or client_credentials")
        return self


class ServerDocument(Reached):
    """An MCP server behind us."""

    url: Address | None = None
    """Its endpoint: http://127.0.0.1:9003/mcp."""
    command: Argv | None = None
    """Instead of url: a program that speaks MCP on its standard input and output, and its arguments."""
    routes: RouteTools | None = None
    """Instead of url: routes of the api gate, as an OpenAPI document describes them."""
    models: Annotated[tuple[ModelName, ...], Field(min_length=1, max_length=256)] | None = None
    """Instead of url: models of the llm gate, each a tool that takes a prompt."""
    transport: Literal["http", "sse"] | None = None
    """How the url is spoken to: http, or sse for servers of 2024-11-05 with a stream of their own (`/sse`);
    absent: it is found out."""
    env: dict[Variable, Argument] = Field(default_factory=dict, max_length=128)
    """Variables of the command; a value may be a secret reference."""
    inherit: Annotated[tuple[Variable, ...], Field(max_length=128)] = INHERITED
    """Our own variables that the command gets, too; all others are kept from it."""
    directory: Argument | None = None
    """Where the command runs; else where the configuration is."""
    processes: Processes = Processes()
    """How many of the command run, and for how long."""
    limits: CommandLimits | None = None
    """What each process of the command may use; absent: as much as the gateway."""
    user: User | None = None
    """Whom the command runs as: `user` or `user:group`, by name or number, where the gateway runs as root; absent: as
    the gateway."""
    isolation: Literal["shared", "principal", "session"] | None = None
    """Who shares a session or a process there: everybody, the calls of one principal, or those of one client
    session. A url has `session`, a command `principal` when nothing is written."""
    alias: Alias | None = None
    """Prefix of its tools (files__read); else its name."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=32)
    """Fixed header fields of every call; a value may be a secret reference."""
    auth: ServerAuth | None = None
    """Our credential there."""
    tools: ToolFilter = ToolFilter()
    """Which tools are passed on."""
    overrides: dict[OwnName, ToolOverride] = Field(default_factory=dict, max_length=1024)
    """Tools by the server's own names: another name (before the alias is added), another description."""
    prompts: PromptFilter = PromptFilter()
    """Which prompts are passed on."""
    resources: ResourceFilter = ResourceFilter()
    """Which resources and templates are passed on."""
    access: Access = ()
    """Who may do what with them."""
    pins: Pins | None = None
    """Whether definitions of its tools have to be approved; absent: as `mcp.pins` says."""
    validation: ValidationDocument | None = None
    """Whether arguments and results are held against schemas; absent = as `mcp.validation`."""
    results: ResultsDocument | None = None
    """How large results may be; absent = as `mcp.results`."""
    remember: RememberedDocument | None = None
    """Results that are told again to the same question; absent = none."""
    health: ServerHealth | None = None
    """How it is asked whether it is well; absent: it is not asked."""
    parked: bool = False
    """Whether a server with sessions may ask clients of 2026-07-28, whose calls wait there meanwhile."""
    approval: ApprovalRules = ()
    """Tools that are called only after a person's yes."""
    price: PriceOfTools | None = None
    """US dollars a tool call, or {call, mb, tools}."""
    owner: TeamRef | None = None
    """Team that answers for it."""
    teams: tuple[TeamRef, ...] | None = None
    """Teams that may use it; absent = all."""

    def addresses(self) -> tuple[str, ...]:
        """Where calls go."""
        return () if self.url is None else (self.url,)

    @property
    def place(self) -> str:
        """What is reached, as an operator reads it."""
        if self.routes is not None:
            return f"routes of {self.routes.openapi}"
        return self.url or shlex.join(self.command or ()) or f"models {', '.join(self.models or ())}"

    @model_validator(mode="after")
    def _one_far_end(self) -> "ServerDocument":
        check_far_end(self)
        return self


_ONLY = {
    "url": ("headers", "auth", "tls", "connections", "transport"),
    "command": ("env", "inherit", "directory", "processes", "limits", "user"),
    "routes": (),
    "models": (),
}
"""What belongs to one kind of far end."""


def check_far_end(server: ServerDocument) -> None:
    """A server is one thing, and what is written suits it. Raises ValueError."""
    ends = [name for name in _ONLY if getattr(server, name) is not None]
    if len(ends) != 1:
        raise ValueError(f"write one of {', '.join(_ONLY)}")
    for end, names in _ONLY.items():
        wrong = sorted(server.model_fields_set.intersection(names))
        if wrong and end != ends[0]:
            raise ValueError(f"{wrong[0]} is for a server with {end}, not with {ends[0]}")
    if server.limits is not None and server.user is None and is_root():
        raise ValueError("root can lift its limits: write user, too, as this gateway runs as root")


class VirtualServerDocument(Document):
    """A selection of what servers offer under a path of its own: /mcp/{name}."""

    tools: Annotated[tuple[ToolPattern, ...], Field(min_length=1, max_length=1024)]
    """Tools by full name: files__read, files__*."""
    prompts: Annotated[tuple[PromptPattern, ...], Field(max_length=1024)] = ()
    """Prompts by full name: files__summary, files__*."""
    resources: Annotated[tuple[ResourcePattern, ...], Field(max_length=1024)] = ()
    """Resources and their templates by alias and URI: files__file:///docs/*, files__*."""
    naming: NamingMode | None = None
    """As `mcp.naming`; absent = as there."""
    separator: Separator | None = None
    """As `mcp.separator`; absent = as there."""
    fail_closed: bool | None = None
    """As `mcp.fail_closed`; absent = as there."""
    progressive: bool | None = None
    """As `mcp.progressive`; absent = as there."""
    instructions: Instructions | None = None
    """As `mcp.instructions`; absent = as there."""
    overrides: dict[FullName, ToolOverride] = Field(default_factory=dict, max_length=1024)
    """Tools by full name: the very name clients see on this path, another description."""
    teams: tuple[TeamRef, ...] | None = None
    """Teams that may use it; absent = all."""
    scopes: Annotated[tuple[Scope, ...], Field(max_length=64)] = ()
    """Scopes that tokens need here besides those of `mcp.oauth`; keys need none."""
    access: Access = ()
    """Who may do what on this path; names with alias."""
    policies: Policies = ()
    """Policies of calls through it."""
