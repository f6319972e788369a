"""Dashboards and alerts ask only for metrics and labels that the gateway shows."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.deploy.compose import ROOT, yaml

from triplegate.control.telemetry.gauges import observe_house
from triplegate.control.telemetry.prometheus import family_name
from triplegate.core.meters import Meters

DEPLOY = ROOT / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / "triplegate.json").read_text())
OURS = re.compile(r"\b(?:http|triplegate|gen_ai|mcp)_[a-z_]+\b")


def _known() -> tuple[set[str], set[str]]:
    """(samples, labels) that /metrics can hold."""
    meters = Meters()
    observe_house(meters, None)  # type: ignore[arg-type] # its sources fail, which shows no series
    samples: set[str] = set()
    labels: set[str] = set()
    for instrument in meters.instruments:
        family = instrument.read()
        name = family_name(family)
        ends = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[family.kind]
        samples |= {name + end for end in ends}
        labels |= {label.replace(".", "_") for label in family.labels}
    return samples, labels


def _questions() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            if target["datasource"]["type"] == "prometheus":
                yield panel["title"], target["expr"]
                yield panel["title"], " ".join(re.findall(r"\{\{(.+?)\}\}", target.get("legendFormat", "")))
    for group in yaml(DEPLOY / "prometheus" / "alerts.yml")["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def test_every_metric_and_label_asked_for_exists() -> None:
    samples, labels = _known()
    asked = 0
    for title, text in _questions():
        for word in OURS.findall(text):
            assert word in samples | labels, f"{title}: {word}"
            asked += word in samples
    assert asked > 20


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_panels_ask_sources_that_are_provisioned() -> None:
    sources = yaml(DEPLOY / "grafana" / "provisioning" / "datasources" / "datasources.yaml")["datasources"]
    known = {(source["type"], source["uid"]) for source in sources}
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            assert (target["datasource"]["type"], target["datasource"]["uid"]) in known, panel["title"]
