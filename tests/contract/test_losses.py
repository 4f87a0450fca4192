"""What every loss in the folder must do, and the published formulas of those that have one."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.codegen import compile as compiler
from cfdyn.registry import describe
from tests.oracles import MP, derivative_tensor, loss_function

NAMES = cf.losses.names()

# Written from the papers, not from the files: value as a function of the weights and the parameters.
PUBLISHED = {
    "cubic": lambda w, a: a * (w**3 / 3 - w),
    "double_well": lambda w, a: a * (w * w - 1) ** 2 / 4,
    "quadratic_regression": lambda w, y: (w * w / 2 - y) ** 2 / 2,
    "poisson_regression": lambda w, a: MP.exp(w) - a * w,
    # K of N labels are positive: −(1/N) Σ log σ(±w)
    "logistic_regression": lambda w, K, N: -(K * MP.log(1 / (1 + MP.exp(-w))) + (N - K) * MP.log(1 / (1 + MP.exp(w)))) / N,
    "log_cosh": lambda w: MP.log(MP.cosh(w)),
    "quartic": lambda w, S, Q: S * w**2 / 2 - Q * w**4 / 4,
    "scalar_factorization": lambda x, y, target: (x * y - target) ** 2 / 2,
    "huber": lambda w, delta: w * w / 2 if abs(w) <= delta else delta * (abs(w) - delta / 2),
}


def built(name: str) -> cf.Loss:
    return getattr(cf.losses, name)()


def points(loss: cf.Loss) -> list[np.ndarray]:
    """Three points in the middle of the box, away from every switch."""
    box = np.array(loss.spec.box)
    rng = np.random.default_rng(1)
    found = []
    while len(found) < 3:
        w = box.mean(axis=1) + 0.3 * (box[:, 1] - box[:, 0]) * rng.uniform(-1, 1, loss.dim)
        if not len(loss.spec.switching) or np.abs(loss.switching(w)).min() > 1e-3:
            found.append(w)
    return found


def close(measured, expected, digits=12):
    expected = np.asarray(expected, dtype=float)
    scale = max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(measured, expected, rtol=0, atol=10.0**-digits * scale)


def test_the_folder_is_not_empty():
    assert len(NAMES) >= 10
    assert set(PUBLISHED) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_called_twice_by_name(name):
    first, second = getattr(cf.losses, name)(), getattr(cf.losses, name)()
    assert isinstance(first, cf.Loss) and isinstance(second, cf.Loss)
    assert first.spec.key == second.spec.key
    assert cf.losses.get(name)().spec.key == first.spec.key


def test_names_survive_direct_import_of_the_submodules():
    """Importing a submodule binds the module over the function; the registry must put it back."""
    code = """
import importlib, json, sys
import cfdyn as cf
answer = {}
for folder in (cf.losses, cf.optimizers):
    for name in folder.names():
        arguments = {"lr": 0.1} if folder is cf.optimizers else {}
        module = importlib.import_module(f"{folder.__name__}.{name}")
        entry = getattr(folder, name)
        results = [type(entry(**arguments)).__name__ for _ in range(2)]
        exec(f"from {folder.__name__} import {name} as again; results.append(type(again(**arguments)).__name__)")
        importlib.reload(module)
        results.append(type(getattr(folder, name)(**arguments)).__name__)
        answer[name] = results
json.dump(answer, sys.stdout)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {*cf.losses.names(), *cf.optimizers.names()}
    for name, kinds in answer.items():
        assert kinds == ["Loss" if name in NAMES else "Optimizer"] * 4, name


@pytest.mark.parametrize("name", NAMES)
def test_docstring(name):
    entry = getattr(cf.losses, name)
    found = describe(entry)
    assert found["summary"].endswith(".") or found["summary"].endswith(":")
    assert len(found["summary"]) > 10 and len(found["reference"]) > 10
    assert ">>>" in inspect.getdoc(entry)


