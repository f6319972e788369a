"""What no guard can look at: calls that hide what they say, and answers that could be had past whoever looks."""

from typing import Any

from triplegate.core.errors import Refusal

_SAYS_NOTHING = frozenset({"embeddings", "moderation", "rerank", "count_tokens"})
"""Operations whose answers hold no words of a model."""
_UNREAD = frozenset({"realtime", "files", "batches"})
"""Operations whose calls hold no text that could be looked at before they are sent."""


def must_be_seen(call: Any, *, asks: bool, watches: bool, label: str) -> None:
    """Raises Refusal content_unseen for a call of which what is said (`asks`) or answered (`watches`) stays hidden."""
    endpoint, operation = call.endpoint, call.endpoint.operation
    if endpoint.codec is not None:
        if watches:
            _no_way_around(call, label)
        return
    method = getattr(call.look, "method", "POST")
    if watches and operation not in _SAYS_NOTHING and method != "DELETE":
        raise unseen(f"answers of {operation}", label)
    if asks and (endpoint.form or operation in _UNREAD) and method == "POST":
        raise unseen(f"calls of {operation}", label)


def _no_way_around(call: Any, label: str) -> None:
    """Answers that the provider keeps could be had later without anybody looking."""
    if call.endpoint.family != "openai_responses":
        return
    rest = call.request().rest
    if bytes(rest.get("background", b"false")) not in (b"false", b"null"):
        raise unseen("answers in the background", label)
    if bytes(rest.get("store", b"true")) != b"false":
        raise unseen("answers that the provider keeps (say store: false)", label)


def unseen(what: str, label: str) -> Refusal:
    """The refusal of what a guard cannot look at."""
    return Refusal("content_unseen", f"A guard here cannot look at {what}.", policy=label)
