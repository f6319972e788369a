"""The meters of a node out of those of its workers."""

from collections.abc import Iterable, Sequence

import msgspec

from triplegate.core.meters import Family, Labels, merge

_SUMMED = frozenset(
    (
        "http.server.active_requests",
        "triplegate.spool.entries",
        "triplegate.spool.size",
        "triplegate.pool.connections",
        "triplegate.endpoint.active",
        "triplegate.front.connections",
    )
)
"""Gauges that add up over workers; of the others the worst one is shown."""
_LEADERS = frozenset(("triplegate.config.reloads", "triplegate.config.generation", "triplegate.config.loaded"))
"""What the leader says for all: the workers have one configuration."""
_LOWEST = frozenset(("triplegate.upstream.up", "triplegate.endpoint.up"))


def combine(own: list[Family], others: Iterable[Sequence[Family]]) -> list[Family]:
    """The node's meters out of those of its workers."""
    others = list(others)
    added = [[one for one in families if one.name not in _LEADERS and _adds_up(one)] for families in others]
    shown: list[Family] = []
    for family in merge([own, *added]):
        if family.name in _LEADERS or _adds_up(family):
            shown.append(family)
        else:
            shown.append(_worst(family, [one for families in others for one in families if one.name == family.name]))
    return shown


def _adds_up(family: Family) -> bool:
    return family.kind != "gauge" or family.name in _SUMMED


def _worst(own: Family, others: Iterable[Family]) -> Family:
    choose = min if own.name in _LOWEST else max
    points: dict[Labels, list[float]] = {tuple(labels): cells for labels, cells in own.points}
    for family in others:
        for labels, cells in family.points:
            so_far = points.get(labels)
            points[labels] = cells if so_far is None else [choose(so_far[0], cells[0])]
    return msgspec.structs.replace(own, points=list(points.items()))


def counted(families: Iterable[Family]) -> list[Family]:
    """What stays true of a worker that is gone."""
    return [family for family in families if family.kind != "gauge" and family.name not in _LEADERS]
