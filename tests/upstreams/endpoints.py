"""Endpoints without a network: one for each letter, with weights."""

from triplegate.upstreams.endpoint import Endpoint, Standing
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor


def endpoints(names, weights=None, backups=""):
    """One endpoint for each of `names`."""
    found = []
    for name, weight in zip(names, weights or [1] * len(names), strict=True):
        origin = Origin("http", f"{name}.test", 80)
        pool = Pool(origin, TaskSupervisor())
        found.append(Endpoint(name, origin, pool, b"", Standing(), weight, name in backups))
    return found
