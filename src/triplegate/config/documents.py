"""The configuration as written, merged to one frozen whole; every object knows where it stands."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, PrivateAttr

from triplegate.config.documents_access import Access
from triplegate.config.documents_alerts import AlertsDocument
from triplegate.config.documents_api import (
    INTERNAL,
    ExactHost,
    HostPattern,
    RouteDocument,
    SectionDocument,
    ServiceDocument,
)
from triplegate.config.documents_base import Document, Policies
from triplegate.config.documents_budgets import Budgets, FiscalStart
from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.config.documents_control import ResultsDocument, ValidationDocument
from triplegate.config.documents_llm import McpToolsDocument, ModelDocument, ProviderDocument
from triplegate.config.documents_mcp import Instructions, NamingMode, Separator, ServerDocument, VirtualServerDocument
from triplegate.config.documents_oauth import ResourceDocument
from triplegate.config.documents_pins import Pins, PinsDocument
from triplegate.config.documents_prices import UnknownPrice
from triplegate.config.documents_problems import ProblemsDocument
from triplegate.config.documents_prompts import PromptDocument
from triplegate.config.documents_websocket import Origin, RealtimeOptions
from triplegate.config.faults import Position
from triplegate.config.types import ModelKey, ModelName, Name, Scope, TeamRef, Worded

Path = tuple[str | int, ...]
"""Where an object stands in the merged tree: ('routes', 'orders', 'policies', 0)."""

GatePath = Annotated[
    str, Worded(r"(?:/[A-Za-z0-9._~-]+)+", "a path such as /v1, without a slash at its end", longest=128)
]


class GatewayDocument(Document):
    """What holds for all three gates."""

    policies: Policies = ()
    """Policies of every call, before those of gate, route, target, plan and team."""
    problems: ProblemsDocument | None = None
    """How refusals of the api gate are told, where a route does not say it itself."""


class LlmDocument(Document):
    """The llm gate."""

    base_path: GatePath = "/v1"
    """Path before its endpoints."""
    host: ExactHost | None = None
    """Only this host; null = any."""
    identity: Literal["none"] | None = None
    """`none` lets everyone in; calls are booked on `owner`."""
    owner: TeamRef | None = None
    """Team of anonymous calls."""
    unknown_price: UnknownPrice = "flag"
    """Calls whose price is unknown: flag (they cost 0 and are counted), block, or {charge_default: prices}."""
    share_cooldowns: bool = False
    """Workers and nodes tell one another which quota groups and keys are left alone, through the shared state."""
    realtime: RealtimeOptions = RealtimeOptions()
    """Bounds of its WebSocket, and which web pages may open one."""
    files: ModelName | None = None
    """Model whose first deployment's provider keeps uploaded files and runs batches; null = they are not served."""
    origin_gone: Literal["refuse", "strip"] = "refuse"
    """Encrypted reasoning whose deployment is gone: the call is refused with 409, or goes on without it."""
    mcp_tools: McpToolsDocument = McpToolsDocument()
    """Tools of type `mcp` in calls of the Responses API."""
    policies: Policies = ()
    """Policies of every llm call; when absent, the shipped chain `llm`."""


class McpDocument(Document):
    """The mcp gate."""

    path: GatePath = "/mcp"
    """Its endpoint; virtual servers stand below it."""
    allowed_hosts: tuple[HostPattern, ...] = ()
    """Hosts it answers to besides loopback (DNS rebinding), * for any; none = plain addresses."""
    allowed_origins: tuple[Origin, ...] = ()
    """Browser origins that may call, * for any; none = pages from loopback."""
    naming: NamingMode = "always"
    """Whether names begin with the alias: always, in collisions, or never (then the first server wins)."""
    separator: Separator = "__"
    """What stands between alias and name."""
    fail_closed: bool = False
    """Refuse a list when a server on the path fails, instead of serving it without that part."""
    progressive: bool = False
    """List search_tools, describe_tool and call_tool, which reach all others, instead of every tool."""
    instructions: Instructions = ""
    """What clients are told to tell their models of this gate."""
    identity: Literal["none"] | None = None
    """`none` lets everyone in; calls are booked on `owner`."""
    owner: TeamRef | None = None
    """Team of anonymous calls."""
    oauth: ResourceDocument | None = None
    """What clients with tokens are told; null = callers have keys, or tokens from elsewhere."""
    access: Access = ()
    """Who may do what, at all servers and on all paths; names with alias."""
    pins: Pins = PinsDocument(mode="off")
    """Whether definitions of tools have to be approved: enforce, observe, off, or {mode, first}."""
    validation: ValidationDocument = ValidationDocument()
    """Whether arguments and results are held against schemas, at servers that do not say it themselves."""
    results: ResultsDocument | None = None
    """How large results may be, at servers that do not say it themselves; null = of any size."""
    policies: Policies = ()
    """Policies of every mcp call; when absent, the shipped chain `mcp`."""


