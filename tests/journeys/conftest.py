"""A real browser for the journeys that need one."""

from tests.browser import browser, page

__all__ = ["browser", "page"]
