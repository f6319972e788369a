"""Tools are found by words of what they do."""

import pytest

from triplegate.gates.mcp.call import Item, OwnItem
from triplegate.gates.mcp.search import Index, words
from triplegate.wire.json_members import encode


def item(name, description=None, parameters=(), **more):
    schema = {"type": "object", "properties": {name: {} for name in parameters}}
    definition = encode({"name": name, "description": description, "inputSchema": schema} | more)
    return Item("tool", name, None, OwnItem(name, definition), definition, b"", b"")


FILES = item("files__read_text", "Reads a text file from the disk.", ["path", "encoding"])
MAIL = item("mail__send", "Sends an e-mail message to several people.", ["recipients", "body"])
CLOCK = item("time__getCurrentTime", "Tells what time it is in a time zone.", ["timezone"])
ALL = [FILES, MAIL, CLOCK]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("read a file", "files__read_text"),
        ("E-Mail", "mail__send"),
        ("recipient", "mail__send"),
        ("current time", "time__getCurrentTime"),
        ("getCurrentTime", "time__getCurrentTime"),
        ("times", "time__getCurrentTime"),
        ("files", "files__read_text"),
    ],
)
def test_the_best_comes_first(query, best):
    assert Index(ALL).search(query)[0] == best


@pytest.mark.parametrize("query", ["", "  ", "spaceship", "__", "💥"])
def test_what_no_tool_says_finds_nothing(query):
    assert Index(ALL).search(query) == []


def test_a_word_of_the_name_weighs_more_than_one_of_the_description():
    found = Index([item("a__x", "send send"), item("b__send", "other")]).search("send")
    assert found == ["b__send", "a__x"]


def test_equals_stand_in_the_order_of_names():
    assert Index([item("b", "same"), item("a", "same")]).search("same") == ["a", "b"]


def test_no_tools_and_strange_definitions_do_no_harm():
    assert Index([]).search("a") == []
    odd = b'{"name":"odd","description":7,"inputSchema":[]}'
    assert Index([Item("tool", "odd", None, OwnItem("odd", odd), odd, b"", b"")]).search("odd") == ["odd"]


def test_words_are_parts_of_names_in_lower_case():
    assert words("readHTMLFiles from_grüßen XML2JSON") == ["read", "html", "file", "from", "grüßen", "xml2", "json"]


def test_words_of_what_was_there_before_are_taken_over():
    changed = item("mail__send", "Delivers letters.")
    after = Index([FILES, changed, CLOCK], Index(ALL))
    assert after.search("letter") == ["mail__send"]
    assert after.search("e-mail message") == ["mail__send"]  # by its name
    assert after.search("recipient") == []
    assert after.said[FILES] is not None
    assert MAIL not in after.said
