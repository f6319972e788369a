"""The official conformance suite, run against one address: which required scenarios hold, and why others do not."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.servers.npm_packages import node, package

REVISIONS = ("2025-11-25", "2026-07-28")
RUN_SECONDS = 300.0
_SCENARIO = re.compile(r"^[✓✗] ([a-z0-9-]+): \d+ passed, \d+ failed", re.MULTILINE)
_NOT_SCORED = re.compile(r"^  [✓✗] ([a-z0-9-]+) \(", re.MULTILINE)


class Verdict(NamedTuple):
    """What one run of one revision came to."""

    revision: str
    held: int
    required: int
    status: int
    """Exit status of the suite: 0 when all that is required holds."""
    failures: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether everything that is required holds, by the suite's own word and by our count."""
        return self.status == 0 and self.held == self.required > 0

    def __str__(self) -> str:
        return f"{self.held}/{self.required}"


def run(url: str, revision: str, output: Path) -> Verdict:
    """Everything that `revision` requires of a server, against `url`; its own findings stay in `output`."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    command = [node(), package("conformance"), "server", "--url", url, "--requirements", revision, "-o", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS)
    (output / "output.log").write_text(done.stdout + done.stderr)
    summary = done.stdout.partition("=== SUMMARY ===")[2]
    beyond = set(_NOT_SCORED.findall(summary))
    required = [name for name in _SCENARIO.findall(summary) if name not in beyond]
    failures = [line for name in required for line in _failures(output, name)]
    failed = {line.partition(" ")[0] for line in failures}
    return Verdict(revision, len(required) - len(failed), len(required), done.returncode, tuple(failures))


def _failures(output: Path, scenario: str) -> list[str]:
    """`scenario check: message` for each check that failed."""
    folders = [path for path in output.glob(f"server-{scenario}-20*") if path.is_dir()]
    if not folders:
        return [f"{scenario} - : it left no result"]
    checks = json.loads((folders[0] / "checks.json").read_text())
    failed = [check for check in checks if check["status"] == "FAILURE"]
    return [f"{scenario} {check['id']}: {check.get('errorMessage') or check['description']}" for check in failed]
