"""Routes are found by Gateway API precedence, whatever the order they were written in."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.gates.api.match import Matcher, Rule


def found(rules, path, *, host="a.test", method="GET", headers=()):
    rule = Matcher(rules).find(host, path, method, list(headers))
    return rule.route if rule else None


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/abc", "/abc", True),
        ("/abc", "/abc/", True),
        ("/abc", "/abc/def", True),
        ("/abc", "/abcd", False),
        ("/abc/", "/abc", True),
        ("/", "/anything/at/all", True),
        ("/a/b", "/a", False),
    ],
)
def test_a_prefix_fits_whole_path_elements(pattern, path, fits):
    assert (found([Rule("r", "*", pattern, False)], path) == "r") is fits


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/abc", "/abc", True),
        ("/abc", "/abc/", False),
        ("/abc/", "/abc/", True),
        ("/abc/", "/abc", False),
        ("/", "/", True),
    ],
)
def test_an_exact_path_fits_itself_only(pattern, path, fits):
    assert (found([Rule("r", "*", pattern, True)], path) == "r") is fits


PRECEDENCE = [
    ("host", Rule("exact-host", "a.test", "/", False), Rule("any-host", "*", "/x/y", True)),
    ("host wildcard", Rule("long", "*.b.test", "/", False), Rule("short", "*.test", "/x/y", True)),
    ("exact path", Rule("exact", "*", "/x/y", True), Rule("prefix", "*", "/x/y", False)),
    ("longest prefix", Rule("long", "*", "/x/y", False), Rule("short", "*", "/x", False, frozenset({"GET"}))),
    ("method", Rule("z", "*", "/x", False, frozenset({"GET"})), Rule("a", "*", "/x", False)),
    (
        "headers",
        Rule("z", "*", "/x", False, headers=((b"a", b"1"), (b"b", b"2"))),
        Rule("a", "*", "/x", False, headers=((b"a", b"1"),)),
    ),
    ("name", Rule("a", "*", "/x", False, order=2), Rule("b", "*", "/x", False, order=1)),
]


@pytest.mark.parametrize(("step", "winner", "loser"), PRECEDENCE, ids=[row[0] for row in PRECEDENCE])
def test_each_step_of_precedence_decides_in_any_order(step, winner, loser):
    host = "c.b.test" if "wildcard" in step else "a.test"
    for rules in itertools.permutations([winner, loser, Rule("other", "*", "/q", False)]):
        assert found(rules, "/x/y", host=host, headers=[(b"a", b"1"), (b"b", b"2")]) == winner.route


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("example.com", "example.com", True),
        ("*", "anything", True),
    ],
)
def test_hosts_fit_as_the_gateway_api_says(pattern, host, fits):
    assert (found([Rule("r", pattern, "/", False)], "/", host=host) == "r") is fits


def test_a_repeated_header_counts_by_its_first_value():
    rules = [Rule("r", "*", "/", False, headers=((b"v", b"2"),))]
    assert found(rules, "/", headers=[(b"v", b"2"), (b"v", b"1")]) == "r"
    assert found(rules, "/", headers=[(b"v", b"1"), (b"v", b"2")]) is None


def test_an_unknown_method_on_a_known_path_names_the_allowed_ones():
    matcher = Matcher([Rule("r", "*", "/x", False, frozenset({"GET", "PUT"}))])
    assert matcher.find("h", "/x", "POST", []) is None
    assert matcher.allowed("h", "/x") == {"GET", "PUT"}
    assert matcher.allowed("h", "/y") == frozenset()


def naive(rules, host, path, method):
    """The specification read aloud: filter, then sort by the whole precedence."""

    def host_rank(rule):
        if rule.host == host:
            return (0, 0)
        if rule.host.startswith("*.") and host.endswith(rule.host[1:]) and len(host) > len(rule.host) - 1:
            return (1, -len(rule.host))
        return (2, 0) if rule.host == "*" else None

    def path_rank(rule):
        if rule.exact:
            return (0, 0) if path == rule.path else None
        stem = rule.path.rstrip("/")
        return (1, -len(stem)) if path == stem or path.startswith(stem + "/") else None

    fitting = [
        (host_rank(rule), path_rank(rule), rule.rank(), rule.route)
        for rule in rules
        if host_rank(rule) is not None and path_rank(rule) is not None and (not rule.methods or method in rule.methods)
    ]
    return min(fitting)[3] if fitting else None


segments = st.sampled_from(["a", "b", "ab", "c"])
paths = st.lists(segments, max_size=3).map(lambda parts: "/" + "/".join(parts))
hosts = st.sampled_from(["*", "a.test", "*.test", "*.a.test", "b.a.test"])
rules = st.lists(
    st.tuples(hosts, paths, st.booleans(), st.sampled_from([frozenset(), frozenset({"GET"}), frozenset({"PUT"})])),
    max_size=12,
).map(lambda rows: [Rule(f"r{i:02}", h, p, e, m, order=i) for i, (h, p, e, m) in enumerate(rows)])


@settings(max_examples=300, deadline=None)
@given(rules, st.sampled_from(["a.test", "b.a.test", "x.test", "other"]), paths, st.sampled_from(["GET", "PUT"]))
def test_the_trie_agrees_with_a_naive_matcher(table, host, path, method):
    rule = Matcher(table).find(host, path, method, [])
    assert (rule.route if rule else None) == naive(table, host, path, method)
