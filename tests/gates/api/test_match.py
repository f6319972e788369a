"""Routes are found by Gateway API precedence, whatever the order they were written in."""

import itertools
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.gates.api.match import Matcher, suffixes
from triplegate.gates.api.rule import Rule, Section
from triplegate.wire.pattern import pattern
from triplegate.wire.query import Query


def found(rules, path, *, host="a.test", method="GET", headers=(), query=b"", listener="data", sections=()):
    rule = Matcher(rules, sections).find(host, path, method, list(headers), query, listener)
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
    ("prefix before regex", Rule("z", "*", "/x", False), Rule("a", "*", "", False, pattern=pattern("/x/y"))),
    (
        "query",
        Rule("z", "*", "/x", False, query=(("a", "1"), ("b", "2"))),
        Rule("a", "*", "/x", False, query=(("a", "1"),)),
    ),
    (
        "headers before query",
        Rule("z", "*", "/x", False, headers=((b"a", b"1"),)),
        Rule("a", "*", "/x", False, query=(("a", "1"), ("b", "2"))),
    ),
    ("age", Rule("z", "*", "/x", False, created=1.0), Rule("a", "*", "/x", False, created=2.0)),
    ("known age", Rule("z", "*", "/x", False, created=1.0), Rule("a", "*", "/x", False)),
    (
        "regex by methods",
        Rule("z", "*", "", False, frozenset({"GET"}), pattern=pattern("/x.*")),
        Rule("a", "*", "", False, pattern=pattern("/x/y")),
    ),
    ("order", Rule("a", "*", "/x", False, order=1, name="win"), Rule("a", "*", "/x", False, order=2)),
    ("name", Rule("a", "*", "/x", False, order=2), Rule("b", "*", "/x", False, order=1)),
]


@pytest.mark.parametrize(("step", "winner", "loser"), PRECEDENCE, ids=[row[0] for row in PRECEDENCE])
def test_each_step_of_precedence_decides_in_any_order(step, winner, loser):
    host = "c.b.test" if "wildcard" in step else "a.test"
    for rules in itertools.permutations([winner, loser, Rule("other", "*", "/q", False)]):
        rule = Matcher(rules).find(host, "/x/y", "GET", [(b"a", b"1"), (b"b", b"2")], b"a=1&b=2")
        assert rule is winner


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


def test_a_path_may_be_told_by_an_expression_that_all_of_it_fits():
    rules = [Rule("r", "*", "", False, pattern=pattern("/orders/[0-9]+"))]
    assert [found(rules, path) for path in ("/orders/12", "/orders/12/x", "/orders/x")] == ["r", None, None]
    assert Matcher(rules).allowed("h", "/orders/12") == frozenset()


def test_of_many_expressions_only_those_are_tried_that_may_fit():
    class Counting:
        tried = 0

        def fullmatch(self, path):
            Counting.tried += 1

    rules = [Rule(f"r{n}", "*", f"/svc{n}/[0-9]+", False, pattern=Counting()) for n in range(10_000)]
    assert found(rules, "/svc77/x") is None
    assert Counting.tried == 1


def test_a_host_has_suffixes_longest_first():
    assert list(suffixes("a.b.c")) == [".b.c", ".c"]
    assert list(suffixes("[::1]")) == []


SECTIONS = [
    Section("any"),
    Section("wild", host="*.a.test"),
    Section("exact", host="b.a.test"),
    Section("inner", frozenset({"inner"}), host="c.test"),
]


@pytest.mark.parametrize(
    ("host", "listener", "owner"),
    [
        ("b.a.test", "data", "exact"),
        ("x.y.a.test", "data", "wild"),
        ("a.test", "data", "any"),
        ("c.test", "data", "any"),
        ("c.test", "inner", "inner"),
        ("d.test", "inner", "any"),
    ],
)
def test_the_most_specific_section_of_the_listener_owns_a_request_even_without_a_rule(host, listener, owner):
    for rules in itertools.permutations([Rule(name, "*", "/" + name, False, section=name) for name in OWNERS]):
        matcher = Matcher(rules, SECTIONS)
        for name in OWNERS:
            rule = matcher.find(host, "/" + name, "GET", [], b"", listener)
            assert (rule.route if rule else None) == (name if name == owner else None)
        assert matcher.owned(host, listener)


OWNERS = ("any", "wild", "exact", "inner")


