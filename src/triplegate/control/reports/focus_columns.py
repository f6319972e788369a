"""The columns of a FOCUS 1.2 export, in the specification's order, and our own ones that begin with x_."""

from triplegate.control.reports.columns import Column

VERSION = "1.2"
_TEXT = (
    *("AvailabilityZone", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency"),
    *("CapacityReservationId", "CapacityReservationStatus", "ChargeCategory", "ChargeClass", "ChargeDescription"),
    *("ChargeFrequency", "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName"),
    *("CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedUnit", "InvoiceId"),
    *("InvoiceIssuerName", "PricingCategory", "PricingCurrency", "PricingUnit", "ProviderName", "PublisherName"),
    *("RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName"),
    *("ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName"),
    *("SubAccountType", "Tags"),
)
_MOMENTS = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
_DECIMALS = (
    *("BilledCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice"),
    *("EffectiveCost", "ListCost", "ListUnitPrice", "PricingCurrencyContractedUnitPrice"),
    *("PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity"),
)
_OWN = (
    Column("x_Adjustment"),
    Column("x_CacheSavings", "decimal"),
    Column("x_Consumer"),
    Column("x_Gate"),
    Column("x_KeyId"),
    Column("x_PriceVersion"),
    Column("x_Requests", "count"),
    Column("x_Route"),
    Column("x_TokenClass"),
    Column("x_Tokens", "count"),
)
COLUMNS: tuple[Column, ...] = (
    *sorted(
        [
            *(Column(name) for name in _TEXT),
            *(Column(name, "moment") for name in _MOMENTS),
            *(Column(name, "decimal") for name in _DECIMALS),
        ],
        key=lambda column: column.name,
    ),
    *_OWN,
)
"""All of FOCUS 1.2, those included that have no meaning here and are always null, and ten of our own."""
