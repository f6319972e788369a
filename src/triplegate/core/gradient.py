"""How many calls an upstream takes at once, found by how its answer times grow with them (no I/O)."""

import random
from collections.abc import Callable
from math import sqrt

import msgspec

_FEWEST = 5  # samples below which a window says nothing yet
_PROBED = 10  # samples that make a new best time
_PROBE_SECONDS = 5.0
_MOST = 256  # samples kept of one window


class GradientRules(msgspec.Struct, frozen=True, gc=False):
    """Bounds and pace of the search; times in seconds."""

    start: int = 20
    least: int = 3
    most: int = 1000
    tolerance: float = 0.1
    """Share by which answers may be slower than the best before the number shrinks."""
    window: float = 0.1
    """Time after which the number is set anew."""
    remeasure: float = 30.0
    """Time after which the best time is measured again, more or less a seventh."""


class Gradient:
    """The number and what it was found from; keep it by `kit.state`.

    Each window sets it to itself times best / usual time, plus half its square root: room to find out whether more
    would do. Every `remeasure` seconds it is halved until the best time is known anew, since what was best may have
    changed.
    """

    __slots__ = ("_again", "_began", "_probing", "_samples", "_since", "best", "number")

    def __init__(self) -> None:
        self.number = 0.0
        """0: not begun."""
        self.best = 0.0
        """Seconds that an answer takes when the upstream has little to do; 0: not known."""
        self._samples: list[float] = []
        self._began = self._again = 0.0
        self._probing = True
        self._since = 0.0
        """From when on the calls that are sent tell of the best time."""

    def limit(self, rules: GradientRules) -> int:
        """How many calls may be under way now."""
        if not self.number:
            self.number = float(rules.start)
        number = self.number / 2 if self._probing and self.best else self.number
        return max(rules.least, min(int(number), rules.most))

    def sample(
        self,
        now: float,
        seconds: float,
        inside: int,
        rules: GradientRules,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """An answer began after `seconds`, while `inside` calls were under way."""
        if self._probing:
            self._probe(now, seconds, rules, jitter)
            return
        samples = self._samples
        if len(samples) < _MOST:
            samples.append(seconds)
        if now - self._began < rules.window or len(samples) < _FEWEST:
            return
        usual = max(_median(samples), 1e-6)  # a clock may not have moved at all
        samples.clear()
        self._began = now
        self.best = min(self.best, usual)
        self._set(usual, inside, rules)
        if now >= self._again:
            self._probing, self._since = True, now + usual

    def _set(self, usual: float, inside: int, rules: GradientRules) -> None:
        slope = max(0.5, min(self.best * (1 + rules.tolerance) / usual, 2.0))
        number = self.number * slope + sqrt(self.number) / 2
        if number > self.number and inside < self.number / 2:
            return  # nobody asked for as many: that they went well says nothing about more
        self.number = max(float(rules.least), min(number, float(rules.most)))

    def _probe(self, now: float, seconds: float, rules: GradientRules, jitter: Callable[[float, float], float]) -> None:
        if now - seconds < self._since:
            return  # sent while the upstream was still as busy as before
        if not self._samples:
            self._began = now
        self._samples.append(seconds)
        if len(self._samples) < _PROBED and now - self._began < _PROBE_SECONDS:
            return
        self.best = max(_median(self._samples), 1e-6)
        self._samples.clear()
        self._probing, self._began = False, now
        self._again = now + rules.remeasure * jitter(6 / 7, 8 / 7)


def _median(samples: list[float]) -> float:
    return sorted(samples)[len(samples) // 2]
