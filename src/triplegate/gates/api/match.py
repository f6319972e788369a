"""Find the route of a request: hosts, then a trie of path segments, then methods, headers and query."""

from collections.abc import Iterable, Iterator, Sequence

from triplegate.core.http import Headers
from triplegate.gates.api.rule import Rule, Section
from triplegate.wire.pattern import leading_elements
from triplegate.wire.query import Query

__all__ = ["Matcher", "Rule", "Section"]


class Node:
    """One segment of the trie."""

    __slots__ = ("children", "exact", "exact_slash", "patterns", "prefix")

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.exact: list[Rule] = []
        self.exact_slash: list[Rule] = []
        """Exact paths that end with a slash."""
        self.prefix: list[Rule] = []
        self.patterns: list[tuple[int, Rule]] | None = None
        """Expressions whose paths all begin here, each with its place in the order of precedence."""


class Trie:
    """The rules of one host pattern."""

    __slots__ = ("_patterns", "_root")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._root = Node()
        self._patterns = 0
        for rule in sorted(rules, key=Rule.rank):
            self._insert(rule)

    def _node(self, segments: Iterable[str]) -> Node:
        node = self._root
        for segment in segments:
            node = node.children.setdefault(segment, Node())
        return node

    def _insert(self, rule: Rule) -> None:
        if rule.pattern is not None:
            node = self._node(leading_elements(rule.path))
            if node.patterns is None:
                node.patterns = []
            node.patterns.append((self._patterns, rule))
            self._patterns += 1
            return
        path = rule.path.strip("/")
        node = self._node(path.split("/") if path else ())
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

    def matching(self, path: str) -> Iterator[Rule]:
        """Rules with an expression that the path fits, best first; tried are those where its elements lead."""
        node = self._root
        found = list(node.patterns or ())
        for segment in path.strip("/").split("/"):
            child = node.children.get(segment)
            if child is None:
                break
            node = child
            if node.patterns is not None:
                found += node.patterns
        for _, rule in sorted(found, key=_place):
            if rule.pattern is not None and rule.pattern.fullmatch(path) is not None:
                yield rule

    def first(self, path: str, method: str, headers: Headers, query: Query | None, listener: str) -> Rule | None:
        """The best rule that takes the request."""
        for rules in self.candidates(path):
            for rule in rules:
                if rule.fits(method, headers, query, listener):
                    return rule
        if self._patterns:
            for rule in self.matching(path):
                if rule.fits(method, headers, query, listener):
                    return rule
        return None


class Table:
    """Rules by host: exact hosts, wildcard suffixes from long to short, any host."""

    __slots__ = ("_any", "_exact", "_wild")

    def __init__(self, rules: Iterable[Rule]) -> None:
        by_host: dict[str, list[Rule]] = {}
        for rule in rules:
            by_host.setdefault(rule.host, []).append(rule)
        tries = {host: Trie(listed) for host, listed in by_host.items()}
        self._any = tries.pop("*", None)
        self._wild = {host[1:]: tries.pop(host) for host in list(tries) if host.startswith("*.")}
        self._exact = tries

    def find(
        self, host: str, path: str, method: str, headers: Headers, query: Query | None, listener: str
    ) -> Rule | None:
        """The best rule: of the best host pattern that has one."""
        trie = self._exact.get(host)
        if trie is not None:
            rule = trie.first(path, method, headers, query, listener)
            if rule is not None:
                return rule
        if self._wild:
            for suffix in suffixes(host):
                trie = self._wild.get(suffix)
                if trie is not None:
                    rule = trie.first(path, method, headers, query, listener)
                    if rule is not None:
                        return rule
        return None if self._any is None else self._any.first(path, method, headers, query, listener)

    def tries(self, host: str) -> Iterator[Trie]:
        """The tries whose host pattern fits, best first."""
        if host in self._exact:
            yield self._exact[host]
        yield from (self._wild[suffix] for suffix in suffixes(host) if suffix in self._wild)
        if self._any is not None:
            yield self._any


