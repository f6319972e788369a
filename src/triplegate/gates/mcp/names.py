"""The names under which clients see items: `{alias}__{tool}`, at most 64 characters, stable when servers are added."""

import hashlib
import re

LONGEST = 64
_FIT = re.compile(r"[A-Za-z0-9_./-]{1,64}")
_UNFIT = re.compile(r"[^A-Za-z0-9_./-]")
_ALIAS = re.compile(r"[A-Za-z0-9](?:_?[A-Za-z0-9-])*")


def full_name(alias: str, tool: str) -> str:
    """The name before any shortening: what the patterns of virtual servers are matched with."""
    return f"{alias}__{tool}"


def expose(alias: str, tool: str) -> str:
    """The name clients see.

    What would be too long, hold other characters, or could be read as another alias with another tool, ends with a
    hash instead. The name depends on nothing but alias and tool.
    """
    full = full_name(alias, tool)
    if _FIT.fullmatch(full) and _ALIAS.fullmatch(alias):
        return full
    digest = hashlib.sha256(f"{alias}\0{tool}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_UNFIT.sub('_', full)[: LONGEST - 9]}_{digest}"


def expose_uri(alias: str, uri: str) -> str:
    """The URI clients see of a resource whose own URI another server has too."""
    return f"mcp+{alias}:{uri}"


def may_begin(name: str, alias: str) -> bool:
    """Whether `name` could be a tool of `alias`: only a hint which catalogue to fetch, the table decides."""
    return name.startswith(_UNFIT.sub("_", f"{alias}__")[: LONGEST - 9])
