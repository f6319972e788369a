"""Ids and opaque state that a provider keeps for us, sealed with where they belong: nobody else can use them.

A sealed id is the provider's own with a tag behind it; encrypted state gets a tag before it. A tag is a keyed hash of
the team and the quota group, so it can be neither forged nor carried to another team, and it says nothing. Between id
and tag a note of ours may stand, which the tag secures as well.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

_BETWEEN = "_tg"
_TAG = 16
_NOTED = "_tgn"
_SEALED_ID = re.compile(r"([A-Za-z0-9_-]{1,256}?)(?:_tgn([a-z0-9-]{1,64}))?_tg([a-z2-7]{16})\Z")
_OWN_ID = re.compile(
    rb'(?<!\\)("(?:id|(?:previous_)?response_id|(?:input_|output_|error_)?file_id|first_id|last_id)"'
    rb'[ \t\r\n]*:[ \t\r\n]*")'
    rb'((?:resp|file|batch)[_-][A-Za-z0-9_-]{1,200})"'
)
"""Only what stands in such a member is an id: `file_search` is the type of a tool, and `file_id` a name itself."""
_TAGGED = re.compile(rb'(?<!\\)"((?:resp|file|batch)[_-][A-Za-z0-9_-]{1,200}_tg[a-z2-7]{16})"')
_STATE = re.compile(rb'("encrypted_content"[ \t\r\n]*:[ \t\r\n]*")(?:tgo1\.([a-z2-7]{16})\.)?(?=[^"])')
_FILE = re.compile(rb'(?<!\\)"(?:input_)?file_id"[ \t\r\n]*:[ \t\r\n]*"(file[_-][A-Za-z0-9_-]+)"')
_FILES = re.compile(rb'(?<!\\)"file_ids"[ \t\r\n]*:[ \t\r\n]*\[((?:[^"\]]|"(?:[^"\\]|\\.)*")*+)')
_FILE_IN_LIST = re.compile(rb'"(file[_-][A-Za-z0-9_-]+)"')
_ESCAPED_WORD = re.compile(rb"\\u00(?:2[dD]|[3-7])")
_ESCAPE = re.compile(rb"\\(?:u00([2-7][0-9A-Fa-f])|.)", re.DOTALL)
_WORD = re.compile(rb"[A-Za-z0-9_-]")
MARKS = (b"_tg", b"file_id", b'"encrypted_content"', b'"previous_response_id"', b"\\u00")
"""A call without any of these names nothing that is sealed, or that would have to be."""
_OPENS = b'"encrypted_content":"'


def _unescaped(found: re.Match[bytes]) -> bytes:
    letter = bytes.fromhex(found[1].decode("ascii")) if found[1] else b""
    return letter if _WORD.fullmatch(letter) else found[0]


class Seals:
    """Makes and opens tags with one secret, the same on every node."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.digest(secret, b"llm origins", "sha256")

    def tag(self, team: str, group: str, subject: str = "") -> str:
        """The tag of `subject` at `group` for `team`."""
        text = f"{team}\0{group}\0{subject}".encode()
        return base64.b32encode(hmac.digest(self._secret, text, hashlib.sha256)[:10]).decode("ascii").lower()

    def seal(self, identity: str, team: str, group: str, note: str = "") -> str:
        """The id as the client gets it."""
        subject = f"{identity}{_NOTED}{note}" if note else identity
        return f"{subject}{_BETWEEN}{self.tag(team, group, subject)}"

    def open(self, sealed: str, team: str, groups: Iterable[str]) -> tuple[str, str] | None:
        """The provider's own id, and which of `groups` it belongs to; None when it is no id of this team there."""
        found = _SEALED_ID.match(sealed)
        if found is None:
            return None
        subject, tag = sealed[: -len(_BETWEEN) - _TAG], found[3]
        for group in groups:
            if hmac.compare_digest(tag, self.tag(team, group, subject)):
                return found[1], group
        return None

    def sealed(self, identity: str) -> bool:
        """Whether an id has the form of a sealed one, whoever it was sealed for."""
        return _SEALED_ID.match(identity) is not None

    def seal_ids(self, block: bytes, team: str, group: str, noted: tuple[str, str] = ("", "")) -> bytes:
        """`block` (JSON, whole events) with the ids of responses, files and batches sealed.

        `noted`: an id, and the note that goes with it.
        """
        if b'"resp' not in block and b'"file' not in block and b'"batch' not in block:
            return block

        def sealed(found: re.Match[bytes]) -> bytes:
            identity = found[2].decode("ascii")
            note = noted[1] if identity == noted[0] else ""
            return b'%b%b"' % (found[1], self.seal(identity, team, group, note).encode())

        return _OWN_ID.sub(sealed, block)

    def open_ids(self, text: bytes, team: str, groups: Iterable[str]) -> tuple[bytes, frozenset[str]]:
        """`text` with sealed ids as the provider knows them, and the groups they name; "" for a group not ours."""
        if b"_tg" not in text:
            return text, frozenset()
        known = tuple(groups)
        seen: dict[bytes, tuple[str, str]] = {}
        foreign = False

        def plain(found: re.Match[bytes]) -> bytes:
            nonlocal foreign
            if not foreign and found[1] not in seen:  # after one that is not ours the text goes nowhere
                opened = self.open(found[1].decode("ascii"), team, known)
                seen[found[1]] = opened or ("", "")
                foreign = opened is None
            return found[0] if foreign else b'"%b"' % seen[found[1]][0].encode()

        return _TAGGED.sub(plain, text), frozenset([group for _, group in seen.values()])

    def unsealed_file(self, text: bytes, team: str, groups: Iterable[str]) -> bool:
        """Whether JSON `text`, as it came, names a file that was not sealed for this team: it may be another's."""
        if b"\\u00" in text and _ESCAPED_WORD.search(text):  # a name can be written in many ways
            text = _ESCAPE.sub(_unescaped, text)
        if b"file_id" not in text:
            return False
        known = tuple(groups)
        told = [found[1] for found in _FILE.finditer(text)]
        for many in _FILES.finditer(text):
            told += _FILE_IN_LIST.findall(many[1])
        return any(self.open(one.decode("ascii"), team, known) is None for one in dict.fromkeys(told))

    def seal_state(self, block: bytes, team: str, group: str) -> bytes:
        """`block` (compact JSON, whole events) with its encrypted state marked."""
        if _OPENS not in block:
            return block
        return block.replace(_OPENS, b"%btgo1.%b." % (_OPENS, self.tag(team, group).encode("ascii")))

    def open_state(self, text: bytes, team: str, groups: Iterable[str]) -> tuple[bytes, frozenset[str]]:
        """`text` with its marks taken off, and the groups they name; "" stands for a group or team that is not ours."""
        if b'"encrypted_content"' not in text:
            return text, frozenset()
        by_tag = {self.tag(team, group): group for group in groups}
        seen: set[str] = set()

        def plain(found: re.Match[bytes]) -> bytes:
            if found[2] is not None:
                seen.add(by_tag.get(found[2].decode("ascii"), ""))
            return found[1]

        return _STATE.sub(plain, text), frozenset(seen)


def identity_of(sealed: str) -> str:
    """The provider's own id in an id that we sealed; as it is where we did not."""
    found = _SEALED_ID.match(sealed)
    return sealed if found is None else found[1]


def note_of(sealed: str) -> str:
    """The note in an id that was opened; empty where there is none."""
    found = _SEALED_ID.match(sealed)
    return (found[2] or "") if found is not None else ""
