"""Call the admin API of the gateway that runs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from triplegate.cli.failures import Failed
from triplegate.cli.place import Place, admin_token, control_url

if TYPE_CHECKING:
    import httpx


_FILE = 300.0
"""Longest wait for a file: a large export takes its time."""


class Admin:
    """One command's connection to `/admin/v1`; answers are decoded JSON, problems become sentences."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """One call. Raises Failed with the problem's own words."""
        answer = self._send(method, path, body=body, query=query)
        return self._read(answer) if answer.content else None

    def fetch(self, path: str, *, query: Mapping[str, Any]) -> bytes:
        """A file. Raises Failed like `call`."""
        answer = self._send("GET", path, query=query, longest=_FILE)
        if answer.status_code != 200:
            self._read(answer)
        return bytes(answer.content)

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        longest: float = 15.0,
    ) -> "httpx.Response":
        import httpx

        headers = {"authorization": f"Bearer {self._token}"}
        url = f"{self._url}/admin/v1{path}"
        try:
            return httpx.request(
                method, url, json=body, params=query, headers=headers, timeout=longest, trust_env=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Failed(f"the gateway at {self._url} does not answer: {error}") from None

    def _read(self, answer: "httpx.Response") -> Any:
        try:
            said = answer.json()
        except ValueError:
            raise Failed(f"{answer.status_code}: what answers at {self._url} is no admin API of a gateway") from None
        if answer.status_code < 300:
            return said
        raise Failed(_sentence(answer.status_code, said))


def _sentence(status: int, problem: Mapping[str, Any]) -> str:
    """A problem document (RFC 9457) in one line, with what is wrong where."""
    said = f"{status}: {problem.get('detail') or problem.get('title')}"
    faults = [f"{one.get('pointer', '')} {one.get('detail', '')}".strip() for one in problem.get("errors", ())]
    if faults:
        said += f" ({'; '.join(faults)})"
    if status == 401:
        said += " (TRIPLEGATE_ADMIN_TOKEN must hold an admin token)"
    return said


def running(place: Place) -> Admin | None:
    """The admin API of the gateway that runs on this configuration, or None. Raises Failed without a token for it."""
    url = control_url(place)
    if url is None:
        return None
    token = admin_token(place)
    if token is None:
        raise Failed(f"a gateway runs at {url}: set TRIPLEGATE_ADMIN_TOKEN to an admin token of it")
    return Admin(url, token)
