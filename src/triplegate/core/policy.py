"""A policy is a decision as written: one pydantic class that is its own configuration, documentation and behaviour."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

import msgspec
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, TypeAdapter

from triplegate.core.admission import Claim
from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal

if TYPE_CHECKING:
    from triplegate.core.exchange import Exchange, Step
    from triplegate.core.outgoing import Outgoing
    from triplegate.core.ports import Kit


class Stage(IntEnum):
    """Where in the chain a policy runs: stage first, written order inside a stage."""

    RECORD = 0  # outermost: what is refused below still leaves a trace
    EDGE = 1  # by head only, before anyone is known: preflight, redirects, address lists
    IDENTIFY = 2  # the last of the outer chain: 401 costs no body
    PERMIT = 3  # access, scopes, pins, contract: may this caller do this at all?
    ADMIT = 4  # limits and budgets, folded into one store call: after permission, so that nobody pays for a 403
    SCREEN = 5  # guardrails: outside RECALL, so that cached answers are screened too
    RECALL = 6  # cache: outside SHAPE, so that what is stored is the shaped reply
    SHAPE = 7  # transforms, the last to touch what goes out
    DISPATCH = 8  # how a call is sent: what `tune` sets for the attempts, and who may be under way at once


OUTER = frozenset({Stage.RECORD, Stage.EDGE, Stage.IDENTIFY})
Reads = Literal["none", "call", "whole"]
ReadsReply = Literal["none", "tap", "events", "whole"]
Form = Literal["claims", "decide", "build", "tune"]
_FORMS: tuple[Form, ...] = ("claims", "decide", "build", "tune")


class BreakerRules(msgspec.Struct, frozen=True, gc=False):
    """When an upstream is left alone, and how it is found out that it is back; times in seconds."""

    failures: int | None = 5
    """Failures in a row that open it."""
    open_for: float = 5.0
    """Until the first probe; doubled with each round of failed ones, up to `longest`."""
    longest: float = 60.0
    rate: float | None = None
    """Share of failed calls in the window that opens it."""
    slow: float | None = None
    """A call that takes longer until its head is a slow one."""
    slow_rate: float = 0.5
    """Share of slow calls in the window that opens it."""
    window: float = 10.0
    volume: int = 20
    """Calls in the window below which shares say nothing."""
    permits: int = 1
    """Probes at once while it is half-open; so many good ones close it."""
    shared: bool = False
    """Tell the other workers and nodes when it opens and closes."""


class HedgeRules(msgspec.Struct, frozen=True, gc=False):
    """When a second attempt is begun beside one that has not been answered."""

    after: float | None = None
    """Seconds; None: what 95 of 100 calls took until now."""
    least: float = 0.005
    """Shortest wait that the observed times may lead to."""
    budget: float = 0.05
    """Share of calls that may be hedged."""


class Dispatch(msgspec.Struct):
    """How the attempts engine tries: folded once from the `tune` policies of a chain. Times in seconds."""

    connect: float = 1.0
    first_byte: float = 60.0
    idle: float = 60.0
    total: float = 600.0
    stream: float = 0.0
    """Longest life of a stream of events, where that is more than `total`."""
    """The whole call: all attempts, waits and the reply."""
    attempt: float | None = None
    """One attempt with its reply; None: as long as the whole call may take."""
    retries: int = 1
    """Extra tries at the same or another endpoint, where that is safe."""
    retry_on: frozenset[int] = frozenset({502, 503, 504})
    retry_kinds: frozenset[str] = frozenset()
    """Error classes after which another target is asked whatever the status, where the gate knows them."""
    retry_budget: float = 0.1
    """Share of an upstream's calls that may be retries."""
    never_retried: frozenset[str] = frozenset()
    """Codes of failures that are not tried again, however safe that is."""
    retry_methods: frozenset[str] = frozenset()
    """Methods that may be repeated besides the idempotent ones."""
    retry_keyed: bool = False
    """A call with an Idempotency-Key may be repeated whatever its method."""
    back_off: tuple[float, float] = (0.025, 2.0)
    """Wait before a retry: doubled with each failure from the first, up to the second, of which a random part."""
    retry_after: float = 60.0
    """Longest wait that an upstream may ask for; more ends the tries."""
    breaker: BreakerRules | None = None
    hedge: HedgeRules | None = None
    tuned: dict[str, Any] = {}
    """What other policies leave for upstreams, by tag."""


