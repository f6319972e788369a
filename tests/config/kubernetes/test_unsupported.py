"""Every field of the Gateway API is honoured, or named with the reason why it is not."""

from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from triplegate.config.kubernetes.inventory import KINDS
from triplegate.config.kubernetes.unsupported import UNSUPPORTED, reason_for

FIELDS = YAML(typ="safe").load((Path(__file__).parent / "fields.yaml").read_text())
MODELS = {kind: model for (_, kind), model in KINDS.items()}


def bare(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        return bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return next((bare(one) for one in get_args(kind) if one is not type(None)), kind)
    return bare(get_args(kind)[0]) if get_origin(kind) in (tuple, list) else kind


def honoured(model: Any, path: list[str]) -> bool:
    """Whether the models have the field, or hold all of what is around it."""
    for part in path:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return True
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in fields:
            return False
        model = bare(fields[part].annotation)
    return True


def leaves(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(tree, list):
        return [found for one in tree for found in leaves(one, path)]
    if isinstance(tree, dict):
        return [found for name, one in tree.items() for found in leaves(one, (*path, name))]
    return [(*path, tree)] if tree else [path]


def test_there_are_fields_of_every_kind():
    assert FIELDS.keys() == MODELS.keys()
    assert sum(len(leaves(tree)) for tree in FIELDS.values()) > 200


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_each_field_of_the_api_is_honoured_or_named(kind):
    lost = [
        ".".join(path)
        for path in leaves(FIELDS[kind])
        if honoured(MODELS[kind], list(path)) == (reason_for(kind, ".".join(path)) is not None)
    ]
    assert not lost, "neither honoured nor named, or both"


@pytest.mark.parametrize("kind", sorted(UNSUPPORTED))
def test_what_is_named_is_a_field_of_the_api(kind):
    known = {".".join(path[:end]) for path in leaves(FIELDS[kind]) for end in range(1, len(path) + 1)}
    assert not UNSUPPORTED[kind].keys() - known


def test_a_field_below_an_unsupported_one_has_the_same_reason():
    assert reason_for("HTTPRoute", "spec.rules.sessionPersistence.cookieConfig.lifetimeType") is not None
    assert reason_for("HTTPRoute", "spec.rules.matches") is None
    assert reason_for("Nothing", "spec") is None
