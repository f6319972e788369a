"""What a service says that its answer was worth: a dictionary of whole numbers (RFC 9651), read leniently."""

MOST = 2**53
_LONGEST, _MEMBERS = 1_024, 32


def read_units(value: bytes) -> dict[str, int]:
    """Counts by name, of `rows=12, pages=1`; what is no whole number from 1 on is left out, as is all of a long one."""
    if len(value) > _LONGEST:
        return {}
    found: dict[str, int] = {}
    for member in value.decode("latin-1").split(",")[:_MEMBERS]:
        name, _, count = member.partition(";")[0].strip().partition("=")
        if name and count.isascii() and count.isdigit() and 0 < int(count) < MOST:
            found[name] = int(count)
    return found
