"""When an endpoint that fails calls is left alone, and for how long: failures in a row, or too many in a while."""

from triplegate.config.documents_service import OutlierDocument
from triplegate.upstreams.endpoint import Standing


def judge(standing: Standing, rules: OutlierDocument, now: float, *, failed: bool) -> str:
    """Take in one call; why the endpoint should be left alone now, or nothing."""
    standing.in_a_row = standing.in_a_row + 1 if failed else 0
    if rules.failure_rate is not None:
        _count(standing, rules.window, now, failed=failed)
    if not failed:
        return ""
    if rules.consecutive and standing.in_a_row >= rules.consecutive:
        return f"{standing.in_a_row} failures in a row"
    if rules.failure_rate is None:
        return ""
    calls, failures = standing.recent[0] + standing.recent[2], standing.recent[1] + standing.recent[3]
    if calls >= rules.minimum and failures * 100 >= rules.failure_rate * calls:
        return f"{failures} of {calls} calls failed"
    return ""


def _count(standing: Standing, window: float, now: float, *, failed: bool) -> None:
    """Two halves of a window, so that what is older than a window and a half counts no more."""
    age = now - standing.began
    half = window / 2
    if age >= half:
        standing.recent = [0, 0, *(standing.recent[:2] if age < window else (0, 0))]
        standing.began = now
    standing.recent[0] += 1
    standing.recent[1] += failed


def eject(standing: Standing, rules: OutlierDocument, now: float) -> float:
    """Leave it alone; the seconds: doubled when it failed again soon after it came back."""
    before = min(rules.eject_for * 2.0 ** (standing.ejections - 1), rules.longest) if standing.ejections else 0.0
    if now - standing.since > before:
        standing.ejections = 0
    seconds = min(rules.eject_for * 2.0**standing.ejections, rules.longest)
    standing.ejections = min(standing.ejections + 1, 30)
    standing.ejected += 1
    standing.ejected_until = now + seconds
    return seconds


def may_eject(ejected: int, endpoints: int, rules: OutlierDocument) -> bool:
    """Whether one more may be left alone; one always may."""
    return not ejected or (ejected + 1) * 100 <= rules.max_ejected * endpoints


def come_back(standing: Standing, now: float) -> None:
    """Its time is over: it is used again, with a clean sheet."""
    standing.ejected_until = 0.0
    standing.since = now
    standing.in_a_row = 0
    standing.recent = [0, 0, 0, 0]
