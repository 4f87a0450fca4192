"""`make test-processors` runs the rooms only with kernels that are really in use, and says which are not."""

from types import SimpleNamespace

import pytest

from tests import processors


@pytest.fixture
def rooms(monkeypatch):
    """Tests that are not run; those with Nehalem's kernels fail, and there are none for Zen."""
    seen = []

    def run(command, cwd, env):
        seen.append((env.get("OPENBLAS_CORETYPE"), env.get("XLA_FLAGS")))
        return SimpleNamespace(returncode=int(env.get("OPENBLAS_CORETYPE") in fails))

    fails = set()
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setattr(processors.subprocess, "run", run)
    monkeypatch.setattr(processors, "lacking", lambda core, changes: "linear algebra takes Haswell" * (core == "Zen"))
    return SimpleNamespace(seen=seen, fails=fails)


def test_what_is_not_to_be_had_is_said_and_not_run(rooms, capsys):
    assert processors.main([]) == 0
    assert rooms.seen == [*((core, None) for core in ("SkylakeX", "Haswell", "Nehalem", "Prescott")), (None, "--xla_cpu_max_isa=SSE4_2")]
    assert "Zen: not tried: linear algebra takes Haswell\nNehalem: passed\n" in capsys.readouterr().out


def test_one_that_fails_does_not_hide_the_others(rooms, capsys):
    rooms.fails.add("Nehalem")
    assert processors.main([]) == 1 and len(rooms.seen) == 5
    assert "Nehalem: failed\nPrescott: passed\n" in capsys.readouterr().out


def test_none_at_all_is_no_success(rooms, monkeypatch):
    monkeypatch.setattr(processors, "lacking", lambda core, changes: "linear algebra takes no OpenBLAS")
    assert processors.main([]) == 1 and not rooms.seen


def test_what_is_in_use_is_looked_at():
    """No release has kernels of this name: those of the processor stay."""
    assert processors.lacking("Abacus", {"OPENBLAS_CORETYPE": "Abacus"}).startswith("linear algebra takes ")
    assert processors.lacking("", {"NPY_DISABLE_CPU_FEATURES": ""}).startswith(("NumPy does not leave X86_V3", "NumPy does not leave X86_V4"))


def test_rooms_are_there():
    assert all((processors.ROOT / "tests" / room).is_dir() for room in processors.ROOMS)
