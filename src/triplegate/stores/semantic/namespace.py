"""What is known of one namespace: how sure an answer must be, what audits found, and when nothing is served."""

import secrets
from math import sqrt
from operator import add, sub
from random import Random
from typing import Any, Literal

import msgspec

from triplegate.stores.semantic.judging import Judged
from triplegate.stores.semantic.neighbours import Candidate
from triplegate.stores.semantic.notes import VERSION, Learnt, Note, packed, rows_of
from triplegate.stores.semantic.verdict import Verdict

_RECENT = 1000
"""Questions of which the threshold is found."""
_FIRST = 20
"""Audits that the first hits get beyond the share: half of them at the begin, ever fewer later."""
_HEADROOM = 1.75
"""How far estimated errors overstate real ones; measured on streams of several kinds, where it was 2 to 4."""
_WIDEST = 5.0
"""An answer may be unsure up to this multiple of the wanted rate, where the average is within it."""
_AUDITS_TO_CLOSE = 2
_REOPEN = 200
"""Labelled misses after which a closed namespace is tried anew."""

Z90, Z95 = 1.2816, 1.96
COMPLAINT = Note((), "", 1.0, right=False, audited=True)
"""What a caller says of a wrong answer."""


def wilson(wrong: int, of: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's interval of an observed rate (llm.md §10.7)."""
    if not of:
        return 0.0, 1.0
    rate = wrong / of
    middle = rate + z * z / (2 * of)
    half = z * sqrt(rate * (1 - rate) / of + z * z / (4 * of * of))
    return max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))


class Told(msgspec.Struct, frozen=True):
    """A namespace as it stands, for pages."""

    questions: int
    hits: int
    saved: int
    audits: int
    wrong: int
    error: tuple[float, float]
    """Interval of the audited error, 95 %."""
    labels: int
    threshold: float
    closed: bool
    vetoes: dict[str, int]
    pairs: tuple[tuple[str, str], ...]
    """The last vetoes: why, and how alike the two were."""
    judge: str
    """Model that was asked last whether two answers say the same."""
    judge_cost: int
    judged: dict[str, int]
    verdicts: tuple[tuple[str, str], ...]
    """Its last verdicts, and how alike the two questions were."""


