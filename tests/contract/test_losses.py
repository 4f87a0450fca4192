"""What every loss in the folder must do, and the published formulas of those that have one."""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.codegen import compile as compiler
from cfdyn.registry import defaults, describe
from tests.oracles import MP, derivative_tensor, directional_difference, loss_function
from tests.processes import finished

NAMES = cf.losses.names()
FOLDER = TemporaryDirectory()
# Some losses are nothing without a file.
FILES = {n: str(Path(FOLDER.name, "table.csv")) for n in NAMES if "required" in defaults(getattr(cf.losses, n)).values()}
Path(FOLDER.name, "table.csv").write_text("dose,age,ill\n0.5,3,0\n1.5,1,1\n2.5,4,0\n3.5,1,1\n4.5,5,1\n5.5,9,0\n")
BUMP = list(zip((-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75), (0, 0.2, 0.6, 1, 0.8, 0.2, -0.4, -0.6)))

THREE_CLASSES = [(-2, 0, 0), (-1, 1, 0), (-1, -1, 1), (0, 0, 0), (0, 2, 1), (1, 1, 1), (1, -1, 2), (2, 0, 2), (0, -2, 2), (1, 0, 0),
                 (-1, 0, 2), (0, 1, 2)]  # fmt: skip

PROGRAMS = ("mlp", "softmax_regression")  # which were never a text, so that there is no expression of theirs


def _net(w, x):
    """1-3-2-2, tanh: the weights of each layer row by row, then its biases."""
    first = [MP.tanh(w[i] * x + w[3 + i]) for i in range(3)]
    second = [MP.tanh(MP.fsum(w[6 + 3 * i + j] * first[j] for j in range(3)) + w[12 + i]) for i in range(2)]
    return [w[14 + 2 * i] * second[0] + w[15 + 2 * i] * second[1] + w[18 + i] for i in range(2)]


def _scores(w, x, y):
    return [w[2 * k] * x + w[2 * k + 1] * y + w[6 + k] for k in range(3)]


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
    "one_sided_quadratic": lambda w, a: -w + (a * w * w / 2 if w > 0 else 0),
    "uv_factorization": lambda a, b, c, d, y: (a * c + b * d - y) ** 2 / 2,
    "meng_logistic": lambda w, K, M, x: K * MP.log1p(MP.exp(-w)) + M * MP.log1p(MP.exp(w)) + MP.log1p(MP.exp(-x * w)),
    "rough_parabola": lambda w, eps: w * w / 2 + eps * MP.sin(w / eps),
    "deep_linear": lambda a, b, c, d, y: (a * b * c * d - y) ** 2 / 2,
    "sqrt_product": lambda x, y: MP.hypot(1, x * y),
    "log_cosh_product": lambda x, y: MP.log(MP.cosh(x * y)),
    # r = x and r = x cos 60° + y sin 60°
    "cyclic_pair": lambda x, y: (x * x + (x * MP.cos(MP.pi / 3) + y * MP.sin(MP.pi / 3)) ** 2) / 4,
    # h and k of |z|², with the integration constant h(1) = 3/4
    "triangle": lambda x, y, h2: (lambda z, s: 3 * s / 4 + h2 / 2 * (s - 1) ** 2 + (2 - s) * (z**3).real / MP.sqrt(12))(
        MP.mpc(x, y), abs(MP.mpc(x, y)) ** 2),
    "two_time_scales": lambda x, y, zeta, eps: (y + zeta * x) * x * x / 2 + eps * (-x - y),
    "valley": lambda x, y: (1 + y * y) * x * x / 2,
    "matrix_factorization": lambda a, b, c, d: ((a * c - 2) ** 2 + (a * d) ** 2 + (b * c) ** 2 + (b * d - 1) ** 2) / 2,
    # ‖V W − (1, 0)‖²/2, because the inputs are uncorrelated
    "linear_network": lambda a, b, c, d, p, q: ((p * a + q * c - 1) ** 2 + (p * b + q * d) ** 2) / 2,
    "tanh_network": lambda w1, w2, b1, b2, a1, a2, c: MP.fsum(
        (a1 * MP.tanh(w1 * x + b1) + a2 * MP.tanh(w2 * x + b2) + c - MP.mpf(str(y))) ** 2 / 16 for x, y in BUMP),
    "mlp": lambda *w: MP.fsum((a - MP.mpf(float(np.sin(x)))) ** 2 + (b - MP.mpf(float(np.sin(2 * x)))) ** 2
                              for x, _ in BUMP for a, b in [_net(w, x)]) / 16,
    # −log of the probability of the class
    "softmax_regression": lambda *w: -MP.fsum(MP.log(MP.exp(_scores(w, x, y)[c]) / MP.fsum(map(MP.exp, _scores(w, x, y))))
                                              for x, y, c in THREE_CLASSES) / 12,
    # the mean over all directions: of cos⁴ 3/8, of the product of two squares 1/8 + (cos² of the angle)/4
    "phase_retrieval": lambda x, y: (3 * (x * x + y * y) ** 2 / 8 + MP.mpf(3) / 8
                                     - (x * x + y * y + 2 * (3 * x / 5 + 4 * y / 5) ** 2) / 4) / 4,
    "rosenbrock": lambda x, y, b: b * (y - x * x) ** 2 + (1 - x) ** 2,
    "himmelblau": lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
    "relu_regression": lambda w, b: MP.fsum((max(w * x + b, 0) - max(x, 0)) ** 2 for x in (-2, -1, 1, 2)) / 8,
    # eigenvectors (3, −4)/5 and (4, 3)/5
    "quadratic": lambda x, y: ((3 * x - 4 * y) ** 2 + 10 * (4 * x + 3 * y) ** 2) / 50,
}  # fmt: skip


