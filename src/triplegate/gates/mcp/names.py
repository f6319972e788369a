"""The names under which clients see items: `{alias}__{tool}`, at most 64 characters, stable when servers are added."""

import hashlib
import re

LONGEST = 64
SEPARATOR = "__"
UI = "ui://"
"""How URIs of MCP Apps begin: clients show what they lead to."""
_OURS = ".mcp"
_FIT = re.compile(r"[A-Za-z0-9_./-]{1,64}")
_UNFIT = re.compile(r"[^A-Za-z0-9_./-]")
_ALIAS = re.compile(r"[A-Za-z0-9](?:_?[A-Za-z0-9-])*")


def full_name(alias: str, tool: str) -> str:
    """The name before any shortening: what the patterns of virtual servers are matched with."""
    return f"{alias}{SEPARATOR}{tool}"


def expose(alias: str, tool: str, separator: str = SEPARATOR) -> str:
    """The name clients see.

    What would be too long, hold other characters, or could be read as another alias with another tool, ends with a
    hash instead. The name depends on nothing but alias, separator and tool.
    """
    begin = alias + separator
    full = begin + tool
    if _FIT.fullmatch(full) and _ALIAS.fullmatch(alias) and begin.find(separator) == len(alias):
        return full
    return hashed(full, alias, tool)


def expose_bare(alias: str, tool: str) -> str:
    """The name without alias: the tool's own, unless clients would refuse it."""
    return tool if _FIT.fullmatch(tool) else hashed(tool, alias, tool)


def hashed(name: str, alias: str, tool: str) -> str:
    """`name` made fit, with eight hexadecimal digits that no other tool's name ends with."""
    digest = hashlib.sha256(f"{alias}\0{tool}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_UNFIT.sub('_', name)[: LONGEST - 9]}_{digest}"


def expose_uri(alias: str, uri: str) -> str:
    """The URI clients see of a resource whose own URI another server has too; what is shown in a frame stays `ui:`."""
    if uri.startswith(UI):
        return f"{UI}{alias}{_OURS}/{uri.removeprefix(UI)}"
    return f"mcp+{alias}:{uri}"


def read_uri(uri: str) -> tuple[str, str] | None:
    """(alias, own URI) of a URI that says whose it is; None for any other."""
    if uri.startswith(UI):
        host, slash, own = uri.removeprefix(UI).partition("/")
        return (host.removesuffix(_OURS), UI + own) if slash and own and host.endswith(_OURS) else None
    alias, colon, own = uri.removeprefix("mcp+").partition(":")
    return (alias, own) if colon and own and uri.startswith("mcp+") else None


def may_begin(name: str, alias: str, separator: str = SEPARATOR) -> bool:
    """Whether `name` could be a tool of `alias`: only a hint which catalogue to fetch, the table decides."""
    return name.startswith(_UNFIT.sub("_", alias + separator)[: LONGEST - 9])
