"""The compose file, the image and what watches them: checked without a Docker engine."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.deploy.compose import GATEWAYS, ROOT, SECRETS, compose, gateway_environment, yaml

from triplegate.config.environment import VARIABLES
from triplegate.config.load import load
from triplegate.config.settings import is_loopback, load_settings
from triplegate.core.policy import Registry
from triplegate.policies import built_in

DEPLOY = ROOT / "deploy"
WITHOUT_HEALTHCHECK = {"collector"}
"""Its image holds nothing but its binary; Prometheus watches it."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("deploy") / "secrets"
    subprocess.run(["sh", DEPLOY / "make-secrets.sh", directory], check=True, capture_output=True, timeout=20)
    return directory


def test_the_file_follows_the_compose_specification() -> None:
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
    schema["$id"] = "https://example.com/compose-spec.json"
    validator = jsonschema_rs.validator_for(schema)
    assert [error.message for error in validator.iter_errors(compose())] == []
    broken = compose()
    broken["services"]["redis"]["ports"] = 6379
    assert not validator.is_valid(broken)


def test_every_variable_of_a_gateway_is_one_that_settings_read() -> None:
    for name in GATEWAYS:
        for variable in gateway_environment(name):
            assert variable in VARIABLES, variable


def test_the_settings_take_exactly_the_environment_that_compose_sets(secrets: Path) -> None:
    nodes = set()
    for name in GATEWAYS:
        settings = load_settings(DEPLOY / "gateway", gateway_environment(name, secrets))
        assert settings.state.kind == "redis"
        assert str(settings.pepper) == "***"
        assert settings.nodes == len(GATEWAYS)
        assert is_loopback(settings.listeners.control.host)
        assert settings.listeners.status is not None
        assert settings.listeners.status.host == "0.0.0.0"  # noqa: S104 - that is what is asked for
        nodes.add(settings.node)
    assert len(nodes) == len(GATEWAYS), "each node writes records under a name of its own"


def test_the_configuration_that_is_mounted_loads_without_a_warning(secrets: Path) -> None:
    environment = gateway_environment("gateway-1", secrets)
    loaded = load(DEPLOY / "gateway", Registry(built_in()), environment=environment)
    assert loaded.warnings == ()
    assert "example" in loaded.documents.routes


def test_the_gateways_share_pepper_store_and_state_but_no_volume(services: dict[str, Any]) -> None:
    one, two = (gateway_environment(name) for name in GATEWAYS)
    assert {key for key in one if one[key] != two[key]} == {"TRIPLEGATE_NODE"}
    for variable in ("TRIPLEGATE_PEPPER", "TRIPLEGATE_STORE_URL", "TRIPLEGATE_REDIS_URL"):
        assert one[variable].startswith(f"file:{SECRETS}/"), variable
    state = [[v for v in services[name]["volumes"] if v.endswith(":/var/lib/triplegate")] for name in GATEWAYS]
    assert len({volume for volumes in state for volume in volumes}) == len(GATEWAYS)


def test_the_control_listener_is_not_published_and_the_rest_only_on_loopback(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            address, _, inner = port.rpartition(":")
            assert inner not in {"8081", "8083"}, f"{name} publishes {port}"
            assert is_loopback(address.rpartition(":")[0]), f"{name} publishes {port}"
    for name in ("redis", "postgres", "prometheus", "loki", "tempo"):
        assert "ports" not in services[name], name


def test_redis_and_postgres_stand_on_an_internal_network_only(services: dict[str, Any]) -> None:
    networks = compose()["networks"]
    for name in ("redis", "postgres"):
        assert all(networks[network].get("internal") for network in services[name]["networks"]), name


def test_every_image_is_pinned_to_a_version(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for image in images:
        assert re.search(r":v?\d+\.\d+(\.\d+)?", image), image


def test_every_service_has_a_healthcheck_a_memory_limit_and_a_restart_rule(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert "mem_limit" in service, name
        assert ("healthcheck" in service) == (name not in WITHOUT_HEALTHCHECK), name


def test_the_gateways_run_without_privileges(services: dict[str, Any]) -> None:
    for name in GATEWAYS:
        service = services[name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]


def test_the_stop_grace_is_longer_than_the_drain(services: dict[str, Any], secrets: Path) -> None:
    grace = load_settings(DEPLOY / "gateway", gateway_environment("gateway-1", secrets)).drain.grace
    assert all(int(services[name]["stop_grace_period"].rstrip("s")) > grace for name in GATEWAYS)


def test_what_is_mounted_and_named_exists(services: dict[str, Any]) -> None:
    whole = compose()
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in whole["volumes"] or (ROOT / source).is_dir(), f"{name}: {source}"
        for kind in ("secrets", "networks"):
            assert set(service.get(kind, [])) <= set(whole[kind]), name


def test_secrets_are_made_once_at_random_and_kept(secrets: Path) -> None:
    declared = {Path(one["file"]).name for one in compose()["secrets"].values()}
    assert {path.name for path in secrets.iterdir()} == declared
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    subprocess.run(["sh", DEPLOY / "make-secrets.sh", secrets], check=True, capture_output=True, timeout=20)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert all(re.fullmatch(r"[0-9a-f]{64}", before[name]) for name in declared - {"store_url", "redis_url"})
    assert before["postgres_password"] in before["store_url"]
    assert before["redis_password"] in before["redis_url"]
    assert secrets.stat().st_mode & 0o077 == 0
    ignored = (DEPLOY / ".gitignore").read_text().split()
    assert "secrets/" in ignored


def test_the_image_is_hash_locked_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes --no-deps -r /build/requirements.lock" in text
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert 'ENTRYPOINT ["triplegate"]' in last
    assert "pip install" not in last, "no installer's leftovers in the image that runs"


def test_the_build_gets_what_it_copies_and_nothing_else() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    build = (ROOT / "Dockerfile").read_text()
    copied = {part for line in re.findall(r"^COPY ([^-].*) /build", build, re.MULTILINE) for part in line.split()}
    assert copied == set(allowed)
    assert all((ROOT / part).exists() for part in copied)


def test_the_collector_names_only_what_it_defines() -> None:
    config = yaml(DEPLOY / "otel" / "collector.yaml")
    for name, pipeline in config["service"]["pipelines"].items():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind]), f"{name}: {kind}"


def test_whatever_is_dialled_shares_a_network_with_who_dials(services: dict[str, Any]) -> None:
    def reachable(name: str, target: str) -> bool:
        return bool(set(services[name]["networks"]) & set(services[target]["networks"]))

    scrapes = yaml(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    targets = [target.split(":") for job in scrapes for entry in job["static_configs"] for target in entry["targets"]]
    for host, port in targets:
        if host != "localhost":
            assert reachable("prometheus", host), host
        if host in GATEWAYS:
            assert port == gateway_environment(host)["TRIPLEGATE_STATUS_PORT"]
    collector = yaml(DEPLOY / "otel" / "collector.yaml")
    for exporter in collector["exporters"].values():
        if exporter:
            assert reachable("collector", exporter["endpoint"].split("/")[2].split(":")[0])
    sources = yaml(DEPLOY / "grafana" / "provisioning" / "datasources" / "datasources.yaml")["datasources"]
    for source in sources:
        assert reachable("grafana", source["url"].split("/")[2].split(":")[0])
    assert gateway_environment()["TRIPLEGATE_OTLP_ENDPOINT"] == "http://collector:4318"
    assert all(reachable(name, target) for name in GATEWAYS for target in ("redis", "postgres", "collector"))
