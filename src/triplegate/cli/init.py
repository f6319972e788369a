"""`triplegate init`: write a commented starter configuration."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from triplegate.cli.failures import Failed

STARTER = """\
# triplegate: one gateway for APIs, LLMs and MCP servers. `triplegate check` reads this, `triplegate serve` runs it.
# Every object may also stand in a file of its own below this directory; the top-level key says what it is.

# An API behind the gateway, and the calls that reach it.
services:
  orders:
    endpoints: [http://127.0.0.1:9001]
    timeout: 10s

routes:
  orders:
    service: orders
    match: {path: /orders, methods: [GET, POST]}
    owner: web                                     # the team that owns it
    policies:
      - {use: key_auth}                            # Authorization: Bearer tg_...
      - {use: rate_limit, requests: 100, window: 1m}

# The names clients ask for at /v1/chat/completions, and who answers them. Keys stay outside: env: or file:.
models:
  smart:
    deployments: [{provider: openai, model: gpt-4o-mini, key: "env:OPENAI_API_KEY"}]

# MCP servers appear at /mcp; their tools are called {alias}__{tool}.
# servers:
#   files: {url: "http://127.0.0.1:9003/mcp", alias: files}

# Who may call and who pays: org, team, consumer. Make a key with
#   triplegate key create --org acme --team web --consumer ci
orgs:
  acme:
    teams:
      web:
        plan: free
        consumers: {ci: {}}

plans:
  free:
    policies: [{use: rate_limit, requests: 1000, window: 1h, by: team}]
"""


def init(directory: Annotated[Path, Parameter(help="Where to write it; made when it is missing.")]) -> int:
    """Write a commented triplegate.yaml to begin with. An existing one is never overwritten."""
    path = directory / "triplegate.yaml"
    if path.exists():
        raise Failed(f"{path} exists already: it stays as it is")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(STARTER)
        (directory / ".gitignore").write_text(".triplegate/\n")
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}") from None
    print(f"wrote {path}\nnext: triplegate check --config {directory}; triplegate serve --config {directory}")
    return 0
