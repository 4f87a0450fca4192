"""Central flows against solutions found apart from the package: references.json and published reference values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
from tests.oracles import needs_compiler

CASES = {c["name"]: c for c in json.loads(Path(__file__).with_name("references.json").read_text())["cases"]}

# L = ½(1 − xy)², GD with lr 0.8 from (1.5, 0.3), solved event by event at rtol 1e-12 from the projected form of the
# flow (Cohen et al. 2024, arXiv 2410.24206): t, x, y, σ², predicted loss, predicted squared gradient norm, loss.
ENTER = 0.38879828989666
PRODUCT = np.array([
    (0.0, 1.5, 0.3, 0.0, 0.15125, 0.70785, 0.15125),
    (0.25, 1.531957971614, 0.4323138059239, 0.0, 0.05702517661068, 0.2889796962203, 0.05702517661068),
    (0.5, 1.536843074364, 0.5064440598236, 0.1306785345554, 0.1879180608334, 0.9454070896876, 0.02456989263921),
    (1.0, 1.502098092721, 0.5749032588858, 0.08681335532465, 0.1178244824181, 0.590738475659, 0.009307788262271),
    (1.5, 1.479516942807, 0.612669959179, 0.06085686476389, 0.080446359748, 0.4027947646629, 0.004375278793134),
    (2.0, 1.464000282, 0.636738676268, 0.04454066342068, 0.05797522558988, 0.2901002407613, 0.002299396314028),
    (3.0, 1.444565373658, 0.6652713341916, 0.02580118729979, 0.03301089510993, 0.1650990606702, 0.0007594109851936),
    (5.0, 1.426634912322, 0.6903311121298, 0.01007702430055, 0.01271103457156, 0.0635578912051, 0.0001147541958733),
    (10.0, 1.415797621795, 0.7049913542457, 0.00124963370212, 0.00156379978504, 0.007819004183112, 1.757657390518e-06),
    (20.0, 1.414242323528, 0.7070684318829, 2.259856719162e-05, 2.824878352676e-05, 0.000141243917665, 5.745372351061e-10),
])  # fmt: skip


def flow_of(case):
    loss = cf.Loss(case["loss"], case["variables"])
    return cf.flows.central(loss, getattr(cf.optimizers, case["optimizer"]["name"])(**case["optimizer"]["params"]))


def follows(case, path, tolerance, event_tolerance):
    """Rows, covariances, eigenvalues and events agree with the reference."""
    assert path.status == "done" and not path.notes
    np.testing.assert_array_equal(path.t, case["t"])
    want = np.hstack([case["w"], np.reshape(case["state"], (len(case["t"]), -1))])
    np.testing.assert_allclose(path.z, want, rtol=0, atol=tolerance)
    np.testing.assert_allclose(path.covariance, case["covariance"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(path.sharpness, case["sharpness"], rtol=0, atol=tolerance * 10)
    np.testing.assert_allclose(path.edge, case["effective_sharpness"], rtol=0, atol=tolerance * 10)
    assert [(e.kind, e.rank) for e in path.events] == [(kind, rank) for _, kind, rank in case["events"]]
    np.testing.assert_allclose([e.t for e in path.events], [e[0] for e in case["events"]], rtol=0, atol=event_tolerance)


def rank_of(covariance):
    """Numerical rank of a Σ from the reference."""
    values = np.linalg.eigvalsh(covariance)
    return int((values > 1e-7 * max(values[-1], 1e-12)).sum())


def solved(name, **options):
    case = CASES[name]
    return cf.solve(flow_of(case), case["start"], case["t"][-1], save_at=case["t"], **options)


@needs_compiler
@pytest.mark.parametrize("name", CASES)
def test_the_adaptive_choice_of_method(name):
    case, path = CASES[name], solved(name, rtol=1e-11, atol=1e-13)
    follows(case, path, 1e-9, 2e-9)
    assert [rank_of(c) for c in case["covariance"]] == path.rank.tolist()
    assert path.stats["constraint_violation"] <= 1e-12 and path.stats["complementarity"] <= 1e-12


def test_a_short_one_everywhere():
    follows(CASES["product"], solved("product", rtol=1e-11, atol=1e-13), 1e-10, 1e-10)


@needs_compiler
@pytest.mark.parametrize("name", CASES)
def test_radau5(name):
    follows(CASES[name], solved(name, rtol=1e-10, atol=1e-12, method="radau5"), 1e-9, 2e-9)


@needs_compiler
@pytest.mark.parametrize("name", CASES)
def test_rkc_at_a_loose_tolerance(name):
    follows(CASES[name], solved(name, rtol=1e-7, atol=1e-9, method="rkc", max_steps=5000), 2e-5, 1e-3)


@needs_compiler
@pytest.mark.parametrize("name", CASES)
def test_defaults_are_good_to_plotting_accuracy_and_better(name):
    follows(CASES[name], solved(name), 1e-6, 1e-5)


@needs_compiler
@pytest.mark.parametrize("name", CASES)
def test_rows_between_the_steps(name):
    """The rows of a run without save_at and dense output agree with the reference, too."""
    case = CASES[name]
    path = cf.solve(flow_of(case), case["start"], case["t"][-1], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(path(case["t"]), case["w"], rtol=0, atol=2e-9)
    assert path.t[0] == 0.0 and path.t[-1] == case["t"][-1] and (np.diff(path.t) > 0).all()


def product():
    return cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))


@pytest.mark.parametrize("method", ["auto", "dop853", "radau5"])
def test_published_example(method):
    path = cf.solve(product(), [1.5, 0.3], 20, rtol=1e-11, atol=1e-13, save_at=PRODUCT[:, 0], method=method)
    assert [(e.kind, e.rank) for e in path.events] == [("enter", 1)] and abs(path.events[0].t - ENTER) < 1e-9
    trace = np.trace(path.covariance, axis1=1, axis2=2)
    found = np.column_stack([path.t, path.w, trace, path.predicted_loss, path.predicted_grad_norm_sq, path.loss])
    np.testing.assert_allclose(found, PRODUCT, rtol=0, atol=1e-9)
    np.testing.assert_allclose(path.sharpness[2:], 2.5, rtol=1e-12)


def test_published_limit():
    end = cf.solve(product(), [1.5, 0.3], 60, rtol=1e-11, atol=1e-13).w[-1]
    np.testing.assert_allclose(end, [2**0.5, 0.5**0.5], rtol=0, atol=1e-9)


def test_predicted_averages_are_those_of_the_covariance():
    """L + ½ tr HΣ and ‖g‖² + tr HΣH, which for gradient descent at the edge are L + tr Σ/η and ‖g‖² + 4 tr Σ/η²."""
    case = CASES["two-independent"]
    path, lr = solved("two-independent", rtol=1e-11, atol=1e-13), 0.8
    x = np.array(case["w"])
    loss = (1 - x[:, 0] * x[:, 1]) ** 2 / 2 + (1.2 - x[:, 2] * x[:, 3]) ** 2 / 2
    u, v = x[:, 0] * x[:, 1] - 1, x[:, 2] * x[:, 3] - 1.2
    square = u**2 * (x[:, 0] ** 2 + x[:, 1] ** 2) + v**2 * (x[:, 2] ** 2 + x[:, 3] ** 2)
    trace = np.trace(case["covariance"], axis1=1, axis2=2)
    np.testing.assert_allclose(path.predicted_loss, loss + trace / lr, rtol=0, atol=1e-9)
    np.testing.assert_allclose(path.predicted_grad_norm_sq, square + 4 * trace / lr**2, rtol=0, atol=1e-8)


@pytest.mark.parametrize("end", [15, 30, 40, 60])
def test_a_visit_to_the_edge_within_one_long_step_is_seen(end):
    """Free, s = t/10 and x = c = 0: λ = 2.01 − 0.2(s − 1)² + c meets 2 at s = 1 − √0.05; the force vanishes at s = 1.1."""
    loss = cf.Loss("c**2/4 - s/10 + (2.01 - 0.2*(s - 1)**2 + c)*x**2/2", ["c", "s", "x"])
    path = cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=1.0)), [0.0, 0.0, 0.0], end)
    assert [(event.kind, event.rank) for event in path.events] == [("enter", 1), ("leave", 0)]
    assert abs(path.events[0].t - (10 - 5**0.5)) < 1e-7
    np.testing.assert_allclose(path(path.events[1].t), [-0.008, 1.1, 0.0], rtol=0, atol=1e-7)
