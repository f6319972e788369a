"""Schemas of OpenAPI 3 as JSON Schema: references within the document only, and what 3.0 says in its own way."""

from collections.abc import Mapping
from typing import Any

_DROPPED = frozenset(
    {"xml", "externalDocs", "discriminator", "example", "nullable", "deprecated", "readOnly", "writeOnly"}
)
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ONES = frozenset(
    {"items", "not", "additionalProperties", "if", "then", "else", "contains", "propertyNames", "unevaluatedProperties"}
)
_SCHEMAS = "#/components/schemas/"
_DEEPEST = 64
_MOST = 400  # schemas that one operation refers to
_NODES = 20_000  # of all schemas of one operation
BINARY = {"type": "string", "contentEncoding": "base64"}
"""A file, as an argument has it."""


class Unusable(Exception):
    """Why an operation is no tool."""


def resolved(node: Any, document: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
    """The object that `node` is, or that it refers to within the document. Raises Unusable."""
    if not isinstance(node, Mapping):
        raise Unusable("something is no object")
    reference = node.get("$ref")
    if reference is None:
        return node
    if depth > _DEEPEST:
        raise Unusable("its references go in a circle")
    return resolved(_at(reference, document), document, depth + 1)


def _at(reference: Any, document: Mapping[str, Any]) -> Any:
    """What a reference leads to; nothing is ever fetched for it."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise Unusable(f"it refers to {str(reference)[:100]}, which is not in the document")
    found: Any = document
    for each in reference[2:].split("/"):
        part = each.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or part not in found:
            raise Unusable(f"it refers to {reference[:100]}, which is not there")
        found = found[part]
    return found


def is_old(document: Mapping[str, Any]) -> bool:
    """Whether it is of 3.0, whose schemas are not JSON Schema."""
    return str(document.get("openapi", "")).startswith("3.0")


def is_binary(node: Mapping[str, Any]) -> bool:
    """Whether a schema says that its value is bytes, which JSON cannot hold."""
    if node.get("format") == "binary":
        return True
    media = node.get("contentMediaType")
    if not isinstance(media, str) or "contentEncoding" in node or node.get("type", "string") != "string":
        return False
    return not (media.startswith("text/") or media.partition(";")[0].strip().endswith("json"))


def kinds_of(node: Any, document: Mapping[str, Any], known: dict[int, frozenset[str]] | None = None) -> frozenset[str]:
    """The JSON types that a schema allows, `null` left out; none where it does not say. Raises Unusable."""
    known = {} if known is None else known
    if not isinstance(node, Mapping):
        return frozenset()
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = frozenset()  # it may refer to itself
    if "$ref" in node:
        found = kinds_of(resolved(node, document), document, known)
    elif "type" in node:
        said = node["type"]
        found = frozenset([said] if isinstance(said, str) else [each for each in said if isinstance(each, str)])
    else:
        found = _kinds_within(node, document, known)
    known[id(node)] = found = found - {"null"}
    return found


def _kinds_within(
    node: Mapping[str, Any], document: Mapping[str, Any], known: dict[int, frozenset[str]]
) -> frozenset[str]:
    for word in ("anyOf", "oneOf"):
        if isinstance(node.get(word), list):
            each = [kinds_of(one, document, known) for one in node[word] if one != {"type": "null"}]
            return frozenset().union(*each) if all(each) else frozenset()
    for one in node.get("allOf") or ():
        if found := kinds_of(one, document, known):
            return found
    return frozenset({"object"}) if "properties" in node else frozenset({"array"}) if "items" in node else frozenset()


class Schemas:
    """The schemas of one operation, and those they refer to."""

    def __init__(self, document: Mapping[str, Any], *, answers: bool = False) -> None:
        """`answers`: they are of what is answered, else of what is asked."""
        self._document = document
        self._old = is_old(document)
        self._not_asked = "writeOnly" if answers else "readOnly"
        self._nodes = 0
        self.files = False
        """Bytes are told as base64, in those that are read from now on."""
        self.used: dict[str, Any] = {}
        """Name → schema, of all that was referred to."""

    def definitions(self) -> dict[str, Any]:
        """What `$defs` is to hold."""
        return self.used

    def read(self, node: Any, depth: int = 0) -> Any:
        """The same as JSON Schema. Raises Unusable."""
        if depth > _DEEPEST:
            raise Unusable("it nests too deep")
        self._nodes += 1
        if self._nodes > _NODES:
            raise Unusable(f"it has more than {_NODES} schemas within")
        if not isinstance(node, Mapping):
            return node if isinstance(node, bool) else {}
        read: dict[str, Any] = {}
        for key, value in node.items():
            self._keyword(str(key), value, read, depth + 1)
        if self._old:
            _modern(node, read)
        if self.files and is_binary(node):
            read.pop("format", None)
            read |= BINARY
        if isinstance(read.get("required"), list):
            self._require(node, read)
        return read

    def _require(self, node: Mapping[str, Any], read: dict[str, Any]) -> None:
        """What is only ever told, or only ever asked, need not be there the other way round."""
        properties = node.get("properties")
        if not isinstance(properties, Mapping):
            return
        read["required"] = [name for name in read["required"] if not self._is_other(properties.get(name))]
        if not read["required"]:
            del read["required"]

    def _is_other(self, node: Any) -> bool:
        if not isinstance(node, Mapping):
            return False
        return node.get(self._not_asked) is True or resolved(node, self._document).get(self._not_asked) is True

    def _keyword(self, key: str, value: Any, read: dict[str, Any], depth: int) -> None:
        if key == "$ref":
            self._reference(value, read, depth)
        elif key in _MAPS and isinstance(value, Mapping):
            read[key] = {name: self.read(each, depth) for name, each in value.items()}
        elif key in _LISTS and isinstance(value, list):
            read[key] = [self.read(each, depth) for each in value]
        elif key in _ONES:
            read[key] = self.read(value, depth)
        elif key not in _DROPPED and not key.startswith("x-"):
            read[key] = value

    def _reference(self, value: Any, read: dict[str, Any], depth: int) -> None:
        target = _at(value, self._document)
        if not value.startswith(_SCHEMAS):
            read.update(self.read(target, depth))
            return
        name, _, below = value[len(_SCHEMAS) :].partition("/")
        read["$ref"] = f"#/$defs/{name}" + (f"/{below}" if below else "")
        plain = name.replace("~1", "/").replace("~0", "~")
        if plain not in self.used:
            if len(self.used) >= _MOST:
                raise Unusable(f"it refers to more than {_MOST} schemas")
            self.used[plain] = {}  # its place: it may refer to itself
            self.used[plain] = self.read(self._document["components"]["schemas"][plain])


def _modern(node: Mapping[str, Any], read: dict[str, Any]) -> None:
    """What 3.0 says otherwise than JSON Schema."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(read.get(exclusive), bool) and read.pop(exclusive) and bound in read:
            read[exclusive] = read.pop(bound)
    if node.get("nullable") is True:
        kind = read.get("type")
        if isinstance(kind, str):
            read["type"] = [kind, "null"]
            if isinstance(read.get("enum"), list) and None not in read["enum"]:
                read["enum"] = [*read["enum"], None]
        elif "$ref" in read or any(each in read for each in _LISTS):
            inner = dict(read)
            read.clear()
            read["anyOf"] = [inner, {"type": "null"}]
