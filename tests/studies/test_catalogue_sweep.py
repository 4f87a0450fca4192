"""Adam, AdamW, NAdam and AMSGrad at their defaults on every loss of the catalogue: what a study says, and at what work."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.settling import samples

# Adam bursts at its minimum, NAdam has a 2-cycle across it, AMSGrad rests: its largest average never falls.
USUAL = {"adam": "chaotic", "adamw": "chaotic", "nadam": "cycle", "amsgrad": "fixed point"}
# NAdam bursts too: its exponents, and those of NAdam and its tangent written out in numpy, are 0.003 and 0.0045.
OTHERS = {("nadam", "mlp"): "chaotic", ("nadam", "softmax_regression"): "chaotic"}
# Where weights drift along a continuum of minima, or of a degenerate one, or for ever, with what they do across it; of the two
# products Adam's bursts end once they have drifted to a minimum below its edge.
DRIFTS = {
    *((name, "two_time_scales") for name in ("adam", "nadam", "amsgrad")), ("nadam", "tanh_network"), ("amsgrad", "mlp"),
    *(("nadam", loss) for loss in ("deep_linear", "linear_network", "matrix_factorization", "scalar_factorization", "uv_factorization")),
    *((name, loss) for name in ("adam", "adamw", "nadam") for loss in ("log_cosh_product", "sqrt_product")),
}  # fmt: skip
# An exponent within four of its errors of 0 after the steps of a study: with other perturbations it may be decided.
OPEN = {("adamw", "breast_cancer")}
EVIDENCE = {
    "chaotic": lambda end: end.lyapunov > 1e-4 and "Lyapunov exponent" in end.reason,
    "cycle": lambda end: end.period == 2 and 0.99 < abs(end.multipliers[0]) < 1 + 1e-9 and end.residual < 1e-12,
    "fixed point": lambda end: abs(end.multipliers[0]) < 1 + 1e-9 and end.residual < 1e-12,
    "undecided": lambda end: end.reason.endswith("a larger `budget` of `classify` follows it for longer")
    or end.reason.startswith("what the orbit does depends on perturbations"),
}
MOST_LOOKS, MOST_OPERATIONS = 60, 4e10  # of orbits that a study follows to their ends, and evaluations times their cost


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Forty rows for each of the losses on files, with a minimum."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("rows")
    x = rng.normal(size=(40, 2))
    slope = x @ [1.0, -0.5]
    targets = {
        "least_squares": slope + 0.3 * rng.normal(size=40),
        "logistic": (slope + rng.normal(size=40) > 0).astype(float),
        "poisson": rng.poisson(np.exp(0.5 * slope)).astype(float),
    }
    for name, y in targets.items():
        np.savetxt(folder / f"{name}.csv", np.column_stack([x, y]), delimiter=",", header="a,b,y", comments="")
    return {name: str(folder / f"{name}.csv") for name in targets}


@pytest.fixture
def work(monkeypatch):
    """[orbits followed to their ends, operations for them] from here on."""
    done = [0, 0.0]

    def counted(regime):
        def follow(step, *rest, **options):
            found = regime(step, *rest, **options)
            done[0] += 1
            done[1] += found.steps * (step.cost + (step.tangent_cost if found.inject else 0))
            return found

        return follow

    for where in (samples, *map(importlib.import_module, ("cfdyn.analysis.attractors.classify", "cfdyn.analysis.attractors.bands"))):
        monkeypatch.setattr(where, "regime", counted(where.regime))
    return done


@pytest.mark.slow
@pytest.mark.parametrize("name", USUAL)
@pytest.mark.parametrize("loss", cf.losses.names())
def test_a_verdict_or_a_reason(loss, name, files, work):
    given = [files[loss]] if loss in files else []
    found = cf.study(cf.losses.get(loss)(*given), cf.optimizers.get(name)(lr=1.0), auto_lr=True)
    assert found.lr == 0.001 or found.edge is not None
    kind = "undecided" if (name, loss) in DRIFTS | OPEN else OTHERS.get((name, loss), USUAL[name])
    assert found.regime.kind == kind and EVIDENCE[kind](found.regime), found.regime
    assert found.edge is not None or found.no_edge or "edge" in found.unfinished or not found.minima
    assert "sits on an unstable" not in found.verdict and "jump" not in found.verdict
    assert work[0] <= MOST_LOOKS and work[1] <= MOST_OPERATIONS


@pytest.mark.slow
def test_a_larger_budget_decides_what_a_study_leaves_open():
    step = cf.as_map(cf.losses.breast_cancer(), cf.optimizers.adamw(lr=0.001))
    found = cf.analysis.classify(step, [1.091771], budget=1_000_000)
    assert found.kind == "chaotic" and EVIDENCE["chaotic"](found) and found.lyapunov == pytest.approx(0.0039, rel=0.1), found
