"""`--second-try`: a test that fails is run once more, and named in the summary with what went wrong the first time.

pytest-rerunfailures asks a server of its own before each test, over a socket that waits 40 ms for an acknowledgement.
"""

import pytest
from _pytest.runner import runtestprotocol


def pytest_addoption(parser):
    """The option."""
    parser.addoption("--second-try", action="store_true", help="run a test that fails once more, and name it")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Run a test; where it fails, forget what is left of it and run it again. None: as pytest does."""
    if not item.config.getoption("--second-try"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    failed = [report for report in reports if report.failed]
    if failed and "from pytest-timeout" not in str(failed[0].longrepr):  # a second try would have no limit
        _forget(item)
        failed[0].outcome = "again"
        reports = [failed[0], *runtestprotocol(item, nextitem=nextitem, log=False)]
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _forget(item):
    """Fixtures whose set-up failed are set up anew, and so is what stands above the test."""
    item._initrequest()
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        for definition in definitions:
            if definition.cached_result is not None and definition.cached_result[2] is not None:
                definition.finish(item._request)
    stack = item.session._setupstate.stack
    for node, (_, error) in list(stack.items()):
        if error is not None:
            del stack[node]


def pytest_report_teststatus(report):
    """A first try is neither passed nor failed."""
    return ("again", "A", "AGAIN") if report.outcome == "again" else None


def pytest_terminal_summary(terminalreporter):
    """Those that needed the second try."""
    for report in terminalreporter.stats.get("again", []):
        terminalreporter.write_sep("_", f"first try of {report.nodeid}")
        report.toterminal(terminalreporter._tw)
