"""The docs tell the truth: tables equal the code, examples load, links lead somewhere."""

import re
from pathlib import Path

import pytest
from tests.docs.reference import BLOCK, DOCS, drawn, pages

from triplegate.config.documents import Documents
from triplegate.config.environment import VARIABLES
from triplegate.config.load import load
from triplegate.config.settings import Settings
from triplegate.core.errors import CODES
from triplegate.core.policy import Registry
from triplegate.policies import built_in

ROOT = DOCS.parent
PAPERS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", list(pages()), ids=name_of)
def test_tables_are_fresh(page: Path) -> None:
    assert drawn(page.read_text()) == page.read_text(), "run `python -m tests.docs.reference`"


def examples() -> list[tuple[str, str]]:
    found = []
    for page in [*pages(), *PAPERS]:
        for number, body in enumerate(EXAMPLE.findall(page.read_text()), 1):
            found.append((f"{name_of(page)}#{number}", body))
    return found


@pytest.mark.parametrize(("name", "body"), examples(), ids=[name for name, _ in examples()])
def test_every_yaml_example_is_a_configuration_that_loads(name: str, body: str, tmp_path: Path) -> None:
    (tmp_path / "triplegate.yaml").write_text(body)
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    environment = {"OPENAI_API_KEY": "x"}
    assert load(tmp_path, Registry(built_in()), environment=environment).warnings == ()


@pytest.mark.parametrize("page", [*pages(), *PAPERS], ids=name_of)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if "://" not in link and not link.startswith(("#", "mailto:")):
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_every_page_can_be_reached_from_the_index() -> None:
    seen, queue = set(), [DOCS / "index.md"]
    while queue:
        page = queue.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in LINK.findall(page.read_text()):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_relative_to(DOCS):
                queue.append(target)
    assert {name_of(page) for page in pages()} == {name_of(page) for page in seen}


def test_every_code_setting_and_variable_is_told_of() -> None:
    problems = (DOCS / "problems.md").read_text()
    assert all(f"`{code}`" in problems for code in CODES)
    told = (DOCS / "configuration.md").read_text()
    for word in (
        *VARIABLES,
        *(set(Settings.model_fields) - {"directory"}),
        *(set(Documents.model_fields) - {"sections"}),
    ):
        assert f"`{word}`" in told, word


def test_every_policy_page_has_its_table() -> None:
    for policy in built_in():
        page = DOCS / "policies" / f"{policy.model_fields['use'].default}.md"
        assert [match[1] for match in BLOCK.finditer(page.read_text())] == [policy.__name__]
