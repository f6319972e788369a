"""How a model's calls are spread over its deployments, and what they may be copied to: parts of its document."""

from typing import Annotated, Literal

from pydantic import Field

from triplegate.config.documents_base import Document
from triplegate.config.types import Dollars, HeaderName, ModelName, SecretRef

Strategy = Literal["weighted", "priority", "least_busy", "latency", "cost", "quota", "sticky"]


class StickyDocument(Document):
    """What ties calls to a deployment."""

    by: Literal["conversation", "key", "end_user"] = "conversation"
    """The conversation's first messages, the caller's key, or the call's own end user."""
    header: HeaderName | None = None
    """The value of this header field, instead of `by`."""


class KeyDocument(Document):
    """One of several credentials of a deployment."""

    key: SecretRef
    """The credential."""
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    """Its share of the deployment's calls; 0 gets nothing."""


class FallbackOnDocument(Document):
    """Models for calls that a provider refused for what is in them."""

    context_window: Annotated[tuple[ModelName, ...], Field(max_length=16)] = ()
    """Tried, before `fallback`, when the request is larger than the model can hold; smaller models are left out."""
    content_policy: Annotated[tuple[ModelName, ...], Field(max_length=16)] = ()
    """Tried, and nothing else is, when a content policy forbids the request."""


class CanaryDocument(Document):
    """A model that gets a share of another one's calls."""

    model: ModelName
    """It answers these calls; when it fails, the model's own deployments do."""
    percent: Annotated[float, Field(gt=0, le=100)]
    """Share of the consumers, or of the calls."""
    by: Literal["consumer", "call"] = "consumer"
    """A consumer stays on one side, or each call is drawn."""


class ShadowDocument(Document):
    """A model that gets copies of calls; its answers are counted and thrown away."""

    model: ModelName
    """Where copies go: one of its deployments that can be called."""
    percent: Annotated[float, Field(gt=0, le=100)] = 100.0
    """Share of the calls that are copied."""
    cost: Annotated[Dollars, Field(gt=0)]
    """US dollars that copies may cost in one hour or day; a model whose price is unknown gets none."""
    per: Literal["hour", "day"] = "day"
    """What `cost` is for, in UTC."""
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    """Copies under way at once; more are not sent."""
