"""The refusals an upstream can cause, worded once: `detail` tells the client little, `reason` the operator all."""

from triplegate.core.errors import Refusal


def unreachable(origin: str, why: object) -> Refusal:
    """No connection could be made."""
    return Refusal("upstream_unreachable", "The upstream cannot be reached.", reason=f"{origin}: {why}")


def reset(origin: str, why: object) -> Refusal:
    """The connection ended before the message did."""
    return Refusal(
        "upstream_reset",
        "The upstream closed the connection before its answer was complete.",
        reason=f"{origin}: {why}",
    )


def malformed(origin: str, why: object) -> Refusal:
    """What came is not a message one may relay (RFC 9112)."""
    return Refusal("upstream_malformed", "The upstream's answer is malformed.", reason=f"{origin}: {why}")


def timed_out(origin: str, phase: str) -> Refusal:
    """`phase` is connect, first byte, idle, write or total."""
    return Refusal("upstream_timeout", "The upstream did not answer in time.", reason=f"{phase} timeout: {origin}")


def busy(origin: str, why: object) -> Refusal:
    """Every connection is in use and the queue is full or was too slow."""
    return Refusal(
        "upstream_busy", "All connections to the upstream are in use.", reason=f"{origin}: {why}", retry_after=1.0
    )
