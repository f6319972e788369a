"""The few facts of a finished exchange that telemetry needs, so that nothing keeps its bodies alive."""

import msgspec

from triplegate.control.telemetry.contents import MOST
from triplegate.control.telemetry.genai import Answered, Value, answered, requested
from triplegate.control.telemetry.mcp import far_of, told_of
from triplegate.core.exchange import Exchange
from triplegate.core.record import Record

_VERDICTS = frozenset(
    {"block", "mask", "annotate", "would block", "would mask", "leave out", "failed open", "failed closed"}
)
_MOST_VERDICTS = 16


class Finished(msgspec.Struct, gc=False):
    """A finished exchange as telemetry sees it: its record and what the record does not hold."""

    record: Record
    http_method: str
    host: str
    path: str
    """Canonical path; never the query, which may hold secrets."""
    peer: str
    part: str
    """Route or model that the call resolved to, or the tool it names; empty when there is none."""
    rpc: str = ""
    """JSON-RPC method of an MCP call, as the client named it."""
    policy: str = ""
    """Label of the policy that refused."""
    reason: str = ""
    """Why it was refused: for the log, never for the client."""
    would_refuse: tuple[str, ...] = ()
    """Labels of the policies that only observe and would have refused."""
    guards: tuple[str, ...] = ()
    """What guards decided and of which kinds their finds were: never the finds."""
    prompt: str = ""
    """The prompt that a model call asked for, as name@version."""
    parent: str = ""
    """The client's own traceparent, of sampled exchanges only."""
    answers: tuple[Answered, ...] = ()
    """What each attempt of a model call brought."""
    request: dict[str, Value] = {}
    """What a model call asked for, or an MCP call says of itself; of sampled exchanges only."""
    far: dict[str, Value] = {}
    """What is different on an MCP call's way to its server; of sampled exchanges only."""
    content: tuple[bytes, bytes] | None = None
    """Request and answer, where spans are to carry them and both are short."""


def sampled(traceparent: str) -> bool:
    """Whether the flags of a W3C traceparent ask for a span."""
    return traceparent[-1:] in "13579bdf" and len(traceparent) == 55


def finished_of(exchange: Exchange, record: Record) -> Finished:
    """Take the facts from an exchange that just closed."""
    inbound, refusal = exchange.inbound, exchange.refusal
    facts = Finished(record, inbound.method, inbound.host, inbound.path, inbound.peer.address, exchange.scope[0])
    if refusal is not None:
        facts.policy, facts.reason = refusal.policy or "", refusal.reason
    if exchange.decisions:
        would = [label for label, verdict, _ in exchange.decisions if verdict == "would refuse"]
        facts.would_refuse = tuple(dict.fromkeys(would))
        facts.guards = tuple([f"{label}: {verdict}, {why}" for label, verdict, why in _judged(exchange)])
    if record.gate == "mcp":
        facts.rpc = getattr(exchange.call, "method", "") or ""
        facts.part = getattr(getattr(exchange.call, "tool", None), "name", "")
    elif record.gate == "llm":
        facts.answers = answered(exchange)
        facts.prompt = getattr(exchange.call, "prompt", "")
    if sampled(record.traceparent):
        if record.gate == "llm" and exchange.call is not None:
            facts.request = requested(getattr(exchange.call.look, "text", None))
            facts.content = _content(exchange)
        if record.gate == "mcp":
            facts.request, facts.far = told_of(exchange), far_of(exchange)
        facts.parent = (exchange.caller_trace or inbound.header(b"traceparent") or b"").decode("latin-1")
    return facts


def _judged(exchange: Exchange) -> list[tuple[str, str, str]]:
    """Verdicts of guards but for those that found nothing."""
    return [one for one in exchange.decisions if one[1] in _VERDICTS][:_MOST_VERDICTS]


def _content(exchange: Exchange) -> tuple[bytes, bytes] | None:
    """What the gate kept of the answer, and the request; it keeps nothing unless spans are to carry it."""
    kept = exchange.marks.get("answered") if exchange.marks is not None else None
    asked = getattr(exchange.call.look, "text", None)
    if kept is None or not isinstance(asked, bytes) or max(len(kept), len(asked)) > MOST:
        return None
    return asked, bytes(kept)


_OPERATIONS = (
    ("/chat/completions", "chat"),
    ("/messages", "chat"),
    ("/responses", "chat"),
    ("/completions", "text_completion"),
    ("/embeddings", "embeddings"),
    ("/rerank", "retrieval"),
)


def operation_of(path: str) -> str:
    """gen_ai.operation.name of a model call, by its path; `generate_content` where no other name fits."""
    for ending, operation in _OPERATIONS:
        if path.endswith(ending):
            return operation
    return "generate_content"
