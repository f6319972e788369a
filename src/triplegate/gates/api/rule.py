"""One match of a route as the matcher reads it, and the sections that own requests (Gateway API listeners)."""

from math import inf

import msgspec

from triplegate.core.http import Headers
from triplegate.wire.pattern import Pattern
from triplegate.wire.query import Query


class Section(msgspec.Struct, frozen=True):
    """A listener of a Kubernetes Gateway: the requests it owns get its rules and no others."""

    name: str
    listeners: frozenset[str] = frozenset()
    """Our listeners it serves; none = all."""
    host: str = "*"
    """Exact host, `*.suffix`, or `*`."""


class Rule(msgspec.Struct, frozen=True, eq=False):
    """One match of one route, with what it takes and how it ranks."""

    route: str
    host: str
    """Exact host, `*.suffix`, or `*`."""
    path: str
    """What is compared; of a `pattern` its text, or nothing."""
    exact: bool
    methods: frozenset[str] = frozenset()
    headers: tuple[tuple[bytes, bytes | Pattern], ...] = ()
    order: int = 0
    """Position in the configuration: the last tie-break."""
    query: tuple[tuple[str, str | Pattern], ...] = ()
    pattern: Pattern | None = None
    """What the whole path must fit; then neither exact nor prefix."""
    listeners: frozenset[str] = frozenset()
    """Our listeners it is reachable on; none = all."""
    section: str | None = None
    """The section it belongs to; None: it is a native one."""
    created: float = inf
    """Unix seconds; the older one wins."""
    name: str = ""
    """Its own name within the route."""
    sorts: str = ""
    """Name by which its route stands among those of its age; empty: the route's own."""
    plain: bool = True
    """Methods and headers with exact values are all it looks at."""

    def __post_init__(self) -> None:
        exact = all(isinstance(value, bytes) for _, value in self.headers)
        msgspec.structs.force_setattr(self, "plain", exact and not self.query and not self.listeners)

    def rank(self) -> tuple[bool, int, int, float, str, int]:
        """Precedence among rules of the same path (Gateway API): method, most headers, most query, age, name, order."""
        return (
            not self.methods,
            -len(self.headers),
            -len(self.query),
            self.created,
            self.sorts or self.route,
            self.order,
        )

    def fits(self, method: str, headers: Headers, query: Query | None = None, listener: str = "") -> bool:
        """Whether the rest of a request is what it takes; of a repeated header or parameter the first counts."""
        if self.methods and method not in self.methods:
            return False
        if self.plain:
            return not self.headers or self._headers_fit(headers)
        return self._rest_fits(headers, query or Query(b""), listener)

    def _headers_fit(self, headers: Headers) -> bool:
        for name, value in self.headers:
            for key, given in headers:
                if key == name:
                    if given != value:
                        return False
                    break
            else:
                return False
        return True

    def _rest_fits(self, headers: Headers, query: Query, listener: str) -> bool:
        if self.listeners and listener not in self.listeners:
            return False
        for name, wanted in self.headers:
            if not _fits(wanted, next((value for key, value in headers if key == name), None)):
                return False
        return all(_fits(wanted, query.get(name)) for name, wanted in self.query)


def _fits(wanted: object, given: bytes | str | None) -> bool:
    if given is None:
        return False
    if isinstance(wanted, (bytes, str)):
        return wanted == given
    return wanted.fullmatch(given) is not None  # type: ignore[attr-defined]  # a Pattern
