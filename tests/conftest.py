"""What all tests share: how long an example takes is no reason to fail, machines are busy; what JAX compiles is kept."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import slow_cases

settings.register_profile("cfdyn", deadline=None)
settings.load_profile("cfdyn")
# What a terminal, or the processes of pytest-xdist, say of a screen's width is not what tests of output are about.
os.environ.pop("COLUMNS", None)


def pytest_configure(config: pytest.Config) -> None:
    """Compiled once for all tests, workers and their processes, in pytest's folder: that takes JAX longer than most tests."""
    if hasattr(config, "cache"):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Of the half million objects that collection makes none is garbage: they are not looked through then, nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


COLLECTED = pytest.StashKey[dict[str, dict[str, bool]]]()  # of each test of `slow_cases`, whether its cases are slow


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before slow ones are left out; where they are Hypothesis draws fewer examples too."""
    if twice := set(slow_cases.repeated(items)):
        config.hook.pytest_deselected(items=list(twice))
        items[:] = [item for item in items if item not in twice]
    slow_cases.mark(items)
    if config.getoption("markexpr") == "not slow":
        for function in {item.function for item in items if isinstance(item, pytest.Function)}:
            slow_cases.fewer_examples(function)
    config.stash[COLLECTED] = found = {}
    for item in items:
        if slow_cases.key(item) in slow_cases.SLOW or slow_cases.key(item) in slow_cases.THIRDS:
            found.setdefault(slow_cases.key(item), {})[slow_cases.case(item)] = item.get_closest_marker("slow") is not None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests did not run since torch, or what is installed with it, is missing; a file that is skipped has all its own."""
    files = {str(report.fspath) for report in terminalreporter.stats.get("skipped", []) if "torch is not inst" in _why(report)}
    paths = [terminalreporter.config.rootpath / name for name in files]
    if count := sum(path.read_text(encoding="utf-8").count("\ndef test_") for path in paths if path.is_file()):
        terminalreporter.line(f"{count} tests did not run: they need torch, which `make test-torch` installs")


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""


@pytest.fixture(scope="session")
def _with_sympy() -> Iterator[object]:
    from tests.algebra import Source

    source = Source()
    yield source
    source.close()


@pytest.fixture
def algebra_at_hand(_with_sympy, monkeypatch) -> None:
    """Exact questions are answered by processes that need not import SymPy first."""
    from cfdyn.symbolic.exact import process
    from tests.algebra import Forked

    monkeypatch.setattr(process, "_begin", lambda time_limit: Forked(_with_sympy, time_limit))


@pytest.fixture
def shared_however_little(monkeypatch) -> None:
    """Threads share also what one of them does sooner."""
    from cfdyn.machine import threads

    monkeypatch.setattr(threads, "LITTLE", 0)
