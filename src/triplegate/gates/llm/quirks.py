"""Where a vendor differs from its dialect: fields it refuses, and the one name it takes for the output bound."""

from triplegate.config.documents_llm import Quirks
from triplegate.wire.json_members import encode, read_members

_BOUNDS = ("max_tokens", "max_completion_tokens")


def shape(body: bytes, quirks: Quirks, also: tuple[str, ...] = ()) -> bytes:
    """`body` as the vendor takes it; values stay byte for byte, only members are left out (`also`, too) or renamed."""
    members = read_members(body)
    names = {name: name for name in members if name not in quirks.drop and name not in also}
    wanted = quirks.max_tokens
    if wanted is not None:
        other = _BOUNDS[1 - _BOUNDS.index(wanted)]
        if names.pop(other, None) is not None and wanted not in names:
            names[other] = wanted
    if len(names) == len(members) and all(name == new for name, new in names.items()):
        return body
    return b"{" + b",".join([encode(new) + b":" + bytes(members[name]) for name, new in names.items()]) + b"}"
