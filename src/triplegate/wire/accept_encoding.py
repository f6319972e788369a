"""Accept-Encoding: which of our content codings a client wants most (RFC 9110 §12.5.3)."""

import re
from collections.abc import Sequence
from functools import lru_cache

_LONGEST = 1024
_PART = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")


@lru_cache(maxsize=512)
def choose(value: bytes, offered: Sequence[bytes]) -> bytes | None:
    """The coding of `offered` (lower-case, the dearest to us first) with the highest weight; None: send it plain.

    Plain it is too when the client wants that more than any of ours. A part that cannot be read is skipped.
    """
    weights: dict[bytes, float] = {}
    for part in value[:_LONGEST].split(b","):
        match = _PART.fullmatch(part)
        if match is not None:
            weights[match[1].lower()] = float(match[2] or b"1")
    rest = weights.get(b"*", 0.0)
    best = max(offered, key=lambda coding: weights.get(coding, rest), default=None)
    if best is None:
        return None
    weight = weights.get(best, rest)
    return best if weight > 0 and weight >= weights.get(b"identity", 0.0) else None