@pytest.mark.parametrize("name", NAMES)
def test_box_and_latex(name):
    loss = built(name)
    assert len(loss.spec.box) == loss.dim == len(loss.variables)
    assert all(lo < hi and np.isfinite([lo, hi]).all() for lo, hi in loss.spec.box)
    assert all(v.strip("0123456789") in loss.latex() for v in loss.variables)
    assert all(np.isfinite(loss.value(w)) for w in points(loss))


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_value_is_the_published_one(name):
    loss = built(name)
    box = np.array(loss.spec.box)
    for w in np.random.default_rng(2).uniform(box[:, 0], box[:, 1], (20, loss.dim)):
        expected = PUBLISHED[name](*map(MP.mpf, w.tolist()), *map(MP.mpf, loss.params.values()))
        assert loss.value(w) == pytest.approx(float(expected), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_agree_with_50_digit_differences(name):
    loss = built(name)
    function = loss_function(loss.spec)
    rng = np.random.default_rng(3)
    for w in points(loss)[: 3 if loss.spec.data is None else 1]:
        gradient, hessian, third = (derivative_tensor(function, w.tolist(), k) for k in (1, 2, 3))
        u, v = rng.normal(size=(2, loss.dim))
        assert loss.value(w) == pytest.approx(float(function(*map(MP.mpf, w.tolist()))), rel=1e-13, abs=1e-15)
        close(loss.gradient(w), gradient)
        close(loss.hessian(w), hessian)
        close(loss.third(w), third)
        close(loss.hvp(w, v), hessian @ v)
        close(loss.curvature_gradient(w, u, v), np.einsum("ijk,i,j->k", third, u, v))
        assert loss.sharpness(w) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-11, abs=1e-13)


def test_a_loss_of_two_features_agrees_with_50_digit_differences():
    loss = cf.losses.breast_cancer(features=2)
    function, w, v = loss_function(loss.spec), [0.7, -0.4], np.array([0.3, -1.1])
    close(loss.gradient(w), derivative_tensor(function, w, 1))
    hessian = derivative_tensor(function, w, 2)
    close(loss.hessian(w), hessian)
    close(loss.hvp(w, v), hessian @ v)


@pytest.mark.parametrize("name", [n for n in NAMES if built(n).params])
def test_parameters_are_runtime_arguments(name, monkeypatch):
    loss = built(name)
    w = points(loss)[0]
    loss.value(w), loss.gradient(w)
    rules = [loss.rule("value"), loss.rule("gradient")]

    def refuse(*args):
        raise AssertionError("a parameter value has led to a compilation")

    monkeypatch.setattr(compiler, "machine_program", refuse)
    for key, value in loss.params.items():
        changed = loss.at(**{key: 1.25 * value + 0.1})
        fresh = getattr(cf.losses, name)(**{key: 1.25 * value + 0.1})
        assert changed.params == fresh.params != loss.params
        expected = loss_function(changed.spec)(*map(MP.mpf, w.tolist()))
        assert changed.value(w) == pytest.approx(float(expected), rel=1e-13, abs=1e-14)
        assert fresh.gradient(w).tolist() == changed.gradient(w).tolist()
        assert [changed.rule("value"), fresh.rule("gradient")] == rules
        assert changed.rule("value") is rules[0] and fresh.rule("gradient") is rules[1]


def test_unknown_names_are_refused():
    with pytest.raises(cf.CfdynError, match="did you mean 'quartic'"):
        cf.losses.get("quartc")
    with pytest.raises(AttributeError):
        cf.losses.quartc  # noqa: B018
    with pytest.raises(cf.CfdynError, match="parameter"):
        cf.losses.double_well().at(b=1.0)
    with pytest.raises(cf.CfdynError, match="finite"):
        cf.losses.double_well().at(a=float("nan"))


def test_switching_functions_vanish_at_the_kinks():
    loss = cf.losses.huber(delta=0.75)
    for w in (0.75, -0.75):
        assert np.abs(loss.switching([w])).min() == 0.0
    assert np.abs(loss.switching([0.5])).min() > 0.1
    assert len(cf.losses.double_well().switching([0.3])) == 0


def test_a_point_of_the_wrong_shape_is_refused():
    with pytest.raises(cf.CfdynError, match="2 entries"):
        cf.losses.scalar_factorization().value([1.0])
    with pytest.raises(cf.CfdynError, match="intervals"):
        cf.Loss("x*y", box=[(0, 1)])
    with pytest.raises(cf.CfdynError, match="lo < hi"):
        cf.Loss("x**2", box=[(1, 1)])
