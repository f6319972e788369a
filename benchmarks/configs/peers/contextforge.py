"""ContextForge with one federated MCP server: starts the gateway, waits for it, registers the server, stays with it.

Its guard (a JWT) and its limiter stay on, with a limit that the load does not reach. In memory, no Redis.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

UPSTREAM, PORT, TOKEN, SECRET, DIRECTORY = sys.argv[1:6]
SETTINGS = {
    "HOST": "127.0.0.1",
    "PORT": PORT,
    "DATABASE_URL": f"sqlite:///{DIRECTORY}/mcp.db",
    "AUTH_REQUIRED": "true",
    "JWT_SECRET_KEY": SECRET,
    "BASIC_AUTH_USER": "admin",
    "BASIC_AUTH_PASSWORD": "Str0ng-Passw0rd-x",
    "AUTH_ENCRYPTION_SECRET": SECRET,
    "PLATFORM_ADMIN_EMAIL": "admin@example.com",
    "PLATFORM_ADMIN_PASSWORD": "Str0ng-Passw0rd-x",
    "DEFAULT_USER_PASSWORD": "Str0ng-Passw0rd-y",
    "MCPGATEWAY_UI_ENABLED": "false",
    "MCPGATEWAY_ADMIN_API_ENABLED": "true",
    "LOG_LEVEL": "ERROR",
    "SSRF_ALLOW_LOCALHOST": "true",
    "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
    "REQUIRE_TOKEN_EXPIRATION": "false",
    "SECURE_COOKIES": "false",
    "TOOL_RATE_LIMIT": "100000000",
    "RATE_LIMIT_MEDIUM_RPM": "100000000",
    "RATE_LIMIT_MEDIUM_BURST": "1000000",
    "RATE_LIMITING_REDIS_ENABLED": "false",
}
ADDRESS = f"http://127.0.0.1:{PORT}"


def ask(path: str, body: object = None) -> bytes:
    """One call of its API."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(ADDRESS + path, content, headers), timeout=20) as answer:
        return answer.read()


def main() -> int:
    """Run until it ends."""
    server = Path(sys.executable).parent / "mcpgateway"
    command = [str(server), "mcpgateway.main:app", "--host", "127.0.0.1", "--port", PORT, "--workers", "1"]
    gateway = subprocess.Popen(command, env={**os.environ, **SETTINGS}, cwd=DIRECTORY)
    for _ in range(600):
        if gateway.poll() is not None:
            return gateway.returncode
        try:
            ask("/health")
            break
        except OSError:
            time.sleep(0.1)
    ask("/gateways", {"name": "mock", "url": UPSTREAM, "transport": "STREAMABLEHTTP"})
    return gateway.wait()


sys.exit(main())
