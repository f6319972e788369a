"""The meters as Prometheus text or OpenMetrics, whichever the scraper asks for."""

import re
from collections.abc import Iterable

from triplegate.core.meters import Family, Labels

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_UNITS = {"s": "seconds", "By": "bytes"}
_NOT_A_NAME = re.compile(r"[^a-zA-Z0-9_]")


def negotiate(accept: str) -> str:
    """TEXT or OPENMETRICS by the Accept header; OpenMetrics only for those who name it with a quality above 0."""
    for choice in accept.split(","):
        kind, *parameters = [part.strip().lower() for part in choice.split(";")]
        if kind == "application/openmetrics-text":
            weights = [part[2:] for part in parameters if part.startswith("q=")]
            if not weights or weights[0].strip("0.") != "":
                return OPENMETRICS
    return TEXT


def family_name(family: Family) -> str:
    """The Prometheus name without a counter's `_total`, as OpenTelemetry's translation rules make it."""
    name = _NOT_A_NAME.sub("_", family.name)
    unit = _UNITS.get(family.unit, "")
    return f"{name}_{unit}" if unit and not name.endswith(unit) else name


def render(families: Iterable[Family], *, openmetrics: bool = False) -> bytes:
    """The exposition of `families`."""
    lines: list[str] = []
    for family in families:
        name = family_name(family)
        headed = name if openmetrics or family.kind != "counter" else f"{name}_total"
        lines.append(f"# HELP {headed} {_escaped_help(family.help)}")
        lines.append(f"# TYPE {headed} {family.kind}")
        if openmetrics and family.unit in _UNITS:
            lines.append(f"# UNIT {headed} {_UNITS[family.unit]}")
        names = tuple(_NOT_A_NAME.sub("_", label) for label in family.labels)
        for labels, cells in family.points:
            pairs = _pairs(names, labels)
            if family.kind == "histogram":
                _histogram(lines, name, pairs, family.bounds, cells)
            else:
                sample = f"{name}_total" if family.kind == "counter" else name
                lines.append(f"{sample}{_braced(pairs)} {_number(cells[0])}")
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode()


def _histogram(lines: list[str], name: str, pairs: str, bounds: tuple[float, ...], cells: list[float]) -> None:
    before = f"{pairs}," if pairs else ""
    so_far = 0
    for bound, count in zip((*map(str, map(float, bounds)), "+Inf"), cells[:-1], strict=True):
        so_far += int(count)
        lines.append(f'{name}_bucket{{{before}le="{bound}"}} {so_far}')
    lines.append(f"{name}_sum{_braced(pairs)} {_number(cells[-1])}")
    lines.append(f"{name}_count{_braced(pairs)} {so_far}")


def _pairs(names: tuple[str, ...], labels: Labels) -> str:
    """`a="b",c="d"`; an empty value is the same as no label."""
    return ",".join(
        [f'{name}="{_escaped(str(value))}"' for name, value in zip(names, labels, strict=True) if value != ""]
    )


def _braced(pairs: str) -> str:
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