class ConsumerDocument(Document):
    """A person, app or agent of a team."""

    plan: Name | None = None
    """Plan; else the team's."""
    roles: tuple[Name, ...] = ()
    """Roles its keys carry."""
    scopes: tuple[Scope, ...] = ()
    """Scopes its keys carry (RFC 6749 §3.3)."""
    budget: Budgets = ()
    """What it may spend: `{money: 10, per: month}`, or several."""


class TeamDocument(Document):
    """The unit that pays."""

    plan: Name | None = None
    """Plan of consumers that name none."""
    policies: Policies = ()
    """Policies of all its calls, after the plan's."""
    budget: Budgets = ()
    """What it may spend: `{money: 100, per: month}`, or several."""
    consumers: dict[Name, ConsumerDocument] = Field(default_factory=dict)
    """Its people, apps and agents."""


class OrgDocument(Document):
    """A tenant: its teams see nothing of other orgs."""

    budget: Budgets = ()
    """What all of it may spend: `{money: 1000, per: month}`, or several."""
    fiscal_start: FiscalStart = 1
    """Month with which its year begins: its budgets' quarters and years are counted from it."""
    teams: dict[Name, TeamDocument] = Field(default_factory=dict)
    """Its teams."""


class PlanDocument(Document):
    """Named limits that consumers and teams subscribe to."""

    policies: Policies = ()
    """Policies of every call under this plan."""


class Documents(Document):
    """The whole configuration: files merged by kind, named chains expanded, references checked."""

    gateway: GatewayDocument = GatewayDocument()
    """What holds for all three gates."""
    llm: LlmDocument = LlmDocument()
    """The llm gate."""
    mcp: McpDocument = McpDocument()
    """The mcp gate."""
    services: dict[Name, ServiceDocument] = Field(default_factory=dict)
    """APIs behind us."""
    routes: dict[Name, RouteDocument] = Field(default_factory=dict)
    """How they are reached."""
    sections: dict[str, SectionDocument] = Field(default_factory=dict, json_schema_extra=INTERNAL)
    """Listeners of Kubernetes Gateways, by a name that matches refer to; not written."""
    providers: dict[Name, ProviderDocument] = Field(default_factory=dict)
    """LLM vendors; those of ours that a model uses are filled in."""
    models: dict[ModelKey, ModelDocument] = Field(default_factory=dict)
    """The names clients ask for; a name with a star stands for all that fit it."""
    prompts: dict[Name, PromptDocument] = Field(default_factory=dict)
    """Prompts that calls of models ask for by name, in versions."""
    servers: dict[Name, ServerDocument] = Field(default_factory=dict)
    """MCP servers."""
    virtual_servers: dict[Name, VirtualServerDocument] = Field(default_factory=dict)
    """Selections of their tools."""
    orgs: dict[Name, OrgDocument] = Field(default_factory=dict)
    """Who may call and who pays."""
    plans: dict[Name, PlanDocument] = Field(default_factory=dict)
    """Named limits."""
    chargeback: ChargebackDocument = ChargebackDocument()
    """What reports for finance add to the ledger."""
    alerts: AlertsDocument = AlertsDocument()
    """Who is told when a budget is nearly spent."""
    policies: dict[Name, Policies] = Field(default_factory=dict)
    """Named chains; a string in a list of policies stands for one of these."""

    _positions: Mapping[Path, Position] = PrivateAttr(default_factory=lambda: MappingProxyType({}))

    def standing(self, positions: Mapping[Path, Position]) -> "Documents":
        """The same documents, knowing where each of their objects was written."""
        copy = self.model_copy()
        copy._positions = MappingProxyType(dict(positions))  # noqa: SLF001 - its own copy
        return copy

    def position(self, *path: str | int) -> Position | None:
        """Where an object was written; of the nearest object around it that was; None when nowhere."""
        for end in range(len(path), 0, -1):
            found = self._positions.get(path[:end])
            if found is not None:
                return found
        return None

    def origin(self, *path: str | int) -> str:
        """file:line:column of an object; empty when it was written nowhere."""
        found = self.position(*path)
        return "" if found is None else str(found)

    @property
    def speaks_grpc(self) -> bool:
        """Whether a route leads to a gRPC service."""
        spoken = {name for name, service in self.services.items() if service.protocol == "grpc"}
        return bool(spoken) and any(one.service in spoken for route in self.routes.values() for one in route.shares)

    def canonical(self) -> dict[str, Any]:
        """Plain values in one normal form: defaults filled in, no positions, no secret values."""
        plain: dict[str, Any] = msgspec.to_builtins(self.model_dump(), enc_hook=str, order="sorted")
        return plain

    def digest(self) -> str:
        """SHA-256 of the normal form: the same whatever the file names, order, comments and layout."""
        return hashlib.sha256(msgspec.json.encode(self.canonical(), order="sorted")).hexdigest()