class Matcher:
    """All rules: the native ones, then those of the section that owns the request."""

    __slots__ = ("_asks", "_native", "_owners", "_shared", "rules", "sections")

    def __init__(self, rules: Iterable[Rule], sections: Iterable[Section] = ()) -> None:
        self.rules: Sequence[Rule] = tuple(rules)
        self.sections: Sequence[Section] = tuple(sections)
        self._asks = any(rule.query for rule in self.rules)
        self._native = Table(rule for rule in self.rules if rule.section is None)
        self._shared = Owners(self.rules, [one for one in self.sections if not one.listeners])
        names = {listener for section in self.sections for listener in section.listeners}
        self._owners = {
            name: Owners(self.rules, [one for one in self.sections if not one.listeners or name in one.listeners])
            for name in names
        }

    def find(
        self, host: str, path: str, method: str, headers: Headers, query: bytes = b"", listener: str = ""
    ) -> Rule | None:
        """The route's rule by precedence: host, path, method, headers, query, age, name; None when nothing fits."""
        asked = Query(query) if self._asks else None
        rule = self._native.find(host, path, method, headers, asked, listener)
        if rule is None and self.sections:
            table = self._owners.get(listener, self._shared).table(host)
            if table is not None:
                return table.find(host, path, method, headers, asked, listener)
        return rule

    def owned(self, host: str, listener: str) -> bool:
        """Whether a section owns the requests for this host."""
        return bool(self.sections) and self._owners.get(listener, self._shared).table(host) is not None

    def owners(self, host: str, listener: str) -> frozenset[str]:
        """Names of the sections that own the requests for this host."""
        return self._owners.get(listener, self._shared).names(host)

    def strays(self, host: str, asked: str, listener: str) -> bool:
        """Whether a connection that was opened for `asked` is no way to `host`: other sections own that."""
        owners = self._owners.get(listener, self._shared)
        names = owners.names(host)
        return bool(names) and names != owners.names(asked)

    def allowed(self, host: str, path: str, listener: str = "") -> frozenset[str]:
        """Methods that some native rule takes at this path; empty when it is unknown, or a section owns the host."""
        if self.owned(host, listener):
            return frozenset()
        methods: set[str] = set()
        for trie in self._native.tries(host):
            for rules in (*trie.candidates(path), trie.matching(path)):
                for rule in rules:
                    if not rule.listeners or listener in rule.listeners:
                        methods |= rule.methods
        return frozenset(methods)


class Owners:
    """The sections of one of our listeners by host: the most specific one owns a request, with or without a rule."""

    __slots__ = ("_names", "_tables")

    def __init__(self, rules: Sequence[Rule], sections: Sequence[Section]) -> None:
        by_host: dict[str, set[str]] = {}
        for section in sections:
            by_host.setdefault(section.host, set()).add(section.name)
        grouped: dict[str, list[Rule]] = {}
        for rule in rules:
            if rule.section is not None:
                grouped.setdefault(rule.section, []).append(rule)
        self._tables = {
            host: Table(rule for name in sorted(names) for rule in grouped.get(name, ()))
            for host, names in by_host.items()
        }
        self._names = {host: frozenset(names) for host, names in by_host.items()}

    def table(self, host: str) -> Table | None:
        """The rules of the most specific section for `host`; None when no section's host fits."""
        return self._tables.get(self._pattern(host))

    def names(self, host: str) -> frozenset[str]:
        """The most specific sections for `host`."""
        return self._names.get(self._pattern(host), frozenset())

    def _pattern(self, host: str) -> str:
        if host in self._tables:
            return host
        return next(("*" + suffix for suffix in suffixes(host) if "*" + suffix in self._tables), "*")


def _place(one: tuple[int, Rule]) -> int:
    return one[0]


def suffixes(host: str) -> Iterator[str]:
    """`.b.c` and `.c` of a.b.c: what a wildcard for it may end with, longest first."""
    at = host.find(".")
    while at >= 0:
        yield host[at:]
        at = host.find(".", at + 1)
