"""Reading YAML: values as YAML 1.2 has them, places that count from 1, and bounds."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.config import reader
from triplegate.config.faults import Findings
from triplegate.config.reader import MAX_NODES, Node, read


def value(text: str) -> object:
    findings = Findings()
    nodes = read(text, "x.yaml", findings)
    findings.raise_faults()
    return nodes[0].plain()


def message(text: str) -> str:
    findings = Findings()
    read(text, "x.yaml", findings)
    assert findings.faults
    return str(findings.faults[0])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", 1),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0xff", 255),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("yes", "yes"),
        ("off", "off"),
        ("2020-01-01", "2020-01-01"),
        ("1m", "1m"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
    ],
)
def test_scalars_are_read_as_yaml_1_2_has_them(text: str, meant: object) -> None:
    found = value(f"a: {text}\n")
    assert isinstance(found, dict)
    assert found["a"] == meant
    assert type(found["a"]) is type(meant)


def test_keys_are_always_text() -> None:
    assert value("1: a\ntrue: b\nnull: c\n") == {"1": "a", "true": "b", "null": "c"}


def test_places_count_from_one() -> None:
    root = read("a:\n  - b: 5\n", "x.yaml", Findings())[0]
    entry = root.value["a"].value[0].value["b"]
    assert (str(root.value["a"].key), str(entry.key), str(entry.place)) == ("x.yaml:1:1", "x.yaml:2:5", "x.yaml:2:8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2", "x.yaml:2:2 not YAML"),
        ("\ta: 1", "x.yaml:1:1 not YAML"),
        ("a: \x00", "x.yaml:1:1 not YAML"),
        ("a: b: c", "x.yaml:1:5 not YAML"),
        ("%YAML 9.9\n---\na: 1", "x.yaml:1:1 not YAML"),
        ("a: &a [*a]", "x.yaml:1:8 alias '*a' refers to what contains it"),
        ("a: *b", "x.yaml:1:4 alias '*b' has no anchor"),
        ("a: 1\na: 2", "x.yaml:2:1 duplicate key 'a' (first at line 1)"),
        ("? [a]\n: 1", "x.yaml:1:3 a key is a word"),
        ("a: !!python/name:os.system x", "x.yaml:1:4 tags are not accepted"),
        ("a: !mine {b: 1}", "x.yaml:1:4 tags are not accepted"),
        ("a: !!set {b}", "x.yaml:1:4 tags are not accepted"),
        ("a: .nan", "x.yaml:1:4 nothing here is infinite"),
        ("a: " + "[" * 100_000, "x.yaml:1:27 nested deeper than 24"),
        ("a: '" + "x" * (4 << 20) + "'", "x.yaml:1:1 larger than 4 MiB"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str, said: str) -> None:
    assert message(text).startswith(said)


def test_aliases_are_expanded_and_counted() -> None:
    assert value("a: &a {x: 1}\nb: *a\n") == {"a": {"x": 1}, "b": {"x": 1}}
    rows = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    rows += [
        f"{this}: &{this} [{','.join(['*' + last] * 9)}]" for last, this in zip("abcdefghi", "bcdefghij", strict=True)
    ]
    begun = time.perf_counter()
    assert f"more than {MAX_NODES} values" in message("\n".join(rows))
    assert time.perf_counter() - begun < 5


def test_one_mistake_does_not_hide_the_next() -> None:
    findings = Findings()
    read("a: !!x 1\nb: .inf\nb: 2\n", "x.yaml", findings)
    assert [fault.position.line for fault in findings.faults] == [1, 2, 3]


def test_several_documents_in_one_file_are_all_read() -> None:
    assert [node.plain() for node in read("a: 1\n---\nb: 2\n", "x", Findings())] == [{"a": 1}, {"b": 2}]


def test_an_anchor_of_one_document_is_not_known_in_the_next() -> None:
    assert "has no anchor" in message("a: &a 1\n---\nb: *a\n")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**12), 10**12)
        | st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4),
        max_leaves=12,
    )
)
def test_json_is_read_as_json_has_it(thing: object) -> None:
    import json

    if isinstance(read(text := json.dumps({"a": thing}), "x", Findings())[0], Node):
        assert value(text) == {"a": thing}


@given(st.text(max_size=60))
def test_no_text_makes_the_reader_fall_over(text: str) -> None:
    read(text, "x", Findings())


def dump(node: Node) -> object:
    """Values with their places; an empty scalar stands nowhere in particular."""
    inner = node.value
    if isinstance(inner, dict):
        return str(node.place), {name: (str(child.key), dump(child)) for name, child in inner.items()}
    if isinstance(inner, list):
        return str(node.place), [dump(child) for child in inner]
    return "" if inner in (None, "") else str(node.place), type(inner).__name__, inner


def both(text: str) -> list[tuple[object, list[str]]]:
    """What the quick parser and the thorough one make of a text; the quick one is left out where it gives up."""
    outcomes = []
    for events in (reader._quick(text), reader._thorough(text)):
        if events is not None:
            findings = Findings()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(reader, "_quick", lambda _, events=events: events)
                found = read(text, "x", findings)
            outcomes.append(([dump(node) for node in found], [str(fault) for fault in findings.faults]))
    return outcomes


SNIPPETS = [
    "a",
    "b: ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ",",
    ": ",
    ":",
    "\n",
    "\n  ",
    " #x",
    "'",
    '"',
    "? ",
    "---\n",
    "1",
]
SNIPPETS += ["true", "~", "http://h:1", "é", "%", "@", "\\n", "<<", ".", "x y", " ", "*", "&", "|", ">", "!x ", "\t"]


@given(st.lists(st.sampled_from(SNIPPETS), max_size=14).map("".join))
def test_the_quick_parser_reads_what_the_thorough_one_reads(text: str) -> None:
    quick, *thorough = both(text)
    assert all(one == quick for one in thorough)


@pytest.mark.parametrize(
    "text", ["a: |\n x", "a: !x 1", "a: &b 1", "a: *b", "%YAML 1.1\n---\na: 1", 'a: ["b": 1]', "a:\t1"]
)
def test_the_quick_parser_leaves_what_is_unusual_to_the_thorough_one(text: str) -> None:
    assert reader._quick(text) is None


def test_the_quick_parser_is_there_and_used() -> None:
    for text in ("a: {b: [1, '2']}\n", "a: ['*b*', \"*c\", d*e]\n"):
        assert reader._quick(text) is not None
        assert len(both(text)) == 2
        assert both(text)[0] == both(text)[1]
