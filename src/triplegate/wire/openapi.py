"""OpenAPI 3 documents as tools: operations with one schema of all they take, and one of what they answer."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from triplegate.wire.json_members import encode
from triplegate.wire.openapi_bodies import Body, read_body
from triplegate.wire.openapi_parameters import LONGEST, Parameter, read_parameters
from triplegate.wire.openapi_results import NOTHING, Form, Output, read_output
from triplegate.wire.openapi_schema import Schemas, Unusable, resolved

METHODS = ("get", "head", "put", "post", "delete", "patch", "options")
LARGEST = 128 * 1024
"""Bytes of one tool's definition, what it answers left out."""
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


class Operation(msgspec.Struct, frozen=True, eq=False):
    """An operation, and the tool that it is."""

    name: str
    method: str
    path: str
    """The template: /pets/{id}."""
    parameters: tuple[Parameter, ...]
    body: Body | None
    definition: bytes
    """The tool, as JSON."""
    output: Form = "unknown"
    """What its definition promises of answers."""


def operations(document: Mapping[str, Any], faults: list[str], *, outputs: bool = True) -> Iterator[Operation]:
    """What an OpenAPI 3 document describes, in its order; what of it cannot be a tool's is put into `faults`.

    `outputs`: tools say what they answer. Raises ValueError when it is no such document.
    """
    version = document.get("openapi") if isinstance(document, Mapping) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise ValueError("no OpenAPI 3 document")
    paths = document.get("paths") or {}
    taken: set[str] = set()
    for path, written in paths.items() if isinstance(paths, Mapping) else ():
        try:
            item = resolved(written, document)
        except Unusable as why:
            faults.append(f"no tool for {path}: {why}")
            continue
        for method in METHODS:
            if not isinstance(item.get(method), Mapping):
                continue
            without: list[str] = []
            try:
                yield _operation(document, path, method, item, taken, without, outputs=outputs)
            except Unusable as why:
                faults.append(f"no tool for {method.upper()} {path}: {why}")
            except RecursionError:
                faults.append(f"no tool for {method.upper()} {path}: it nests too deep")
            else:
                faults.extend(f"{method.upper()} {path} is a tool {why}" for why in without)


def _operation(
    document: Mapping[str, Any],
    path: str,
    method: str,
    item: Mapping[str, Any],
    taken: set[str],
    without: list[str],
    *,
    outputs: bool,
) -> Operation:
    said = item[method]
    if not path.startswith("/") or "?" in path:
        raise Unusable("its path is none, or more than one")
    schemas = Schemas(document)
    properties: dict[str, Any] = {}
    written = [*(item.get("parameters") or ()), *(said.get("parameters") or ())]
    parameters = tuple(read_parameters(document, written, schemas, properties, without))
    if {parameter.name for parameter in parameters if parameter.place == "path"} != set(
        re.findall(r"\{([^}]+)\}", path)
    ):
        raise Unusable("its path names other parameters than it has")
    body = read_body(document, said.get("requestBody"), schemas, properties, without)
    required = [parameter.key for parameter in parameters if parameter.required]
    if body is not None and body.required:
        required.append(body.key)
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if schemas.used:
        schema["$defs"] = schemas.definitions()
    output = read_output(document, method, said, without) if outputs else NOTHING
    name = _name(said.get("operationId") or f"{method}_{path.strip('/')}", taken)
    definition = _definition(name, method, path, said, schema)
    if len(definition) > LARGEST:
        raise Unusable(f"its definition has more than {LARGEST} bytes")
    if output.schema is not None:
        definition = _definition(name, method, path, said, schema, output)
    sent = path.partition("#")[0]  # some documents tell operations of one path apart in this way
    return Operation(name, method.upper(), sent, parameters, body, definition, output.form)


def _definition(
    name: str, method: str, path: str, said: Mapping[str, Any], schema: dict[str, Any], output: Output = NOTHING
) -> bytes:
    words = "\n\n".join(text for text in (said.get("summary"), said.get("description")) if isinstance(text, str))
    told: dict[str, Any] = {
        "name": name,
        "description": words[:LONGEST] or f"{method.upper()} {path}",
        "inputSchema": schema,
    }
    if output.schema is not None:
        told["outputSchema"] = output.schema
    told["annotations"] = {
        "readOnlyHint": method in ("get", "head", "options"),
        "destructiveHint": method in ("put", "patch", "delete"),
        "idempotentHint": method in ("get", "head", "options", "put", "delete"),
    }
    return encode(told)


def _name(wanted: str, taken: set[str]) -> str:
    base = _NOT_NAME.sub("_", wanted).strip("_")[:120] or "operation"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    return name
