"""A. Lasota, J. A. Yorke, *On the existence of invariant measures for piecewise monotonic transformations*, Trans. Amer. Math.
Soc. 186 (1973) 481–488.

A map of an interval of finitely many pieces, each twice continuously differentiable up to its ends, whose slopes, or those of
an iterate, are above 1 in size has an invariant measure with a density. For a step of gradient descent that means: each piece of
the loss is concave or curved by more than 2/η, and a corner of the gradient lies between.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
KINK, REMAINDER = "(Abs(w) - 1)**2/2", "frac(b*x)"


@CLAIMS.prove(
    "theorem 1", {"kind": "measure", "b": near([1.1, 3.0], 0), "steps": 1, "growth": at_least(1.0999)},
    Control("b from 1.05", changes={"low": "1.05"}), domain="x ↦ bx mod 1 on [0, 1]; all b in [1.1, 3]",
    perturbations=(Control("b from 1.09", changes={"low": "1.09"}),),
)  # fmt: skip
def remainders_proved(low="1.1"):
    """The remainder of bx by 1 stretches by 1.0999 and more, and has an invariant measure with a density for every b in [1.1, 3],
    although it jumps.

    A certificate: the slope is b on all pieces.
    """
    return cf.certify.measure(cf.Map.from_text(REMAINDER, params={"b": 2.0}), box=(-0.1, 1.1), b=(low, "3"))


@CLAIMS.add(
    "theorem 1; the density is Rényi's (1957)", {"missing": "0, 0, 0, 0"},
    Control("both values exchanged", changes={"exchanged": True}), domain="x ↦ bx mod 1 on [0, 1], b = (1 + √5)/2",
    perturbations=(Control("b = 8/5", changes={"b": "8/5"}),),
    proof="exact algebra: the equation of the invariant density on both pieces, in SymPy",
)  # fmt: skip
def density_at_the_golden_mean(b="(1 + sqrt(5))/2", exchanged=False):
    """For the golden mean b the remainder of bx by 1 has the invariant density (5 + 3√5)/10 below 1/b and (5 + √5)/10 above.

    The piece [0, 1/b) is mapped to [0, 1), and [1/b, 1) to [0, b − 1), which is [0, 1/b). What is missing from b − 1 = 1/b, from
    h = (h + k)/b and k = h/b for the densities h below 1/b and k above, and from the total mass 1.
    """
    b, root = sp.sympify(b), sp.sqrt(5)
    h, k = ((5 + 3 * root) / 10, (5 + root) / 10)[:: -1 if exchanged else 1]
    missing = b - 1 - 1 / b, h - (h + k) / b, k - h / b, h / b + k * (1 - 1 / b) - 1
    return {"missing": ", ".join(str(sp.nsimplify(sp.radsimp(sp.simplify(one)))) for one in missing)}


@CLAIMS.prove(
    "theorem 1, of gradient descent", {"kind": "measure", "lr": near([2.01, 2.99], 0), "steps": 1, "growth": at_least(1.0099)},
    Control("curvature 1/2, whose minima are stable up to 4", changes={"loss": "(Abs(w) - 1)**2/4"}), figure="kink",
    domain="(|w| − 1)²/2, one weight; all η in [2.01, 2.99], starts in [−3.01, 3.01]",
    perturbations=(Control("curvature 0.9, whose minima are stable up to 2.22", changes={"loss": "(Abs(w) - 1)**2*9/20"}),),
)  # fmt: skip
def descent_into_a_kink_proved(loss=KINK):
    """Gradient descent on (|w| − 1)²/2 past its edge η = 2 expands everywhere, has an invariant measure with a density and no
    stable cycle, and no orbit leaves [−3.01, 3.01]: chaos begins at the edge, without period doublings.

    A certificate: the step is (1 − η)w ± η, which stretches by η − 1, so that the Lyapunov exponent is ln(η − 1).
    Where there is none, one of a
    stable fixed point at η = 2.5.
    """
    found = cf.certify.measure(loss, cf.optimizers.gd(lr=1), (-3.01, 3.01), lr=("2.01", "2.99"))
    return found if found.proved else cf.certify.cycle(loss, cf.optimizers.gd(lr=2.5), [1.0])


def figures():
    """The orbits of gradient descent on the kink over η."""
    step = cf.as_map(cf.Loss(KINK), cf.optimizers.gd(lr=2.5))
    return {"kink": lambda: cf.plot(cf.analysis.orbit_diagram(step, ("lr", np.linspace(1.8, 2.98, 300)), [0.3], keep=40))}
