"""A call before it is sent: every text of it is judged; what must not pass is masked, or the call is refused."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Request
from triplegate.wire.screening.asked import screened, strings_seen
from triplegate.wire.screening.injection import Score
from triplegate.wire.screening.spans import Finder, Replace, apart, found, moved, parted, replaced

Scorer = Callable[[str], Score]
LEAST = 10
"""Characters of the shortest text that can give an order: names of members are shorter."""


class Looked:
    """What one call was found to hold, by kind."""

    __slots__ = ("_finders", "_length", "_longest", "_refuse", "_replace", "_score", "_threshold", "counts")

    def __init__(
        self,
        finders: Sequence[Finder],
        replace: Replace,
        score: Scorer | None,
        threshold: float,
        longest: int,
        refuse: Callable[[str], None],
    ) -> None:
        """`refuse` is told of what cannot be masked; it raises Refusal where that must not pass."""
        self._finders, self._replace, self._refuse = finders, replace, refuse
        self._score, self._threshold, self._longest = score, threshold, longest
        self._length = 0
        self.counts: dict[str, int] = {}

    def change(self, text: str) -> str:
        """One text of the call. Raises Refusal."""
        self.measure(text)
        return self.judged(text)

    def measure(self, text: str) -> None:
        """One text more, whatever it says. Raises Refusal."""
        self._length += len(text)
        if 0 < self._longest < self._length and "longest" not in self.counts:
            self._note("longest")
            self._refuse("longest")

    def judged(self, text: str) -> str:
        """One text that does not count as one more. Raises Refusal."""
        self._read(text)
        spans = found(self._finders, text) if self._finders else []
        for span in spans:
            self._note(span.kind)
        return replaced(text, spans, self._replace) if spans else text

    def together(self, texts: list[str]) -> list[str]:
        """Texts of the call that follow each other: each by itself, and as one. Raises Refusal."""
        places = list(accumulate([len(text) for text in texts], initial=0))
        whole = "".join(texts)
        for text in texts:
            self.measure(text)
            self._read(text)
        if "injection" not in self.counts:
            self._read(whole)
        if not self._finders:
            return texts
        spans = found(self._finders, whole)
        for text, start in zip(texts, places, strict=False):
            spans += moved(found(self._finders, text), start)
        spans = apart(spans)
        for span in spans:
            self._note(span.kind)
        return parted(whole, spans, places, self._replace) if spans else texts

    def _read(self, text: str) -> None:
        if self._score is not None and len(text) >= LEAST and self._score(text).value >= self._threshold:
            self._note("injection")
            self._refuse("injection")

    def _note(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def at(self, request: Request, *, said: bool, answered: bool) -> Request:
        """All of a call that is read. Raises Refusal."""
        return screened(request, self.change if said else None, self.change if answered else None, self.together)

    def at_text(self, text: bytes) -> None:
        """All of a call that is only JSON; what it finds cannot be masked there. Raises Refusal."""
        try:
            strings_seen(text.decode("utf-8"), self.change)
        except ValueError:
            raise Refusal("content_unseen", "The body cannot be read by a guard.") from None


class Verdict(msgspec.Struct, frozen=True):
    """What is told of a look: never what was found, only its kinds."""

    kinds: str

    @classmethod
    def of(cls, counts: dict[str, int]) -> "Verdict":
        """How many of which."""
        return cls(", ".join([f"{kind}={count}" for kind, count in sorted(counts.items())]))
