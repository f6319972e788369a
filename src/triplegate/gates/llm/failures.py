"""A provider's failure in the words of our own refusals, for clients of any dialect."""

from collections.abc import Mapping

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt
from triplegate.core.http import Reply
from triplegate.wire.neutral_events import ErrorClass, Failed

_CODES: Mapping[ErrorClass, str] = {
    "credential": "upstream_credentials",
    "rate": "upstream_rate_limited",
    "overload": "upstream_overloaded",
    "transient": "upstream_failed",
    "stall": "upstream_timeout",
    "context_window": "context_length_exceeded",
    "content_policy": "content_policy",
    "model_missing": "upstream_model_missing",
    "client": "upstream_refused",
    "malformed": "upstream_malformed",
}
_THEIRS = frozenset({"context_window", "content_policy", "client"})
"""What the client can mend: it is told in the provider's own words."""
_LONGEST = 1024


def refusal_of(failed: Failed, deployment: str) -> Refusal:
    """The refusal a client meets; what only the operator can mend is in its `reason`, not in its text."""
    words = failed.message[:_LONGEST]
    said = f"{deployment}: {failed.status or 'in-band'} {failed.code} {words}".strip()
    return Refusal(
        _CODES[failed.kind],
        words if failed.kind in _THEIRS else "",
        reason=said,
        retry_after=failed.wait,
        payload={"param": failed.param} if failed.param else None,
    )


def check_credential(attempt: Attempt, reply: Reply) -> None:
    """The provider's word about our own credential is not the client's business. Raises Refusal."""
    if reply.status in (401, 402, 403) or attempt.error_class == "credential":
        reply.frames.close()
        raise Refusal(
            "upstream_credentials_exhausted",
            f"The provider of {attempt.target.name} refused the gateway's credential.",
            reason=f"status {reply.status}",
        )
