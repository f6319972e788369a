"""Which deployments a call could go to, what they are judged by and why others are left out: for `explain`."""

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.order import Order

MOST = 40
"""Lines that are told."""


def weigh(order: Order) -> list[str]:
    """The one that is tried first, the others by model and tier, and why some are left out."""
    told: list[str] = []
    first: Target | None = None
    try:
        chosen = order.pick([])
        first = None if chosen is None else chosen[0]
    except Refusal as refusal:
        told.append(f"none: {refusal.code}, {refusal.reason}")
    for model in order.models:
        for line, target, out in _places(order, model):
            told.append(f"first  {line}" if target is first and not out else line)
    return told[:MOST] + ([f"… and {len(told) - MOST} more"] if len(told) > MOST else [])


def first_of(order: Order) -> Target:
    """The one that is tried first. Raises the Refusal that the caller would meet where none can be."""
    chosen = order.pick([])
    assert chosen is not None
    unable = chosen[0].wiring.unable()
    if unable is not None:
        raise unable
    return chosen[0]


def _places(order: Order, model: Model) -> list[tuple[str, Target, bool]]:
    found = []
    for tier in model.tiers:
        for place in tier:
            bar = place.bar(order.facts, order.now())
            said = f"out: {bar}" if bar else model.strategy.score(place, order.facts, order.now())
            found.append((f"{model.route.name}: {place.name}  tier {place.tier}  {said}", place.target, bool(bar)))
    return found
