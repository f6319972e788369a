"""What may be listed, and how."""

from triplegate.gates.mcp.kinds import KINDS


def test_each_kind_is_listed_by_a_method_of_its_own():
    assert len({(listed.method, listed.member) for listed in KINDS.values()}) == len(KINDS)
    assert {listed.named for listed in KINDS.values()} == {"name", "uri", "uriTemplate"}
