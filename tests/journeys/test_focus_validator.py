"""The FinOps Foundation's own validator (1.0.0 from PyPI, rules of FOCUS 1.0) accepts an export.

It wants an older numpy than we do: it is installed into a place of its own. Its rules of 1.0 ask for five columns by
names of drafts, and it looks for its list of currencies where it is started: it gets both.
"""

import csv
import io
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from tests.control.reports.calls import UNIT, call
from tests.control.reports.test_focus import FILES, ORDERS, SMART, sheet_of_calls

from triplegate.control.reports.sheets import to_csv

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
DRAFTS = {
    "Provider": "ProviderName",
    "Publisher": "PublisherName",
    "InvoiceIssuer": "InvoiceIssuerName",
    "ResourceID": "ResourceId",
    "ChargeType": "ChargeCategory",
}
WANTED = ("focus-validator==1.0.0", "multimethod<2")


@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    folder = Path(os.environ.get("TRIPLEGATE_TOOLS", tmp_path_factory.mktemp("tools"))) / "focus-validator"
    if not (folder / "bin" / "focus-validator").exists():
        venv.create(folder, with_pip=True)
        done = subprocess.run(
            [folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *WANTED],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"it cannot be installed here: {done.stderr[-300:]}")
    return folder / "bin" / "focus-validator"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="that version is of Python 3.11 and older")
async def test_an_export_is_accepted(validator, tmp_path):
    sheet = await sheet_of_calls(
        call(
            "2026-11-02",
            SMART,
            cost=25_000_000,
            input_uncached=900,
            cache_read=2_000,
            output_text=2_055,
            tokens_in=2_900,
            tokens_out=2_055,
        ),
        call("2026-11-03", ORDERS, cost=UNIT // 1000 + 20 * 2 * UNIT // 1_000_000, bytes_in=15, bytes_out=5),
        call("2026-11-03", FILES, cost=UNIT // 100),
        call("2026-11-04", {**SMART, "price_version": "old"}, cost=77, input_uncached=9, tokens_in=9),
        call("2026-11-05", {"org": "", "team": "", "consumer": "", "gate": "api", "route": "open"}),
    )
    rows = list(csv.DictReader(io.StringIO(to_csv(sheet).decode(), newline="")))
    good = checked(validator, tmp_path, rows)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "failed" not in good.stdout + good.stderr
    bad = checked(validator, tmp_path, [{**row, "BilledCost": "", "ServiceCategory": "Magic"} for row in rows])
    assert "BilledCost_NotNull failed" in bad.stdout + bad.stderr
    assert "ServiceCategory_Enum failed" in bad.stdout + bad.stderr


def checked(validator, folder, rows):
    """What it says of these rows."""
    codes = folder / "focus_validator" / "utils" / "currency_codes.csv"
    codes.parent.mkdir(parents=True, exist_ok=True)
    codes.write_text("currency_codes\nUSD\nEUR\n")
    with (folder / "focus.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *DRAFTS])
        writer.writeheader()
        writer.writerows({**row, **{draft: row[name] for draft, name in DRAFTS.items()}} for row in rows)
    words = ["--data-file", str(folder / "focus.csv"), "--validate-version", "1.0"]
    return subprocess.run([validator, *words], capture_output=True, text=True, timeout=120, cwd=folder)
