"""MCP servers that others wrote: how each is started, what it is asked, and what it answers without us."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.servers.npm_packages import package

Place = dict[str, Any]
"""`{url}` of a running server, or `{command, env}` of one on stdio."""
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
    "piped": [("echo", {"message": LARGE}), ("get-sum", {"a": 1, "b": 1})],
    "time": [
        ("convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}),
        ("convert_time", {"source_timezone": "Mars", "time": "12:00", "target_timezone": "UTC"}),
    ],
    "git": [("git_log", {"repo_path": "REPOSITORY"}), ("git_log", {"repo_path": "/nowhere"})],
    "files": [
        ("read_text_file", {"path": "FILES/large.txt"}),
        ("list_directory", {"path": "FILES"}),
        ("read_text_file", {"path": "/etc/hostname"}),
    ],
    "memory": [
        ("read_graph", {}),
        ("search_nodes", {"query": "Ada"}),
    ],
}


def places_of(folder: Path, node: Path, python: Path, ports: dict[str, int]) -> dict[str, Place]:
    """Every server, with a repository, a directory and a memory of its own."""
    files, repository, memory = folder / "files", folder / "repository", folder / "memory.jsonl"
    files.mkdir()
    (files / "large.txt").write_text(LARGE)
    git = ["git", "-C", str(repository), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Begin"], check=True)
    entity = {"type": "entity", "name": "Ada", "entityType": "person", "observations": ["wrote the first program"]}
    memory.write_text(json.dumps(entity) + "\n")
    ALL["git"] = [
        (tool, {"repo_path": str(repository)} if n == 0 else said) for n, (tool, said) in enumerate(ALL["git"])
    ]
    ALL["files"] = [(tool, {"path": said["path"].replace("FILES", str(files))}) for tool, said in ALL["files"]]
    urls: dict[str, Place] = {name: {"url": f"http://127.0.0.1:{port}/mcp"} for name, port in ports.items()}
    return urls | {
        "piped": {"command": [str(node), str(package("server-everything")), "stdio"]},
        "time": {"command": [str(python), "-I", "-m", "mcp_server_time", "--local-timezone", "UTC"]},
        "git": {"command": [str(python), "-I", "-m", "mcp_server_git", "--repository", str(repository)]},
        "files": {"command": [str(node), str(package("server-filesystem")), str(files)]},
        "memory": {
            "command": [str(node), str(package("server-memory"))],
            "env": {"MEMORY_FILE_PATH": str(memory)},
        },
    }


def written(servers: dict[str, Place]) -> str:
    """A configuration with all of them, in YAML (JSON is YAML)."""
    house = {"servers": servers, "orgs": {"acme": {"teams": {"web": {"consumers": {"ci": {}}}}}}}
    return json.dumps(house, indent=1)


async def direct(place: Place, calls: Calls) -> tuple[set[str], list[Any]]:
    """Names of its tools, and its answers, by the official client without a gateway."""
    from mcp import Client, StdioServerParameters
    from mcp.shared.exceptions import MCPError

    if "url" in place:
        target: Any = place["url"]
    else:
        target = StdioServerParameters(command=place["command"][0], args=place["command"][1:], env=place.get("env"))
    answers = []
    async with Client(target, mode="auto", read_timeout_seconds=30) as client:
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
