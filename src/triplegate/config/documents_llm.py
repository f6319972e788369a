"""Documents of the llm gate: providers (vendors) and models (the names clients ask for)."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from triplegate.config.conditions import Condition
from triplegate.config.documents_base import Document, Policies, Reached
from triplegate.config.documents_prices import Rates, UnknownPrice, VendorModelDocument, listed
from triplegate.config.documents_routing import (
    CanaryDocument,
    FallbackOnDocument,
    KeyDocument,
    ShadowDocument,
    StickyDocument,
    Strategy,
)
from triplegate.config.types import (
    Address,
    HeaderName,
    HeaderValue,
    ModelName,
    Name,
    SecretRef,
    TeamRef,
    Worded,
)
from triplegate.core.duration import Duration, seconds

VendorModel = Annotated[str, Worded(r"[\x21-\x7e]+", "visible characters without spaces", longest=256)]
"""A model's name at its vendor."""
Dialect = Literal["openai_chat", "openai_responses", "anthropic_messages", "gemini", "bedrock_converse", "cohere"]
"""The wire of a provider."""


class AwsAuth(Document):
    """An access key of Amazon's: each call is signed with it, and it does not travel itself."""

    region: Annotated[str, Worded(r"[a-z0-9-]+", "a region such as us-east-1", longest=64)]
    """The region that the calls are signed for; the provider's address names it, too."""
    id: SecretRef | None = None
    """Id of the access key, whose secret is `key`. Null: `key` is a JSON object of AccessKeyId, SecretAccessKey and
    maybe SessionToken, as `aws configure export-credentials` writes it."""
    token: SecretRef | None = None
    """Session token of an access key that lives for hours only."""

    @model_validator(mode="after")
    def _token_has_its_id(self) -> "AwsAuth":
        if self.token is not None and self.id is None:
            raise ValueError("token stands beside id only: else the key holds it")
        return self


class ProviderAuth(Document):
    """How the credential travels."""

    bearer: bool = False
    """As `Authorization: Bearer …`."""
    header: HeaderName | None = None
    """As the value of this header."""
    google: bool = False
    """The key is the JSON file of a Google service account: calls carry tokens signed with it, made anew in time."""
    aws: AwsAuth | None = None
    """Calls are signed with an access key of Amazon's."""

    @model_validator(mode="after")
    def _one_way(self) -> "ProviderAuth":
        if self.bearer + self.google + (self.header is not None) + (self.aws is not None) != 1:
            raise ValueError("auth is one of {bearer: true}, {header: name}, {google: true} and {aws: {region: …}}")
        return self


class Quirks(Document):
    """Where a vendor differs from its dialect."""

    stream_usage: bool = True
    """Whether `stream_options.include_usage` may be asked for."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The only name it takes for the output bound; the other is renamed."""
    drop: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Fields of a request it refuses; they are left out."""
    developer: Literal["developer", "system"] = "developer"
    """What the developer's messages are called: `system` where it knows no role of that name."""
    reasoning: Literal["reasoning_content", "reasoning", "none"] | None = None
    """The member of an assistant's message that carries its thoughts back: another's is renamed, or left out (none).
    Null = as the client wrote it."""


Beside = Literal[
    "openai_responses", "completions", "embeddings", "moderations", "images", "audio", "rerank", "realtime"
]
"""Endpoints a provider may serve beside its dialect."""


class ProviderDocument(Reached):
    """An LLM vendor: address, dialect, how to authenticate, models with prices."""

    base_url: Address
    """Address before the dialect's own paths: https://api.openai.com/v1."""
    dialect: Dialect = "openai_chat"
    """The wire it speaks; calls in other dialects are translated to it."""
    speaks: tuple[Beside, ...] | None = None
    """Endpoints it serves besides: their calls pass untranslated. Null = what its dialect implies: of openai_chat all
    but openai_responses, completions and realtime, of cohere rerank, else nothing."""
    on_loss: Literal["drop", "reject"] = "drop"
    """What a translation cannot carry is left out and named in `X-Triplegate-Dropped`, or the call is refused."""
    first_token: Duration = 60.0
    """Longest wait for a stream's first content; then another is tried, or the stream fails once its head is out."""
    head_hold: Duration = 10.0
    """After this wait for the first content the client gets the head; a failure from then on is told in the stream."""
    auth: ProviderAuth | None = ProviderAuth(bearer=True)
    """How the credential travels; null when it takes none."""
    key: SecretRef | None = None
    """Credential of deployments that name none."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=32)
    """Fixed header fields of every call (a version, say)."""
    verified: Literal["recorded", "none"] = "none"
    """recorded: a recording of the vendor's real answers is part of the tests; says only that."""
    models: dict[VendorModel, VendorModelDocument] = Field(default_factory=dict)
    """Its models; one that is not listed may be called, and what it costs is then unknown."""
    prices: Annotated[str, Worded(r"[\x21-\x7e]+", "visible characters without spaces", longest=64)] | None = None
    """Where the prices are from, genai-prices-0.2.3 say: a part of each record's price version."""
    unknown_price: UnknownPrice | None = None
    """What becomes of calls whose price is unknown; null = as the llm gate says."""
    quirks: Quirks = Quirks()
    """Differences from the dialect."""

    @model_validator(mode="after")
    def _key_travels(self) -> "ProviderDocument":
        if self.auth is None and self.key is not None:
            raise ValueError("auth is null, so the key would not be sent: leave out the one or the other")
        return self

    def addresses(self) -> tuple[str, ...]:
        """Where calls go."""
        return (self.base_url,)

    def listed(self, model: str) -> VendorModelDocument | None:
        """What is said of a model, by one of its names."""
        return listed(self.models, model)


