"""Names of one path: three ways to make them, what somebody has written, and one item a name."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import make_kit

from triplegate.config.documents import Documents
from triplegate.config.documents_mcp import ToolOverride
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.call import OwnItem
from triplegate.gates.mcp.exposing import Exposure, Showing
from triplegate.gates.mcp.server import Changes, Server

TEMPLATE = "x://{a}"


class Path:
    """An exposure of servers that list what a test says."""

    def __init__(self, showing=None, kind="tool", **listed):
        written = {name: {"url": "http://127.0.0.1:1/mcp"} for name in listed}
        documents, kit = Documents.model_validate({"servers": written}), make_kit()
        self.kind, self.changes = kind, Changes()
        self.servers = {name: Server(name, documents.servers[name], kit) for name in listed}
        for name, items in listed.items():
            self.give(name, *items)
        self.exposure = Exposure("", showing or Showing(), self.servers.values(), Access(documents), self.changes)

    def give(self, server, *items):
        named = {"tool": "name", "prompt": "name", "resource": "uri", "template": "uriTemplate"}[self.kind]
        made = [OwnItem(item, f'{{"{named}":"{item}"}}'.encode()) for item in items]
        self.servers[server].state.listings[self.kind].items = tuple(made)
        self.changes.note(self.kind)

    @property
    def items(self):
        return self.exposure.items(self.kind)[1]

    def __call__(self):
        return {item.name: (item.server.name, item.own.name) for item in self.items}


def test_always_begins_every_name_with_the_alias():
    assert list(Path(a=["x", "y"], b=["x"])()) == ["a__x", "a__y", "b__x"]


def test_collisions_begin_only_names_that_two_servers_have():
    path = Path(Showing("collisions"), a=["x", "y"], b=["x", "z"])
    assert path() == {"a__x": ("a", "x"), "y": ("a", "y"), "b__x": ("b", "x"), "z": ("b", "z")}


def test_never_leaves_the_name_to_the_first_server():
    path = Path(Showing("never"), b=["x", "z"], a=["x", "grüße"])
    found = path()
    assert found["x"] == ("a", "x")
    assert found["z"] == ("b", "z")
    assert re.fullmatch(r"gr__e_[0-9a-f]{8}", next(name for name, own in found.items() if own == ("a", "grüße")))
    assert len(found) == 3


def test_a_name_that_looks_like_anothers_gets_a_hash():
    path = Path(Showing("collisions"), a=["x"], b=["x"], c=["a__x"])
    found = path()
    assert len(found) == 3
    assert found["a__x"] == ("a", "x")
    assert re.fullmatch(r"a__x_[0-9a-f]{8}", next(name for name, own in found.items() if own == ("c", "a__x")))


@pytest.mark.parametrize("separator", ["/", ".", "-", "___"])
def test_another_separator_stands_between(separator):
    assert list(Path(Showing(separator=separator), a=["x"])()) == [f"a{separator}x"]


def test_what_is_written_of_a_server_and_of_a_path_replaces_its_words():
    showing = Showing(
        servers={"a": {"x": ToolOverride(name="fetch", description="D"), "y": ToolOverride(description="server's")}},
        path={"a__y": ToolOverride(name="read_file", description="path's"), "b__z": ToolOverride(name="a__fetch")},
    )
    path = Path(showing, a=["x", "y"], b=["z"])
    found = {item.name: item for item in path.items}
    assert found["read_file"].definition == b'{"description":"path\'s","name":"read_file"}'
    assert found["read_file"].own.definition == b'{"name":"y"}'
    assert found["a__fetch"].definition == b'{"description":"D","name":"a__fetch"}'
    assert [own for name, own in path().items() if name.startswith("a__fetch_")] == [("b", "z")]


def test_prompts_have_names_too_and_no_overrides():
    showing = Showing("never", servers={"a": {"x": ToolOverride(name="y")}})
    assert list(Path(showing, kind="prompt", a=["x"], b=["x"])()) == ["x"]


@pytest.mark.parametrize("kind", ["resource", "template"])
def test_a_uri_is_kept_where_it_is_the_only_one(kind):
    path = Path(kind=kind, a=["x://1", TEMPLATE], b=["x://1", "y://2"])
    assert list(path()) == ["mcp+a:x://1", TEMPLATE, "mcp+b:x://1", "y://2"]
    assert {item.header_name for item in path.items} == {b"x://1", TEMPLATE.encode(), b"y://2"}


def test_items_are_made_anew_only_when_their_kind_changed():
    path = Path(a=["x"])
    first = path.exposure.items("tool")
    path.changes.note("prompt")
    assert path.exposure.items("tool") is first
    path.give("a", "x", "y")
    assert list(path()) == ["a__x", "a__y"]


def test_paths_that_show_an_item_alike_share_it():
    path = Path(a=["x"])
    another = Exposure("", Showing(), path.servers.values(), path.exposure._access, path.changes)
    assert another.items("tool")[1][0] is path.items[0]


ANY = st.text(alphabet="ab_./-é ", min_size=1, max_size=70)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["always", "collisions", "never"]),
    st.dictionaries(st.sampled_from(["a", "b", "a-b", "a_a"]), st.lists(ANY, unique=True, max_size=6)),
)
def test_names_are_unique_short_and_lead_back_to_one_item_each(mode, listed):
    path = Path(Showing(mode), **listed)
    names = [item.name for item in path.items]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_./-]{1,64}", name) for name in names)
    if mode != "never":
        assert len(names) == sum(len(items) for items in listed.values())


@settings(max_examples=50, deadline=None)
@given(st.lists(ANY, unique=True, max_size=6), st.lists(ANY, unique=True, max_size=6))
def test_a_server_that_is_added_renames_nothing(before, added):
    old, new = Path(b=before)(), Path(a=added, b=before, c=added)()
    assert {name: own for name, own in new.items() if own[0] == "b"} == old


@pytest.mark.parametrize("mode", ["always", "collisions", "never"])
def test_a_name_is_supposed_to_be_what_it_would_be(mode):
    showing = Showing(mode, servers={"a": {"x": ToolOverride(name="y")}}, path={"a__z": ToolOverride(name="zed")})
    path = Path(showing, a=["x", "z"])
    for name, (_, own) in path().items():
        assert path.exposure.supposed("tool", name, path.servers.values()).own.name == own
