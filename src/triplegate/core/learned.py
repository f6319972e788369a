"""What calls taught about estimates: how far they were off for each model, and how much its callers let it write."""

from math import exp, log, log2, sqrt
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

MODELS = 2_000
CALLERS = 20_000
"""Caller and model together."""
_ENOUGH = 20
"""Answers after which a caller's own are believed."""
_FURTHEST = 8.0
"""More than that is no error of an estimate."""
_ODD = 0.7
"""Logarithm of the furthest that a single answer is believed to be off."""
_FIRST = 10
"""Answers that are believed to be three times as far off, because nothing is known yet."""
_DOUBT = 1.0
"""Answers that what is supposed of a model weighs as much as."""
_BESIDES = 200.0
"""Tokens that may well come besides."""
_KEPT = 0.97
"""Weight of the answers before for each one more."""
_FAMILIES = (
    ("claude-2", 1.15),
    ("claude-3", 1.15),
    ("claude", 1.35),
    ("gemini", 1.1),
    ("llama", 1.1),
    ("mistral", 1.1),
    ("mixtral", 1.1),
    ("qwen", 1.1),
    ("deepseek", 1.1),
)
"""Tokens of other vendors' models for what is one of OpenAI's, until their own answers say more."""
_STEPS = 4
"""Steps of the histogram for a doubling."""
_BUCKETS = 20 * _STEPS
_REMEMBERED = 512
_LOOKED_AT = 16
"""Answers after which the histogram is looked at anew."""
_CALM = 64
"""Answers in a row that were foreseen, after which one in four is looked at, until one was not."""
_SHARE = 0.25
_STRIDE = 0.6180339887
"""Steps of the golden ratio meet every rhythm of callers evenly."""


class Correction:
    """How a model counts what is estimated: `factor` · tokens + `besides` (a preamble to tools, a frame of messages).

    Fitted by least squares of relative errors, newer answers weigh more; `spread` is the deviation that is left.
    """

    __slots__ = ("_calm", "_turn", "_u", "_uu", "_uv", "_v", "_vv", "besides", "factor", "seen", "spread", "variance")

    def __init__(self, factor: float = 1.0) -> None:
        self.factor, self.besides = factor, 0.0
        self.variance = 0.03
        self.spread = exp(sqrt(self.variance))
        self.seen = self._calm = 0
        self._turn = 0.0
        self._uu, self._u = _DOUBT / factor**2, _DOUBT / factor  # as if some answers had said so
        self._uv, self._v, self._vv = 0.0, 0.0, _DOUBT / _BESIDES**2

    def tokens(self, tokens: float) -> float:
        """What the model will count."""
        found, least = self.factor * tokens + self.besides, tokens / _FURTHEST
        return max(least, found)

    def due(self) -> bool:
        """Whether the next answer is looked at."""
        if self._calm < _CALM:
            return True
        self._turn = (self._turn + _STRIDE) % 1.0
        return self._turn < _SHARE

    def add(self, tokens: float, actual: float) -> None:
        """One more answer. One that is far off moves little: it has hidden history, or a search."""
        expected = self.tokens(tokens)
        ratio = log(actual / expected)
        self.seen += 1
        self._calm = self._calm + 1 if ratio * ratio < 9 * self.variance + 0.001 else 0
        step = max(1.0 / (self.seen + 2.0), 0.05)
        self.variance += step * (min(_ODD, abs(ratio)) ** 2 - self.variance)
        self.spread = exp(sqrt(self.variance))
        odd = _ODD if self.seen > _FIRST else 3 * _ODD
        actual = expected * exp(max(-odd, min(odd, ratio)))
        u, v = tokens / actual, 1.0 / actual
        self._uu, self._uv, self._vv = self._uu * _KEPT + u * u, self._uv * _KEPT + u * v, self._vv * _KEPT + v * v
        self._u, self._v = self._u * _KEPT + u, self._v * _KEPT + v
        self._solve()

    def _solve(self) -> None:
        vv = self._vv + _DOUBT / 20 / _BESIDES**2  # what stands besides is never taken for granted
        below = self._uu * vv - self._uv**2
        if below > 1e-18:
            self.factor = (self._u * vv - self._v * self._uv) / below
            self.besides = (self._v * self._uu - self._u * self._uv) / below
        if not 1.0 / _FURTHEST < self.factor < _FURTHEST:
            self.factor, self.besides = max(1.0 / _FURTHEST, min(_FURTHEST, self._u / self._uu)), 0.0


