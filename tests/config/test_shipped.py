"""What ships: found in a checkout and in a wheel, and every file of it loads."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import triplegate
from triplegate.config.load import load
from triplegate.config.shipped import shipped, shipped_files
from triplegate.core.policy import Registry
from triplegate.policies import built_in

ROOT = Path(__file__).parents[2]
REGISTRY = Registry(built_in())


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    variables = {"PYTHONPATH": str(path)}
    return subprocess.run([sys.executable, "-c", code], cwd=path, env=variables, capture_output=True, text=True)


def test_a_checkout_has_its_own() -> None:
    assert shipped("policies") == ROOT / "policies"
    assert shipped("providers") == ROOT / "providers"


def test_a_wheel_has_them_inside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "triplegate"
    shutil.copytree(Path(triplegate.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for kind in ("policies", "providers"):  # as hatch's force-include lays them
        shutil.copytree(ROOT / kind, package / "_shipped" / kind)
    code = "from triplegate.config.shipped import *; print(shipped('policies'), *shipped_files('providers'))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    place, *names = run.stdout.split()
    assert Path(place) == (package / "_shipped" / "policies").resolve()
    assert "openai" in names


def test_an_installation_without_them_says_so(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "x" / "triplegate"
    shutil.copytree(Path(triplegate.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    code = "from triplegate.config.shipped import shipped; shipped('policies')"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
    )
    assert "the shipped policies are missing" in run.stderr


@pytest.mark.parametrize("vendor", sorted(shipped_files("providers")))
def test_every_shipped_provider_loads_and_says_how_far_it_was_verified(vendor: str, tmp_path: Path) -> None:
    (tmp_path / "triplegate.yaml").write_text(f"models: {{m: {{deployments: [{{provider: {vendor}, model: m}}]}}}}\n")
    loaded = load(tmp_path, REGISTRY, environment={})
    assert vendor in loaded.documents.providers
    assert not loaded.warnings
    assert "verified: " in shipped_files("providers")[vendor].read_text()


@pytest.mark.parametrize("name", ["default", "strict", "llm", "mcp"])
def test_every_shipped_chain_stands_on_the_gateway(name: str, tmp_path: Path) -> None:
    (tmp_path / "triplegate.yaml").write_text(f"gateway: {{policies: [{name}]}}\nllm: {{policies: []}}\n")
    loaded = load(tmp_path, REGISTRY, environment={})
    assert loaded.documents.gateway.policies
    assert not loaded.warnings


def test_every_shipped_plan_can_be_subscribed_to(tmp_path: Path) -> None:
    (tmp_path / "triplegate.yaml").write_text("orgs: {o: {teams: {a: {plan: free}, b: {plan: standard}}}}\n")
    assert sorted(load(tmp_path, REGISTRY, environment={}).documents.plans) == ["free", "standard"]


@pytest.mark.parametrize("directory", sorted((ROOT / "examples").iterdir()), ids=lambda path: path.name)
def test_every_example_loads_without_a_warning(directory: Path) -> None:
    loaded = load(directory, REGISTRY, environment={})
    assert not [str(warning) for warning in loaded.warnings]
    assert loaded.documents.digest() == loaded.hash