def test_native_rules_go_before_sections_and_only_they_answer_405():
    rules = [
        Rule("native", "*", "/n", False, frozenset({"GET"})),
        Rule("owned", "*", "/", False, frozenset({"GET"}), section="s"),
    ]
    matcher = Matcher(rules, [Section("s", host="a.test")])
    assert found(rules, "/n", sections=matcher.sections) == "native"
    assert found(rules, "/o", sections=matcher.sections) == "owned"
    assert found(rules, "/o", host="other", sections=matcher.sections) is None
    assert not matcher.owned("other", "data")
    assert matcher.allowed("a.test", "/o") == matcher.allowed("a.test", "/n") == frozenset()
    assert matcher.allowed("other", "/n") == {"GET"}


def test_a_connection_opened_for_one_section_is_no_way_to_another_one():
    sections = [Section("any", frozenset({"tls"})), Section("a", frozenset({"tls"}), "a.test")]
    matcher = Matcher([], [*sections, Section("w", frozenset({"tls"}), "*.shop.test")])
    strays = [("a.test", "b.test"), ("b.test", "a.test"), ("x.shop.test", "a.test"), ("shop.test", "x.shop.test")]
    for host, asked in strays:
        assert matcher.strays(host, asked, "tls"), (host, asked)
    for host, asked in (("a.test", "a.test"), ("b.test", "c.test"), ("x.shop.test", "y.z.shop.test")):
        assert not matcher.strays(host, asked, "tls"), (host, asked)
    assert not matcher.strays("a.test", "b.test", "data")
    assert not Matcher([], sections[1:]).strays("nobody.test", "a.test", "tls")


def test_sections_of_one_host_share_it_and_a_route_may_stand_in_several():
    rules = [
        Rule("both", "*", "/b", False, section="one"),
        Rule("both", "*", "/b", False, section="two"),
        Rule("late", "*", "/l", False, section="two"),
    ]
    sections = [Section("one"), Section("two", frozenset({"inner"}))]
    assert [found(rules, path, listener="data", sections=sections) for path in ("/b", "/l")] == ["both", None]
    assert [found(rules, path, listener="inner", sections=sections) for path in ("/b", "/l")] == ["both", "late"]


def test_rules_of_other_listeners_are_not_seen():
    rules = [Rule("r", "*", "/x", False, frozenset({"GET"}), listeners=frozenset({"inner"}))]
    matcher = Matcher(rules)
    assert found(rules, "/x", listener="inner") == "r"
    assert found(rules, "/x") is None
    assert matcher.allowed("h", "/x", "inner") == {"GET"}
    assert matcher.allowed("h", "/x", "data") == frozenset()


def naive(rules, sections, host, path, method, headers, query, listener):
    """The specification read aloud: filter, then sort by the whole precedence."""

    def host_rank(pattern):
        if pattern == host:
            return (0, 0)
        if pattern.startswith("*.") and host.endswith(pattern[1:]) and len(host) > len(pattern) - 1:
            return (1, -len(pattern))
        return (2, 0) if pattern == "*" else None

    def path_rank(rule):
        if rule.pattern is not None:
            return (2, 0) if rule.pattern.fullmatch(path) else None
        if rule.exact:
            return (0, 0) if path == rule.path else None
        stem = rule.path.rstrip("/")
        return (1, -len(stem)) if path == stem or path.startswith(stem + "/") else None

    def rest(rule):
        return rule.fits(method, headers, Query(query), listener)

    def best(chosen):
        fitting = [
            (host_rank(rule.host), path_rank(rule), rule.rank(), rule.route)
            for rule in chosen
            if host_rank(rule.host) is not None and path_rank(rule) is not None and rest(rule)
        ]
        return min(fitting)[3] if fitting else None

    native = best([rule for rule in rules if rule.section is None])
    if native is not None:
        return native
    owners = [
        (host_rank(one.host), one.name)
        for one in sections
        if host_rank(one.host) is not None and (not one.listeners or listener in one.listeners)
    ]
    if not owners:
        return None
    names = {name for rank, name in owners if rank == min(owners)[0]}
    return best([rule for rule in rules if rule.section in names])