def built(name: str) -> cf.Loss:
    return getattr(cf.losses, name)(*([FILES[name]] if name in FILES else []))


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
    assert len(NAMES) >= 30
    assert set(NAMES) - set(PUBLISHED) == {"breast_cancer", *FILES}
    assert set(FILES) == {"logistic", "poisson", "least_squares"}


@pytest.mark.parametrize("name", NAMES)
def test_called_twice_by_name(name):
    first, second = built(name), built(name)
    assert isinstance(first, cf.Loss) and isinstance(second, cf.Loss)
    assert first.spec.key == second.spec.key
    assert cf.losses.get(name) is getattr(cf.losses, name)


def test_names_survive_direct_import_of_the_submodules():
    """Importing a submodule binds the module over the function; the registry must put it back."""
    code = """
import importlib, json, sys
import cfdyn as cf
answer, files = {}, json.loads(sys.argv[1])
for folder in (cf.losses, cf.optimizers):
    for name in folder.names():
        arguments = {"lr": 0.1} if folder is cf.optimizers else {"file": files[name]} if name in files else {}
        module = importlib.import_module(f"{folder.__name__}.{name}")
        entry = getattr(folder, name)
        kind = lambda made: [t.__name__ for t in (cf.Loss, cf.Optimizer) if isinstance(made, t)]
        results = [kind(entry(**arguments)) for _ in range(2)]
        exec(f"from {folder.__name__} import {name} as again; results.append(kind(again(**arguments)))")
        importlib.reload(module)
        results.append(kind(getattr(folder, name)(**arguments)))
        answer[name] = results
json.dump(answer, sys.stdout)
"""
    done = finished([sys.executable, "-c", code, json.dumps(FILES)])
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {*cf.losses.names(), *cf.optimizers.names()}
    for name, kinds in answer.items():
        assert kinds == [["Loss" if name in NAMES else "Optimizer"]] * 4, name


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
    assert all(re.sub(r"[\d_]", "", v) in loss.latex() for v in loss.variables)
    assert all(np.isfinite(loss.value(w)) for w in points(loss))


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_value_is_the_published_one(name):
    loss = built(name)
    box = np.array(loss.spec.box)
    weights = np.random.default_rng(2).uniform(box[:, 0], box[:, 1], (20, loss.dim))
    expected = [PUBLISHED[name](*map(MP.mpf, w), *map(MP.mpf, loss.params.values())) for w in weights.tolist()]
    assert [loss.value(w) for w in weights] == pytest.approx([float(v) for v in expected], rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_agree_with_50_digit_differences(name):
    loss = built(name)
    function = PUBLISHED[name] if name in PROGRAMS else loss_function(loss.spec)
    rng = np.random.default_rng(3)
    chosen = points(loss)[: 3 if loss.spec.data is None else 1]
    assert chosen
    for w in chosen:
        gradient, hessian = (derivative_tensor(function, w.tolist(), k) for k in (1, 2))
        u, v, t = rng.normal(size=(3, loss.dim))
        assert loss.value(w) == pytest.approx(float(function(*map(MP.mpf, w.tolist()))), rel=1e-13, abs=1e-15)
        close(loss.gradient(w), gradient)
        close(loss.hessian(w), hessian)
        close(loss.hvp(w, v), hessian @ v)
        if loss.dim <= 3:
            third = derivative_tensor(function, w.tolist(), 3)
            close(loss.third(w), third)
            close(loss.curvature_gradient(w, u, v), np.einsum("ijk,i,j->k", third, u, v))
        else:
            along = directional_difference(lambda z: [function(*z)], w.tolist(), [u, v, t])[0]
            measured = loss.curvature_gradient(w, u, v)
            close(measured, np.einsum("ijk,i,j->k", loss.third(w), u, v))
            assert measured @ t == pytest.approx(along, rel=1e-11, abs=1e-12 * np.abs(measured).max())
        assert loss.sharpness(w) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-11, abs=1e-13)


def test_a_loss_of_two_features_agrees_with_50_digit_differences():
    loss = cf.losses.breast_cancer(features=2)
    function, w, v = loss_function(loss.spec), [0.7, -0.4], np.array([0.3, -1.1])
    close(loss.gradient(w), derivative_tensor(function, w, 1))
    hessian = derivative_tensor(function, w, 2)
    close(loss.hessian(w), hessian)
    close(loss.hvp(w, v), hessian @ v)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in FILES and built(n).params])
def test_parameters_are_runtime_arguments(name, monkeypatch):
    loss = built(name)
    w = points(loss)[0]
    loss.value(w), loss.gradient(w)
    rules = [loss.rule("value"), loss.rule("gradient")]

    def refuse(*args):
        raise AssertionError("a parameter value has led to a compilation")

    monkeypatch.setattr(compiler, "machine_program", refuse)
    assert loss.params
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
    with pytest.raises(cf.CfdynError, match="1 interval for 2"):
        cf.Loss("x*y", box=[(0, 1)])
    with pytest.raises(cf.CfdynError, match="lo < hi"):
        cf.Loss("x**2", box=[(1, 1)])
