"""FOCUS 1.2 as its list of columns says it: types, what may be null, allowed values, and rules among columns.

Written from the specification's pages of columns (ratified 29 May 2025), not from our writer: nothing is shared.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, localcontext

# column, data type, whether null is allowed
COLUMNS = """
AvailabilityZone                   String    null
BilledCost                         Decimal   never
BillingAccountId                   String    never
BillingAccountName                 String    null
BillingAccountType                 String    null
BillingCurrency                    Currency  never
BillingPeriodEnd                   DateTime  never
BillingPeriodStart                 DateTime  never
CapacityReservationId              String    null
CapacityReservationStatus          String    null
ChargeCategory                     String    never
ChargeClass                        String    null
ChargeDescription                  String    null
ChargeFrequency                    String    never
ChargePeriodEnd                    DateTime  never
ChargePeriodStart                  DateTime  never
CommitmentDiscountCategory         String    null
CommitmentDiscountId               String    null
CommitmentDiscountName             String    null
CommitmentDiscountQuantity         Decimal   null
CommitmentDiscountStatus           String    null
CommitmentDiscountType             String    null
CommitmentDiscountUnit             String    null
ConsumedQuantity                   Decimal   null
ConsumedUnit                       String    null
ContractedCost                     Decimal   never
ContractedUnitPrice                Decimal   null
EffectiveCost                      Decimal   never
InvoiceId                          String    null
InvoiceIssuerName                  String    never
ListCost                           Decimal   never
ListUnitPrice                      Decimal   null
PricingCategory                    String    null
PricingCurrency                    Currency  never
PricingCurrencyContractedUnitPrice Decimal   null
PricingCurrencyEffectiveCost       Decimal   never
PricingCurrencyListUnitPrice       Decimal   null
PricingQuantity                    Decimal   null
PricingUnit                        String    null
ProviderName                       String    never
PublisherName                      String    never
RegionId                           String    null
RegionName                         String    null
ResourceId                         String    null
ResourceName                       String    null
ResourceType                       String    null
ServiceCategory                    String    never
ServiceName                        String    never
ServiceSubcategory                 String    never
SkuId                              String    null
SkuMeter                           String    null
SkuPriceDetails                    Object    null
SkuPriceId                         String    null
SubAccountId                       String    null
SubAccountName                     String    null
SubAccountType                     String    null
Tags                               Object    null
"""
LIST = {name: (kind, null == "null") for name, kind, null in map(str.split, COLUMNS.strip().splitlines())}
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other"},
    "CommitmentDiscountCategory": {"Spend", "Usage"},
    "CommitmentDiscountStatus": {"Used", "Unused"},
    "CapacityReservationStatus": {"Used", "Unused"},
    "ServiceCategory": {
        *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools"),
        *("Multicloud", "Identity", "Integration", "Internet of Things", "Management and Governance", "Media"),
        *("Migration", "Mobile", "Networking", "Security", "Storage", "Web", "Other"),
    },
}
SUBCATEGORIES = {
    "AI and Machine Learning": {
        *("AI Platforms", "Bots", "Generative AI", "Machine Learning", "Natural Language Processing"),
        "Other (AI and Machine Learning)",
    },
    "Integration": {"API Management", "Messaging", "Workflow Orchestration", "Other (Integration)"},
    "Other": {"Other (Other)"},
}
"""Of the categories that occur here."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PRICES = ("ListUnitPrice", "ContractedUnitPrice")
TOGETHER = (
    *(("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit"), ("SubAccountId", "SubAccountType")),
    *(("BillingAccountId", "BillingAccountType"), ("ResourceId", "ResourceType")),
)
"""Null together, or not at all."""
Row = Mapping[str, str]


def faults(rows: list[dict[str, str]]) -> list[str]:
    """Everything that a file (rows of text, empty for null) does not do as FOCUS 1.2 asks."""
    found = []
    for number, row in enumerate(rows):
        found += [f"row {number}: {fault}" for fault in _row(row)]
    return found


def _row(row: Row) -> Iterator[str]:
    yield from (f"{name} is missing" for name in LIST if name not in row)
    yield from (f"{name} is no column of FOCUS" for name in row if name not in LIST and not name.startswith("x_"))
    for name, (kind, nullable) in LIST.items():
        text = row.get(name, "")
        if not text:
            if not nullable:
                yield f"{name} is null"
            continue
        if not _fits(kind, text):
            yield f"{name} is no {kind}: {text}"
        if name in ALLOWED and text not in ALLOWED[name]:
            yield f"{name} may not be {text}"
    yield from _among(row)


def _fits(kind: str, text: str) -> bool:
    if kind == "Decimal":
        return NUMBER.fullmatch(text) is not None
    if kind == "DateTime":
        return MOMENT.fullmatch(text) is not None
    if kind == "Currency":
        return re.fullmatch(r"[A-Z]{3}", text) is not None
    if kind == "Object":
        value = json.loads(text)
        return isinstance(value, dict) and all(not isinstance(one, dict | list) for one in value.values())
    return text == text.strip()


def _among(row: Row) -> Iterator[str]:
    if row["ServiceSubcategory"] not in SUBCATEGORIES.get(row["ServiceCategory"], ()):
        yield f"{row['ServiceSubcategory']} is no subcategory of {row['ServiceCategory']}"
    for one, other in TOGETHER:
        if bool(row[one]) != bool(row[other]):
            yield f"{one} and {other} are not null together"
    begin, end = (datetime.fromisoformat(row[f"ChargePeriod{side}"]) for side in ("Start", "End"))
    first, last = (datetime.fromisoformat(row[f"BillingPeriod{side}"]) for side in ("Start", "End"))
    if not first <= begin < end <= last:
        yield "the charge period is not inside the billing period"
    yield from _of_usage(row) if row["ChargeCategory"] == "Usage" else _of_others(row)


def _of_usage(row: Row) -> Iterator[str]:
    for name in ("ConsumedQuantity", "PricingQuantity", "PricingCategory", "SkuId", "SkuPriceId", "SkuMeter", *PRICES):
        if not row[name]:
            yield f"{name} is null, and this is usage"
    if row["ConsumedQuantity"] and Decimal(row["ConsumedQuantity"]) <= 0:
        yield "ConsumedQuantity is not positive"
    for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
        if row[price] and row["PricingQuantity"]:
            if Decimal(row[price]) < 0:
                yield f"{price} is negative"
            with localcontext(prec=80):
                if Decimal(row[price]) * Decimal(row["PricingQuantity"]) != Decimal(row[cost]):
                    yield f"{price} times PricingQuantity is not {cost}"


def _of_others(row: Row) -> Iterator[str]:
    for name in ("ConsumedQuantity", "SkuPriceDetails"):
        if row[name]:
            yield f"{name} is not null, and this is no usage"
    for cost in ("ContractedCost", "EffectiveCost"):
        if row[cost] != row["BilledCost"]:
            yield f"{cost} is not BilledCost"
