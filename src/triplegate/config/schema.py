"""JSON Schema of what may be written: for editors, and for whoever generates YAML."""

from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import TypeAdapter

from triplegate.config.described import Described
from triplegate.config.documents import Documents
from triplegate.config.settings import SETTING_NAMES, Settings
from triplegate.core.policy import Policy, Registry

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
Kind = Literal["document", "policies", "providers"]
_TITLES: dict[Kind, str] = {
    "document": "triplegate configuration",
    "policies": "triplegate policies and plans",
    "providers": "triplegate providers",
}


def schema(kind: Kind, registry: Registry) -> dict[str, Any]:
    """The schema of a whole configuration file, of `policies/*.yaml` or of `providers/*.yaml`."""
    documents = Documents.model_json_schema(ref_template="#/$defs/{model}", schema_generator=Described)
    definitions: dict[str, Any] = documents["$defs"]
    properties: dict[str, Any] = documents["properties"]
    if kind == "document":
        settings = Settings.model_json_schema(ref_template="#/$defs/{model}", schema_generator=Described)
        definitions.update(settings["$defs"])
        properties.update({name: one for name, one in settings["properties"].items() if name in SETTING_NAMES})
        properties["node"].pop("default", None)  # the machine's own name
    elif kind == "policies":
        properties = {name: properties[name] for name in ("policies", "plans")}
    else:
        properties = {"providers": properties["providers"]}
    definitions["Policy"] = _policy(registry, definitions)
    whole = {
        "$schema": _DIALECT,
        "title": _TITLES[kind],
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }
    return _pruned(_readable(whole))


def encode(found: dict[str, Any]) -> bytes:
    """The schema as it stands in files: sorted, indented, one newline at its end."""
    return msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=2) + b"\n"


def write_schemas(root: Path, registry: Registry) -> list[Path]:
    """Write the generated schemas below a checkout; the files written."""
    places: dict[Kind, Path] = {
        "policies": root / "policies" / ".schema.json",
        "providers": root / "providers" / ".schema.json",
        "document": root / "docs" / "schema.json",
    }
    for kind, path in places.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(schema(kind, registry)))
    return list(places.values())


def _policy(registry: Registry, definitions: dict[str, Any]) -> dict[str, Any]:
    """One policy as written: the name of a chain, or an object told apart by `use`."""
    kinds = []
    for cls in sorted(registry.policies.values(), key=_tag):
        shown = TypeAdapter(cls).json_schema(ref_template="#/$defs/{model}", schema_generator=Described)
        definitions.update(shown.pop("$defs", {}))
        shown["required"] = sorted({"use", *shown.get("required", ())})
        definitions[cls.__name__] = shown
        kinds.append({"$ref": f"#/$defs/{cls.__name__}"})
    return {"anyOf": [{"type": "string", "description": "Name of a chain."}, *kinds]}


def _tag(cls: type[Policy]) -> str:
    return str(cls.model_fields["use"].default)


def _readable(value: Any) -> Any:
    """Without pydantic's generated titles, which editors show instead of the description; names must fit."""
    if isinstance(value, dict):
        if "patternProperties" in value:
            value = {**value, "additionalProperties": False}
        if isinstance(value.get("properties"), dict):
            value = {**value, "properties": _written(value["properties"])}
        return {
            name: _readable(one)
            for name, one in value.items()
            if not (name == "title" and isinstance(one, str) and "$schema" not in value)
        }
    return [_readable(one) for one in value] if isinstance(value, list) else value


def _written(properties: dict[str, Any]) -> dict[str, Any]:
    """Only the fields that people write."""
    return {name: one for name, one in properties.items() if not (isinstance(one, dict) and one.get("internal"))}


def _pruned(whole: dict[str, Any]) -> dict[str, Any]:
    """Only the definitions that are used."""
    used: set[str] = set()
    waiting: list[Any] = [whole["properties"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix("#/$defs/")
            if name and name not in used:
                used.add(name)
                waiting.append(whole["$defs"][name])
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return {**whole, "$defs": {name: one for name, one in whole["$defs"].items() if name in used}}
