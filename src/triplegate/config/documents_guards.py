"""Guards that others run, as they are written: moderation endpoints, webhooks, Presidio, models as judges."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from triplegate.config.documents_base import Document, Tls
from triplegate.config.types import Address, ModelRef, Name, SecretRef, Size
from triplegate.core.duration import Duration

Word = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
Score = Annotated[float, Field(gt=0, le=1)]
Category = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,23}$")]


class GuardDocument(Document):
    """What every guard has."""

    if TYPE_CHECKING:
        kind: str
    name: Name | None = None
    """Its name in verdicts, records and metrics; its kind where there is none."""
    timeout: Annotated[Duration, Field(le=60)] = 2.0
    """Longest wait for its verdict."""
    on_failure: Literal["closed", "open"] | None = None
    """Without a verdict: refuse (503 guard_unavailable), or let pass and say so. `closed` unless it only annotates."""
    remember: Annotated[Duration, Field(le=86400)] | None = None
    """How long its verdict counts for the same texts of the same team."""
    at_once: Annotated[int, Field(ge=1, le=4096)] = 64
    """Questions under way at once; four times as many may wait."""
    largest: Annotated[Size, Field(ge=1, le=4_194_304)] = 262_144
    """Bytes of all texts of one question; for more it gives no verdict."""

    @property
    def label(self) -> str:
        """Its name in verdicts."""
        return self.name or self.kind

    @property
    def changes(self) -> bool:
        """Whether it may block or mask; what a webhook may do it says itself."""
        return getattr(self, "action", "") != "annotate"

    @property
    def closed(self) -> bool:
        """Whether nothing passes without its verdict."""
        return self.on_failure == "closed" if self.on_failure is not None else self.changes


class PlacedGuard(GuardDocument):
    """One that is called at an address of its own."""

    key: SecretRef | None = None
    """Shown to it as a bearer token."""
    tls: Tls | None = None
    """TLS settings of an https address."""


class ModerationGuard(PlacedGuard):
    """An endpoint in the form of OpenAI's moderations, or a model of ours that has one."""

    kind: Literal["moderation"]
    """Which guard this is."""
    url: Address | None = None
    """The endpoint: https://api.openai.com/v1/moderations."""
    vendor_model: Word | None = None
    """Model that is named to the endpoint; its own default where there is none."""
    model: ModelRef | None = None
    """Instead of `url`: a model of the llm gate, asked on behalf of the caller."""
    thresholds: Annotated[dict[Word, Annotated[float, Field(gt=0, le=1)]], Field(max_length=64)] = Field(
        default_factory=dict
    )
    """Categories that count, each from its score on."""
    categories: Annotated[tuple[Word, ...], Field(max_length=64)] = ()
    """Without thresholds: flagged categories that count; all of them where none is named."""
    action: Literal["block", "annotate"] = "block"
    """What becomes of a find."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.thresholds and self.categories:
            raise ValueError("thresholds name their categories: leave categories out")
        if (self.url is None) == (self.model is None):
            raise ValueError("say url, or model for one of ours")
        if self.url is None and (self.key, self.tls, self.vendor_model) != (None, None, None):
            raise ValueError("key, tls and vendor_model are for a url: a model of ours has its own")
        return self


class WebhookGuard(PlacedGuard):
    """A guard of one's own."""

    kind: Literal["webhook"]
    """Which guard this is."""
    url: Address
    """Where it is asked."""
    secret: SecretRef | None = None
    """Signs every question (Standard Webhooks)."""


class PresidioGuard(PlacedGuard):
    """Presidio's analyzer."""

    kind: Literal["presidio"]
    """Which guard this is."""
    url: Address
    """Where it is; `/analyze` is put behind it."""
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}(-[A-Za-z]{2,4})?$")] = "en"
    """Language of the texts."""
    entities: Annotated[tuple[Word, ...], Field(max_length=256)] = ()
    """What it looks for; all that it knows where nothing is named."""
    score: Score = 0.5
    """Least score of a find."""
    action: Literal["block", "mask", "annotate"] = "mask"
    """What becomes of a find."""


class JudgeGuard(GuardDocument):
    """A model of the llm gate that judges by a rule in words, asked on behalf of the caller."""

    kind: Literal["judge"]
    """Which guard this is."""
    model: ModelRef
    """The model."""
    rule: Annotated[str, StringConstraints(min_length=1, max_length=8192, strip_whitespace=True)]
    """What must not be said, in words for the model."""
    categories: Annotated[tuple[Category, ...], Field(max_length=32)] = ()
    """Names that it may give to what breaks the rule."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    """null for models that take none."""
    action: Literal["block", "annotate"] = "block"
    """What becomes of a find."""


AnyGuard = Annotated[ModerationGuard | WebhookGuard | PresidioGuard | JudgeGuard, Field(discriminator="kind")]
"""One of them."""
