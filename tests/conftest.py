"""What all tests share: how long an example takes is no reason to fail, machines are busy; what JAX compiles is kept."""

import os

import pytest
from hypothesis import settings

settings.register_profile("cfdyn", deadline=None)
settings.load_profile("cfdyn")


def pytest_configure(config: pytest.Config) -> None:
    """Compiled once for all tests, workers and their processes, in pytest's folder: that takes JAX longer than most tests."""
    if hasattr(config, "cache"):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
