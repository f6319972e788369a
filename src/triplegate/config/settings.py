"""Settings: read once at start, from the top of `triplegate.yaml` and from TRIPLEGATE_* variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.environment import environment as process_environment
from triplegate.config.environment import lay_over, node_name
from triplegate.config.faults import Findings, Position
from triplegate.config.listeners import Listeners, is_loopback, network
from triplegate.config.merge import SETTINGS_FILE, read_file
from triplegate.config.reader import Node
from triplegate.config.secrets import FileSecrets, Secret
from triplegate.config.types import Address, Name, Pause, Size, is_reference
from triplegate.config.validate import note_errors
from triplegate.core.duration import Duration, seconds
from triplegate.wire.pattern import pattern


class State(Document):
    """Where limits, caches and sessions are counted."""

    kind: Literal["memory", "redis", "sql"] = "memory"
    """memory: this process; redis: shared by all; sql: budgets shared through the store, the rest each process's own
    share."""
    redis: Secret | None = None
    """redis:// URL of the shared state."""


Age = Annotated[
    float, BeforeValidator(seconds, json_schema_input_type=str | float), Field(ge=86_400, examples=["90d", "400d"])
]
"""A day or more."""


class Keep(Document):
    """For how long the ledger keeps what; null = for ever. Sums of days are kept for ever."""

    records: Age | None = 400 * 86_400.0
    """Rows of calls; their attempts go with them."""
    attempts: Age | None = 90 * 86_400.0
    """Rows of attempts. Only what has them can be charged again by other prices."""
    minutes: Age | None = 30 * 86_400.0
    """Sums by minute of unpriced calls; beyond it only whole hours are told apart."""
    hours: Age | None = 800 * 86_400.0
    """Sums by hour; beyond it only whole days are told apart."""


class Store(Document):
    """Where records, keys and audit are kept."""

    url: Secret | None = None
    """SQLAlchemy URL; a SQLite file in the state directory when absent."""
    keep: Keep = Keep()
    """What of the ledger is deleted when, a few rows at a time."""


class Spool(Document):
    """Where records wait on disk until the store has them."""

    directory: str | None = None
    """Its directory; `spool` in the state directory when absent."""
    max_bytes: Size = 256 << 20
    """Most bytes of billed calls; from 4/5 of it new ones are refused. Unpriced calls have a quarter of it besides."""


def _expression(text: str) -> str:
    pattern(text)
    return text


class Telemetry(Document):
    """What is told to the outside."""

    otlp: Address | None = None
    """OTLP/HTTP endpoint for spans and metrics; none = nothing is exported."""
    sample: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of calls that get a span, where the caller did not decide."""
    content: bool = False
    """Let sampled spans of model calls carry what was asked and answered, redacted, up to 64 KiB each."""
    redact: Annotated[tuple[Annotated[str, AfterValidator(_expression)], ...], Field(max_length=64)] = ()
    """Expressions (RE2) of what is taken out of it, besides secrets, mail addresses, card and account numbers."""
    access_log: str = "stdout"
    """stdout, off, or a file; relative: to the configuration."""


class Limits(Document):
    """Bounds of what a client may send, and how slowly (reliability: edge defaults)."""

    uri: Size = 8 << 10
    """Request target; above it 414."""
    headers: Size = 64 << 10
    """Header block; above it 431."""
    fields: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Header fields; above it 431."""
    body: Size = 10 << 20
    """Request body; above it 413."""
    header_timeout: Duration = 10.0
    """Until the whole head has come."""
    body_idle: Duration = 30.0
    """Between two pieces of a request body."""
    body_rate: Size = 240
    """Least bytes a second of a request body."""
    write_idle: Duration = 60.0
    """How long a client may take nothing of its reply."""
    connections: Annotated[int, Field(ge=1)] = 16_384
    """Connections of a listener."""
    connections_per_address: Annotated[int, Field(ge=1)] = 1_024
    """Connections of one client address, where a listener has tls, proxy_protocol or http2."""
    exchanges: Annotated[int, Field(ge=1)] = 4_096
    """Calls under way at once; above it 503."""
    recheck: Duration = 60.0
    """Between two looks whether the caller of a WebSocket, gRPC stream, event stream or streamed answer may still be
    here; changes of keys and of the configuration are looked at when they come."""
    interim: Duration = 60.0
    """Calls that take longer than this are booked in parts, one each time it has passed."""


class Drain(Document):
    """How the process ends."""

    grace: Pause = 30.0
    """How long calls under way may take to end."""


def _store(value: Any) -> Any:
    return {"url": value} if isinstance(value, (str, Secret)) else value


def _state(value: Any) -> Any:
    if isinstance(value, dict) and "redis" in value and "kind" not in value:
        return {**value, "kind": "redis"}
    return {"kind": value} if isinstance(value, str) else value


