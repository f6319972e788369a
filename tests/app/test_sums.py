"""The node's meters: counters add up, gauges do as they mean."""

from triplegate.app.sums import combine, counted
from triplegate.core.meters import Family, Meters


def family(name: str, kind: str, *points, bounds=()) -> Family:
    return Family(name, kind, "1", "", ("label",), bounds, [((label,), list(cells)) for label, *cells in points])


def points(families: list[Family], name: str) -> dict:
    return {labels[0]: cells for one in families if one.name == name for labels, cells in one.points}


def test_counters_and_histograms_of_all_workers_add_up():
    own = [family("c", "counter", ("a", 1)), family("h", "histogram", ("a", 1, 0, 0.2), bounds=(1,))]
    other = [family("c", "counter", ("a", 2), ("b", 5)), family("h", "histogram", ("a", 0, 3, 9.0), bounds=(1,))]
    sums = combine(own, [other])
    assert points(sums, "c") == {"a": [3], "b": [5]}
    assert points(sums, "h") == {"a": [1, 3, 9.2]}


def test_what_is_open_adds_up_and_of_what_is_wrong_the_worst_is_shown():
    own = [
        family("http.server.active_requests", "gauge", ("api", 2)),
        family("triplegate.ledger.lag", "gauge", ("", 1.5)),
        family("triplegate.degraded.parts", "gauge"),
        family("triplegate.upstream.up", "gauge", ("o", 1)),
    ]
    other = [
        family("http.server.active_requests", "gauge", ("api", 3)),
        family("triplegate.ledger.lag", "gauge", ("", 0.5)),
        family("triplegate.degraded.parts", "gauge", ("redis", 1)),
        family("triplegate.upstream.up", "gauge", ("o", 0), ("p", 1)),
    ]
    sums = combine(own, [other, other])
    assert points(sums, "http.server.active_requests") == {"api": [8]}
    assert points(sums, "triplegate.ledger.lag") == {"": [1.5]}
    assert points(sums, "triplegate.degraded.parts") == {"redis": [1]}
    assert points(sums, "triplegate.upstream.up") == {"o": [0], "p": [1]}


def test_a_reload_counts_once_however_many_workers_took_it():
    own = [family("triplegate.config.reloads", "counter", ("taken", 2))]
    other = [family("triplegate.config.reloads", "counter", ("taken", 2))]
    assert points(combine(own, [other]), "triplegate.config.reloads") == {"taken": [2]}


def test_reading_twice_counts_nothing_twice():
    meters = Meters()
    meters.requests.add(("acme", "web", "api"), 3)
    others = [meters.read()]
    combine(meters.read(), others)
    total = next(one for one in combine(meters.read(), others) if one.name == "triplegate.requests")
    assert total.points == [(("acme", "web", "api"), [6])]


def test_of_a_worker_that_is_gone_only_what_it_counted_stays():
    kept = counted([family("c", "counter"), family("http.server.active_requests", "gauge"), family("h", "histogram")])
    assert [one.name for one in kept] == ["c", "h"]
