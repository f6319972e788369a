"""Objects out of YAML text, for tests of what is made of them."""

import json

from triplegate.config.faults import Findings
from triplegate.config.kubernetes.inventory import read_manifests
from triplegate.config.reader import read


def inventory_of(text):
    """The objects of a text, and what was noted."""
    findings = Findings()
    found = read_manifests(read(text, "k.yaml", findings), findings)
    assert not findings.faults
    return found, [str(one) for one in findings.warnings]


def inventory_with(*objects):
    """The same, out of objects as they are in Python."""
    return inventory_of("\n---\n".join(json.dumps(one) for one in objects))
