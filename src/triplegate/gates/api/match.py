"""Find the route of a request: hosts, then a trie of path segments, then methods and headers."""

from collections.abc import Iterable

import msgspec

from triplegate.core.http import Headers


class Rule(msgspec.Struct, frozen=True, eq=False):
    """One match of one route, with what it takes and how it ranks."""

    route: str
    host: str
    """Exact host, `*.suffix`, or `*`."""
    path: str
    exact: bool
    methods: frozenset[str] = frozenset()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    order: int = 0
    """Position in the configuration: the last tie-break."""

    def rank(self) -> tuple[bool, int, str, int]:
        """Precedence among rules of the same path (Gateway API): method, most headers, name, order."""
        return (not self.methods, -len(self.headers), self.route, self.order)

    def fits(self, method: str, headers: Headers) -> bool:
        """Whether method and headers are those it takes; of a repeated header the first counts."""
        if self.methods and method not in self.methods:
            return False
        return not self.headers or self._headers_fit(headers)

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


class Node:
    """One segment of the trie."""

    __slots__ = ("children", "exact", "exact_slash", "prefix")

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.exact: list[Rule] = []
        self.exact_slash: list[Rule] = []
        """Exact paths that end with a slash."""
        self.prefix: list[Rule] = []


class Trie:
    """The rules of one host pattern."""

    __slots__ = ("_root",)

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._root = Node()
        for rule in sorted(rules, key=Rule.rank):
            self._insert(rule)

    def _insert(self, rule: Rule) -> None:
        node = self._root
        path = rule.path.strip("/")
        for segment in path.split("/") if path else ():
            node = node.children.setdefault(segment, Node())
        if not rule.exact:
            node.prefix.append(rule)
        elif rule.path.endswith("/") and path:
            node.exact_slash.append(rule)
        else:
            node.exact.append(rule)

    def candidates(self, path: str) -> list[list[Rule]]:
        """Rule lists whose path fits, best first: exact, then prefixes from long to short."""
        node = self._root
        found: list[list[Rule]] = [node.prefix] if node.prefix else []
        ended = True
        slash = len(path) > 1 and path[-1] == "/"
        if path != "/":
            for segment in (path[1:-1] if slash else path[1:]).split("/"):
                child = node.children.get(segment)
                if child is None:
                    ended = False
                    break
                node = child
                if node.prefix:
                    found.append(node.prefix)
        if ended:
            exact = node.exact_slash if slash else node.exact
            if exact:
                found.append(exact)
        found.reverse()
        return found


class Matcher:
    """All rules: exact hosts, wildcard suffixes from long to short, any host."""

    __slots__ = ("_any", "_exact", "_wild")

    def __init__(self, rules: Iterable[Rule]) -> None:
        by_host: dict[str, list[Rule]] = {}
        for rule in rules:
            by_host.setdefault(rule.host, []).append(rule)
        tries = {host: Trie(listed) for host, listed in by_host.items()}
        self._any = tries.pop("*", None)
        wild = sorted((host for host in tries if host.startswith("*.")), key=len, reverse=True)
        self._wild = tuple((host[1:], tries.pop(host)) for host in wild)
        self._exact = tries

    def find(self, host: str, path: str, method: str, headers: Headers) -> Rule | None:
        """The route's rule by precedence: host, then path, then method and headers; None when nothing fits."""
        trie = self._exact.get(host)
        if trie is not None:
            rule = _first(trie.candidates(path), method, headers)
            if rule is not None:
                return rule
        for suffix, wild in self._wild:
            if host.endswith(suffix) and len(host) > len(suffix):
                rule = _first(wild.candidates(path), method, headers)
                if rule is not None:
                    return rule
        return None if self._any is None else _first(self._any.candidates(path), method, headers)

    def allowed(self, host: str, path: str) -> frozenset[str]:
        """Methods that some rule takes at this path; empty when the path is unknown or needs other headers."""
        methods: set[str] = set()
        for trie in self._tries(host):
            for rules in trie.candidates(path):
                for rule in rules:
                    methods |= rule.methods
        return frozenset(methods)

    def _tries(self, host: str) -> Iterable[Trie]:
        if host in self._exact:
            yield self._exact[host]
        yield from (trie for suffix, trie in self._wild if host.endswith(suffix) and len(host) > len(suffix))
        if self._any is not None:
            yield self._any


def _first(candidates: list[list[Rule]], method: str, headers: Headers) -> Rule | None:
    for rules in candidates:
        for rule in rules:
            if rule.fits(method, headers):
                return rule
    return None