class Namespace:
    """Statistics of one policy, tenant and model. Changed on the loop only; `fit` may run beside it."""

    __slots__ = (
        "_delta",
        "_excess",
        "_expected",
        "_judged",
        "_left",
        "_literal",
        "_pairs",
        "_random",
        "_recent",
        "_share",
        "_told",
        "_tried",
        "_verdicts",
        "_vetoed",
        "audits",
        "by_verdict",
        "closed",
        "hits",
        "judge",
        "judge_cost",
        "place",
        "questions",
        "saved",
        "threshold",
        "verdict",
        "vetoes",
        "wrong",
    )

    def __init__(self, delta: float, share: float, seed: int | None = None) -> None:
        self._delta, self._share = delta, share
        self._random = Random(seed)  # noqa: S311 - which hits are audited is no secret
        self.verdict = Verdict()
        self._recent: list[tuple[float, ...]] = []
        self.threshold = 1 - delta
        self.questions = self.hits = self.saved = self.judge_cost = 0
        self._told = (0, 0, 0, 0)
        """What of these four the others know, or have told."""
        self._vetoed: dict[str, int] = {}
        """Vetoes that they do not know."""
        self.judge = ""
        self.by_verdict: dict[str, int] = {}
        """What a judge said, or why it did not."""
        self._judged: dict[str, int] = {}
        """What the others do not know of that."""
        self._verdicts: list[tuple[str, str]] = []
        self._tried = 0
        """Hits since it was opened."""
        self.place: Any = None
        """How far the notes of other nodes were heard."""
        self.audits = self.wrong = 0
        self._expected = 0.0
        self._excess = 1.0
        """How many times more wrong answers audits found than were expected, at least 1."""
        self.closed = False
        self._left = 0
        self._literal = (0, 0)
        """Of candidates that said the same words: how many were wrong, of how many."""
        self.vetoes: dict[str, int] = {}
        self._pairs: list[tuple[str, str]] = []

    def take(self, delta: float, share: float) -> None:
        """The policy says something else now."""
        if (delta, share) != (self._delta, self._share):
            self._delta, self._share = delta, share
            self.settle()

    # a question ----------------------------------------------------------------------------------------------------
    def asked(self, features: tuple[float, ...] | None) -> None:
        """One more question, and its best candidate if there is one."""
        self.questions += 1
        if features is not None:
            self._recent.append(features)
            del self._recent[:-_RECENT]

    def chance(self, found: Candidate) -> float:
        """Lower bound of the probability that this candidate's answer is right.

        The same words but for case, marks, articles and short forms are as good as equal, until seen not to be.
        """
        chance = self.verdict.chance(found.features, found.answer)
        literal = found.features[-1] and wilson(*self._literal, Z90)[0] <= self._delta
        return max(chance, 1 - self._delta / 2) if literal else chance

    def make_id(self) -> str:
        """A name for an entry or an answer."""
        return secrets.token_hex(8)

    def decide(self, chance: float) -> Literal["serve", "audit", "ask"]:
        """What becomes of a candidate that is right with this chance, at least."""
        if self.closed or chance < min(self.threshold, 1 - self._delta / 2):
            return "ask"
        self.hits += 1
        self._tried += 1
        early = min(0.5, _FIRST / (self._tried + 2 * _FIRST))
        return "audit" if self._random.random() < max(self._share, early) else "serve"

    def vetoed(self, why: str, similarity: float) -> None:
        """A candidate was near, and something forbade it."""
        for counts in (self.vetoes, self._vetoed):
            counts[why] = counts.get(why, 0) + 1
        self._pairs.append((why, f"{similarity:.2f}"))
        del self._pairs[:-20]

    def judged(self, judge: str, judged: Judged, similarity: float) -> None:
        """A judge was asked whether two answers say the same; of two questions that were so much alike."""
        if not judged.verdict:
            return
        self.judge = judge
        self.judge_cost += judged.cost
        for counts in (self.by_verdict, self._judged):
            counts[judged.verdict] = counts.get(judged.verdict, 0) + 1
        self._verdicts.append((judged.verdict, f"{similarity:.2f}"))
        del self._verdicts[:-20]

    # what came out of it -------------------------------------------------------------------------------------------
    def learn(self, found: Candidate, chance: float, right: bool, audited: bool) -> None:
        """The answer that a provider gave: whether the candidate's would have been right."""
        self.take_note(Note(found.features, found.answer, chance, right, audited))

    def doubt(self) -> None:
        """Somebody says that a served answer was wrong: as an audit that failed."""
        self.take_note(COMPLAINT)

    def take_note(self, note: Note) -> None:
        """Learn one thing that happened here."""
        self._learn(note)
        if note.audited and not self.closed:
            self.settle()

    def _learn(self, note: Note) -> None:
        if note.features:
            self.verdict.note(note.features, note.answer, note.right)
            if note.features[-1]:
                self._literal = (self._literal[0] + (not note.right), self._literal[1] + 1)
            if self.closed:
                self._left -= 1
                if self._left <= 0:
                    self._reopen()
        if note.audited:
            self.audits += 1
            self.wrong += not note.right
            self._expected += 1 - note.chance
            self._check()

    def _check(self) -> None:
        """The safety net: too many wrong answers for the wanted rate to be true, and nothing is served any more.

        By the interval's lower end: with an audit of two hundred hits its upper end would close every namespace.
        """
        self._excess = max(1.0, (self.wrong + 2) / (self._expected + 2))
        if self.wrong >= _AUDITS_TO_CLOSE and wilson(self.wrong, self.audits, Z90)[0] > self._delta:
            self.closed, self._left = True, _REOPEN

    def _reopen(self) -> None:
        self.closed = False
        self.audits = self.wrong = 0
        self._expected, self._excess = 0.0, 1.0
        self._tried = 0  # the first ones are audited as at the begin
        self.settle()

    def settle(self) -> None:
        """Find the threshold: the lowest at which the average of what would be served is within the wanted rate."""
        if len(self._recent) < 50:
            self.threshold = 1 - self._delta
            return
        chances = sorted(self.verdict.chances(self._recent), reverse=True)
        total, threshold = 0.0, 1.0
        for count, chance in enumerate(chances, 1):
            total += (1 - chance) * self._excess
            if total <= _HEADROOM * self._delta * count:
                threshold = chance
        self.threshold = max(threshold, 1 - _WIDEST * self._delta)

    # what other nodes know -----------------------------------------------------------------------------------------
    def fresh(self) -> dict[str, Any]:
        """What was counted here since the last time, as a note has it."""
        now = (self.questions, self.hits, self.saved, self.judge_cost)
        counts = dict(zip(("questions", "hits", "saved", "judge_cost"), map(sub, now, self._told), strict=True))
        self._told, vetoes, self._vetoed = now, self._vetoed, {}
        judged, self._judged = self._judged, {}
        return {**counts, "vetoes": vetoes, "judge": self.judge, "judged": judged}

    def hear(self, note: Note) -> None:
        """Learn one thing that happened elsewhere; `settle` is due after the last of them."""
        self._learn(note)
        self._tried += note.hits
        self._count(note)

    def _count(self, more: Note | Learnt) -> None:
        counts = (more.questions, more.hits, more.saved, more.judge_cost)
        known = (self.questions, self.hits, self.saved, self.judge_cost)
        self.questions, self.hits, self.saved, self.judge_cost = map(add, known, counts)
        asked, hits, saved, cost = map(add, self._told, counts)
        self._told = (asked, hits, saved, cost)
        self.judge = self.judge or more.judge
        for kept, told in ((self.vetoes, more.vetoes), (self.by_verdict, more.judged)):
            for why, count in told.items():
                kept[why] = kept.get(why, 0) + count

    def sum_up(self, after: str) -> Learnt:
        """All that is known, up to the note `after`."""
        seen = self.verdict.seen
        questions, hits, saved, cost = self._told
        vetoes = {why: count - self._vetoed.get(why, 0) for why, count in self.vetoes.items()}
        judged = {why: count - self._judged.get(why, 0) for why, count in self.by_verdict.items()}
        return Learnt(
            VERSION,
            after,
            packed([features for features, _, _ in seen]),
            bytes([right for _, _, right in seen]),
            [answer for _, answer, _ in seen],
            packed(self._recent),
            questions,
            hits,
            saved,
            self.audits,
            self.wrong,
            self._expected,
            self._literal,
            self.closed,
            self._left,
            vetoes,
            self.judge,
            cost,
            judged,
        )

    def absorb(self, learnt: Learnt) -> None:
        """What others knew before this process was: it counts beside what was learnt since, and before it."""
        own, self.verdict = self.verdict, Verdict()
        for features, answer, right in zip(rows_of(learnt.features), learnt.answers, learnt.right, strict=True):
            self.verdict.note(features, answer, bool(right))
        for features, answer, known in own.seen:
            self.verdict.note(features, answer, known)
        self._recent = [*rows_of(learnt.recent), *self._recent][-_RECENT:]
        self._count(learnt)
        self._tried += learnt.hits
        self.audits += learnt.audits
        self.wrong += learnt.wrong
        self._expected += learnt.expected
        self._literal = (self._literal[0] + learnt.literal[0], self._literal[1] + learnt.literal[1])
        self.closed, self._left = self.closed or learnt.closed, max(self._left, learnt.left)
        self._check()

    def told(self) -> Told:
        """As it stands."""
        return Told(
            self.questions,
            self.hits,
            self.saved,
            self.audits,
            self.wrong,
            wilson(self.wrong, self.audits),
            len(self.verdict),
            self.threshold,
            self.closed,
            dict(self.vetoes),
            tuple(self._pairs),
            self.judge,
            self.judge_cost,
            dict(self.by_verdict),
            tuple(self._verdicts),
        )