class Policy(BaseModel):
    """Exactly one of four forms: `claims` (ADMIT), `decide`, `build`, `tune` (DISPATCH)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    use: str
    """Which policy this is."""
    name: str | None = None
    """A name of its own: state and buckets are kept by it over reloads."""
    mode: Literal["enforce", "observe"] = "enforce"
    """observe: decide, count and show, but let the call pass."""

    stage: ClassVar[Stage]
    form: ClassVar[Form]
    security: ClassVar[bool] = False
    """A security policy that cannot decide answers 503; it never lets pass."""
    reads_call: ClassVar[Reads] = "none"
    reads_reply: ClassVar[ReadsReply] = "none"
    gates: ClassVar[frozenset[str]] = frozenset({"api", "llm", "mcp"})
    """Gates it makes sense on."""
    per_backend: ClassVar[bool] = False
    """It may stand on one service of a route, too: then `shape` is called for each attempt there."""
    chooses: ClassVar[bool] = False
    """The service that it names may get the call itself: that service's own policies hold then, too."""
    answers: ClassVar[bool] = False
    """It answers every call itself: a route with it needs no service."""

    _label: str = PrivateAttr(default="")
    _origin: str = PrivateAttr(default="")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Know the form by the one method the subclass brings."""
        super().__pydantic_init_subclass__(**kwargs)
        forms = [form for form in _FORMS if getattr(cls, form) is not getattr(Policy, form)]
        if len(forms) == 1:
            cls.form = forms[0]
        elif forms or "stage" in cls.__dict__:
            raise TypeError(f"{cls.__name__} must have exactly one of {', '.join(_FORMS)}; it has {forms}")

    @cached_property
    def label(self) -> str:
        """Name, else owner/tag (#n for repeats): the key of its state and buckets, stable over reloads."""
        return self._label or self.name or self.use

    @property
    def origin(self) -> str:
        """file:line:column where it was written."""
        return self._origin

    def placed(self, label: str, origin: str) -> "Policy":
        """This policy as it stands in one place of the configuration."""
        copy = self.model_copy()
        copy.__dict__.pop("label", None)
        copy._label, copy._origin = self.name or label, origin  # noqa: SLF001 - its own copy
        return copy

    def status(self, kit: "Kit") -> str:
        """Empty when it can decide; else what is missing (a secret, a key set)."""
        return ""

    def prepare(self, kit: "Kit") -> None:
        """Have made, by `kit.state`, what takes long to load: that is loaded before the first call comes."""

    def strange_on(self, gate: str) -> str:
        """Why it makes no sense on that gate as it is written; empty when it does."""
        return "" if gate in self.gates else "only on " + ", ".join(sorted(self.gates))

    def holds_on(self, gate: str) -> bool:
        """Whether it, or a part of it, holds on that gate where it stands for several: a plan's, a team's."""
        return not self.strange_on(gate)

    @property
    def needed_scopes(self) -> frozenset[str]:
        """Scopes without which it lets nobody pass: a challenge names those of the whole chain at once."""
        return frozenset()

    @property
    def each_attempt(self) -> bool:
        """A policy of the `claims` form that counts attempts, wherever it stands: it claims at each target."""
        return False

    def doubts(self) -> Iterable[str]:
        """What may not be meant as it is written; `check` warns of it."""
        return ()

    # the four forms -----------------------------------------------------------------------------------------
    def claims(self, exchange: "Exchange", target: Target | None) -> Iterable[Claim]:
        """Claims of a call (`target` None) or of one attempt at `target`."""
        raise NotImplementedError

    def buckets(self, subject: str) -> Iterable[Claim]:
        """The buckets of one subject of a limit, for whoever looks how they stand; amounts mean nothing."""
        return ()

    def decide(self, exchange: "Exchange") -> Refusal | None:
        """A refusal, or None to let the call pass; must not wait."""
        raise NotImplementedError

    def build(self, kit: "Kit") -> "Step":
        """A step that wraps the rest of the chain; called once per chain, not per call."""
        raise NotImplementedError

    def shape(self, outgoing: "Outgoing", exchange: "Exchange") -> None:
        """Change what goes out (`per_backend` policies). Raises Refusal."""
        raise NotImplementedError

    def tune(self, dispatch: Dispatch) -> None:
        """Set what the attempts engine reads."""
        raise NotImplementedError


class Registry:
    """Which policies exist: tag → class. `config` validates documents through it without importing them."""

    __slots__ = ("_document_type", "policies")

    def __init__(self, policies: Iterable[type[Policy]]) -> None:
        self.policies: Mapping[str, type[Policy]] = {
            cls.model_fields["use"].default: cls for cls in sorted(policies, key=lambda cls: cls.__name__)
        }
        self._document_type: TypeAdapter[Policy] | None = None

    def document_type(self) -> TypeAdapter[Policy]:
        """The tagged union on `use`, for validation and for JSON Schema."""
        if self._document_type is None:
            classes = tuple(self.policies.values())
            union: Any = Union[classes]  # noqa: UP007 - built at run time
            tagged: Any = Annotated[union, Field(discriminator="use")] if len(classes) > 1 else union
            self._document_type = TypeAdapter(tagged)
        return self._document_type
