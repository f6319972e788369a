"""What a failed attempt means and whether another one is worth it: error classes, budget, back-off."""

import random
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.errors import CODES, Refusal
from triplegate.core.exchange import Attempt
from triplegate.core.http import Headers, Inbound, Reply
from triplegate.core.policy import Dispatch
from triplegate.upstreams.head import IDEMPOTENT

if TYPE_CHECKING:
    from triplegate.upstreams.hedge import Hedging

ELSEWHERE_ONLY = frozenset({"open", "credential", "context_window", "content_policy", "model_missing"})
"""Classes for which the same target would only say the same again."""

_BY_STATUS = {401: "credential", 402: "credential", 403: "credential", 429: "rate", 503: "overload", 529: "overload"}
_BY_CODE = {
    "upstream_credentials": "credential",
    "upstream_rate_limited": "rate",
    "upstream_busy": "overload",
    "upstream_open": "open",
    "upstream_malformed": "malformed",
}
UNSENT = frozenset({"upstream_unreachable", "upstream_busy", "upstream_open"})
"""Refusals after which one may be sure that the upstream saw nothing of the call."""

UNSURE = frozenset({"upstream_timeout", "upstream_reset"})
"""Refusals after which nobody can say what the upstream did, and will charge for."""

NO_RETRY = b"x-triplegate-no-retry"
"""Field of an answer that was shed: whoever tries again makes it worse."""
TEED = 64 * 1024
"""Bytes of a body that are kept so that they can be sent again."""


_CODES = {"credential": "upstream_credentials", "rate": "upstream_rate_limited"}


class Failure(msgspec.Struct):
    """How an attempt ended: a refusal, or a reply that may be the answer, even a failed one if nothing better comes."""

    attempt: Attempt
    refusal: Refusal | None = None
    reply: Reply | None = None
    wait: float | None = None
    """Seconds the upstream asked for."""


def drop(found: Failure) -> None:
    """A reply that will not be the answer gives its connection up, and what was held for the attempt goes back."""
    reply = found.reply
    if reply is not None:
        reply.frames.close()
        code = _CODES.get(found.attempt.error_class, "upstream_failed")
        found.refusal = Refusal(
            code, CODES[code].title + ".", reason=f"{found.attempt.target.name}: status {reply.status}"
        )
        found.refusal.retry_after, found.reply = found.wait, None
    if found.attempt.hold is not None:
        found.attempt.hold.release()


def class_of_status(status: int) -> str:
    """Error class of a reply's status (llm.md §5.1); empty for a success."""
    if status < 400:
        return ""
    return _BY_STATUS.get(status) or ("transient" if status >= 500 else "client")


def class_of_refusal(refusal: Refusal) -> str:
    """Error class of a failed attempt; `client` for refusals that are not the upstream's."""
    known = _BY_CODE.get(refusal.code)
    if known is not None:
        return known
    if refusal.code == "upstream_timeout" and refusal.reason.startswith("idle"):
        return "stall"
    return "transient" if refusal.code.startswith("upstream_") else "client"


class RetryBudget:
    """Retries may be a share of the calls, and a few a second besides; keep it by `kit.state` under the target's name.

    Two windows of ten seconds each are kept, so that yesterday's calls pay for nothing today.
    """

    __slots__ = ("_began", "_calls", "_floor", "_retries", "refused")

    _WINDOW = 10.0

    def __init__(self, floor: float = 3.0) -> None:
        """`floor`: retries a second that are always allowed."""
        self._floor = floor
        self._began = float("-inf")
        self._calls = [0, 0]
        self._retries = [0, 0]
        self.refused = 0

    def _turn(self, now: float) -> None:
        age = now - self._began
        if age < self._WINDOW:
            return
        stale = age >= 2 * self._WINDOW
        self._calls = [0, 0 if stale else self._calls[0]]
        self._retries = [0, 0 if stale else self._retries[0]]
        self._began = now

    def called(self, now: float) -> None:
        """A call (not a retry) goes out."""
        if now - self._began >= self._WINDOW:
            self._turn(now)
        self._calls[0] += 1

    def allow(self, now: float, share: float) -> bool:
        """Take one retry, if `share` of the calls or the floor leaves one."""
        self._turn(now)
        if sum(self._retries) >= max(share * sum(self._calls), self._floor * self._WINDOW):
            self.refused += 1
            return False
        self._retries[0] += 1
        return True


class Spares(msgspec.Struct, eq=False):
    """What an upstream allows besides first tries; keep it by `kit.state` under the upstream's name."""

    budget: RetryBudget = msgspec.field(default_factory=RetryBudget)
    fallbacks: bool = False
    """A call that another upstream had already seen takes of the budget here, too."""
    hedging: "Hedging | None" = None
    """Where second attempts beside a slow one are possible."""


def repeatable(inbound: Inbound, rules: Dispatch) -> bool:
    """Whether an upstream may see this call twice: idempotent, said so by the rules, or by the client's key."""
    if inbound.protocol == "grpc":
        return False  # its messages come once
    if inbound.method in IDEMPOTENT or inbound.method in rules.retry_methods:
        return True
    return rules.retry_keyed and bool(inbound.header(b"idempotency-key"))


async def kept(inbound: Inbound, rules: Dispatch) -> bool:
    """Whether the call's body can be sent twice; a small one of known length is read first and kept.

    One that waits for `100 Continue` is not: its sender wants to hear from the upstream before.
    """
    body = inbound.body
    if body.kind == "one_pass" and rules.retries and body.length is not None and body.length <= TEED:
        if inbound.header(b"expect") is not None:
            return False
        await body.whole(TEED)
    return body.kind != "one_pass"


def back_off(
    failures: int, bounds: tuple[float, float], jitter: Callable[[float, float], float] = random.uniform
) -> float:
    """Seconds to wait after so many failures: full jitter, doubling from the first bound up to the second."""
    first, longest = bounds
    return jitter(0.0, min(first * 2.0 ** (failures - 1), longest))


def retry_after(headers: Headers, wall: float) -> float | None:
    """Seconds an upstream asks for: `retry-after-ms`, or `Retry-After` as seconds or HTTP date (RFC 9110 §10.2.3)."""
    seconds: float | None = None
    for name, value in headers:
        if name == b"retry-after-ms" and value.isdigit() and len(value) < 12:
            return int(value) / 1000
        if name == b"retry-after":
            seconds = _seconds(value, wall)
    return seconds


def _seconds(value: bytes, wall: float) -> float | None:
    if value.isdigit() and len(value) < 12:
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value.decode("ascii")).timestamp() - wall)
    except (ValueError, UnicodeDecodeError):
        return None
