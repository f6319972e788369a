"""What is installed from a wheel is whole, holds nothing else, and works without the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("triplegate-*.whl")
    return found


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_every_tracked_file_of_the_package_and_no_other(wheel):
    listed = subprocess.run(["git", "ls-files", "src/triplegate"], cwd=ROOT, capture_output=True, text=True)
    tracked = listed.stdout.split()
    wanted = {name.removeprefix("src/") for name in tracked if (ROOT / name).exists()}
    held = {name for name in names(wheel) if name.startswith("triplegate/") and "/_shipped/" not in name}
    assert wanted - held == set()
    assert {name for name in held - wanted if not (ROOT / "src" / name).exists()} == set()


def test_policies_and_providers_come_along_with_their_schemas(wheel):
    held = names(wheel)
    for folder in ("policies", "providers"):
        for path in (ROOT / folder).iterdir():
            assert f"triplegate/_shipped/{folder}/{path.name}" in held


def test_nothing_in_it_runs_by_being_installed(wheel):
    assert not [name for name in names(wheel) if name.endswith(".pth") or "sitecustomize" in name]


def test_two_builds_are_the_same_to_the_byte(wheel, tmp_path):
    again = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(again, cwd=ROOT, capture_output=True, check=True, timeout=120)
    (second,) = tmp_path.glob("*.whl")
    assert second.read_bytes() == wheel.read_bytes()


def test_it_works_where_no_checkout_is(wheel, tmp_path):
    site, home = tmp_path / "site", tmp_path / "home"
    home.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from triplegate.__main__ import main; sys.exit(main())"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, str(site), *arguments]
        return subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60)

    assert run("init", ".").returncode == 0
    checked = run("check")
    assert checked.returncode == 0, checked.stderr
    where = "import triplegate; from triplegate.config.shipped import shipped_files as shipped"
    where += "; print(triplegate.__file__, sorted(shipped('policies')))"
    code = f"import sys; sys.path.insert(0, sys.argv.pop(1)); {where}"
    shown = run().stdout
    assert str(site) in shown
    assert "llm" in shown
