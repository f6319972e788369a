"""What is known of a deployment while calls go there: its key, its quota group, its speed and its answers' length."""

from collections import deque
from statistics import median_low

from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.http import Headers
from triplegate.core.ports import Kit
from triplegate.gates.llm.cooldown import Cooldown, Pace
from triplegate.gates.llm.quota import Quotas
from triplegate.upstreams.balancing.latency import measure
from triplegate.upstreams.endpoint import Standing
from triplegate.upstreams.sharing import Sharing

GROUP = Pace(5.0, 60.0)
"""A quota group that said "too much" without saying for how long."""
KEY = Pace(60.0, 900.0)
"""A key that was refused."""
_LIMITED = frozenset({"rate", "overload"})
_BLAMED = frozenset({"transient", "overload", "stall", "malformed"})


class Outputs:
    """How long answers were until now; keep it by `kit.state`."""

    __slots__ = ("_last", "_usual")

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=63)
        self._usual: int | None = None

    def add(self, tokens: int) -> None:
        """An answer had so many tokens."""
        self._last.append(tokens)
        self._usual = None

    def usual(self, otherwise: int) -> int:
        """The middle of the last answers; `otherwise` before there was one."""
        if self._usual is None and self._last:
            self._usual = median_low(self._last)
        return otherwise if self._usual is None else self._usual


class Health:
    """One deployment's; counters only, each kept over reloads by what it stands for."""

    __slots__ = ("_counted", "_names", "_watched", "group", "key", "outputs", "quotas", "standing")

    def __init__(self, kit: Kit, credential: str, model: str, group: str, *, counted: bool, watched: bool) -> None:
        label = f"{credential}/{model}"
        self._names = (f"group:{group}", f"key:{credential}")
        self.group = kit.state(Cooldown, self._names[0], Cooldown)
        self.key = kit.state(Cooldown, self._names[1], Cooldown)
        self.quotas = kit.state(Quotas, label, Quotas)
        self.standing = kit.state(Standing, f"deployment:{label}", Standing)
        self.outputs = kit.state(Outputs, label, Outputs)
        self._counted, self._watched = counted, watched

    def bar(self, now: float) -> str:
        """Why no call may go there now; empty when one may."""
        seconds = self.key.left(now)
        if seconds:
            return f"its key is left alone for {seconds:.3g} s: {self.key.why}"
        seconds = self.group.left(now)
        return f"its quota group is left alone for {seconds:.3g} s: {self.group.why}" if seconds else ""

    def share(self, sharing: Sharing) -> None:
        """From now on other workers and nodes hear of it, and are heard."""
        for name, cooldown in zip(self._names, (self.group, self.key), strict=True):
            sharing.join(name, cooldown)

    def begin(self, exchange: Exchange, attempt: Attempt, tokens: int, output: int, now: float) -> None:
        """A call goes there."""
        self.key.take(now)
        self.group.take(now)
        if self._watched:
            self.quotas.spend(tokens, output)
        if self._counted:
            use = attempt.use = InFlight(self, attempt)
            exchange.on_close(use.closed)

    def heard(self, headers: Headers, now: float, wall: float) -> None:
        """A reply's head came."""
        if self._watched:
            self.quotas.read(headers, now, wall)

    def report(self, attempt: Attempt, now: float) -> None:
        """How an attempt went; one that we did not send says nothing."""
        numbers, kind = attempt.numbers, attempt.error_class
        if not numbers.dispatched or kind == "open":
            return
        if self._counted:
            took = (numbers.upstream_head or numbers.ended or now) - numbers.dispatched
            if not kind or kind in _BLAMED:
                measure(self.standing, took, now, failed=bool(kind))
            if kind and attempt.use is not None:
                attempt.use.end()
        said = bool(numbers.upstream_head) or attempt.flow is not None  # else it was our own pool that was full
        if not kind:
            self.key.well()
            self.group.well()
        elif kind in _LIMITED and said:
            self.key.well()
            self.group.refused(now, GROUP, attempt.wait, f"{kind}, status {numbers.status}")
        elif kind == "credential" and said:
            self.group.unsaid()
            self.key.refused(now, KEY, None, f"status {numbers.status}")
        else:
            self.key.unsaid()
            self.group.unsaid()


class InFlight:
    """One attempt counts as under way until it ends, which it does exactly once."""

    __slots__ = ("_attempt", "_health", "_open")

    def __init__(self, health: Health, attempt: Attempt) -> None:
        self._health, self._attempt, self._open = health, attempt, True
        health.standing.active += 1
        health.standing.calls += 1

    def end(self) -> None:
        """It is over; what it brought tells how long answers are."""
        if self._open:
            self._open = False
            self._health.standing.active -= 1
            tokens = self._attempt.usage.output_total
            if tokens:
                self._health.outputs.add(tokens)

    def closed(self, _: Exchange) -> None:
        """The exchange is over."""
        self.end()
