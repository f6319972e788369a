"""The texts of a call in and out: of those that are read, and of those that are only JSON."""

from typing import Any

from triplegate.core.errors import Refusal
from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.neutral import Request
from triplegate.wire.screening.asked import screened, strings_seen
from triplegate.wire.screening.members import Change


def pieces_of(call: Any, on: frozenset[str]) -> Pieces:
    """All texts of a call that a guard on these places is asked about. Raises Refusal content_unseen, invalid_body."""
    pieces = Pieces()
    said = pieces.taking("input") if "input" in on else None
    if call.endpoint.codec is not None:
        screened(call.request(), said, pieces.taking("tool_results") if "tool_results" in on else None)
    elif said is not None and not call.endpoint.form and call.size:
        try:
            strings_seen(call.look.text.decode("utf-8"), said)
        except ValueError:
            raise Refusal("content_unseen", "The body cannot be read by a guard.") from None
    return pieces


def rewritten(call: Any, said: Change, answered: Change) -> Request:
    """The call with what these changes make of it; it is asked so from now on."""
    request: Request = screened(call.request(), said, answered)
    call.rewrite(request)
    return request
