"""Replace the part of a path that a match named; what comes out is canonical and stays where it belongs (P-13)."""

from triplegate.core.errors import Refusal
from triplegate.wire.target import canonical_path


def replace_prefix(path: str, matched: str, prefix: str) -> str:
    """`path` with `prefix` in place of its `matched` part; a slash at the end of either does not count.

    Raises Refusal ambiguous_path when the result is not below `prefix`.
    """
    stem = prefix.rstrip("/")
    replaced = stem + path[len(matched.rstrip("/")) :] or "/"
    found = canonical_path(replaced.encode("ascii")).decode("ascii")
    if found != stem and not found.startswith(stem + "/"):
        raise Refusal("ambiguous_path", "The path leaves the place it is rewritten to.")
    return found