segments = st.sampled_from(["a", "b", "ab", "c"])
paths = st.lists(segments, max_size=3).map(lambda parts: "/" + "/".join(parts))
hosts = st.sampled_from(["*", "a.test", "*.test", "*.a.test", "b.a.test"])
expressions = st.sampled_from(
    ["/a.*", "/[ab]/[ab]", ".*", "/a/b/.*", "/a/(b|c)", "/ab?/c", "/a/b|/c", r"/a\\/b", "/a/b/?", "(?i)/A/b", "/c"]
)
listener_sets = st.sampled_from([frozenset(), frozenset({"data"}), frozenset({"inner", "data"})])
rows = st.fixed_dictionaries(
    {
        "host": hosts,
        "path": paths,
        "exact": st.booleans(),
        "methods": st.sampled_from([frozenset(), frozenset({"GET"}), frozenset({"PUT"})]),
        "headers": st.sampled_from([(), ((b"v", b"1"),), ((b"v", b"1"), (b"w", b"1")), ((b"v", pattern("[12]")),)]),
        "query": st.sampled_from([(), (("q", "1"),), (("q", pattern("[12]")), ("r", "1"))]),
        "text": st.one_of(st.none(), st.none(), expressions),
        "listeners": st.one_of(st.just(frozenset()), listener_sets),
        "section": st.sampled_from([None, None, "s0", "s1", "s2"]),
        "created": st.sampled_from([1.0, 2.0, float("inf")]),
    }
)


def rule_of(number, row):
    text = row.pop("text")
    row |= {} if text is None else {"path": text, "pattern": pattern(text)}
    return Rule(f"r{number:02}", order=number, **row)


tables = st.lists(rows, max_size=12).map(lambda found: [rule_of(i, dict(row)) for i, row in enumerate(found)])
section_lists = st.lists(st.tuples(listener_sets, hosts), max_size=3).map(
    lambda found: [Section(f"s{i}", listeners, host) for i, (listeners, host) in enumerate(found)]
)


calls = st.tuples(
    st.sampled_from(["a.test", "b.a.test", "x.test", "other"]),
    paths,
    st.sampled_from(["GET", "PUT"]),
    st.lists(st.tuples(st.sampled_from([b"v", b"w"]), st.sampled_from([b"1", b"2", b"3"])), max_size=3),
    st.sampled_from([b"", b"q=1", b"q=2&r=1", b"q=3&q=1", b"r=1&q=1"]),
    st.sampled_from(["data", "inner", "third"]),
)


def agree(table, sections, call):
    rule = Matcher(table, sections).find(*call)
    assert (rule.route if rule else None) == naive(table, sections, *call)


@settings(max_examples=400, deadline=None)
@given(tables, section_lists, calls)
def test_the_trie_agrees_with_a_naive_matcher(table, sections, call):
    agree(table, sections, call)


@pytest.mark.long
@pytest.mark.timeout(300)
@settings(max_examples=5_000, deadline=None)
@given(tables, section_lists, calls)
def test_rt11_the_trie_agrees_with_a_naive_matcher_on_many_tables(table, sections, call):
    agree(table, sections, call)


def many(count):
    """Rules of many hosts, paths, methods and headers, and for each a call that it takes."""
    hosts = ["*", *(f"h{n}.test" for n in range(50)), *(f"*.w{n}.test" for n in range(10))]
    rules = [
        Rule(
            f"r{n}",
            hosts[n % len(hosts)],
            f"/api/v{n % 7}/things-{n}",
            n % 5 == 0,
            frozenset({"GET"}) if n % 3 else frozenset(),
            ((b"x-a", b"1"),) if n % 11 == 0 else (),
            n,
        )
        for n in range(count)
    ]
    fields = [(b"host", b"a"), (b"accept", b"*/*"), (b"x-a", b"1")]
    calls = [
        (rule.host.replace("*.", "a.b.").replace("*", "x.y.z.test"), rule.path + ("" if rule.exact else "/42"), fields)
        for rule in rules
    ]
    return rules, calls


@pytest.mark.long
@pytest.mark.timeout(60)
def test_rt10_ten_thousand_routes_are_found_in_microseconds_and_little_memory():
    rules, calls = many(10_000)
    tracemalloc.start()
    matcher = Matcher(rules)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rounds = []
    for _ in range(5):
        taken = []
        for rule, (host, path, fields) in zip(rules[::5], calls[::5], strict=True):
            begun = time.perf_counter_ns()
            won = matcher.find(host, path, "GET", fields)
            taken.append(time.perf_counter_ns() - begun)
            assert won is rule
        rounds.append(sorted(taken)[len(taken) * 99 // 100] / 1000)
    print(f"p99 of a look-up {min(rounds):.1f} µs, {used / len(rules):.0f} bytes a route beside its rule")
    assert min(rounds) <= 20.0  # the quietest round: the others are the machine's doing
    assert used / len(rules) <= 2_000