class Outputs:
    """A histogram of answers' lengths that forgets: 19 of 20 were not longer than `usual`."""

    __slots__ = ("_counts", "_new", "everybodys", "seen", "usual")

    def __init__(self, everybodys: "Outputs | None" = None) -> None:
        self.everybodys = everybodys
        """Those of all callers, where these are one caller's."""
        self._counts: dict[int, int] = {}
        self._new: list[int] = []
        """Answers that are not in the histogram yet."""
        self.seen = 0
        self.usual = 0

    def add(self, tokens: int) -> None:
        """One more answer, to everybody's, too; many are gathered at once."""
        self.seen += 1
        self._new.append(tokens)
        if self.seen <= _ENOUGH or len(self._new) >= _LOOKED_AT:
            self._gather()

    def _gather(self) -> None:
        found: dict[int, int] = {}
        for tokens in self._new:
            bucket = min(_BUCKETS, int(log2(tokens + 1) * _STEPS))
            found[bucket] = found.get(bucket, 0) + 1
        if self.everybodys is not None:
            self.everybodys.seen += len(self._new)
            self.everybodys._merge(found)  # noqa: SLF001 - of the same kind
        self._new.clear()
        self._merge(found)

    def _merge(self, found: dict[int, int]) -> None:
        counts = self._counts
        for bucket, count in found.items():
            counts[bucket] = counts.get(bucket, 0) + count
        if self.seen >= _REMEMBERED:
            self._counts = counts = {at: count // 2 for at, count in counts.items() if count > 1}
            self.seen = sum(counts.values())
        longer = self.seen // 20
        for at in sorted(counts, reverse=True):
            longer -= counts[at]
            if longer < 0:
                self.usual = int(2 ** ((at + 1) / _STEPS))
                return


class Learned:
    """Everything learned, bounded: what was not used for longest goes first. Kept over reloads."""

    __slots__ = ("_corrections", "_everybodys", "_outputs")

    def __init__(self) -> None:
        self._corrections: dict[str, Correction] = {}
        self._outputs: dict[tuple[str, str], Outputs] = {}
        self._everybodys: dict[str, Outputs] = {}

    def corrected(self, model: str, tokens: float, *, sure: bool) -> int:
        """`tokens` as the model will count them; `sure` adds a standard deviation. At least 1."""
        found = self._corrections.get(model)
        if found is None:
            found = Correction(_prior(model))
        counted = found.tokens(tokens)
        return round(counted * found.spread if sure else counted) or 1

    def output(self, model: str, caller: str) -> int:
        """What 19 of 20 answers to the caller, else to everybody, did not exceed; 0 as long as nobody knows."""
        found = self._outputs.get((model, caller))
        if found is not None and found.seen >= _ENOUGH:
            return found.usual
        found = self._everybodys.get(model)
        return 0 if found is None or found.seen < _ENOUGH else found.usual

    def learn_input(self, model: str, tokens: float, actual: int) -> None:
        """A provider's own count of what was estimated at `tokens`; what is no count teaches nothing."""
        if tokens > 0 and actual > 0:
            found = self._corrections.get(model)
            if found is None or len(self._corrections) * 2 > MODELS:
                found = _kept(self._corrections, model, found or Correction(_prior(model)), MODELS)
            if found.due():
                found.add(tokens, actual)

    def learn_output(self, model: str, caller: str, actual: int) -> None:
        """How long an answer was."""
        if actual > 0:
            outputs = self._outputs.get((model, caller))
            if outputs is None or len(self._outputs) * 2 > CALLERS:
                outputs = _kept(self._outputs, (model, caller), outputs or Outputs(self._everybodys_of(model)), CALLERS)
            outputs.add(actual)

    def _everybodys_of(self, model: str) -> Outputs:
        return _kept(self._everybodys, model, self._everybodys.get(model) or Outputs(), MODELS)


def _kept(kept: dict[K, V], key: K, value: V, most: int) -> V:
    """`value`, which is kept longest from now on. While there is room for as many again, nobody counts uses."""
    if kept.pop(key, None) is None and len(kept) >= most:
        del kept[next(iter(kept))]
    kept[key] = value
    return value


def _prior(model: str) -> float:
    name = model.lower()
    return next((factor for part, factor in _FAMILIES if part in name), 1.0)
