"""POST /moderations, as an endpoint."""

from triplegate.gates.llm.paths.moderations import MODERATIONS


def test_it_passes_under_its_own_path_and_is_free():
    assert (MODERATIONS.path, MODERATIONS.family, MODERATIONS.generates) == (b"/moderations", "moderations", False)
    assert MODERATIONS.look(b'{"input":"x"}').model == "omni-moderation-latest"
    assert MODERATIONS.usage(b'{"results":[]}').total == 0
