"""A deployment as it is called: a provider's address, one credential, one model there."""

from typing import get_args

from triplegate.config.documents_llm import DeploymentDocument, ProviderDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain, tuned
from triplegate.core.http import Body, BytesBody, Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.gates.llm.asking import Asked, Speech
from triplegate.gates.llm.beside import Beside
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.credentials import Credential
from triplegate.gates.llm.dialects import CODECS, FAMILIES, spoken
from triplegate.gates.llm.health import Health
from triplegate.gates.llm.pricing import ByName
from triplegate.gates.llm.stars import Pattern
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.hedge import Hedging
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.reach import reach
from triplegate.upstreams.retries import Spares
from triplegate.upstreams.sharing import Sharing
from triplegate.upstreams.websocket import Bounds, open_websocket
from triplegate.wire.neutral_events import ErrorClass

RETRY_ON = frozenset({401, 402, 403, 404, 408, 429, 500, 502, 503, 504, 529})
"""Statuses of a provider after which another deployment may do better (llm.md §5.1)."""
RETRY_KINDS = frozenset(get_args(ErrorClass)) - {"client"}
"""Error classes for which the same holds, whatever the status."""
COUNTED = frozenset({"least_busy", "latency", "cost"})
"""Strategies that go by what is under way, how fast it was or how long answers are."""
_LACKS = {
    "upstream_credentials": "The deployment {} has no credential.",
    "price_unknown": "The price of {} is unknown, and calls of unknown price are blocked here.",
}


