"""What the house knows of itself is there when somebody scrapes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from triplegate.control.telemetry.collect import Telemetry
from triplegate.control.telemetry.gauges import observe_house
from triplegate.control.view import Degraded, EndpointView, GatewayView, Running, UpstreamView
from triplegate.core.meters import Meters, Points


class Busy(GatewayView):
    def running(self) -> Running:
        return Running("h", 7, 1_767_225_600.0, "dir")

    def upstreams(self) -> Sequence[UpstreamView]:
        return [UpstreamView("orders", "service", "127.0.0.1:1", "down"), UpstreamView("x", "service", "", "unknown")]

    def endpoints(self) -> Sequence[EndpointView]:
        return [
            EndpointView("s", "http://a", "up", active=2, calls=9, failed=1, ejections=1, latency=0.5),
            EndpointView("s", "http://b", "ejected"),
        ]

    def degraded(self) -> Sequence[Degraded]:
        return [Degraded("redis", "away")]

    def active(self) -> Mapping[str, int]:
        return {"api": 3}

    def spool(self) -> Iterable[tuple[str, int, int]]:
        return [("billed", 2, 300)]

    def ledger_lag(self) -> float:
        return 1.5

    def reloads(self) -> tuple[int, int]:
        return (4, 1)

    def pools(self) -> Iterable[tuple[str, int, int, int]]:
        return [("orders", 5, 2, 1)]

    def mirrors(self) -> Iterable[tuple[str, str, int]]:
        return [("route:r/mirror", "sent", 8)]

    def verdicts(self) -> Iterable[tuple[str, str, str, int]]:
        return [("route:r/external_guard", "hook", "failed open", 3)]

    def rooms(self) -> Iterable[tuple[str, int, int]]:
        return [("route:r/shed", 4, 2)]

    def found_limits(self) -> Iterable[tuple[str, int]]:
        return [("route:r/shed", 24)]

    def breakers(self) -> Iterable[tuple[str, str]]:
        return [("service:a", "half-open"), ("service:b", "closed")]

    def cooldowns(self) -> Iterable[tuple[str, str, bool, int]]:
        return [("group", "p:env:KEY:gpt", True, 3), ("key", "p:env:KEY", False, 1)]

    def shadows(self) -> Iterable[tuple[str, str, int]]:
        return [("m", "sent", 5), ("m", "capped", 2)]

    def shadow_costs(self) -> Iterable[tuple[str, float]]:
        return [("m", 0.25)]

    def budget_drift(self) -> Iterable[tuple[str, float]]:
        return [("web/month", -0.25)]

    def session_times(self, side: str) -> Points:
        return [(("2025-11-25", "" if side == "server" else "404"), [0, 1, 0.015])]


def test_every_gauge_reads_the_house() -> None:
    meters = Meters()
    observe_house(meters, Busy())
    told = {family.name: dict(family.points) for family in meters.read()}
    assert told["http.server.active_requests"] == {("api",): [3]}
    assert told["triplegate.spool.entries"] == {("billed",): [2]}
    assert told["triplegate.spool.size"] == {("billed",): [300]}
    assert told["triplegate.ledger.lag"] == {(): [1.5]}
    assert told["triplegate.budget.drift.usd"] == {("web/month",): [-0.25]}
    assert told["triplegate.config.reloads"] == {("taken",): [4], ("refused",): [1]}
    assert told["triplegate.config.generation"] == {(): [7]}
    assert told["triplegate.degraded.parts"] == {("redis",): [1]}
    assert told["triplegate.mirror.copies"] == {("route:r/mirror", "sent"): [8]}
    assert told["triplegate.guard.verdicts"] == {("route:r/external_guard", "hook", "failed open"): [3]}

    assert told["triplegate.policy.calls"] == {("route:r/shed", "inside"): [4], ("route:r/shed", "waiting"): [2]}
    assert told["triplegate.policy.found_limit"] == {("route:r/shed",): [24]}
    assert told["triplegate.breaker.open"] == {("service:a",): [1], ("service:b",): [0]}
    assert told["triplegate.cooldown.active"] == {("group", "p:env:KEY:gpt"): [1], ("key", "p:env:KEY"): [0]}
    assert told["triplegate.cooldown.begun"] == {("group", "p:env:KEY:gpt"): [3], ("key", "p:env:KEY"): [1]}
    assert told["triplegate.shadow.copies"] == {("m", "sent"): [5], ("m", "capped"): [2]}
    assert told["triplegate.shadow.cost.usd"] == {("m",): [0.25]}
    assert told["mcp.server.session.duration"] == {("2025-11-25", ""): [0, 1, 0.015]}
    assert told["mcp.client.session.duration"] == {("2025-11-25", "404"): [0, 1, 0.015]}
    assert told["triplegate.pool.connections"] == {
        ("orders", "used"): [3],
        ("orders", "idle"): [2],
        ("orders", "waiting"): [1],
    }
    assert told["triplegate.endpoint.up"] == {("s", "http://a"): [1], ("s", "http://b"): [0]}
    for name, value in {"active": 2, "calls": 9, "failures": 1, "ejections": 1, "latency": 0.5}.items():
        assert told[f"triplegate.endpoint.{name}"]["s", "http://a"] == [value]
    assert told["triplegate.upstream.up"] == {("orders",): [0], ("x",): [1]}


def test_a_house_that_says_nothing_breaks_nothing() -> None:
    meters = Meters()
    observe_house(meters, GatewayView())
    assert dict(next(f for f in meters.read() if f.name == "triplegate.config.generation").points) == {(): [0]}


def test_every_instrument_is_documented_with_its_labels() -> None:
    telemetry = Telemetry(Meters())
    observe_house(telemetry.meters, Busy())
    text = (Path(__file__).resolve().parents[3] / "docs" / "observability.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for family in telemetry.read():
        row = next((row for row in rows if f"`{family.name}`" in row), None)
        assert row is not None, f"{family.name} is not documented"
        assert family.kind in row
        if not family.name.startswith("gen_ai"):  # three share their labels in words
            assert all(f"`{label}`" in row for label in family.labels), row
