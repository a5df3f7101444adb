# SPDX-License-Identifier: BSD-3-Clause
"""The fault suite counts its cases: what was broken, how often, and how often it was not survived.

    python -m pytest tests/faults --faults=full        or LEPTON_FAULTS=full python -m pytest tests/faults

Without that a few cases of each fault run, chosen by a fixed seed. `tally` is called once per case; the table
is printed at the end of the session.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TABLE = pytest.StashKey[dict[str, list[str | None]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=("quick", "full"), help="how many cases of each fault")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault: breaks something on purpose")
    config.stash[TABLE] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("fault")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    table = config.stash.get(TABLE, {})
    if not table:
        return
    terminalreporter.section("faults")
    width = max(map(len, table))
    terminalreporter.write_line(f"{'fault':{width}}  cases  failed")
    for fault, cases in table.items():
        failed = sum(problem is not None for problem in cases)
        terminalreporter.write_line(f"{fault:{width}}  {len(cases):5}  {failed:6}")
    total = sum(map(len, table.values()))
    failed = sum(problem is not None for cases in table.values() for problem in cases)
    terminalreporter.write_line(f"{'all':{width}}  {total:5}  {failed:6}")


class Tally:
    """Counts the cases of one test; `check` fails it with all that went wrong, not just the first."""

    def __init__(self, table: dict[str, list[str | None]]) -> None:
        self.table, self.problems = table, list[str]()

    def __call__(self, fault: str, passed: bool, about: str = "") -> None:
        """One case of `fault` was survived, or not; `about` says which one it was."""
        self.table.setdefault(fault, []).append(None if passed else about)
        if not passed:
            self.problems.append(f"{fault}: {about}")

    def check(self) -> None:
        assert not self.problems, "\n" + "\n".join(self.problems)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    return Tally(request.config.stash[TABLE])


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether all cases were asked for."""
    asked = request.config.getoption("--faults", default=None) or os.environ.get("LEPTON_FAULTS")
    return asked == "full"


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 x 12 pictures."""
    from tests.conftest import make_pictures

    return make_pictures(tmp_path_factory.mktemp("faults") / "p", ("a", "b", "c"), 12)
