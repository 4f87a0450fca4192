"""R. Islamov, M. Crawshaw, J. Cohen, R. M. Gower, *Non-Euclidean gradient descent operates at the edge of stability*, arXiv
2603.05002 (2026).

Steepest descent in a norm steps by −η‖g‖⁎ times the direction d of norm one that lowers the loss fastest. Its sharpness is the
largest dᵀHd over directions of norm at most one, and it hovers at 2/η as the ordinary one does in gradient descent. For the
largest-entry norm the step is −η‖g‖₁ sign g, and the sharpness on a quadratic is the largest sᵀHs over the signs s, up to d
times the largest eigenvalue.
"""

import itertools

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_most

CLAIMS = Claims(__name__, __doc__, read="the abstract")
HESSIANS = tuple(np.round(a @ a.T, 3) for a in np.random.default_rng(1).normal(size=(4, 3, 3)))


def _sharpness(hessian, norm="signs"):
    signs = [np.array(s) for s in itertools.product((-1, 1), repeat=3)]
    return float(max(s @ hessian @ s for s in signs)) if norm == "signs" else float(np.linalg.eigvalsh(hessian)[-1])


def _step(hessian, lr, scaled=True):
    """Steepest descent in the largest-entry norm on wᵀHw/2, or the sign of the gradient alone."""
    slopes = [" + ".join(f"({h})*{w}" for h, w in zip(row, "xyz", strict=True)) for row in hessian]
    length = " + ".join(f"Abs({g})" for g in slopes) if scaled else "1"
    return cf.Map.from_text(
        [f"{w} - lr*({length})*sign({g})" for w, g in zip("xyz", slopes, strict=True)], "x y z", params={"lr": lr}
    )


def _largest(factor, norm="signs", scaled=True, seed=0):
    """The largest norm at the end of 40,000 steps at ``factor`` times 2 over the sharpness, in units of that at the start."""
    rng, grown = np.random.default_rng(seed), []
    for hessian in HESSIANS:
        step = _step(hessian, factor * 2 / _sharpness(hessian, norm), scaled)
        for start in rng.normal(size=(5, 3)):
            end = cf.iterate(step, start, 40_000).w[-1]
            grown.append(float(np.linalg.norm(end) / np.linalg.norm(start)) if np.isfinite(end).all() else np.inf)
    return grown


@CLAIMS.add(
    "abstract (the generalised sharpness)", {"below": at_most(1e-3)},
    Control("the largest eigenvalue in place of the generalised sharpness", changes={"norm": "eigenvalue"}),
)  # fmt: skip
def stable_below_two_over_the_sharpness(norm="signs"):
    """On a quadratic, steepest descent in the largest-entry norm converges for η below 2 over the largest sᵀHs.

    Four random 3 × 3 Hessians, five starts each, η = 0.98 · 2/S, 40,000 steps. ``below``: the largest norm at the end, in units
    of that at the start.
    """
    return {"below": max(_largest(0.98, norm))}


@CLAIMS.add(
    "abstract (the generalised sharpness)", {"above": above(1e3)},
    Control("signs without the factor ‖g‖₁, which never diverge", changes={"scaled": False}),
)  # fmt: skip
def unstable_above(scaled=True):
    """And it diverges above: for each Hessian from some start.

    The same at η = 1.02 · 2/S. ``above``: the least, over the Hessians, of the largest growth of its five starts; an orbit that
    leaves the range of floats counts as infinite.
    """
    grown = np.array(_largest(1.02, scaled=scaled)).reshape(len(HESSIANS), 5)
    return {"above": float(min(np.minimum(grown.max(1), 1e300)))}
