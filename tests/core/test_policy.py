"""A policy is configuration, validation and behaviour in one class, in exactly one of four forms."""

from typing import ClassVar, Literal

import pytest
from pydantic import ValidationError

from triplegate.core.policy import Dispatch, Policy, Registry, Stage


class Decides(Policy):
    use: Literal["decides"] = "decides"
    stage: ClassVar = Stage.PERMIT
    word: str = "x"

    def decide(self, exchange):
        return None


class Tunes(Policy):
    use: Literal["tunes"] = "tunes"
    stage: ClassVar = Stage.DISPATCH

    def tune(self, dispatch):
        dispatch.retries = 3


def test_the_form_is_known_by_the_method_it_brings():
    assert Decides.form == "decide"
    assert Tunes.form == "tune"


@pytest.mark.parametrize("methods", [{}, {"decide", "tune"}])
def test_a_class_with_no_form_or_two_is_refused_when_it_is_written(methods):
    body = {
        "__module__": __name__,
        "__annotations__": {"use": Literal["bad"], "stage": ClassVar},
        "use": "bad",
        "stage": Stage.PERMIT,
        **{name: lambda self, *_: None for name in methods},
    }
    with pytest.raises(TypeError, match="exactly one of"):
        type("Bad", (Policy,), body)


def test_an_unknown_field_is_an_error():
    with pytest.raises(ValidationError):
        Decides(use="decides", wrod="x")


def test_a_placed_policy_is_known_by_its_place_or_its_own_name():
    assert Decides().label == "decides"
    placed = Decides().placed("route:orders/decides#2", "a.yaml:3:5")
    assert (placed.label, placed.origin) == ("route:orders/decides#2", "a.yaml:3:5")
    assert Decides(name="mine").placed("route:orders/decides", "").label == "mine"


def test_the_registry_reads_documents_by_their_tag():
    registry = Registry([Decides, Tunes])
    read = registry.document_type().validate_python({"use": "decides", "word": "y"})
    assert isinstance(read, Decides)
    assert read.word == "y"
    with pytest.raises(ValidationError):
        registry.document_type().validate_python({"use": "no_such"})


def test_a_registry_of_one_policy_works_too():
    assert isinstance(Registry([Tunes]).document_type().validate_python({"use": "tunes"}), Tunes)


def test_tuning_writes_into_the_dispatch():
    dispatch = Dispatch()
    Tunes().tune(dispatch)
    assert dispatch.retries == 3
