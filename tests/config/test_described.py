"""Properties are described by what stands under the fields."""

from pydantic import BaseModel, Field

from triplegate.config.described import Described, descriptions


class Base(BaseModel):
    """Something with a size."""

    size: int = 0
    """How big it is."""
    weight: int = 0
    """How heavy it is,
    in grams.
    """
    plain: str = ""


class Part(Base):
    """A part of something."""

    name: str = Field(alias="called")
    """What it is called."""
    told: str = Field(default="", description="Told otherwise.")
    """Not this."""
    size: int = 1


class Whole(BaseModel):
    """All of it."""

    part: Part
    """The one part it has."""


def test_the_docstring_under_a_field_is_its_description_also_from_a_base() -> None:
    assert descriptions(Part) == {
        "weight": "How heavy it is,\nin grams.",
        "name": "What it is called.",
        "told": "Not this.",
    }


def test_a_schema_says_it_of_every_class_and_keeps_what_a_field_says_itself() -> None:
    schema = Whole.model_json_schema(schema_generator=Described)
    assert schema["properties"]["part"] == {"$ref": "#/$defs/Part", "description": "The one part it has."}
    part = schema["$defs"]["Part"]["properties"]
    assert part["called"]["description"] == "What it is called."
    assert part["told"]["description"] == "Told otherwise."
    assert "description" not in part["size"], "it is another field than that of the base"
    assert "description" not in part["plain"]
