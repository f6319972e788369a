"""Namespaces of semantic caches as the admin API tells them."""

from tests.builders import make_kit

from triplegate.control.remembered import lacking, namespaces
from triplegate.stores.semantic.embedding import Embedder
from triplegate.stores.semantic.judging import Judged
from triplegate.stores.semantic.meaning import Meaning


def test_each_is_told_with_whose_it_is():
    kit = make_kit()
    memory = kit.state(Meaning, "m", lambda: Meaning(kit, Embedder(lambda: None), None))
    memory.namespace("semantic_cache|team:acme/web|smart", 0.02, 0.02).vetoed("numbers", 0.91)
    busy = memory.namespace("cache|key:acme/web/ci/k1|small", 0.02, 0.02)
    busy.judged("cheap", Judged("apart", 700), 0.876)
    busy.judged("cheap", Judged("busy"), 0.9)
    busy.judged("cheap", Judged(""), 0.9)
    busy.questions, busy.hits, busy.saved = 10, 4, 7
    keyed, team = namespaces(kit.states)
    assert (keyed.policy, keyed.scope, keyed.org, keyed.team, keyed.who, keyed.model) == (
        *("cache", "key", "acme", "web", "ci/k1", "small"),
    )
    assert (keyed.questions, keyed.hits, keyed.hit_rate, keyed.saved) == (10, 4, 0.4, 7)
    assert (keyed.judge, keyed.judge_cost, keyed.judged) == ("cheap", 700, {"apart": 1, "busy": 1})
    assert keyed.verdicts == (("apart", "0.88"), ("busy", "0.90"))
    assert (team.judge, team.judged, team.verdicts) == ("", {}, ())
    assert (team.scope, team.org, team.team, team.who, team.model) == ("team", "acme", "web", "", "smart")
    assert (team.vetoes, team.pairs, team.hit_rate) == ({"numbers": 1}, (("numbers", "0.91"),), 0.0)
    assert (team.error_low, team.error_high, team.closed) == (0.0, 1.0, False)
    memory.embedder.close()


def test_a_model_that_fails_is_told():
    kit = make_kit()
    memory = kit.state(Meaning, "m", lambda: Meaning(kit, Embedder(lambda: None), None))
    assert list(lacking(kit.states)) == []
    memory.embedder.failure = "no answer in 1 s"
    assert list(lacking(kit.states)) == ["no answer in 1 s"]
    memory.embedder.close()


def test_where_nothing_is_compared_there_is_nothing():
    assert list(namespaces(make_kit().states)) == []
    assert list(lacking(make_kit().states)) == []
