"""What an OpenAPI operation answers, as the `outputSchema` of its tool: an object, or one that holds the answer."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from triplegate.wire.json_members import encode
from triplegate.wire.openapi_schema import Schemas, Unusable, kinds_of, resolved

LARGEST = 64 * 1024
"""Bytes of one such schema."""
WRAPPED = "result"
"""The member that holds an answer which is no object."""
_STREAM = "text/event-stream"
Form = Literal["unknown", "object", "wrapped"]


class Output(msgspec.Struct, frozen=True, eq=False):
    """What a tool promises of `structuredContent`."""

    form: Form = "unknown"
    """wrapped: what is answered stands in one member of it."""
    schema: Mapping[str, Any] | None = None


NOTHING = Output()


def read_output(document: Mapping[str, Any], method: str, said: Mapping[str, Any], without: list[str]) -> Output:
    """What holds of each good answer; nothing, where one may have no JSON. Why there is none is told in `without`."""
    responses = said.get("responses")
    if method == "head" or not isinstance(responses, Mapping):
        return NOTHING
    try:
        found = list(_good(document, responses))
        if not found or None in found or any(_is_anything(each) for each in found):
            return NOTHING
        return _output(document, [each for each in found if each is not None])
    except Unusable as why:
        without.append(f"without its outputSchema: {why}")
    except RecursionError:
        without.append("without its outputSchema: it nests too deep")
    return NOTHING


def _good(document: Mapping[str, Any], responses: Mapping[str, Any]) -> Iterator[Any]:
    """The schema of each good answer that is written; None: it may be no JSON."""
    for status, response in responses.items():
        if not str(status).startswith("2"):
            continue
        content = resolved(response, document).get("content")
        if not isinstance(content, Mapping):
            yield None
            continue
        kinds = {str(media).partition(";")[0].strip().lower(): each for media, each in content.items()}
        json = [each for media, each in kinds.items() if media == "application/json" or media.endswith("+json")]
        if _STREAM in kinds or not json:
            yield None
        for each in json:
            yield (each or {}).get("schema") if isinstance(each, Mapping) else None


def _is_anything(schema: Any) -> bool:
    return schema in ({}, True)


def _output(document: Mapping[str, Any], found: list[Any]) -> Output:
    schemas = Schemas(document, answers=True)
    read: list[Any] = []
    for each in found:
        schema = schemas.read(each)
        if schema not in read:
            read.append(schema)
    objects = all(kinds_of(each, document) == {"object"} and not _may_be_null(each, document) for each in found)
    one = read[0] if len(read) == 1 else {"anyOf": read}
    if objects:
        schema = {**one, "type": "object"}
    else:
        schema = {"type": "object", "properties": {WRAPPED: one}, "required": [WRAPPED]}
    if schemas.used:
        schema["$defs"] = schemas.definitions()
    if len(encode(schema)) > LARGEST:
        raise Unusable(f"it has more than {LARGEST} bytes")
    return Output("object" if objects else "wrapped", schema)


def _may_be_null(schema: Any, document: Mapping[str, Any], depth: int = 0) -> bool:
    if not isinstance(schema, Mapping) or depth > 32:
        return False
    node = resolved(schema, document)
    said = node.get("type")
    if node.get("nullable") is True or (isinstance(said, list) and "null" in said) or said == "null":
        return True
    return any(_may_be_null(one, document, depth + 1) for word in ("anyOf", "oneOf") for one in node.get(word) or ())
