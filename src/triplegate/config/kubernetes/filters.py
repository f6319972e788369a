"""Filters, timeouts and retries of rules as policies of our routes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from triplegate.config.kubernetes.objects import DOMAIN
from triplegate.config.kubernetes.objects_routes import (
    CorsFilter,
    Filter,
    HeaderFilter,
    HttpRetry,
    HttpRule,
    HttpTimeouts,
    MirrorFilter,
    PathModifier,
    RedirectFilter,
    RewriteFilter,
    ServiceRef,
    seconds_of,
)
from triplegate.config.kubernetes.terms import Trouble

CHAIN = "Chain"
"""Kind of an extensionRef to a named chain of ours."""
MOST_RETRIES = 5

Item = str | dict[str, Any]
"""The name of a chain, or a policy as written."""
Serve = Callable[[ServiceRef], str | None]
"""The service that a reference leads to; None when it leads nowhere, which is noted."""


class Shaped(msgspec.Struct, frozen=True):
    """What the filters of a rule come to."""

    first: list[Item]
    """Before everything else: redirects, and answers to preflights."""
    then: list[Item]

    @property
    def answers(self) -> bool:
        """Whether no service is called."""
        return any(isinstance(one, dict) and one["use"] == "redirect" for one in self.first)


_FIELDS = {
    "RequestHeaderModifier": "request_header_modifier",
    "ResponseHeaderModifier": "response_header_modifier",
    "RequestMirror": "request_mirror",
    "RequestRedirect": "request_redirect",
    "URLRewrite": "url_rewrite",
    "CORS": "cors",
    "ExtensionRef": "extension_ref",
}
_PER_BACKEND = ("RequestHeaderModifier", "ResponseHeaderModifier", "URLRewrite")


def shape(filters: Sequence[Filter], serve: Serve) -> Shaped | Trouble:
    """The policies of a rule's filters, or why they cannot be honoured."""
    trouble = _trouble(filters)
    if trouble is not None:
        return trouble
    found = Shaped([], [])
    for one in filters:
        if one.request_redirect is not None:
            found.first.append(_redirect(one.request_redirect))
        elif one.cors is not None:
            found.first.append(_cors(one.cors))
        elif one.extension_ref is not None:
            found.then.append(one.extension_ref.name)
        elif one.request_mirror is not None:
            service = serve(one.request_mirror.backend_ref)
            if service is not None:
                found.then.append(_mirror(one.request_mirror, service))
        else:
            found.then.extend(_edits(one))
    return found


def shape_backend(filters: Sequence[Filter]) -> list[dict[str, Any]] | Trouble:
    """The policies of one backend's filters."""
    strange = [one.type for one in filters if one.type not in _PER_BACKEND]
    if strange:
        return Trouble("UnsupportedValue", f"filter {strange[0]} is not supported on one backend: write it on the rule")
    trouble = _trouble(filters)
    return trouble if trouble is not None else [policy for one in filters for policy in _edits(one)]


def _trouble(filters: Sequence[Filter]) -> Trouble | None:
    """What is wrong with the filters as a whole."""
    kinds = [one.type for one in filters]
    for one in filters:
        field = _FIELDS.get(one.type)
        if field is None:
            return Trouble("UnsupportedValue", f"filter {one.type} is not supported")
        others = [name for name in _FIELDS.values() if name != field and getattr(one, name) is not None]
        if getattr(one, field) is None or others:
            return Trouble("UnsupportedValue", f"a filter of type {one.type} has its own settings and no others")
        ref = one.extension_ref
        if ref is not None and (ref.group, ref.kind) != (DOMAIN, CHAIN):
            return Trouble("UnsupportedValue", f"extensionRef leads to a {CHAIN} of {DOMAIN}, not to {ref.kind}")
    if "RequestRedirect" in kinds and "URLRewrite" in kinds:
        return Trouble("IncompatibleFilters", "a rule either redirects or rewrites")
    twice = [kind for kind in kinds if kinds.count(kind) > 1 and kind not in ("RequestMirror", "ExtensionRef")]
    return Trouble("IncompatibleFilters", f"filter {twice[0]} stands there twice") if twice else None


