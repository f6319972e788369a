"""A query's parameters, decoded when the first of them is asked for."""

from urllib.parse import unquote_to_bytes


class Query:
    """Parameters by name; of a repeated one the first counts."""

    __slots__ = ("_found", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._found: dict[str, str] | None = None

    def get(self, name: str) -> str | None:
        """The decoded value; empty for a name alone, None where there is none."""
        found = self._found
        if found is None:
            found = self._found = {}
            for part in self._raw.split(b"&"):
                if part:
                    key, _, value = part.partition(b"=")
                    found.setdefault(_decoded(key), _decoded(value))
        return found.get(name)


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")