class DeploymentDocument(Document):
    """A model at a provider with one credential."""

    provider: Name
    """The vendor."""
    model: VendorModel
    """The model's name there; its star stands for what the star in the name of ours stands for."""
    key: SecretRef | None = None
    """Credential; else the provider's."""
    keys: Annotated[tuple[KeyDocument, ...], Field(max_length=16)] = ()
    """Several credentials: each is a deployment of its own, with its share, its health and its quota group."""
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    """Share among the deployments; 0 gets nothing."""
    tier: Annotated[int, Field(ge=0, le=1000)] = 0
    """Lower ones first: the next tier only gets what this one cannot take."""
    when: Condition | None = None
    """Only calls for which this CEL condition is true go there."""
    name: Name | None = None
    """What records and headers call it; else provider/model."""
    price: Rates | None = None
    """Prices, instead of the provider's for this model."""
    group: Name | None = None
    """Quota group: deployments that share a vendor's own limit; else one credential at one model."""
    policies: Policies = ()
    """Policies of each attempt there."""

    @model_validator(mode="after")
    def _one_way(self) -> "DeploymentDocument":
        if self.keys and self.key is not None:
            raise ValueError("key and keys: write the one or the other")
        if self.keys and not any(one.weight for one in self.keys):
            raise ValueError("at least one key needs a weight above 0")
        if len({one.key for one in self.keys}) < len(self.keys):
            raise ValueError("keys: the same one stands there twice")
        return self


Elsewhere = Literal["refuse", "forward"]
"""What becomes of MCP servers in calls of the Responses API that are none of this gateway's."""


class McpToolsDocument(Document):
    """Tools of type `mcp` in calls of the Responses API: the gateway's own MCP servers, used while it answers."""

    elsewhere: Elsewhere = "refuse"
    """Servers that are none of the gateway's, and those in chats, messages, batches and realtime sessions: the call is
    refused (400), or they are left to the provider."""
    turns: Annotated[int, Field(ge=1, le=128)] = 16
    """How often the model is asked for one response; the last time without tools."""
    calls: Annotated[int, Field(ge=1, le=1024)] = 64
    """Calls of tools in one response; a client's `max_tool_calls` may say less."""
    within: Duration = 600.0
    """Longest time for one response."""
    keep: Annotated[float, BeforeValidator(seconds, json_schema_input_type=str | float), Field(ge=0)] = 3600.0
    """How long a response can be gone on from by `previous_response_id`; 0 = not at all."""


class ModelDocument(Document):
    """The name clients ask for: deployments, and models to fall back to."""

    deployments: Annotated[tuple[DeploymentDocument, ...], Field(min_length=1, max_length=64)]
    """Where it is answered."""
    aliases: Annotated[tuple[ModelName, ...], Field(max_length=64)] = ()
    """Other names for it; they are served and not listed."""
    strategy: Strategy = "weighted"
    """Which of the deployments of a tier is chosen; see `docs/models.md`."""
    sticky: StickyDocument = StickyDocument()
    """With `strategy: sticky`: what ties calls to a deployment."""
    fallback: Annotated[tuple[ModelName, ...], Field(max_length=16)] = ()
    """Models tried in this order when all deployments failed."""
    fallback_on: FallbackOnDocument = FallbackOnDocument()
    """Models for calls that a provider refused for what is in them."""
    canary: CanaryDocument | None = None
    """A model that gets a share of these calls first."""
    shadow: ShadowDocument | None = None
    """A model that gets copies of these calls; their answers are counted and thrown away."""
    count: Literal["estimate", "exact"] = "estimate"
    """Input tokens before a call: estimated, or counted with OpenAI's own vocabulary where all deployments have it."""
    mcp_elsewhere: Elsewhere | None = None
    """MCP servers in its calls that the gateway does not serve itself; null = as `llm.mcp_tools` says."""
    owner: TeamRef | None = None
    """Team that answers for it; says only whom to ask."""
    teams: tuple[TeamRef, ...] | None = None
    """Teams that may use it; absent = all."""
    on_gone: Literal["cancel", "drain"] = "cancel"
    """When the client leaves its stream: end the call at once and pay for what came, or read it to its end (≤ 60 s)."""
    policies: Policies = ()
    """Policies of calls to this model."""

    @model_validator(mode="after")
    def _some_weight(self) -> "ModelDocument":
        if not any(one.weight for one in self.deployments):
            raise ValueError("at least one deployment needs a weight above 0")
        return self