def _edits(one: Filter) -> list[dict[str, Any]]:
    found = []
    for tag, headers in (
        ("request_headers", one.request_header_modifier),
        ("response_headers", one.response_header_modifier),
    ):
        if headers is not None and (headers.set or headers.add or headers.remove):
            found.append({"use": tag, **_headers(headers)})
    if one.url_rewrite is not None:
        found += _rewrite(one.url_rewrite)
    return found


def _headers(headers: HeaderFilter) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for how, lines in (("set", headers.set), ("add", headers.add)):
        for line in lines:
            found.setdefault(how, {}).setdefault(line.name.lower(), line.value)
    if headers.remove:
        found["remove"] = [name.lower() for name in headers.remove]
    return found


def _rewrite(rewrite: RewriteFilter) -> list[dict[str, Any]]:
    found = {"use": "rewrite", **_path(rewrite.path)}
    if rewrite.hostname is not None:
        found["host"] = rewrite.hostname
    return [found] if len(found) > 1 else []


def _path(path: PathModifier | None) -> dict[str, Any]:
    if path is None:
        return {}
    if path.type == "ReplaceFullPath":
        return {"path": path.replace_full_path or "/"}
    return {"prefix": path.replace_prefix_match or "/"}


def _redirect(redirect: RedirectFilter) -> dict[str, Any]:
    found = {"use": "redirect", "code": redirect.status_code, **_path(redirect.path)}
    written = {"scheme": redirect.scheme, "hostname": redirect.hostname, "port": redirect.port}
    return found | {name: value for name, value in written.items() if value is not None}


def _mirror(mirror: MirrorFilter, service: str) -> dict[str, Any]:
    found: dict[str, Any] = {"use": "mirror", "service": service, "unsafe": True}
    if mirror.percent is not None:
        found["percent"] = mirror.percent
    if mirror.fraction is not None:
        found["fraction"] = {"numerator": mirror.fraction.numerator, "denominator": mirror.fraction.denominator}
    return found


def _cors(cors: CorsFilter) -> dict[str, Any]:
    found: dict[str, Any] = {"use": "cors", "allow_origins": list(cors.allow_origins), "max_age": cors.max_age}
    lists = {
        "allow_methods": cors.allow_methods,
        "allow_headers": tuple(name.lower() for name in cors.allow_headers),
        "expose_headers": tuple(name.lower() for name in cors.expose_headers),
    }
    found |= {name: list(values) for name, values in lists.items() if values}
    return found | ({"allow_credentials": True} if cors.allow_credentials else {})


def dispatch(rule: HttpRule) -> list[dict[str, Any]]:
    """The policies of a rule's times and retries."""
    return [*_timeout(rule.timeouts or HttpTimeouts()), *([] if rule.retry is None else [_retry(rule.retry)])]


def _timeout(timeouts: HttpTimeouts) -> list[dict[str, Any]]:
    written: Mapping[str, str | None] = {"total": timeouts.request, "attempt": timeouts.backend_request}
    found = {name: seconds_of(value) for name, value in written.items() if value is not None}
    longer = {name: value for name, value in found.items() if value > 0}
    return [{"use": "timeout", **longer}] if longer else []


def _retry(retry: HttpRetry) -> dict[str, Any]:
    found: dict[str, Any] = {"use": "retry", "attempts": min(retry.attempts or 1, MOST_RETRIES)}
    if retry.codes:
        found["on"] = sorted(set(retry.codes))
    if retry.backoff is not None and seconds_of(retry.backoff) > 0:
        base = seconds_of(retry.backoff)
        found["backoff"] = {"base": base, "max": max(base, 2.0)}
    return found
