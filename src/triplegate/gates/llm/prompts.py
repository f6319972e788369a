"""Prompts that calls ask for by name: filled in before anything looks at the call, as if its client had said it all."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from triplegate.config.documents_prompts import PromptDocument, PromptVariableDocument, PromptVersionDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.identity import Principal
from triplegate.gates.llm.call import Endpoint, LlmCall, read_call
from triplegate.wire.json_members import read_members
from triplegate.wire.prompt_placing import MEMBER, PLACES, Turn, placed
from triplegate.wire.prompt_template import Pieces, escaped, filled, names_of, read_template

_LARGEST = 4 * 1024 * 1024
"""Characters of all messages of a prompt that is filled in."""
_QUOTED = b'"prompt"'
_VENDORS = "pmpt_"
"""How the names of prompts begin that OpenAI keeps."""
_PLAIN = PromptVariableDocument()
_TEXT = ("text", "input_text")


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    version: str | int | None = None
    variables: dict[str, Any] | None = None


_asked = msgspec.json.Decoder(_Asked).decode


class _Version:
    """One version, read."""

    __slots__ = ("_turns", "_variables")

    def __init__(self, document: PromptVersionDocument) -> None:
        self._turns: list[tuple[str, Pieces]] = [(turn.role, read_template(turn.content)) for turn in document.template]
        names = dict.fromkeys([name for _, pieces in self._turns for name in names_of(pieces)])
        self._variables = {name: document.variables.get(name, _PLAIN) for name in names}

    def filled(self, label: str, given: Mapping[str, Any]) -> list[Turn]:
        """Its messages with these values. Raises Refusal prompt_invalid."""
        strange = sorted(given.keys() - self._variables)
        if strange:
            raise _invalid(f"The prompt {label} has no variable {strange[0][:64]}.")
        values = {name: _value(label, name, rules, given) for name, rules in self._variables.items()}
        turns = [Turn(role, filled(pieces, values)) for role, pieces in self._turns]
        if sum([len(turn.content) for turn in turns]) > _LARGEST:
            raise _invalid(f"The prompt {label} is longer than {_LARGEST} characters with these values.")
        return turns


class _Prompt:
    """One prompt, and who may use it."""

    __slots__ = ("_consumers", "_teams", "default", "versions")

    def __init__(self, document: PromptDocument) -> None:
        everyone = document.teams is None and document.consumers is None
        self._teams = None if everyone else frozenset(document.teams or ())
        self._consumers = frozenset(document.consumers or ())
        self.default = document.default
        self.versions = {name: _Version(version) for name, version in document.versions.items()}

    def open_to(self, who: Principal) -> bool:
        """Whether this principal may use it."""
        if self._teams is None or who.team in self._teams or who.team_ref in self._teams:
            return True
        names = (who.consumer, f"{who.team}/{who.consumer}", f"{who.team_ref}/{who.consumer}")
        return any(name in self._consumers for name in names)


class Prompts:
    """The prompts of one snapshot."""

    __slots__ = ("_prompts",)

    def __init__(self, documents: Mapping[str, PromptDocument] = MappingProxyType({})) -> None:
        self._prompts = {name: _Prompt(document) for name, document in documents.items()}

    def read(self, endpoint: Endpoint, text: bytes, principal: Principal) -> LlmCall:
        """The call that `text` is once it is spelled out. Raises Refusal invalid_body, prompt_*."""
        text, label = self.spelled_out(endpoint.family, text, principal)
        call = read_call(endpoint, text)
        call.prompt = label
        return call

    def spelled_out(self, family: str, text: bytes, principal: Principal) -> tuple[bytes, str]:
        """The call with the prompt that it asks for, and which one that is; as it came where it asks for none.

        Raises Refusal prompt_not_found, prompt_invalid.
        """
        if not self._prompts or family not in PLACES or _QUOTED not in text:
            return text, ""
        members = read_members(text)
        raw = bytes(members.get(MEMBER, b"null"))
        if raw == b"null":
            return text, ""
        try:
            asked = _asked(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _invalid(f"prompt takes an id, and maybe a version and variables: {error}.") from error
        prompt = self._prompts.get(asked.id)
        if prompt is None and asked.id.startswith(_VENDORS) and family == "openai_responses":
            return text, ""
        if prompt is None or not prompt.open_to(principal):
            raise Refusal("prompt_not_found", f"There is no prompt {asked.id[:64]}.")
        label, version = _version(asked, prompt)
        return placed(family, text, members, version.filled(label, asked.variables or {})), label


def tell_prompt(exchange: Exchange, label: str) -> None:
    """Say which one it was, if one was: in the call's decisions, and to its client."""
    if not label:
        return
    exchange.decisions.append(("prompt", "use", label))
    exchange.reply_headers.append((b"x-triplegate-prompt", label.encode("ascii")))


def _version(asked: _Asked, prompt: _Prompt) -> tuple[str, _Version]:
    wanted = prompt.default if asked.version is None else str(asked.version)
    if wanted is None:
        raise _invalid(f"The prompt {asked.id} has no version that is meant where none is named.")
    version = prompt.versions.get(wanted)
    if version is None:
        raise Refusal("prompt_not_found", f"There is no version {wanted[:64]} of the prompt {asked.id}.")
    return f"{asked.id}@{wanted}", version


def _value(label: str, name: str, rules: PromptVariableDocument, given: Mapping[str, Any]) -> str:
    value = given.get(name, rules.default)
    if isinstance(value, dict) and value.get("type") in _TEXT:
        value = value.get("text")
    if value is None:
        raise _invalid(f"The prompt {label} needs the variable {name}.")
    if not isinstance(value, str):
        raise _invalid(f"The variable {name} of the prompt {label} takes a text.")
    if len(value) > rules.longest:
        raise _invalid(f"The variable {name} of the prompt {label} takes at most {rules.longest} characters.")
    return escaped(value, rules.escape)


def _invalid(detail: str) -> Refusal:
    return Refusal("prompt_invalid", detail)
