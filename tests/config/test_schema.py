"""JSON Schemas: fresh in the repository, accepting what ships, refusing what the loader refuses."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.config.policies import REGISTRY

from triplegate.config.faults import Findings
from triplegate.config.reader import read
from triplegate.config.schema import Kind, encode, schema, write_schemas
from triplegate.core.policy import Registry
from triplegate.policies import built_in

ROOT = Path(__file__).parents[2]
FILES: dict[Kind, Path] = {
    "policies": ROOT / "policies" / ".schema.json",
    "providers": ROOT / "providers" / ".schema.json",
    "document": ROOT / "docs" / "schema.json",
}


SHIPPED = sorted([*ROOT.glob("policies/*.yaml"), *ROOT.glob("providers/*.yaml")])


def validator(kind: Kind) -> Any:
    return jsonschema_rs.validator_for(json.loads(FILES[kind].read_text()))


def plain(text: str) -> Any:
    findings = Findings()
    nodes = read(text, "x", findings)
    findings.raise_faults()
    return nodes[0].plain()


@pytest.mark.parametrize("kind", FILES)
def test_the_schema_in_the_repository_is_the_generated_one(kind: Kind) -> None:
    generated = encode(schema(kind, Registry(built_in())))
    assert FILES[kind].read_bytes() == generated, "run: python -m tests.config.fresh_schemas"


@pytest.mark.parametrize("kind", FILES)
def test_the_schema_is_a_valid_schema_without_loose_ends(kind: Kind) -> None:
    found = json.loads(FILES[kind].read_text())
    jsonschema_rs.meta.validate(found)
    text = json.dumps(found)
    for name in found["$defs"]:
        assert f'"#/$defs/{name}"' in text


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("policies/*.yaml"), *ROOT.glob("providers/*.yaml")]), ids=lambda p: p.stem
)
def test_shipped_files_fit_their_schema(path: Path) -> None:
    kind: Kind = "policies" if path.parent.name == "policies" else "providers"
    validator(kind).validate(plain(path.read_text()))
    assert path.read_text().startswith("# yaml-language-server: $schema=.schema.json\n")


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/*.yaml")), ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_fit_the_schema(path: Path) -> None:
    validator("document").validate(plain(path.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        "rotues: {}",
        "services: {a: {endpoints: [http://h], time_out: 5s}}",
        "services: {a: {endpoints: []}}",
        "services: {a: {endpoints: [ftp://h]}}",
        "routes: {a: {service: b, match: {type: prefx}}}",
        "models: {m: {deployments: [{provider: p, model: x, key: sk-123}]}}",
        "gateway: {policies: [{use: nothing}]}",
        "gateway: {policies: [{use: rate_limit}]}",
        "gateway: {policies: [{use: rate_limit, requests: 5, request: 5}]}",
        "listeners: {data: {prt: 5}}",
        "services: {'a b': {endpoints: [http://h]}}",
    ],
)
def test_an_editor_marks_what_the_loader_refuses(text: str) -> None:
    assert not validator("document").is_valid(plain(text))


def test_fields_and_policies_are_described_for_editors() -> None:
    found = schema("document", REGISTRY)
    assert found["$defs"]["ServiceDocument"]["properties"]["endpoints"]["description"].startswith("Its addresses")
    limit = found["$defs"]["RateLimit"]
    assert limit["properties"]["requests"]["description"] == "Calls."
    assert "use" in limit["required"]
    assert "title" not in limit["properties"]["requests"]


def test_a_registry_of_one_policy_has_a_schema_too() -> None:
    assert schema("policies", Registry([REGISTRY.policies["key_auth"]]))["$defs"]["KeyAuth"]


def test_schemas_are_written_where_they_belong(tmp_path: Path) -> None:
    for name in ("policies", "providers"):
        (tmp_path / name).mkdir()
    written = write_schemas(tmp_path, REGISTRY)
    assert [str(path.relative_to(tmp_path)) for path in written] == [
        "policies/.schema.json",
        "providers/.schema.json",
        "docs/schema.json",
    ]
    assert json.loads(written[0].read_text())["title"] == "triplegate policies and plans"
