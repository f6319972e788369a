"""GET /models and /models/{id}: what this caller may use; access never depends on the price table."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.gates.llm.model import Model

ANTHROPIC_BASE = "/anthropic"
"""Before the base path: the same endpoints for Anthropic's own clients."""
_encode = msgspec.json.Encoder().encode
_NAMED = 20


def visible(models: Sequence[Model], principal: Principal) -> list[Model]:
    """The models of one name that this principal may use, in the configuration's order."""
    return [model for model in models if model.listed and model.open_to(principal)]


def answer(exchange: Exchange, models: Sequence[Model], base: str, created: int) -> Reply:
    """The list, or the one that the path names, in the client's dialect. Raises Refusal model_not_found."""
    inbound, principal = exchange.inbound, exchange.principal
    assert principal is not None
    path = inbound.path.removeprefix(ANTHROPIC_BASE)
    theirs = path != inbound.path or inbound.header(b"anthropic-version") is not None
    name = path[len(base) + len("/models") :].strip("/")
    if name:
        return one(models, principal, name, created, anthropic=theirs)
    return listing(models, principal, created, anthropic=theirs)


def listing(models: Sequence[Model], principal: Principal, created: int, *, anthropic: bool = False) -> Reply:
    """The list in OpenAI's shape or in Anthropic's; all on one page."""
    seen = visible(models, principal)
    if anthropic:
        names = [model.route.name for model in seen]
        ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        return _reply({"data": [_theirs(model, created) for model in seen], "has_more": False, **ends})
    return _reply({"object": "list", "data": [_entry(model, created) for model in seen]})


def one(models: Sequence[Model], principal: Principal, name: str, created: int, *, anthropic: bool = False) -> Reply:
    """One model. Raises Refusal model_not_found."""
    name = unquote(name)
    for model in visible(models, principal):
        if model.route.name == name:
            return _reply(_theirs(model, created) if anthropic else _entry(model, created))
    raise unknown(models, principal, name)


def unknown(models: Sequence[Model], principal: Principal, name: str) -> Refusal:
    """The 404 for a name that does not exist or may not be used: it lists those that may."""
    names = [model.route.name for model in visible(models, principal)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    may = ", ".join(names[:_NAMED]) + more if names else "none"
    return Refusal(
        "model_not_found",
        f"The model '{name[:128]}' does not exist or you may not use it. Models this key may use: {may}.",
    )


def _entry(model: Model, created: int) -> dict[str, object]:
    owner = model.deployments[0].provider
    return {"id": model.route.name, "object": "model", "created": created, "owned_by": owner}


def _theirs(model: Model, created: int) -> dict[str, object]:
    name = model.route.name
    at = datetime.fromtimestamp(created, UTC).isoformat().replace("+00:00", "Z")
    return {"type": "model", "id": name, "display_name": name, "created_at": at}


def _reply(document: object) -> Reply:
    content = _encode(document)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode("ascii")),
        (b"server", b"triplegate"),
    ]
    return Reply(200, headers, OneFrame(content), source="local")
