"""Call the admin API of the gateway that runs."""

from collections.abc import Mapping
from typing import Any

from triplegate.cli.failures import Failed
from triplegate.cli.place import Place, admin_token, control_url


class Admin:
    """One command's connection to `/admin/v1`; answers are decoded JSON, problems become sentences."""

    def __init__(self, url: str, token: str) -> None:
        import httpx

        headers = {"authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=f"{url}/admin/v1", headers=headers, timeout=15.0, trust_env=False)
        self._url = url

    def call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """One call. Raises Failed with the problem's own words."""
        import httpx

        try:
            answer = self._client.request(method, path, json=body, params=query)
        except httpx.HTTPError as error:
            raise Failed(f"the gateway at {self._url} does not answer: {error}") from None
        if answer.status_code < 400:
            return answer.json() if answer.content else None
        try:
            problem = answer.json()
            said = problem.get("detail") or problem.get("title") or answer.text
        except ValueError:
            said = answer.text[:200]
        if answer.status_code == 401:
            said += " (TRIPLEGATE_ADMIN_TOKEN must hold an admin token)"
        raise Failed(f"{answer.status_code}: {said}")


def running(place: Place) -> Admin | None:
    """The admin API of the gateway that runs on this configuration, or None. Raises Failed without a token for it."""
    url = control_url(place)
    if url is None:
        return None
    token = admin_token(place)
    if token is None:
        raise Failed(f"a gateway runs at {url}: set TRIPLEGATE_ADMIN_TOKEN to an admin token of it")
    return Admin(url, token)