class Settings(Document):
    """What the process needs before any document: listeners, state, store, telemetry, bounds."""

    listeners: Listeners = Listeners()
    """What the process listens on."""
    state: Annotated[State, BeforeValidator(_state, json_schema_input_type=Literal["memory", "sql"] | State)] = State()
    """`memory`, `{redis: url}`, or `sql`."""
    store: Annotated[Store, BeforeValidator(_store, json_schema_input_type=str | Store)] = Store()
    """`{url: …}`, or the URL alone."""
    spool: Spool = Spool()
    """The spool of the ledger."""
    telemetry: Telemetry = Telemetry()
    """Spans, metrics, access log."""
    pepper: Secret | None = None
    """env: or file: reference of what keys are hashed with; a file in the state directory when absent."""
    node: Name = Field(default_factory=node_name)
    """This node's name in records."""
    nodes: Annotated[int, Field(ge=1, le=1024)] = 1
    """How many nodes share the state: a local share of a limit is 1/nodes."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes of this node."""
    documents: Literal["files"] = "files"
    """Where the truth about documents is: in the files of this directory."""
    trusted_proxies: tuple[Annotated[str, AfterValidator(network)], ...] = ()
    """Networks whose X-Forwarded-* are believed."""
    limits: Limits = Limits()
    """Bounds of requests."""
    drain: Drain = Drain()
    """How the process ends."""
    start_degraded: bool = False
    """Start although state or store cannot be reached."""
    allow_local_limits: bool = False
    """Let several workers or nodes count limits each for itself."""
    allow_private: bool = False
    """Let off-path calls (JWKS, webhooks) go to private addresses."""
    insecure_admin: bool = False
    """Let the control listener be reachable from other machines without TLS."""
    state_dir: str = ".triplegate"
    """Directory of the process's own files; relative: to the configuration."""
    directory: str = Field(default=".", exclude=True)
    """The configuration's directory; not written, but known."""

    @model_validator(mode="after")
    def _safe(self) -> "Settings":
        control = self.listeners.control.host
        if not is_loopback(control) and not self.insecure_admin:
            raise ValueError(f"the control listener on {control} is reachable from outside: say insecure_admin: true")
        if (self.state.kind == "redis") != (self.state.redis is not None):
            raise ValueError("state is either memory, sql, or {redis: env:REDIS_URL}")
        if self.workers * self.nodes > 1 and self.state.kind == "memory" and not self.allow_local_limits:
            raise ValueError("several workers or nodes need shared state (redis), or allow_local_limits: true")
        if self.nodes > 1 and self.state.kind == "sql" and self._own_file:
            raise ValueError("several nodes with state: sql need a store that they share: PostgreSQL")
        if self.nodes > 1 and self.pepper is None:
            raise ValueError("several nodes need one pepper: write pepper: env:NAME or file:/path")
        return self

    @property
    def _own_file(self) -> bool:
        return self.store.url is None or not self.store.url.reveal().startswith("postgres")

    @property
    def state_path(self) -> Path:
        """The state directory, absolute."""
        return (Path(self.directory) / self.state_dir).absolute()

    @property
    def spool_path(self) -> Path:
        """The spool's directory, absolute."""
        if self.spool.directory is None:
            return self.state_path / "spool"
        return (Path(self.directory) / self.spool.directory).absolute()

    @property
    def store_url(self) -> Secret:
        """The store's SQLAlchemy URL."""
        return self.store.url or Secret(f"sqlite+aiosqlite:///{self.state_path / 'triplegate.db'}")


SETTING_NAMES = frozenset(Settings.model_fields) - {"directory"}


def settings_of(
    node: Node, source: Path, findings: Findings, environment: Mapping[str, str] | None = None
) -> Settings | None:
    """Settings out of their part of the tree and the environment; None when they are wrong, which is noted."""
    base = source if source.is_dir() else source.parent
    variables = process_environment() if environment is None else environment
    lay_over(node, variables, findings)
    plain = node.plain()
    secrets = FileSecrets(base, variables)
    for path in (("pepper",), ("store",), ("store", "url"), ("state", "redis")):
        _resolve(plain, node, path, secrets, findings)
    try:
        return Settings.model_validate({**plain, "directory": str(base)})
    except ValidationError as error:
        note_errors(error, Settings, node, findings)
        return None


def _resolve(
    plain: dict[str, Any], node: Node, path: tuple[str, ...], secrets: FileSecrets, findings: Findings
) -> None:
    """Put the secret in the place of its reference: what settings name must be there at start."""
    holder: Any = plain
    for part in path[:-1]:
        holder = holder.get(part) if isinstance(holder, dict) else None
    value = holder.get(path[-1]) if isinstance(holder, dict) else None
    if not isinstance(value, str):
        return
    if not is_reference(value):
        written = _written(node, path)
        if path == ("pepper",) and not written.file.startswith("$"):
            findings.fault(written, "pepper: must be a reference (env:NAME or file:/path)", secret=True)
        holder[path[-1]] = Secret(value)
        return
    found = secrets.read(value)
    if found is None:
        findings.fault(_written(node, path), f"{path[-1]}: nothing at '{value}'")
    holder[path[-1]] = Secret(found or "")


def _written(node: Node, path: tuple[str, ...]) -> Position:
    for part in path:
        node = node.child(part) or node
    return node.place


def restart_needed(before: Settings, after: Settings) -> tuple[str, ...]:
    """Settings that were edited while the process runs: they are in force only after the next start."""
    names = sorted(Settings.model_fields)
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def load_settings(source: Path | str, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings alone, whatever is wrong with the documents. Raises ConfigError.

    A configuration without `triplegate.yaml` has the defaults and the environment.
    """
    findings, path = Findings(), Path(source)
    file = path / SETTINGS_FILE if path.is_dir() else path
    node = Node({}, Position(file.name, 1, 1))
    for root in read_file(file, file.name, findings) if file.exists() else ():
        if isinstance(root.value, dict):
            node.value.update((name, one) for name, one in root.value.items() if name in SETTING_NAMES)
    settings = settings_of(node, path, findings, environment)
    findings.raise_faults()
    assert settings is not None
    return settings
