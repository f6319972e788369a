"""Links in results: under the names that the path's own list has, and only where those are others."""

from tests.gates.mcp.test_exposing import Path

from triplegate.gates.mcp.links import links_of


def links(resources, templates):
    return links_of(
        Path(kind="resource", **resources).items,
        Path(kind="template", **templates).items,
    )


def test_what_several_servers_have_is_told_apart_and_the_rest_stays():
    found = links(
        {"a": ["x:1", "x:2", "t:listed"], "b": ["x:1"], "c": ["y:1"]},
        {"a": ["t:{i}", "u:{i}"], "b": ["t:{i}"], "c": []},
    )
    assert set(found) == {"a", "b"}
    assert [found["a"](uri) for uri in ("x:1", "x:2", "x:9", "u:1")] == ["mcp+a:x:1", "x:2", "x:9", "u:1"]
    assert (found["a"]("t:7"), found["b"]("t:7")) == ("mcp+a:t:7", "mcp+b:t:7")
    assert found["a"]("t:listed") == "t:listed"
    assert found["b"]("x:2") == "x:2"


def test_where_every_name_is_the_servers_own_there_is_nothing_to_do():
    assert links({"a": ["x:1"], "b": ["x:2"]}, {"a": ["t:{i}"], "b": []}) == {}
