"""`triplegate mcp list`, `call` and `inspect`: what an MCP endpoint offers, and the use of a tool."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from triplegate.cli.failures import Failed
from triplegate.cli.mcp_client import McpClient, RpcFailed
from triplegate.cli.place import Place, find_place, noted_url, read_env
from triplegate.cli.tables import Format, put, render
from triplegate.gates.mcp.kinds import KINDS

Kind = Literal["tool", "prompt", "resource", "template"]
Config = Annotated[Path | None, Parameter(help="Directory or file of the configuration.")]
Url = Annotated[str | None, Parameter(help="An MCP endpoint; else that of the gateway that runs.")]
Virtual = Annotated[str, Parameter(name="--path", help="A virtual server of the gateway.")]
_NO_METHOD = -32601
_COLUMNS = ("name", "description")


def list_items(
    *,
    kind: Annotated[Kind, Parameter(help="What to list.")] = "tool",
    url: Url = None,
    virtual: Virtual = "",
    form: Annotated[Format, Parameter(name="--format", help="table, csv or json (whole definitions).")] = "table",
    output: Annotated[Path | None, Parameter(help="Write to this file.")] = None,
    config: Config = None,
) -> int:
    """List the tools (or prompts, resources, templates) that TRIPLEGATE_KEY may use."""
    with _client(url, virtual, config) as client:
        client.begin()
        found = list(client.list(KINDS[kind].method, KINDS[kind].member))
    if form == "json":
        put(json.dumps(found, indent=2) + "\n", output)
        return 0
    rows = [(one.get(KINDS[kind].named), _line(one.get("description") or one.get("title") or "")) for one in found]
    put(render(_COLUMNS, rows, form, bold_head=output is None), output)
    return 0


def call(
    tool: Annotated[str, Parameter(help="The tool's name, as `triplegate mcp list` shows it.")],
    arguments: Annotated[str, Parameter(help="Its arguments: a JSON object.")] = "{}",
    *,
    url: Url = None,
    virtual: Virtual = "",
    form: Annotated[Literal["text", "json"], Parameter(name="--format", help="text, or the whole result.")] = "text",
    config: Config = None,
) -> int:
    """Call a tool and print what it says; status 1 when it says that it failed."""
    try:
        given = json.loads(arguments)
    except ValueError as error:
        raise Failed(f"the arguments are no JSON: {error}", 2) from None
    if not isinstance(given, dict):
        raise Failed("the arguments must be a JSON object", 2)
    with _client(url, virtual, config) as client:
        client.begin()
        result = client.ask("tools/call", {"name": tool, "arguments": given})
    if result.get("resultType", "complete") != "complete":
        asked = ", ".join(result.get("inputRequests") or {})
        raise Failed(
            f"{tool} asks for more than arguments ({asked or result['resultType']}): use a client that answers"
        )
    if form == "json":
        print(json.dumps(result, indent=2))
    else:
        for part in result.get("content", ()):
            print(_said(part))
    return 1 if result.get("isError") else 0


def inspect(*, url: Url = None, virtual: Virtual = "", config: Config = None) -> int:
    """Say what an endpoint is: its era, its capabilities, how much it lists and how long that takes."""
    with _client(url, virtual, config) as client:
        client.begin()
        print(f"{client.url}: {client.version} ({client.era}), {_server(client.told)}")
        capabilities = client.told.get("capabilities", {})
        print(f"capabilities: {', '.join(sorted(capabilities)) or 'none'}")
        failed = False
        for listed in KINDS.values():
            if listed.capability not in capabilities:
                continue
            begun = perf_counter()
            try:
                told = f"{len(list(client.list(listed.method, listed.member)))} items"
            except RpcFailed as error:
                told = str(error)
                failed = failed or error.code != _NO_METHOD  # templates are left out by many
            print(f"{listed.method}: {told}, {(perf_counter() - begun) * 1000:.0f} ms")
    return 1 if failed else 0


def _client(url: str | None, virtual: str, config: Path | None) -> McpClient:
    if url is not None:
        if virtual:
            raise Failed("--path goes with the gateway's own endpoint: say it in --url instead", 2)
        return McpClient(url, os.environ.get("TRIPLEGATE_KEY"))
    told = os.environ.get("TRIPLEGATE_URL")
    place = None if told and os.environ.get("TRIPLEGATE_KEY") else find_place(config)
    endpoint = f"{told.rstrip('/')}/mcp" if told else noted_url(place, "mcp") if place is not None else None
    if endpoint is None:
        raise Failed("no gateway runs on this configuration: start it, or say --url")
    return McpClient(f"{endpoint}/{virtual}" if virtual else endpoint, _key(place))


def _key(place: Place | None) -> str | None:
    """TRIPLEGATE_KEY, else the demo's."""
    told = os.environ.get("TRIPLEGATE_KEY")
    return told or (read_env(place.state / "demo.env").get("TRIPLEGATE_KEY") if place is not None else None)


def _server(told: Mapping[str, Any]) -> str:
    """Name and version of a server, from its answer of either era."""
    meta = told.get("_meta") or {}
    who = told.get("serverInfo") or meta.get("io.modelcontextprotocol/serverInfo") or {}
    return f"{who.get('name', 'no name')} {who.get('version', '')}".strip()


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:99] + "…"


def _said(part: Mapping[str, Any]) -> str:
    """One part of a result as a terminal can show it."""
    if part.get("type") == "text":
        return _printable(str(part.get("text")))
    data = part.get("data")
    if isinstance(data, str):
        return f"[{part.get('type')} {part.get('mimeType', '')}, {len(data) * 3 // 4} bytes]"
    return json.dumps(part)


def _printable(text: str) -> str:
    """Without control characters: what a server says is no command to the terminal."""
    return "".join([character for character in text if character.isprintable() or character in "\n\t"])
