"""A deployment as it is called: a provider's address, one credential, one model there."""

from collections.abc import Awaitable

from triplegate.config.documents_llm import DeploymentDocument, ProviderDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain, tuned
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.gates.llm.asking import Asked, Speech
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.dialects import CODECS, FAMILIES, spoken
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.reach import reach
from triplegate.upstreams.retries import Spares
from triplegate.upstreams.sharing import Sharing

RETRY_ON = frozenset({401, 402, 403, 404, 408, 429, 500, 502, 503, 504, 529})
"""Statuses of a provider after which another deployment may do better (llm.md §5.1)."""
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
        "_fixed",
        "_label",
        "_path",
        "_pool",
        "_sharing",
        "_stream_type",
        "_tuned",
        "_tunes",
        "lacks",
        "missing",
        "model",
        "provider",
        "spares",
        "speech",
    )

    def __init__(self, written: DeploymentDocument, provider: ProviderDocument, kit: Kit) -> None:
        self.provider = written.provider
        self.model = written.model
        self.speech = Speech(
            FAMILIES[provider.dialect],
            CODECS.get(provider.dialect),
            spoken(provider),
            provider.quirks,
            provider.on_loss,
            provider.first_token,
            provider.head_hold,
        )
        reached = reach(provider.base_url, provider.tls, provider.connections, kit)
        self._pool: Pool = reached.pool
        self._path = reached.base
        self._base = reached.dispatch(provider.waits)
        self._base.retry_on = RETRY_ON
        self._tunes = tuple(policy for policy in provider.policies + written.policies if policy.form == "tune")
        self._tuned: dict[Chain, Dispatch] = {}
        codec = self.speech.codec
        self._stream_type = codec.stream_type if codec is not None else b"text/event-stream"
        self._label = label = f"deployment:{written.provider}/{written.model}/{written.key or provider.key or ''}"
        self._sharing = Sharing.kept(kit)
        self._breaker = kit.state(Breaker, label, Breaker)
        self.spares = kit.state(Spares, label, Spares)
        self._clock = kit.clock
        self.missing = ""
        """Why it cannot be called, such as a credential that is not there; empty when it can."""
        self.lacks = "upstream_credentials"
        """Code of the refusal of such calls."""
        self._fixed = self._headers(written, provider, kit)

    def _headers(self, written: DeploymentDocument, provider: ProviderDocument, kit: Kit) -> Headers:
        """Everything a call there carries whoever makes it; the client's own credentials never do."""
        headers: Headers = [
            (b"host", self._pool.origin.authority),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"triplegate"),
        ]
        for name, value in provider.headers.items():
            headers.append((name.encode("ascii"), self._value(value, kit)))
        if provider.auth is None:
            return headers
        reference = written.key or provider.key
        secret = kit.secrets.read(reference) if reference is not None else None
        if secret is None:
            self.missing = f"no credential at {reference}" if reference else "no key is configured"
            return headers
        if provider.auth.bearer:
            headers.append((b"authorization", b"Bearer " + secret.encode()))
        elif provider.auth.header is not None:
            headers.append((provider.auth.header.encode("ascii"), secret.encode()))
        return headers

    def _value(self, value: str, kit: Kit) -> bytes:
        if value.startswith(("env:", "file:", "store:")):
            read = kit.secrets.read(value)
            if read is None:
                self.missing = f"nothing at {value}"
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

    def send(self, exchange: Exchange, call: LlmCall, asked: Asked, chain: Chain) -> Awaitable[Reply]:
        """One try at what was `asked`. Raises Refusal upstream_credentials, upstream_open."""
        dispatch = self.dispatch(chain)
        if dispatch.breaker is not None:
            self._breaker.check(self._clock.now(), dispatch.breaker, self.model)
        if self.missing:
            raise Refusal(self.lacks, _LACKS[self.lacks].format(self.model), reason=self.missing)
        headers = [
            *self._fixed,
            (b"content-type", asked.content_type),
            (b"accept", self._accept(call)),
            (b"x-request-id", exchange.request_id),
            (b"traceparent", exchange.trace),
        ]
        return self._pool.send(
            asked.method,
            self._path + asked.path,
            headers,
            asked.body,
            dispatch,
            deadline=exchange.deadline,
        )

    def _accept(self, call: LlmCall) -> bytes:
        if call.streamed:
            return self._stream_type
        return b"*/*" if call.endpoint.any_reply else b"application/json"

    def report(self, attempt: Attempt, chain: Chain) -> None:
        """Let the breaker know how an attempt went."""
        rules = self.dispatch(chain).breaker
        if rules is not None:
            self._breaker.note(attempt, self._clock.now(), rules)
