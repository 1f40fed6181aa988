"""`manage.py test` runs the same pytest suite as `make test`."""

from typing import Any

from django.core.management.base import CommandParser


class PytestRunner:
    """A Django TEST_RUNNER that hands over to pytest, in this process so that `coverage run` sees it."""

    def __init__(
        self, verbosity: int = 1, failfast: bool = False, keepdb: bool = False, pattern: str = "", **_: Any
    ) -> None:
        self.options = [option for option, on in (("--exitfirst", failfast), ("--reuse-db", keepdb)) if on]
        self.options += ["--quiet"] if verbosity == 0 else ["--verbose"] if verbosity > 1 else []
        self.options += ["-k", pattern] if pattern else []

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        """Offer the options of pytest that have a counterpart in Django's runner."""
        parser.add_argument("--keepdb", action="store_true", help="Keep the test database.")
        parser.add_argument("-k", dest="pattern", default="", help="Run tests that match this expression.")

    def run_tests(self, test_labels: list[str], **_: Any) -> int:
        """Run pytest over the labels (paths); return its exit code as the number of failures."""
        import pytest

        return int(pytest.main([*self.options, *test_labels]))
