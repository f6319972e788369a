"""What became of Kubernetes objects, as `check --status` shows it: a table for people, manifests for programs."""

import json

from triplegate.cli.tables import Format, render
from triplegate.config.kubernetes.conditions import Outcome

COLUMNS = ("kind", "name", "part", "condition", "status", "reason", "message")


def status_text(outcome: Outcome, form: Format, *, bold_head: bool = False) -> str:
    """All conditions a line each, or the objects with their `status` as JSON; then what is not used here."""
    if form == "json":
        return json.dumps([one.manifest() for one in outcome.statuses], indent=2) + "\n"
    rows = [
        (row.kind, row.name, row.part, one.type, str(one.holds), one.reason, one.message)
        for status in outcome.statuses
        for row in status.rows()
        for one in (row.condition,)
    ]
    text = render(COLUMNS, rows, form, bold_head=bold_head)
    if form == "table" and outcome.unused:
        text += "\nnot used here:\n" + "".join(f"  {place} {said}\n" for place, said in outcome.unused)
    return text
