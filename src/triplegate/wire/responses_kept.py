"""Responses that are kept by the gateway, told again: what may be asked of them, and the items they were asked with."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode
from triplegate.wire.neutral import Raw

_MOST = 100
"""Items of one page."""
_TEXTS = {"assistant": "output_text"}
_items = msgspec.json.Decoder(str | list[dict[str, Any]]).decode


class Page(msgspec.Struct, frozen=True):
    """Which of the items are wanted."""

    limit: int = 20
    ascending: bool = False
    after: str = ""


def read_query(query: bytes, known: frozenset[str] = frozenset()) -> dict[str, str]:
    """The parameters of a query. Raises Refusal invalid_query, unsupported_parameter for one that is not known."""
    try:
        said = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=16)
    except ValueError as error:
        raise Refusal("invalid_query", "The query cannot be read.") from error
    for name, value in said:
        if name not in known and (name, value) != ("stream", "false"):
            detail = f"{name[:64]} cannot be used with a response that the gateway keeps."
            raise Refusal("unsupported_parameter", detail, payload={"param": name[:64]})
    return dict(said)


def read_page(query: bytes) -> Page:
    """The page that a query asks for. Raises Refusal invalid_query, unsupported_parameter."""
    said = read_query(query, frozenset({"limit", "order", "after"}))
    limit, order = said.get("limit", "20"), said.get("order", "desc")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= _MOST):
        raise Refusal("invalid_query", f"limit must be from 1 to {_MOST}.", payload={"param": "limit"})
    if order not in ("asc", "desc"):
        raise Refusal("invalid_query", "order must be asc or desc.", payload={"param": "order"})
    return Page(int(limit), order == "asc", said.get("after", ""))


def items_of(said: Raw, identity: str) -> list[dict[str, Any]]:
    """The items of an input that was read before, each with an id."""
    found = _items(said) if bytes(said) != b"null" else []
    if isinstance(found, str):
        found = [{"type": "message", "role": "user", "content": found}]
    return [_item(item, f"{identity}_{number}") for number, item in enumerate(found)]


def _item(item: dict[str, Any], identity: str) -> dict[str, Any]:
    kind = item.get("type") or "message"
    told = {"id": ("msg_" if kind == "message" else "item_") + identity, "type": kind} | item
    if kind == "message":
        told.setdefault("status", "completed")
        if isinstance(content := item.get("content"), str):
            text = {"type": _TEXTS.get(str(item.get("role")), "input_text"), "text": content}
            told["content"] = [text | {"annotations": []} if text["type"] == "output_text" else text]
    return told


def list_of(items: list[dict[str, Any]], page: Page) -> bytes:
    """The list that a page is. Raises Refusal invalid_query where it follows nothing."""
    found = items if page.ascending else items[::-1]
    if page.after:
        places = [place for place, item in enumerate(found) if item["id"] == page.after]
        if not places:
            raise Refusal("invalid_query", "after names no item of this response.", payload={"param": "after"})
        found = found[places[0] + 1 :]
    told = found[: page.limit]
    first, last = (told[0]["id"], told[-1]["id"]) if told else (None, None)
    more = len(found) > len(told)
    return encode({"object": "list", "data": told, "first_id": first, "last_id": last, "has_more": more})


def deleted(identity: str) -> bytes:
    """What is said of a response that is there no more."""
    return encode({"id": identity, "object": "response", "deleted": True})
