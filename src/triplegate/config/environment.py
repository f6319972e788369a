"""TRIPLEGATE_* variables: which there are, and the settings they stand for."""

import os
import platform
from collections.abc import Mapping

from triplegate.config.faults import Findings, Position, did_you_mean
from triplegate.config.reader import Node

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "TRIPLEGATE_HOST": ("listeners", "data", "host"),
    "TRIPLEGATE_PORT": ("listeners", "data", "port"),
    "TRIPLEGATE_TRANSPORT": ("listeners", "data", "transport"),
    "TRIPLEGATE_ADMIN_HOST": ("listeners", "control", "host"),
    "TRIPLEGATE_ADMIN_PORT": ("listeners", "control", "port"),
    "TRIPLEGATE_GRPC_HOST": ("listeners", "grpc", "host"),
    "TRIPLEGATE_GRPC_PORT": ("listeners", "grpc", "port"),
    "TRIPLEGATE_STATUS_HOST": ("listeners", "status", "host"),
    "TRIPLEGATE_STATUS_PORT": ("listeners", "status", "port"),
    "TRIPLEGATE_REDIS_URL": ("state", "redis"),
    "TRIPLEGATE_STORE_URL": ("store", "url"),
    "TRIPLEGATE_PEPPER": ("pepper",),
    "TRIPLEGATE_NODE": ("node",),
    "TRIPLEGATE_NODES": ("nodes",),
    "TRIPLEGATE_WORKERS": ("workers",),
    "TRIPLEGATE_STATE_DIR": ("state_dir",),
    "TRIPLEGATE_SPOOL_DIR": ("spool", "directory"),
    "TRIPLEGATE_OTLP_ENDPOINT": ("telemetry", "otlp"),
    "TRIPLEGATE_SAMPLE": ("telemetry", "sample"),
    "TRIPLEGATE_ACCESS_LOG": ("telemetry", "access_log"),
    "TRIPLEGATE_DOCUMENTS": ("documents",),
    "TRIPLEGATE_INSECURE_ADMIN": ("insecure_admin",),
    "TRIPLEGATE_ALLOW_LOCAL_LIMITS": ("allow_local_limits",),
    "TRIPLEGATE_START_DEGRADED": ("start_degraded",),
}
"""Variable → the setting it replaces."""

_OTHERS = frozenset(
    # read by commands and tests, not by the gateway
    {
        "TRIPLEGATE_URL",
        "TRIPLEGATE_KEY",
        "TRIPLEGATE_ADMIN_URL",
        "TRIPLEGATE_ADMIN_TOKEN",
        "TRIPLEGATE_BROWSER",
        "TRIPLEGATE_MODEL",
        "TRIPLEGATE_SHARED",
    }
)


def environment() -> dict[str, str]:
    """The process's environment; read here and nowhere else on the gateway's side."""
    return dict(os.environ)  # noqa: TID251 - the one place


def quieten(name: str, value: str) -> None:
    """Say what a library reads from the environment when it is loaded, unless the operator has."""
    os.environ.setdefault(name, value)  # noqa: TID251 - the one place


def node_name() -> str:
    """The machine's name, as a node is called that was given none."""
    return platform.node() or "node"


def lay_over(settings: Node, variables: Mapping[str, str], findings: Findings) -> None:
    """Put the variables in the places of the settings they replace."""
    for name in sorted(variables):
        path, value = VARIABLES.get(name), variables[name]
        if path is not None:
            if value:
                _set(settings, path, Node(value, Position(f"${name}", 0, 0)))
        elif name.startswith("TRIPLEGATE_") and name not in _OTHERS:
            hint = did_you_mean(name, VARIABLES)
            if hint:  # others may be anything: Kubernetes sets variables of services called triplegate
                findings.warn(Position(f"${name}", 0, 0), f"unknown variable {name}{hint}")


def _set(settings: Node, path: tuple[str, ...], node: Node) -> None:
    holder = settings
    for part in path[:-1]:
        below = holder.child(part)
        if below is None or not isinstance(below.value, dict):
            below = Node({}, node.place)
            holder.value[part] = below
        holder = below
    holder.value[path[-1]] = node
