"""What a server may offer: tools, prompts, resources and templates of resources, and how each is listed."""

from typing import Literal

import msgspec

Kind = Literal["tool", "prompt", "resource", "template"]


class Listed(msgspec.Struct, frozen=True):
    """How one kind is listed."""

    method: str
    """The method that lists it."""
    member: str
    """Where the list stands in its result."""
    named: str
    """The member of a definition that names the item."""
    capability: str
    """What a server advertises that has it."""
    longest: int
    """Characters of a name; an item with a longer one is left out."""


KINDS: dict[Kind, Listed] = {
    "tool": Listed("tools/list", "tools", "name", "tools", 256),
    "prompt": Listed("prompts/list", "prompts", "name", "prompts", 256),
    "resource": Listed("resources/list", "resources", "uri", "resources", 2048),
    "template": Listed("resources/templates/list", "resourceTemplates", "uriTemplate", "resources", 1024),
}
