"""A real browser for the tests that need one."""

from tests.browser import browser, page, pictures

__all__ = ["browser", "page", "pictures"]