class Deployment:
    """What `Target.wiring` is at the llm gate."""

    __slots__ = (
        "_base",
        "_breaker",
        "_clock",
        "_credential",
        "_fixed",
        "_label",
        "_path",
        "_pool",
        "_sharing",
        "_stream_type",
        "_tuned",
        "_tunes",
        "_without",
        "alone",
        "by_name",
        "health",
        "lacks",
        "model",
        "pattern",
        "provider",
        "reference",
        "spares",
        "speech",
        "supervisor",
        "window",
    )

    def __init__(
        self, written: DeploymentDocument, provider: ProviderDocument, kit: Kit, group: str, strategy: str = ""
    ) -> None:
        self.provider = written.provider
        self.model = written.model
        self.pattern: Pattern | None = None
        """With a star in `model`: the pattern of clients' names that says what it stands for."""
        self.by_name: ByName | None = None
        """With a star in `model`: the price of each."""
        self.reference = written.key or provider.key or ""
        known = provider.listed(written.model)
        self.window = (known.context if known is not None else None) or 0
        """Most tokens its model can hold; 0: nobody said."""
        self.speech = Speech(
            FAMILIES[provider.dialect],
            CODECS.get(provider.dialect),
            spoken(provider),
            provider.quirks,
            provider.on_loss,
            provider.first_token,
            provider.head_hold,
            Beside.kept(kit),
        )
        reached = reach(provider.base_url, provider.tls, provider.connections, kit)
        self._pool: Pool = reached.pool
        self._path = reached.base
        self._base = reached.dispatch(provider.waits)
        self._base.retry_on, self._base.retry_kinds = RETRY_ON, RETRY_KINDS
        self._tunes = tuple(policy for policy in provider.policies + written.policies if policy.form == "tune")
        self._tuned: dict[Chain, Dispatch] = {}
        codec = self.speech.codec
        self._stream_type = codec.stream_type if codec is not None else b"text/event-stream"
        self._label = label = f"deployment:{written.provider}/{written.model}/{self.reference}"
        self._sharing = Sharing.kept(kit)
        self._breaker = kit.state(Breaker, label, Breaker)
        self.spares = kit.state(Spares, label, lambda: Spares(hedging=Hedging(kit.supervisor, kit.clock.now)))
        self._clock = kit.clock
        self.supervisor = kit.supervisor
        self.health = Health(
            kit,
            f"{written.provider}:{self.reference or written.model}",
            written.model,
            group,
            counted=strategy in COUNTED,
            watched=strategy == "quota",
        )
        self._without = ""
        self.alone = True
        """Other workers and nodes need not hear of its cooldowns, or do already."""
        self.lacks = "upstream_credentials"
        """Code of the refusal of such calls."""
        self._credential = Credential(
            provider.auth, self.reference or None, kit.secrets, kit.clock.now, self.health.key.well, kit.clock.wall
        )
        self._fixed = self._headers(provider, kit)

    @property
    def missing(self) -> str:
        """Why it cannot be called, such as a credential that is not there; empty when it can."""
        return self._without or self._credential.missing

    def model_for(self, name: str) -> str:
        """The vendor's model for a client's name."""
        if self.pattern is None:
            return self.model
        return self.model.replace("*", self.pattern.star(name) or "")

    def block(self, why: str, code: str) -> None:
        """Never call it; calls are refused with this code."""
        self._without, self.lacks = why, code

    def _headers(self, provider: ProviderDocument, kit: Kit) -> Headers:
        """Everything a call there carries whoever makes it; the client's own credentials never do."""
        headers: Headers = [
            (b"host", self._pool.origin.authority),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"triplegate"),
        ]
        for name, value in provider.headers.items():
            headers.append((name.encode("ascii"), self._value(value, kit)))
        return headers

    def _value(self, value: str, kit: Kit) -> bytes:
        if value.startswith(("env:", "file:", "store:")):
            read = kit.secrets.read(value)
            if read is None:
                self._without = f"nothing at {value}"
            return (read or "").encode()
        return value.encode("latin-1")

    def dispatch(self, chain: Chain) -> Dispatch:
        """The provider's times, with what the chain's policies say on top; made once per chain."""
        found = self._tuned.get(chain)
        if found is None:
            found = self._tuned[chain] = tuned(self._base, chain, self._tunes)
            found.retry_on |= RETRY_ON  # a retry policy adds statuses; fallback needs these
            if found.breaker is not None and found.breaker.shared:
                self._sharing.join(self._label, self._breaker)
        return found

    async def send(self, exchange: Exchange, attempt: Attempt, call: LlmCall, asked: Asked, chain: Chain) -> Reply:
        """One try at what was `asked`. Raises Refusal upstream_credentials, upstream_open."""
        dispatch, clock = self.dispatch(chain), self._clock
        now = clock.now()
        self._check(dispatch, now)
        headers = [
            *self._fixed,
            (b"content-type", asked.content_type),
            (b"accept", self._accept(call)),
            (b"x-request-id", exchange.request_id),
            (b"traceparent", exchange.trace),
        ]
        if self._credential.line is not None:
            headers.append(self._credential.line)
        elif self._credential.signer is not None:
            headers += self._credential.signer(asked.method, self._path + asked.path, headers, _content(asked.body))
        attempt.credential_id = self.reference
        self.health.begin(exchange, attempt, call.size // 4, call.most_output, now)
        reply = await self._pool.send(
            asked.method,
            self._path + asked.path,
            headers,
            asked.body,
            dispatch,
            deadline=exchange.deadline,
        )
        self.health.heard(reply.headers, clock.now(), clock.wall())
        return reply

    async def open(
        self, exchange: Exchange, attempt: Attempt, path: bytes, beta: bytes | None, bounds: Bounds, chain: Chain
    ) -> Reply:
        """One try at a WebSocket; of the client's fields only `beta` goes along. Raises as `send`."""
        dispatch, clock = self.dispatch(chain), self._clock
        now = clock.now()
        self._check(dispatch, now)
        headers = [*self._fixed, (b"x-request-id", exchange.request_id), (b"traceparent", exchange.trace)]
        if self._credential.signer is not None:
            raise Refusal("unsupported_endpoint", "Calls to this provider are signed, which a WebSocket's are not.")
        if self._credential.line is not None:
            headers.append(self._credential.line)
        if beta is not None and all(name != b"openai-beta" for name, _ in headers):
            headers.append((b"openai-beta", beta))
        attempt.credential_id = self.reference
        self.health.begin(exchange, attempt, 0, 0, now)
        reply = await open_websocket(self._pool, self._path + path, headers, dispatch, bounds, exchange.deadline)
        self.health.heard(reply.headers, clock.now(), clock.wall())
        return reply

    def _check(self, dispatch: Dispatch, now: float) -> None:
        """Raise the Refusal for which it may not be called now."""
        if dispatch.breaker is not None:
            self._breaker.check(now, dispatch.breaker, self.model)
        unable = self.unable()
        if unable is not None:
            raise unable
        if not self.alone:
            self.alone = True
            self.health.share(self._sharing)

    def _accept(self, call: LlmCall) -> bytes:
        if call.streamed:
            return self._stream_type
        endpoint = call.endpoint
        return b"*/*" if endpoint.any_reply or (endpoint.form and endpoint.relay) else b"application/json"

    def unable(self) -> Refusal | None:
        """Why it cannot be called, whatever the call."""
        missing = self.missing
        return Refusal(self.lacks, _LACKS[self.lacks].format(self.model), reason=missing) if missing else None

    def report(self, attempt: Attempt, chain: Chain) -> None:
        """Let breaker and health know how an attempt went; a key that was replaced meanwhile is not to blame."""
        rules, now = self.dispatch(chain).breaker, self._clock.now()
        if rules is not None:
            self._breaker.note(attempt, now, rules)
        self.health.report(attempt, now)
        if attempt.error_class == "credential":
            self._credential.again()


def _content(body: Body) -> bytes:
    """What is signed with the call. Raises Refusal unsupported_endpoint for what is not here as a whole."""
    if not isinstance(body, BytesBody):
        raise Refusal("unsupported_endpoint", "A body that is passed on as it comes cannot be signed.")
    return body.content
