"""Field descriptions of JSON Schemas, read from the docstrings under the fields when a schema is asked for.

Pydantic can do it as each class is made (`use_attribute_docstrings`); that parses every source file at every start.
"""

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class Described(GenerateJsonSchema):
    """A generator of JSON Schemas whose properties say what stands under their fields."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of a class, its properties described."""
        written = super().model_schema(schema)
        said = descriptions(schema["cls"])
        for name, field in schema["cls"].model_fields.items():
            shown: dict[str, Any] | None = written.get("properties", {}).get(field.alias or name)
            if shown is not None and name in said:
                shown.setdefault("description", said[name])
        return written


def descriptions(cls: type[BaseModel]) -> dict[str, str]:
    """What stands under the fields of a class, by name; one declared anew says what it says there."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found.update(_own(one))
    return {name: said for name, said in found.items() if said}


@cache
def _own(cls: type[BaseModel]) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    return {
        field.target.id: _text(below)
        for field, below in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def _text(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return inspect.cleandoc(statement.value.value) if isinstance(statement.value.value, str) else ""
    return ""
