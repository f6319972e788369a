"""POST /rerank, as an endpoint."""

from triplegate.gates.llm.paths.rerank import RERANK


def test_it_passes_under_its_own_path():
    assert (RERANK.path, RERANK.family) == (b"/rerank", "rerank")
    assert RERANK.look(b'{"model":"m","query":"q","documents":[]}').model == "m"
