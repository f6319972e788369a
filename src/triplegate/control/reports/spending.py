"""What was spent, as the ledger sums it: labels and whole numbers by name, money in units."""

import msgspec


class Spent(msgspec.Struct, frozen=True):
    """Sums of the calls that have these labels."""

    labels: dict[str, str]
    sums: dict[str, int]
