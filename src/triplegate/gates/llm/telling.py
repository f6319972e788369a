"""Refusals of the llm gate in the words of the dialect that was called: a body with its fields, or an in-band event."""

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers, Inbound, OneFrame, Reply
from triplegate.wire import anthropic_errors, openai_errors
from triplegate.wire.ratelimit import anthropic_fields, openai_fields, plan_of, retry_after, retry_after_ms

ANTHROPIC = "anthropic"
"""The one family whose errors differ from OpenAI's."""


def body(refusal: Refusal, family: str, exchange: Exchange) -> bytes:
    """The error object."""
    if family == ANTHROPIC:
        return anthropic_errors.body(refusal, exchange.request_id.decode("latin-1"))
    return openai_errors.body(refusal)


def standings(exchange: Exchange, family: str) -> Headers:
    """How the caller's limits stand, in the vendor's own fields."""
    if family == ANTHROPIC:
        return anthropic_fields(exchange.standings, exchange.house.clock.wall())
    told = exchange.standings
    plan = exchange.plan = plan_of(told) if told else None
    return openai_fields(told, plan)


def refused(exchange: Exchange, refusal: Refusal, family: str) -> Reply:
    """The reply that says so."""
    content = body(refusal, family, exchange)
    headers = [
        *refusal.headers,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode("ascii")),
        (b"server", b"triplegate"),
    ]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", retry_after(refusal.retry_after, exchange.standings)))
        if family != ANTHROPIC:
            headers.append((b"retry-after-ms", retry_after_ms(refusal.retry_after, exchange.standings)))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="triplegate"'))
    headers += standings(exchange, family)
    return Reply(refusal.status, headers, OneFrame(content), source="local")


def only(inbound: Inbound, *methods: str) -> Refusal | None:
    """What is said of a path that is called by another method than these; None: it is one of them."""
    if inbound.method in methods:
        return None
    names = ", ".join(methods)
    return Refusal("method_not_supported", f"This path takes {names}.", headers=[(b"allow", names.encode("ascii"))])
