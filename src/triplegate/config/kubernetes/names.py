"""Names of what manifests become: readable, unambiguous, and short enough for metrics and records."""

import hashlib

LONGEST = 64


def shortened(name: str) -> str:
    """The name, or its begin with a digest of all of it when it is too long."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def free(name: str, taken: object) -> str:
    """The name, or one beside it when somebody else has it."""
    names: set[str] = taken if isinstance(taken, set) else set()
    fresh, count = shortened(name), 1
    while fresh in names:
        count += 1
        fresh = shortened(f"{name}-{count}")
    return fresh
