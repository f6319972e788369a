"""`triplegate serve` starts with exactly the environment that compose sets, on real Redis and PostgreSQL."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.deploy.compose import GATEWAYS, ROOT, gateway_environment
from tests.servers.spawn import free_port

MOVED = ("TRIPLEGATE_PORT", "TRIPLEGATE_ADMIN_PORT", "TRIPLEGATE_STATUS_PORT")


def free_ports(count: int) -> list[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture
def secrets(tmp_path: Path, redis_url: str, postgres_url: str) -> Path:
    """The secrets of compose; the two addresses lead to the tests' own servers instead of the containers."""
    directory = tmp_path / "secrets"
    subprocess.run(["sh", ROOT / "deploy" / "make-secrets.sh", directory], check=True, capture_output=True, timeout=20)
    for name, url in (("redis_url", redis_url), ("store_url", postgres_url)):
        (directory / name).chmod(0o600)
        (directory / name).write_text(url)
    return directory


@pytest.fixture
def gateways(secrets: Path, tmp_path: Path) -> Iterator[dict[str, dict[str, str]]]:
    """Both gateways of the compose file, up; what is moved is only what a container would give each of them alone."""
    running: list[subprocess.Popen[bytes]] = []
    environments: dict[str, dict[str, str]] = {}
    try:
        for name in GATEWAYS:
            environment = gateway_environment(name, secrets)
            state = tmp_path / name
            state.mkdir(mode=0o700)
            ports = dict(zip(MOVED, map(str, free_ports(3)), strict=True))
            environment = {**environment, **ports, "TRIPLEGATE_STATE_DIR": str(state)}
            environment["TRIPLEGATE_HOST"] = environment["TRIPLEGATE_STATUS_HOST"] = "127.0.0.1"
            del environment["TRIPLEGATE_OTLP_ENDPOINT"]  # the collector's name means something only beside it
            environments[name] = environment
            command = [sys.executable, "-m", "triplegate", "serve", "--config", str(ROOT / "deploy" / "gateway")]
            with (tmp_path / f"{name}.log").open("wb") as log:
                running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))
        for name, process in zip(GATEWAYS, running, strict=True):
            await_ready(environments[name], process, tmp_path / f"{name}.log")
        yield environments
    finally:
        for process in running:
            process.terminate()
        for process in running:
            assert process.wait(20) == 0


def await_ready(environment: dict[str, str], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    url = f"http://127.0.0.1:{environment['TRIPLEGATE_ADMIN_PORT']}/readyz"
    while status_of(url) != 200:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def test_both_gateways_start_and_each_listener_serves_its_own(gateways: dict[str, dict[str, str]]) -> None:
    for environment in gateways.values():
        data, control, status = (environment[name] for name in MOVED)
        assert status_of(f"http://127.0.0.1:{status}/metrics") == 200
        assert status_of(f"http://127.0.0.1:{status}/readyz") == 200
        assert status_of(f"http://127.0.0.1:{status}/admin/v1/keys") == 404, (
            "the status listener is not the control one"
        )
        assert status_of(f"http://127.0.0.1:{control}/admin/v1/keys") == 401
        assert status_of(f"http://127.0.0.1:{data}/orders") == 401, "the example route asks for a key"
        assert status_of(f"http://127.0.0.1:{data}/metrics") == 404
