"""Moderation: one result for each text, or there is no verdict."""

import json

import msgspec
import pytest

from triplegate.wire.guards.moderation import BATCH, moderation
from triplegate.wire.guards.told import Call, Piece

CALL = Call("1", "m", "acme/web", "ci")


def result(*, flagged=False, categories=None, **scores):
    return {"flagged": flagged, "categories": categories or {}, "category_scores": scores}


def verdict(results, *, thresholds=None, categories=(), action="block", texts=1):
    ask = moderation("omni", thresholds or {}, categories, action)
    question = ask([Piece("input", f"t{number}") for number in range(texts)], CALL)
    return question.read([json.dumps({"results": results}).encode()])


def test_texts_go_in_batches_and_the_model_is_named():
    question = moderation("omni", {}, (), "block")([Piece("input", str(n)) for n in range(BATCH + 1)], CALL)
    sent = [json.loads(body) for body in question.bodies]
    assert [len(one["input"]) for one in sent] == [BATCH, 1]
    assert {one["model"] for one in sent} == {"omni"}


def test_what_is_flagged_counts_and_is_named():
    told = verdict([result(flagged=True, categories={"violence": True, "hate": False})])
    assert (told.action, told.kinds) == ("block", {"violence": 1})
    assert verdict([result(flagged=True)]).kinds == {"flagged": 1}
    assert verdict([result()]).action == "allow"


def test_a_category_counts_although_the_whole_is_not_flagged():
    assert verdict([result(categories={"hate": True})]).kinds == {"hate": 1}


def test_only_categories_that_are_asked_for_count():
    both = {"violence": True, "hate": False}
    assert verdict([result(flagged=True, categories=both)], categories=("hate",)).action == "allow"
    assert verdict([result(flagged=True, categories=both)], categories=("violence",)).action == "block"


def test_scores_count_from_their_threshold_on():
    assert verdict([result(violence=0.7)], thresholds={"violence": 0.7}).action == "block"
    assert verdict([result(flagged=True, violence=0.69)], thresholds={"violence": 0.7}).action == "allow"


def test_what_only_annotates_says_so():
    assert verdict([result(flagged=True)], action="annotate").action == "annotate"


@pytest.mark.parametrize(
    ("results", "more"),
    [
        ([], {}),
        ([result(), result()], {}),
        ([result()], {"thresholds": {"violins": 0.5}}),
        ([result()], {"categories": ("violins",)}),
        ([{"flagged": "yes"}], {}),
        ([{}], {}),
    ],
)
def test_anything_else_is_no_verdict(results, more):
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        verdict(results, **more)
