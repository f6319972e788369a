"""What the caches of models' answers have learnt, by namespace: for the admin API and its page."""

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from triplegate.core.ports import States


class NamespaceView(msgspec.Struct, frozen=True):
    """A namespace of a semantic cache: one policy, tenant and model; of all nodes where they share their state."""

    policy: str
    scope: str
    """org, team, consumer or key."""
    org: str
    team: str
    """The team, without its org; empty where a whole org shares."""
    who: str
    """Consumer and key, where they do not share with their team."""
    model: str
    questions: int
    hits: int
    """Of them answered by another question's answer, audits included."""
    hit_rate: float
    saved: int
    """10⁻¹⁰ US dollars."""
    audits: int
    wrong: int
    """Audits, and complaints, that found a wrong answer."""
    error_low: float
    error_high: float
    """Interval of the audited error, 95 %."""
    labels: int
    threshold: float
    """Least chance of being right that is served."""
    closed: bool
    """Only equal questions are answered: too much was wrong."""
    vetoes: dict[str, int]
    pairs: tuple[tuple[str, str], ...]
    """The last vetoes: why, and how alike the two questions were."""
    judge: str
    """Model that was asked last whether two answers say the same; empty where none was."""
    judge_cost: int
    """Of its calls that were answered, 10⁻¹⁰ US dollars; they stand in the ledger."""
    judged: dict[str, int]
    """Its verdicts: same, apart, unsure; or why there was none: busy, long, suspicious, failed."""
    verdicts: tuple[tuple[str, str], ...]
    """The last of them, and how alike the two questions were; of this worker."""


def namespaces(states: States) -> Sequence[NamespaceView]:
    """Every namespace, the one used last first; none, and no import, where nothing was ever compared."""
    module = sys.modules.get("triplegate.stores.semantic.meaning")
    if module is None:
        return ()
    found: list[NamespaceView] = []
    for memory in states.every(module.Meaning):
        found += [_view(name, namespace.told()) for name, namespace in reversed(memory.namespaces.items())]
    return found


def lacking(states: States) -> Sequence[str]:
    """Why questions are not compared now, a sentence for each model of meaning that fails."""
    module = sys.modules.get("triplegate.stores.semantic.meaning")
    memories = states.every(module.Meaning) if module is not None else ()
    return [memory.embedder.failure for memory in memories if memory.embedder.failure]


def _view(name: str, told: Any) -> NamespaceView:
    policy, _, rest = name.partition("|")
    tenant, _, model = rest.partition("|")
    scope, _, who = tenant.partition(":")
    org, team, *more = [*who.split("/"), ""]
    return NamespaceView(
        policy,
        scope,
        org,
        team,
        "/".join([one for one in more if one]),
        model,
        told.questions,
        told.hits,
        told.hits / told.questions if told.questions else 0.0,
        told.saved,
        told.audits,
        told.wrong,
        told.error[0],
        told.error[1],
        told.labels,
        told.threshold,
        told.closed,
        told.vetoes,
        told.pairs,
        told.judge,
        told.judge_cost,
        told.judged,
        told.verdicts,
    )
