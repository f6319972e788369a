"""The tables of the docs, drawn from the code; `python -m tests.docs.reference` writes them anew."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML

from triplegate.config import (
    documents,
    documents_alerts,
    documents_api,
    documents_base,
    documents_budgets,
    documents_call_price,
    documents_chargeback,
    documents_grpc,
    documents_guards,
    documents_llm,
    documents_mcp,
    documents_mcp_ends,
    documents_prices,
    documents_problems,
    documents_prompts,
    documents_routing,
    documents_service,
    documents_websocket,
    listeners,
    settings,
)
from triplegate.config.described import Described, descriptions
from triplegate.config.environment import VARIABLES
from triplegate.config.kubernetes.unsupported import UNSUPPORTED
from triplegate.config.shipped import shipped_files
from triplegate.core.errors import CODES
from triplegate.gates.llm.compile import ENDPOINTS
from triplegate.gates.llm.dialects import CODECS
from triplegate.gates.llm.paths import stored
from triplegate.policies import built_in
from triplegate.wire.problem import type_uri

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"<!-- table: (\S+) -->\n.*?<!-- end -->", re.DOTALL)
MODULES = (
    documents,
    documents_alerts,
    documents_api,
    documents_base,
    documents_budgets,
    documents_call_price,
    documents_chargeback,
    documents_grpc,
    documents_guards,
    documents_llm,
    documents_mcp,
    documents_mcp_ends,
    documents_prices,
    documents_problems,
    documents_prompts,
    documents_routing,
    documents_service,
    documents_websocket,
    listeners,
    settings,
)
UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
PROBLEMS = ("code", "status", "problem type", "OpenAI `error.type`", "Anthropic `error.type`", "JSON-RPC", "gRPC")


def class_of(name: str) -> type[BaseModel]:
    """A class of settings, documents or policies by its name."""
    for module in MODULES:
        found = getattr(module, name, None)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return next(policy for policy in built_in() if policy.__name__ == name)


def fields(name: str) -> str:
    """One row a field: what it takes, what it is when absent, what it means."""
    cls = class_of(name)
    properties = cls.model_json_schema(schema_generator=Described)["properties"]
    described, rows = descriptions(cls), []
    for field, facts in cls.model_fields.items():
        said = properties.get(facts.alias or field)
        if said is None or facts.exclude or said.get("internal"):
            continue
        text = (facts.description or described.get(field, "")).replace("\n", " ").replace("|", "\\|")
        if field == "use":
            text = f"Names this policy: `{facts.default}`."
        if field == "mode" and not text:
            text = "Always enforced: this cannot be merely observed."
        rows.append(f"| `{field}` | {takes(said)} | {default(facts, said)} | {text} |")
    return "\n".join(["| field | takes | default | meaning |", "|---|---|---|---|", *rows])


def takes(said: dict[str, Any]) -> str:
    """What may be written, in words."""
    if "examples" in said and "5s" in said["examples"]:
        return "duration"
    either = said.get("anyOf", said.get("oneOf"))
    if either is not None:
        kinds = [takes(one) for one in either if one.get("type") != "null"]
        return "size" if any("KiB" in one.get("pattern", "") for one in either) else " or ".join(dict.fromkeys(kinds))
    if "enum" in said or "const" in said:
        return ", ".join(f"`{value}`" for value in said.get("enum", [said.get("const")]))
    if "$ref" in said:
        name = said["$ref"].rpartition("/")[2].removesuffix("Document")
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    if said.get("type") == "array":
        return f"list of {takes(said['items'])}"
    if said.get("type") == "object":
        inner = said.get("additionalProperties")
        return f"map of {takes(inner)}" if isinstance(inner, dict) else "map"
    return {"string": "text", "integer": "number", "number": "number", "boolean": "`true`, `false`"}.get(
        str(said.get("type")), "anything"
    )


def default(facts: Any, said: dict[str, Any]) -> str:
    """The default as one would write it."""
    if facts.is_required():
        return "required"
    value = facts.default
    if isinstance(value, BaseModel):
        return "its own defaults"
    if value is PydanticUndefined:
        return "none" if facts.default_factory in {dict, list} else "made at start"
    if value is None or value in ((), frozenset(), "", {}):
        return "none"
    if takes(said) == "duration":
        return f"`{duration(value)}`"
    if takes(said) == "size":
        return f"`{size(value)}`"
    if isinstance(value, tuple | frozenset):
        return f"`[{', '.join(str(one) for one in sorted(value))}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def duration(value: float) -> str:
    """60.0 → 1m."""
    for seconds, unit in UNITS:
        if value >= seconds and value % seconds == 0:
            return f"{int(value // seconds)}{unit}"
    return f"{round(value * 1000)}ms"


def size(value: int) -> str:
    """65536 → 64KiB."""
    for step, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if value and value % step == 0:
            return f"{value // step}{unit}"
    return str(value)


def problems(_: str) -> str:
    """The registry: every refusal code as each dialect shows it."""
    rows = [
        f"| `{code}` {row.title}. | {row.status} | `{type_uri(code)}` | `{row.openai}` | `{row.anthropic}` "
        f"| {row.jsonrpc} | {row.grpc} |"
        for code, row in CODES.items()
    ]
    return "\n".join(["| " + " | ".join(PROBLEMS) + " |", "|" + "---|" * len(PROBLEMS), *rows])


def variables(_: str) -> str:
    """Environment variables and the settings they replace."""
    rows = [f"| `{name}` | `{'.'.join(path)}` |" for name, path in VARIABLES.items()]
    return "\n".join(["| variable | setting |", "|---|---|", *rows])


def unsupported(_: str) -> str:
    """Fields of Kubernetes objects that are read and not honoured."""
    rows = [
        f"| {kind} | `{path}` | {reason.text} | {'warning' if reason.warns else '`check --status`'} |"
        for kind, fields in UNSUPPORTED.items()
        for path, reason in fields.items()
    ]
    return "\n".join(["| kind | field | why | named by |", "|---|---|---|---|", *rows])


def providers(_: str) -> str:
    """The vendors that ship, and how far each was verified."""
    found = {
        name: entry
        for path in shipped_files("providers").values()
        for name, entry in YAML(typ="safe").load(path)["providers"].items()
    }
    rows = [
        f"| `{name}` | `{entry['dialect']}` | {entry['verified']} | {len(entry.get('models', ()))} "
        f"| {'`' + entry['key'] + '`' if 'key' in entry else 'none'} |"
        for name, entry in sorted(found.items())
    ]
    recorded = sum(entry["verified"] == "recorded" for entry in found.values())
    told = f"{len(found)} vendors: {recorded} recorded, {len(found) - recorded} none."
    return "\n".join([told, "", "| provider | dialect | verified | models | key |", "|---|---|---|---|---|", *rows])


def endpoints(_: str) -> str:
    """What the llm gate serves, and what becomes of a call there."""
    rows = []
    for each in ENDPOINTS:
        if each.codec is not None:
            fate = "translated for providers of other dialects"
        elif each.form:
            fate = "passes; the form streams behind its model"
        else:
            fate = "passes"
        counted = "free" if each.free else "tokens" if each.generates or each.family == "embeddings" else "counted"
        also = " (also below `/anthropic`)" if each.family == "anthropic" else ""
        rows.append(f"| POST `{each.path.decode()}`{also} | {each.family} | {fate} | {counted} |")
    return "\n".join(["| path | family | a call | cost |", "|---|---|---|---|", *rows])


def kept(_: str) -> str:
    """What is served of the things that a provider keeps."""
    paths: dict[str, None] = {}
    for kind in stored.KINDS:
        for after in ("", "/{id}", *[f"/{{id}}/{way}" for way in ("cancel", "content", "input_items")]):
            path = f"/{kind}{after}"
            if kind != "responses" or after:  # to make a response is a model call
                paths |= {f"| {method} `{path}` |": None for method in stored.methods_of(path, "")}
    return "\n".join(["| what a provider keeps |", "|---|", *paths])


def dialects(_: str) -> str:
    """Client dialects against provider dialects."""
    clients = [each for each in ENDPOINTS if each.codec is not None]
    head = "| provider | " + " | ".join(f"`{each.path.decode()}`" for each in clients) + " |"
    rows = [
        f"| `{name}` | "
        + " | ".join("passes" if each.family == codec.family else "translated" for each in clients)
        + " |"
        for name, codec in CODECS.items()
    ]
    return "\n".join([head, "|---" * (len(clients) + 1) + "|", *rows])


def losses(_: str) -> str:
    """What each provider dialect may leave out of a translated call."""
    rows = [f"| `{name}` | {', '.join(f'`{lost}`' for lost in codec.losses)} |" for name, codec in CODECS.items()]
    return "\n".join(["| provider | may be left out |", "|---|---|", *rows])


TABLES: dict[str, Callable[[str], str]] = {
    "llm-dialects": dialects,
    "llm-endpoints": endpoints,
    "llm-losses": losses,
    "llm-stored": kept,
    "problems": problems,
    "providers": providers,
    "unsupported": unsupported,
    "variables": variables,
}


def drawn(text: str) -> str:
    """A page with its tables drawn anew."""

    def table(match: re.Match[str]) -> str:
        name = match[1]
        body = TABLES[name](name) if name in TABLES else fields(name)
        return f"<!-- table: {name} -->\n{body}\n<!-- end -->"

    return BLOCK.sub(table, text)


def pages() -> Iterator[Path]:
    """Every page."""
    yield from sorted(DOCS.rglob("*.md"))


if __name__ == "__main__":
    for page in pages():
        fresh = drawn(page.read_text())
        if fresh != page.read_text():
            page.write_text(fresh)
            print("drawn", page.relative_to(DOCS))
