"""The tree polices itself: every module has its test, every policy its page, nothing runs on import."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from triplegate.policies import registry

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "triplegate"
TESTS = ROOT / "tests"
FLOORS = ("core", "wire", "config", "stores", "upstreams", "policies", "gates", "edge", "control", "app", "cli")


def modules() -> list[Path]:
    found = [SRC / "gateway.py"]
    for floor in FLOORS:
        found += [path for path in (SRC / floor).rglob("*.py") if "migrations" not in path.parts]
    return sorted(path for path in found if path.name not in ("__init__.py", "__main__.py"))


def mirror(module: Path) -> Path:
    relative = module.relative_to(SRC)
    return TESTS / relative.parent / f"test_{relative.name}"


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(SRC)))
def test_every_module_has_its_test(module: Path):
    assert mirror(module).exists(), f"{mirror(module).relative_to(ROOT)} is missing"


def test_every_mirror_test_has_its_module():
    strays = []
    for floor in FLOORS:
        for test in (TESTS / floor).rglob("test_*.py"):
            module = SRC / test.parent.relative_to(TESTS) / test.name.removeprefix("test_")
            if not module.exists():
                strays.append(str(test.relative_to(ROOT)))
    assert not strays


@pytest.mark.parametrize("module", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_a_file_is_small_and_says_what_it_is_for(module: Path):
    text = module.read_text()
    assert len(text.splitlines()) <= 400
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "no module docstring"


ALLOWED = {"DataPlane", "data_of", "data_received", "pipe_data_received", "process_exited"}
"""The data plane is the field's own word, `data` is the name of an SSE field, and asyncio calls by these names."""
BANNED = {"manager", "helper", "helpers", "util", "utils", "common", "misc", "context", "data", "info", "process", "do"}


@pytest.mark.parametrize("module", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_names_say_what_things_are(module: Path):
    names = {module.stem}
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
    words = {word for name in names - ALLOWED for word in re.findall(r"[A-Z]?[a-z]+", name)}
    assert not {word for word in words if word.lower() in BANNED}


@pytest.mark.parametrize("tag", sorted(registry().policies))
def test_a_policy_is_tag_module_test_and_page(tag: str):
    assert (SRC / "policies" / f"{tag}.py").exists()
    assert (TESTS / "policies" / f"test_{tag}.py").exists()
    page = (ROOT / "docs" / "policies" / f"{tag}.md").read_text()
    for field in registry().policies[tag].model_fields:
        assert f"`{field}`" in page, f"docs/policies/{tag}.md does not document '{field}'"


def test_importing_the_app_stays_light():
    code = "import triplegate.app, sys; print(' '.join(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"sqlalchemy", "alembic", "numpy", "mcp", "grpc", "tiktoken", "asyncpg", "httpx", "cyclopts", "torch"}
    assert not heavy & set(loaded.stdout.split())


def test_importing_reads_no_file_and_opens_no_socket():
    code = """
import pkgutil, importlib, sys
import litestar, granian, pydantic, jinja2, redis, jwt  # what libraries do on import is theirs
opened = []
def audit(event, args):
    if event == "socket.__new__" or (event == "open" and not str(args[0]).endswith((".py", ".pyc", ".so"))
            and "triplegate" in str(args[0]) and ".dist-info" not in str(args[0])
            and "__pycache__" not in str(args[0])):
        opened.append((event, args))
sys.addaudithook(audit)
import triplegate
for module in pkgutil.walk_packages(triplegate.__path__, "triplegate."):
    if "samples" not in module.name and "migrations" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(opened)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_nothing_in_the_tree_speaks_of_where_it_was_made():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    words = ["pypi" + ".org", "python" + "hosted", "registry.npm" + "js", "/ro" + "ot/", "/wo" + "rk/"]
    found = []
    for name in tracked:
        path = ROOT / name
        if path.suffix in (".png", ".woff2", ".ico") or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        found += [(name, word) for word in words if word in text]
    assert not found
