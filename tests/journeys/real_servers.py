"""MCP servers that others wrote: how each is started, what it is asked, and what it answers without us."""

import json
from typing import Any

Place = dict[str, Any]
"""`{url}` of a running server."""
Calls = list[tuple[str, dict[str, Any]]]

LARGE = "0123456789" * 30_000
ALL: dict[str, Calls] = {
    "fixture": [
        ("test_simple_text", {}),
        ("test_multiple_content_types", {}),
        ("test_error_handling", {}),
        ("json_schema_2020_12_tool", {"name": "Ada", "contactMethod": "phone", "phone": "1"}),
    ],
    "everything": [
        ("echo", {"message": LARGE}),
        ("get-sum", {"a": 2, "b": 40}),
        ("get-tiny-image", {}),
        ("get-annotated-message", {"messageType": "error", "includeImage": True}),
        ("get-structured-content", {"location": "New York"}),
        ("get-sum", {"a": "two", "b": 40}),
    ],
}


def places_of(ports: dict[str, int]) -> dict[str, Place]:
    """The servers that listen on these ports."""
    return {name: {"url": f"http://127.0.0.1:{port}/mcp"} for name, port in ports.items()}


def written(servers: dict[str, Place]) -> str:
    """A configuration with all of them, in YAML (JSON is YAML)."""
    house = {"servers": servers, "orgs": {"acme": {"teams": {"web": {"consumers": {"ci": {}}}}}}}
    return json.dumps(house, indent=1)


async def direct(place: Place, calls: Calls) -> tuple[set[str], list[Any]]:
    """Names of its tools, and its answers, by the official client without a gateway."""
    from mcp import Client
    from mcp.shared.exceptions import MCPError

    answers = []
    async with Client(place["url"], mode="auto", read_timeout_seconds=30) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        for tool, arguments in calls:
            try:
                answer = await client.call_tool(tool, arguments)
            except MCPError as error:
                answers.append({"code": error.error.code})
                continue
            content = [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in answer.content]
            answers.append(normal({"content": content, "error": bool(answer.is_error)}))
    return tools, answers


def normal(answer: dict[str, Any]) -> dict[str, Any]:
    """Without what a client's own types add or drop: members that are null."""
    if "content" not in answer:
        return answer
    blocks = [{name: value for name, value in block.items() if value is not None} for block in answer["content"]]
    return {**answer, "content": blocks}
