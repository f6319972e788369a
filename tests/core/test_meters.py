"""What a finished exchange adds to the counters, and what stays bounded."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.meter_names import SECONDS
from triplegate.core.meters import OTHER, SERIES, Counter, Family, Histogram, Meters, merge
from triplegate.core.record import AttemptRecord, Record


def attempt(**changes: object) -> AttemptRecord:
    base = AttemptRecord(
        n=1,
        role="first",
        provider="openai",
        target="smart-1",
        credential_id="c",
        offset_us=100,
        first_byte_us=200,
        duration_us=40_000,
        status=200,
        error_class="",
        upstream_id="u",
        tokens=(0,) * 9,
        usage_source="none",
        cost=0,
        adopted=True,
    )
    return msgspec.structs.replace(base, **changes)


def record(**changes: object) -> Record:
    base = Record(
        exchange="01",
        part=0,
        kind="final",
        parent="",
        node="n",
        snapshot="s",
        started=1.0,
        duration_us=30_000,
        first_byte_us=10_000,
        overhead_us=700,
        gate="api",
        listener="data",
        route="orders",
        target="orders",
        method="GET",
        status=200,
        outcome="ok",
        refusal="",
        org="acme",
        team="web",
        consumer="ci",
        key_id="k",
        end_user="",
        plan="free",
        streamed=False,
        bytes_in=0,
        bytes_out=10,
        tokens=(0,) * 9,
        tool_units="",
        usage_source="none",
        own_cost=0,
        cost=0,
        list_cost=0,
        saved=0,
        cache="none",
        price_version="",
        traceparent="",
        billed=False,
        each=False,
    )
    return msgspec.structs.replace(base, **changes)


def points(meters: Meters, name: str) -> dict[tuple[str | int, ...], list[float]]:
    return dict(next(family for family in meters.read() if family.name == name).points)


def test_an_api_exchange_lands_in_the_bucket_of_its_duration() -> None:
    meters = Meters()
    meters.exchange(record(duration_us=30_000), "GET")
    meters.exchange(record(duration_us=50_000), "GET")  # equal to a bound: that bound's bucket
    meters.exchange(record(duration_us=99_000_000), "GET")
    cells = points(meters, "http.server.request.duration")["api", "orders", "GET", 200]
    assert cells[SECONDS.index(0.05)] == 2
    assert cells[len(SECONDS)] == 1  # above every bound
    assert abs(cells[-1] - 99.08) < 1e-9
    assert sum(cells[:-1]) == 3


def test_an_invented_method_becomes_other() -> None:
    meters = Meters()
    meters.exchange(record(), "BREW")
    assert list(points(meters, "http.server.request.duration")) == [("api", "orders", "_OTHER", 200)]


def test_a_refused_call_is_counted_by_code_and_by_the_policy_that_refused() -> None:
    meters = Meters()
    meters.exchange(
        record(outcome="refused", refusal="quota_exceeded", status=429), "GET", by="route:orders/rate_limit"
    )
    meters.exchange(record(outcome="refused", refusal="unauthenticated", status=401), "GET", by="key_auth")
    assert points(meters, "triplegate.refusals") == {
        ("api", "orders", "quota_exceeded"): [1],
        ("api", "orders", "unauthenticated"): [1],
    }
    assert points(meters, "triplegate.limits.denied") == {("route:orders/rate_limit",): [1]}


def test_a_model_call_counts_tokens_time_first_chunk_and_both_attempts() -> None:
    meters = Meters()
    call = record(
        gate="llm",
        route="smart",
        streamed=True,
        tokens=(10, 5, 0, 0, 0, 0, 7, 3, 0),
        usage_source="provider",
        cost=25_000_000,
        attempts=(
            attempt(status=503, error_class="overload", adopted=False, provider="groq", target="a"),
            attempt(n=2, role="fallback", target="b", tokens=(10, 5, 0, 0, 0, 0, 7, 3, 0), usage_source="provider"),
        ),
    )
    meters.exchange(call, "POST", operation="chat", pieces=(0, 5))
    tokens = points(meters, "gen_ai.client.token.usage")
    assert tokens["chat", "openai", "smart", "input"][-1] == 15
    assert tokens["chat", "openai", "smart", "output"][-1] == 10
    each = points(meters, "gen_ai.client.operation.duration")
    assert each["chat", "openai", "smart", ""][-1] == each["chat", "groq", "smart", "overload"][-1] == 0.04
    labels = ("chat", "openai", "smart")
    assert points(meters, "gen_ai.client.operation.time_to_first_chunk")[labels][-1] == 0.0002
    assert points(meters, "gen_ai.client.operation.time_per_output_chunk")[labels][-1] == (0.04 - 0.0002) / 4
    assert points(meters, "gen_ai.server.request.duration")[(*labels, "")][-1] == 0.03
    assert points(meters, "gen_ai.server.time_to_first_token")[labels][-1] == 0.01
    assert points(meters, "gen_ai.server.time_per_output_token")[labels][-1] == (0.03 - 0.01) / 9
    assert list(points(meters, "http.client.request.duration")) == [
        ("a", "first", 503, "overload"),
        ("b", "fallback", 200, ""),
    ]
    assert points(meters, "triplegate.tokens") == {("acme", "web", "input"): [15], ("acme", "web", "output"): [10]}
    assert points(meters, "triplegate.cost.usd") == {("acme", "web"): [0.0025]}


def test_calls_of_unknown_price_are_counted_by_provider_and_model() -> None:
    meters = Meters()
    call = record(gate="llm", route="smart", price_version="none", attempts=(attempt(usage_source="provider"),))
    meters.exchange(call, "POST", operation="chat")
    meters.exchange(msgspec.structs.replace(call, price_version="openai/gpt@table#1"), "POST", operation="chat")
    meters.exchange(msgspec.structs.replace(call, attempts=(attempt(),)), "POST", operation="chat")
    assert points(meters, "triplegate.unpriced") == {("openai", "smart"): [1]}


def test_an_mcp_operation_counts_by_known_method_and_tool() -> None:
    meters = Meters()
    meters.exchange(record(gate="mcp", route="files"), "POST", rpc="tools/call", part="files__read")
    meters.exchange(record(gate="mcp", route="files", outcome="failed"), "POST", rpc="evil/x")
    inside = record(gate="mcp", attempts=(attempt(error_class="tool_error"), attempt(n=2, adopted=False)))
    meters.exchange(inside, "POST", rpc="tools/call", part="files__read")
    assert list(points(meters, "mcp.server.operation.duration")) == [
        ("tools/call", "files__read", ""),
        ("_OTHER", "", "failed"),
        ("tools/call", "files__read", "tool_error"),
    ]
    assert list(points(meters, "mcp.client.operation.duration")) == [
        ("tools/call", "files__read", "tool_error"),
        ("tools/call", "files__read", ""),
    ]


def test_a_hundred_thousand_label_values_stay_one_bounded_instrument_and_lose_no_count() -> None:
    counter = Counter("x", "1", "x", ("path",))
    for number in range(100_000):
        counter.add((f"/p/{number}",))
    assert len(counter.series) == SERIES + 1
    assert counter.series[OTHER,] == [100_000 - SERIES]


def test_ten_thousand_keys_make_no_series_more_than_one() -> None:
    meters = Meters()
    sizes = []
    for number in range(10_000):
        told = {"key_id": f"k{number}", "consumer": f"c{number}", "end_user": f"u{number}", "exchange": f"{number}"}
        call = record(gate="llm", route="smart", streamed=True, usage_source="provider", **told)
        meters.exchange(msgspec.structs.replace(call, attempts=(attempt(upstream_id=f"id{number}"),)), "POST")
        if number in (0, 9_999):
            sizes.append([len(instrument.read().points) for instrument in meters.instruments])
    assert sizes[0] == sizes[1]


def test_money_sums_exactly_over_many_small_costs() -> None:
    counter = Counter("cost", "{USD}", "x", ("team",), scale=10_000_000_000)
    for _ in range(10_000):
        counter.add(("web",), 1)
    assert counter.series["web",] == [10_000]
    assert counter.read().points == [(("web",), [0.000001])]


def test_what_is_given_back_does_not_make_a_counter_shrink() -> None:
    meters = Meters()
    meters.exchange(record(cost=50, tokens=(5,) * 9, usage_source="estimated"), "GET")
    meters.exchange(record(cost=-20, tokens=(-3,) * 9, usage_source="provider"), "GET")
    assert meters.cost.series == {("acme", "web"): [50]}
    assert meters.tokens.series == {("acme", "web", "input"): [30], ("acme", "web", "output"): [15]}


def test_a_source_that_fails_leaves_the_other_instruments_readable() -> None:
    meters = Meters()

    def broken() -> Any:
        raise RuntimeError

    meters.observe("triplegate.broken", "1", "x", (), broken)
    meters.observe("triplegate.fine", "1", "x", ("a",), lambda: [(("b",), 3)])
    meters.gather("triplegate.gathered", "s", "x", (), (1.0,), broken)
    kept = Histogram("h", "s", "x", ("a",), (1.0, 2.0))
    kept.record(("b",), 1.5)
    meters.gather("triplegate.kept", "s", "x", ("a",), kept.bounds, lambda: kept.read().points)
    assert points(meters, "triplegate.broken") == points(meters, "triplegate.gathered") == {}
    assert points(meters, "triplegate.kept") == {("b",): [0, 1, 0, 1.5]}
    assert points(meters, "triplegate.fine") == {("b",): [3]}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 20)), max_size=60), st.integers(1, 4))
def test_workers_merged_equal_one_worker_that_saw_everything(events: list[tuple[str, float]], workers: int) -> None:
    whole = Histogram("h", "s", "x", ("l",), SECONDS)
    shares = [Histogram("h", "s", "x", ("l",), SECONDS) for _ in range(workers)]
    for number, (label, value) in enumerate(events):
        whole.record((label,), value)
        shares[number % workers].record((label,), value)
    merged = dict(merge([[share.read()] for share in shares])[0].points)
    expected = dict(whole.read().points)
    assert merged.keys() == expected.keys()
    for label, cells in expected.items():
        assert merged[label][:-1] == cells[:-1]
        assert abs(merged[label][-1] - cells[-1]) < 1e-6


def test_a_reading_survives_the_trip_to_the_leading_worker() -> None:
    meters = Meters()
    meters.exchange(record(), "GET")
    sent = msgspec.msgpack.encode(meters.read())
    assert msgspec.msgpack.decode(sent, type=list[Family]) == meters.read()
