"""Guards as they are written: each kind says whether it holds things up, and which model of ours it asks."""

import pytest
from pydantic import TypeAdapter, ValidationError

from triplegate.config.documents_guards import AnyGuard

GUARD = TypeAdapter(AnyGuard)


def guard(kind, **more):
    needs = {
        "moderation": {"model": "m"},
        "webhook": {"url": "http://127.0.0.1:9000/check"},
        "presidio": {"url": "http://127.0.0.1:5002"},
        "judge": {"model": "m", "rule": "Be nice."},
    }
    return GUARD.validate_python({"kind": kind} | needs[kind] | more)


@pytest.mark.parametrize("kind", ["moderation", "webhook", "presidio", "judge"])
def test_without_a_verdict_nothing_passes_unless_that_is_said(kind):
    assert guard(kind).closed
    assert not guard(kind, on_failure="open").closed


def test_who_only_annotates_may_fail_unless_that_is_forbidden():
    assert not guard("judge", action="annotate").closed
    assert guard("judge", action="annotate", on_failure="closed").closed
    assert [guard(kind).changes for kind in ("webhook", "presidio")] == [True, True]
    assert not guard("presidio", action="annotate").changes


def test_its_name_is_its_kind_where_it_has_none():
    assert (guard("judge").label, guard("judge", name="tone").label) == ("judge", "tone")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("judge", {"action": "mask"}),
        ("moderation", {"action": "mask"}),
        ("webhook", {"action": "block"}),
        ("presidio", {"score": 0}),
        ("presidio", {"language": "English"}),
        ("judge", {"categories": ["Two Words"]}),
        ("judge", {"timeout": "2m"}),
        ("webhook", {"url": "http://127.0.0.1/?key=1"}),
    ],
)
def test_what_a_kind_cannot_be_is_refused(kind, more):
    with pytest.raises(ValidationError):
        guard(kind, **more)
