"""A route's services with their shares of its calls; a share may be known to lead nowhere."""

from collections.abc import Sequence

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Role
from triplegate.core.fold import Chain
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.gates.api.outgoing import Own
from triplegate.upstreams.attempts import Pick
from triplegate.upstreams.balance import Weighted
from triplegate.upstreams.endpoint import Endpoint
from triplegate.upstreams.retries import Spares


class Share(msgspec.Struct, frozen=True, eq=False):
    """One service of a route; the same service may stand there twice."""

    name: str
    """Unique within the route: the service's, with #n for repeats."""
    target: Target
    weight: int

    @property
    def sound(self) -> bool:
        """Whether it can be called at all."""
        return not isinstance(self.target.wiring, Broken)


class Broken:
    """In place of a service that cannot be called: every call is refused, and nothing else is tried."""

    __slots__ = ("_empty", "_why", "spares")

    def __init__(self, why: str, *, empty: bool = False) -> None:
        """`empty`: it is there, and nothing of it is ready."""
        self._why, self._empty = why, empty
        self.spares = Spares()

    def begin(self, exchange: Exchange, attempt: Attempt, chain: Chain) -> Endpoint:
        """Refuse. Raises Refusal no_backend or no_endpoint."""
        raise self._refusal()

    async def send(self, exchange: Exchange, headers: Headers, chain: Chain, attempt: Attempt) -> Reply:
        """Refuse. Raises Refusal no_backend or no_endpoint."""
        raise self._refusal()

    def _refusal(self) -> Refusal:
        if not self._empty:
            return no_backend(self._why)
        return Refusal("no_endpoint", "The backend has no endpoint that is ready.", reason=self._why)

    def dispatch(self, chain: Chain) -> Dispatch:
        """The chain's own."""
        return chain.dispatch

    def report(self, attempt: Attempt, chain: Chain) -> None:
        """Nobody is to be told."""


class Shares:
    """Chooses among the services of a route."""

    __slots__ = ("_choice", "_shares", "own")

    def __init__(self, shares: Sequence[Share], choice: Weighted[Share], own: Own | None = None) -> None:
        self._shares, self._choice = tuple(shares), choice
        self.own = own
        """Policies of single services; None: there are none."""

    def led(self, target: Target) -> Pick:
        """Like `pick`, but `target` is tried first."""

        def pick(tried: Sequence[Attempt]) -> tuple[Target, Role]:
            return self.pick(tried) if tried else (target, "first")

        return pick

    def pick(self, tried: Sequence[Attempt]) -> tuple[Target, Role]:
        """Whose turn it is; after a failure another sound one, else the same again. Raises Refusal no_backend."""
        if not tried:
            try:
                return self._choice.next().target, "first"
            except LookupError:
                raise no_backend("no service of the route has a weight above 0") from None
        gone = [share.name for share in self._shares if not share.sound or _in(share.target, tried)]
        other = self._choice.other(gone)
        return (other.target, "fallback") if other is not None else (tried[-1].target, "retry")


def no_backend(why: str) -> Refusal:
    """The refusal of a route that leads nowhere."""
    return Refusal("no_backend", "The route has no usable backend.", reason=why)


def _in(target: Target, tried: Sequence[Attempt]) -> bool:
    return any(attempt.target is target for attempt in tried)
