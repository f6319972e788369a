"""A FOCUS export is as the specification asks, and its costs sum to the ledger's to the last unit."""

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.control.reports.calls import UNIT, Calls, at, call
from tests.control.reports.focus_checker import LIST, faults

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports import focus as module
from triplegate.control.reports.chargeback import House, Question
from triplegate.control.reports.columns import Sheet
from triplegate.control.reports.focus import Ledger, TooMany, focus
from triplegate.control.reports.period import Period, between, read_period
from triplegate.control.reports.sheets import to_csv
from triplegate.control.reports.spending import Known
from triplegate.core.money import Price
from triplegate.core.usage import CLASSES

TEAMS = (("acme", "web"), ("acme", "ops"))
SMART = {"key": "k1", "route": "smart", "provider": "openai", "target": "openai/gpt-4o", "price_version": "gpt-4o@t#1"}
ORDERS = {
    "gate": "api",
    "key": "k1",
    "route": "orders",
    "target": "orders",
    "price_version": "orders@own#2",
    "model": "",
}
FILES = {"gate": "mcp", "key": "k2", "route": "files", "target": "files", "price_version": "files@own#3", "model": ""}
LISTED = Price("list", input=25 * UNIT // 10, output=10 * UNIT)
PRICES = {
    "openai/gpt-4o@own#5": Known("openai", "gpt-4o", Price("openai/gpt-4o@own#5", input=2 * UNIT, output=UNIT)),
    "cheap@t#4": Known("openai", "cheap", Price("cheap@t#4", input=7)),
    "gpt-4o@t#1": Known(
        "openai", "gpt-4o", Price("gpt-4o@t#1", input=25 * UNIT // 10, output=10 * UNIT, cache_read=UNIT)
    ),
    "orders@own#2": Known("", "", Price("orders@own#2", call=UNIT // 1000, per_unit={"bytes": 2 * UNIT})),
    "files@own#3": Known("", "", Price("files@own#3", call=UNIT // 100, per_unit={"web_search": 30_000 * UNIT})),
}


def of_list(known: Known) -> Price | None:
    return LISTED if "gpt-4o@own#" in known.price.version else None


async def sheet_of_calls(
    *calls: Any,
    period: Period | None = None,
    grain: str = "day",
    counted: Mapping[tuple[str, ...], Mapping[str, int]] | None = None,
    **document: Any,
) -> Sheet:
    async def counters(things: Sequence[str], *_: Any) -> Mapping[tuple[str, ...], Mapping[str, int]]:
        assert things == ["web_search"]
        return counted or {}

    async def stored(versions: Collection[str]) -> dict[str, Known]:
        return {version: PRICES[version] for version in versions if version.startswith("gpt")}

    house = House(ChargebackDocument.model_validate(document), TEAMS, price=PRICES.get, listed=of_list)
    question = Question(period or read_period("2026-11"), ("team",))
    return await focus(question, house, Ledger(Calls(calls).ask, stored, counters), grain)  # type: ignore[arg-type]


async def exported(*calls: Any, **more: Any) -> list[dict[str, str]]:
    sheet = await sheet_of_calls(*calls, **more)
    return list(csv.DictReader(io.StringIO(to_csv(sheet).decode(), newline="")))


def billed(rows: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(row["BilledCost"]) for row in rows), start=Decimal(0))


async def test_each_class_of_tokens_has_a_row_with_its_price() -> None:
    cost = 1000 * 25 // 10 * UNIT // 1_000_000 + 200 * UNIT // 1_000_000 + 50 * 10 * UNIT // 1_000_000
    rows = await exported(
        call(
            "2026-11-02T09:00",
            SMART,
            cost=cost,
            input_uncached=1000,
            cache_read=200,
            output_text=50,
            saved=UNIT,
            tokens_in=1200,
            tokens_out=50,
        ),
        tags={"web": {"cost_center": "4711"}},
        operator="Acme Platform",
    )
    assert faults(rows) == []
    assert [(row["SkuMeter"], row["PricingQuantity"], row["ListUnitPrice"], row["BilledCost"]) for row in rows] == [
        ("Input", "0.001", "2.5", "0.0025"),
        ("Cached Input", "0.0002", "1", "0.0002"),
        ("Output", "0.00005", "10", "0.0005"),
        ("Requests", "1", "0", "0"),
    ]
    row = rows[0]
    assert (row["ConsumedQuantity"], row["ConsumedUnit"], row["PricingUnit"]) == ("1000", "Tokens", "1M Tokens")
    assert (row["SkuId"], row["SkuPriceId"], row["x_PriceVersion"]) == (
        *("openai/gpt-4o", "gpt-4o@t#1/input_uncached", "gpt-4o@t#1"),
    )
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z")
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert (row["ProviderName"], row["PublisherName"], row["InvoiceIssuerName"]) == (
        *("Acme Platform", "openai", "Acme Platform"),
    )
    assert (row["BillingAccountId"], row["SubAccountId"], row["SubAccountType"]) == ("acme", "acme/web", "Team")
    assert json.loads(row["Tags"]) == {"app": "ci", "cost_center": "4711", "key": "k1"}
    assert [row["x_Requests"] for row in rows] == ["0", "0", "0", "1"]
    assert [row["x_CacheSavings"] for row in rows] == ["1", "0", "0", "0"]
    assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")


async def test_a_deployments_own_price_is_contracted_and_its_vendors_is_the_lists() -> None:
    own = {**SMART, "price_version": "openai/gpt-4o@own#5"}
    rows = await exported(
        call("2026-11-02", own, cost=2 * UNIT, input_uncached=1_000_000, output_text=0, tokens_in=1_000_000)
    )
    assert faults(rows) == []
    told = {row["SkuMeter"]: row for row in rows}
    assert (told["Input"]["ContractedUnitPrice"], told["Input"]["ContractedCost"]) == ("2", "2")
    assert (told["Input"]["ListUnitPrice"], told["Input"]["ListCost"], told["Input"]["BilledCost"]) == (
        "2.5",
        "2.5",
        "2",
    )
    assert told["Requests"]["ListCost"] == "0"


async def test_what_rounding_took_is_a_row_of_its_own() -> None:
    rows = await exported(
        call("2026-11-02", {**SMART, "price_version": "cheap@t#4"}, cost=1, input_uncached=100_000, tokens_in=100_000),
        call("2026-11-03", {**SMART, "price_version": "old"}, cost=77, input_uncached=9, tokens_in=9),
        call("2026-11-04", SMART, cost=-5, requests=0),
    )
    assert faults(rows) == []
    told = [(row["x_Adjustment"], row["BilledCost"], row["x_Tokens"]) for row in rows if row["x_Adjustment"]]
    assert told == [
        ("rounding", "0.00000000003", "0"),
        ("unpriced", "0.0000000077", "9"),
        ("correction", "-0.0000000005", "0"),
    ]
    adjusted = next(row for row in rows if row["x_Adjustment"])
    assert (adjusted["ChargeCategory"], adjusted["PricingQuantity"], adjusted["SkuId"]) == ("Adjustment", "", "")
    assert billed(rows) == Decimal(1 + 77 - 5) / UNIT


async def test_calls_megabytes_and_counted_things_have_prices_too() -> None:
    orders = [
        call(
            f"2026-11-02T0{hour}:00",
            ORDERS,
            cost=UNIT // 1000 + (100 * hour + 20) * 2 * UNIT // 1_000_000,
            bytes_in=100 * hour,
            bytes_out=20,
        )
        for hour in range(1, 4)
    ]
    failed = call("2026-11-02", ORDERS, cost=0)
    tools = call("2026-11-02", FILES, cost=UNIT // 100 + 4 * 30_000 * UNIT // 1_000_000)
    label = (str(at("2026-11-02")), "acme", "web", "ci", "k2", "mcp", "files", "", "files", "files@own#3")
    rows = await exported(*orders, failed, tools, counted={label: {"web_search": 4}})
    assert faults(rows) == []
    told = {(row["x_Gate"], row["SkuMeter"], row["ListUnitPrice"]): row for row in rows}
    calls, free = told["api", "Requests", "0.001"], told["api", "Requests", "0"]
    assert (calls["ConsumedQuantity"], calls["BilledCost"], calls["x_Requests"]) == ("3", "0.003", "3")
    assert (free["ConsumedQuantity"], free["SkuPriceId"]) == ("1", "orders@own#2/free")
    moved = told["api", "Data", "2"]
    assert (moved["ConsumedQuantity"], moved["PricingUnit"], moved["PricingQuantity"]) == ("660", "MB", "0.00066")
    assert (moved["ServiceCategory"], moved["ServiceName"]) == ("Integration", "orders")
    found = told["mcp", "Web Search", "0.03"]
    assert (found["PricingQuantity"], found["BilledCost"]) == ("4", "0.12")
    assert not [row for row in rows if row["x_Adjustment"]]


async def test_an_hour_is_an_hour_and_a_broken_period_is_cut() -> None:
    period = between(at("2026-11-02T09:30"), at("2026-11-02T11:00"))
    rows = await exported(
        call("2026-11-02T09:45", SMART, input_uncached=1, tokens_in=1, cost=25_000),
        call("2026-11-02T10:00", SMART, input_uncached=1, tokens_in=1, cost=25_000),
        period=period,
        grain="hour",
    )
    assert faults(rows) == []
    assert sorted({(row["ChargePeriodStart"], row["ChargePeriodEnd"]) for row in rows}) == [
        ("2026-11-02T09:30:00Z", "2026-11-02T10:00:00Z"),
        ("2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z"),
    ]


async def test_nobodys_calls_are_the_operators_and_a_refused_call_is_a_row_without_cost() -> None:
    nobody = {"org": "", "team": "", "consumer": "", "gate": "api", "route": "open"}
    rows = await exported(call("2026-11-02", nobody, refused=1), call("2026-11-03", nobody, requests=0, saved=3))
    assert faults(rows) == []
    assert [(row["SubAccountId"], row["BillingAccountId"], row["BilledCost"]) for row in rows] == [
        ("", "triplegate", "0"),
        ("", "triplegate", "0"),
    ]
    assert [row["x_Requests"] for row in rows] == ["1", "0"]


async def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    with pytest.raises(TooMany, match="more than 1 groups"):
        await exported(call("2026-11-02", SMART, cost=1), call("2026-11-03", SMART, cost=1))


def test_the_checker_finds_what_is_wrong() -> None:
    wrong = dict.fromkeys(LIST, "x") | {
        f"{kind}Period{side}": "2026-11-01T00:00:00Z" for kind in ("Billing", "Charge") for side in ("Start", "End")
    }
    wrong |= {"Tags": "{}", "SkuPriceDetails": "{}", "ChargeCategory": "Fee", "y": "1", "ListCost": ""}
    told = " ".join(faults([wrong]))
    for said in (
        "ListCost is null",
        "BilledCost is no Decimal",
        "ChargeCategory may not be Fee",
        "y is no column",
        "the charge period",
    ):
        assert said in told


_COSTS = st.integers(-(10**6), 10**13)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([SMART, ORDERS, FILES, {**SMART, "price_version": "old"}, {**SMART, "team": "ops"}]),
            st.integers(1, 30),
            _COSTS,
            st.lists(st.integers(-5, 10**9), min_size=9, max_size=9),
            st.integers(0, 3),
        ),
        max_size=12,
    )
)
async def test_whatever_was_called_the_rows_are_good_and_sum_to_the_ledger(calls: list[Any]) -> None:
    rows = await exported(
        *(
            call(
                f"2026-11-{day:02}",
                labels,
                cost=cost,
                requests=requests,
                bytes_in=tokens[0] % 1000,
                tokens_in=sum(tokens[:6]),
                tokens_out=sum(tokens[6:]),
                **dict(zip(CLASSES, tokens, strict=True)),
            )
            for labels, day, cost, tokens, requests in calls
        )
    )
    assert faults(rows) == []
    assert billed(rows) == Decimal(sum(cost for _, _, cost, _, _ in calls)) / UNIT
    assert sum(int(row["x_Requests"]) for row in rows) == sum(requests for *_, requests in calls)
    assert sum(int(row["x_Tokens"]) for row in rows) == sum(sum(tokens) for _, _, _, tokens, _ in calls)
