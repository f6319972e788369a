"""Files merged by kind."""

from pathlib import Path

from triplegate.config.faults import Findings, Position
from triplegate.config.merge import Merged, find_files, merge_files, overlay
from triplegate.config.reader import Node, read

SETTINGS = frozenset({"node", "workers"})


def merged(directory: Path, **files: str) -> tuple[Merged, list[str]]:
    for name, text in files.items():
        path = directory / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    findings = Findings()
    found = merge_files(directory, findings, SETTINGS)
    return found, [str(fault) for fault in findings.faults]


def test_kinds_of_several_files_become_one(tmp_path: Path) -> None:
    found, faults = merged(tmp_path, a="services: {a: 1}\nroutes:\n", apis__b="services: {b: 2}\nllm: {host: h}\n")
    assert found.documents.plain() == {"services": {"a": 1, "b": 2}, "llm": {"host": "h"}}
    assert not faults


def test_settings_stand_in_one_file_only(tmp_path: Path) -> None:
    found, faults = merged(tmp_path, triplegate="node: x\n---\nworkers: 2\n", other="node: y\n")
    assert found.settings.plain() == {"node": "x", "workers": 2}
    assert faults == ["other.yaml:1:1 'node' is a setting: it belongs into triplegate.yaml"]


def test_a_setting_is_given_once(tmp_path: Path) -> None:
    _, faults = merged(tmp_path, triplegate="node: x\n---\nnode: y\n")
    assert faults == ["triplegate.yaml:3:1 'node' is already given at triplegate.yaml:1:1"]


def test_files_are_found_in_a_stable_order_and_not_in_hidden_places(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "notes.txt"):
        (tmp_path / name).write_text("")
    for folder in ("z", ".git", "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.yaml").write_text("")
    assert [shown for _, shown in find_files(tmp_path)] == ["a.yml", "b.yaml", "z/x.yaml"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a.yaml").write_text("node: x")
    assert len(list(find_files(tmp_path))) == 1


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    found, faults = merged(tmp_path, a="services: {}")
    assert faults == ["gone.yaml:1:1 cannot be read: No such file or directory"]
    assert found.unread


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfservices: {a: 1}")
    found, faults = merged(tmp_path)
    assert found.documents.plain() == {"services": {"a": 1}}
    assert not faults


def test_an_overlay_merges_objects_and_replaces_the_rest() -> None:
    def tree(text: str) -> Node:
        return read(text, "x", Findings())[0]

    below, above = tree("{a: {b: 1, c: [1, 2]}, d: 4}"), tree("{a: {c: [3], e: 5}, d: null}")
    laid = overlay(below, above)
    assert laid.plain() == {"a": {"b": 1, "c": [3], "e": 5}, "d": None}
    assert below.plain() == {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert isinstance(laid.place, Position)
