"""`check --status`: a table for people, manifests for programs."""

import csv
import io
import json

from tests.gateway_api.manifests import gateway, listener, route, service, write_all

from triplegate.cli.statuses import COLUMNS


def objects(tmp_path):
    plain = service("a", spec={"ports": [{"port": 80}], "selector": {"app": "a"}})
    write_all(tmp_path, gateway(listener(), listener("tcp", 81, "TCP")), route("r"), plain)


def test_a_table_says_what_became_of_each_object_and_what_is_not_used(command, tmp_path):
    objects(tmp_path)
    done = command("check", "--status")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["kind", "name", "part", "condition", "status", "reason", "message"]
    assert ["HTTPRoute", "shop/r", "shop/web", "Accepted", "True", "Accepted"] in lines
    assert any(line[:6] == ["Gateway", "shop/web", "tcp", "Accepted", "False", "UnsupportedProtocol"] for line in lines)
    assert "Service spec.selector is not honoured" in done.out.partition("not used here:")[2]
    assert "Gateway shop/web (tcp): Accepted, UnsupportedProtocol" in done.err
    assert done.status == 0
    assert command("check", "--status", "--strict").status == 1


def test_programs_read_the_objects_with_their_status(command, tmp_path):
    objects(tmp_path)
    file = tmp_path / "status.json"
    done = command("check", "--status", "--format", "json", "--output", str(file))
    assert (done.status, done.out) == (0, "")
    web, one = json.loads(file.read_text())
    assert (web["kind"], web["metadata"]) == ("Gateway", {"name": "web", "namespace": "shop"})
    assert one["status"]["parents"][0]["conditions"][0]["type"] == "Accepted"
    rows = list(csv.DictReader(io.StringIO(command("check", "--status", "--format", "csv").out)))
    assert {row["kind"] for row in rows} == {"Gateway", "HTTPRoute"}


def test_without_manifests_there_is_nothing_to_show(command, place):
    assert command("check", "--status").out.split() == [*COLUMNS]


def test_explain_knows_routes_of_manifests_and_where_they_stand(command, tmp_path):
    objects(tmp_path)
    done = command("explain", "GET", "http://a.test/x")
    assert "route     shop.r.0  apis/objects.yaml:" in done.out
    assert done.status == 0
