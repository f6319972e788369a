"""Records as hypothesis draws them, few enough of each kind that they share hours, keys and exchanges."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from tests.stores.ledger_records import ATTEMPT, record, unpriced

from triplegate.core.record import AttemptRecord, Record

BEGIN = 20_000 * 86_400
SPAN = 3 * 86_400
_KINDS = ("interim", "final", "unknown", "correction")
_OUTCOMES = ("ok", "refused", "failed", "gone", "unknown")
moments = st.one_of(
    st.floats(BEGIN, BEGIN + SPAN),
    st.integers(0, 72).map(lambda n: BEGIN + n * 3600.0),
    st.integers(0, 72).map(lambda n: BEGIN + n * 3600.0 - 1e-6),
)
_tokens = st.tuples(*[st.integers(0, 3)] * 9)


@st.composite
def _attempts(draw: st.DrawFn) -> tuple[AttemptRecord, ...]:
    count = draw(st.integers(0, 3))
    adopted = draw(st.integers(0, count))
    return tuple(
        msgspec.structs.replace(
            ATTEMPT,
            n=n,
            provider=draw(st.sampled_from(("openai", "azure"))),
            target=draw(st.sampled_from(("a", "b"))),
            price_version=draw(st.sampled_from(("v1", "v2"))),
            cost=draw(st.integers(-5, 50)),
            tokens=draw(_tokens),
            adopted=n == adopted,
        )
        for n in range(1, count + 1)
    )


@st.composite
def rows(draw: st.DrawFn) -> Record:
    """A record with a row of its own."""
    tries = draw(_attempts())
    own = draw(st.integers(-3, 9))
    changes: dict[str, Any] = {
        "exchange": draw(st.sampled_from([f"x{n}" for n in range(12)])),
        "part": draw(st.integers(0, 3)),
        "kind": draw(st.sampled_from(_KINDS)),
        "outcome": draw(st.sampled_from(_OUTCOMES)),
        "started": draw(moments),
        "team": draw(st.sampled_from(("web", "ops"))),
        "price_version": draw(st.sampled_from(("", "v1"))),
        "tokens": draw(_tokens),
        "bytes_in": draw(st.integers(0, 9)),
        "own_cost": own,
        "saved": draw(st.integers(0, 9)),
        "surcharge": draw(st.integers(0, 9)),
        "cost": own + sum(one.cost for one in tries),
    }
    return record(**changes, attempts=tries)


@st.composite
def minutes(draw: st.DrawFn) -> Record:
    """An unpriced one, for a minute's sums."""
    return unpriced(
        f"u{draw(st.integers(0, 10**9))}",
        started=draw(moments),
        team=draw(st.sampled_from(("web", "ops"))),
        outcome=draw(st.sampled_from(_OUTCOMES)),
        calls=draw(st.integers(1, 3)),
        bytes_out=draw(st.integers(0, 9)),
    )


batches = st.lists(st.lists(st.one_of(rows(), minutes()), min_size=1, max_size=8), min_size=1, max_size=4)
