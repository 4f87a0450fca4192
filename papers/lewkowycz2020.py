"""A. Lewkowycz, Y. Bahri, E. Dyer, J. Sohl-Dickstein and G. Gur-Ari, *The large learning rate phase of deep learning: the
catapult mechanism*, arXiv 2003.02218, 2020.

A linear net with one hidden layer of n units on one sample, f = u·v/√n with the loss f²/2, has two numbers that gradient
descent maps to themselves: f and the curvature λ = (|u|² + |v|²)/n. For ηλ₀ < 2 the loss falls and λ hardly moves. For 2 <
ηλ₀ < 4 the loss first grows to the size of n, λ then drops, and the orbit is "catapulted" to a flatter minimum, λ < 2/η.
Beyond 4 it diverges.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _model(n, product):
    """The map of (f, λ) at η = 1, started at f = 1 and λ = ``product``."""
    step = cf.Map.from_text(["f*(1 - lam + f**2/n)", "lam + f**2/n*(lam - 4)"], "f lam", {"n": float(n)})
    return step, [1.0, product]


@CLAIMS.add(
    "section 2, equations for f and λ, as recalled", {"remainders": "0, 0"},
    Control("with 2 in place of 4 for λ", changes={"four": 2}),
    domain="f²/2 with f = u·v/√n, λ = (|u|² + |v|²)/n; all widths n, all u, v, η > 0",
    perturbations=(Control("without the term η²f²/n of f", changes={"square": 0}),),
    proof="exact algebra: both equations for a unit by SymPy, summed over the units by their two sums, for any n",
)  # fmt: skip
def closed_equations(four=4, square=1):
    """One step of gradient descent maps f to f(1 − ηλ + η²f²/n) and λ to λ + (ηf²/n)(ηλ − 4).

    The step of a unit is u − ηfv/√n, v − ηfu/√n. New products and squares are polynomials in u and v, summed over the n units
    with Σuv = √n f and Σ(u² + v²) = nλ: what is missing from both equations.
    """
    u, v, f, n, curvature, rate = sp.symbols("u v f n lambda eta", positive=True)
    new_u, new_v = u - rate * f * v / sp.sqrt(n), v - rate * f * u / sp.sqrt(n)

    def summed(text):
        poly = sp.Poly(sp.expand(text), u, v)
        square = poly.coeff_monomial(u**2)
        assert sp.expand(poly.as_expr() - square * (u**2 + v**2) - poly.coeff_monomial(u * v) * u * v) == 0
        return poly.coeff_monomial(u * v) * sp.sqrt(n) * f + square * n * curvature

    first = summed(new_u * new_v) / sp.sqrt(n) - f * (1 - rate * curvature + square * rate**2 * f**2 / n)
    second = summed(new_u**2 + new_v**2) / n - curvature - rate * f**2 / n * (rate * curvature - four)
    return {"remainders": ", ".join(str(sp.simplify(sp.expand(one))) for one in (first, second))}


@CLAIMS.add(
    "section 2, as recalled", {"converged": 10, "largest final ηλ": at_most(2.0), "least peak of the loss": above(1.0)},
    Control("0.5 < ηλ₀ < 1.9, where the loss only falls", changes={"low": 0.5, "high": 1.9}), figure="catapult",
    domain="f²/2 with f = u·v/√n; n = 1000, f₀ = 1, ten ηλ₀ from 2.05 to 3.95",
    perturbations=(Control("ηλ₀ up to 4.05", changes={"high": 4.05}), Control("ηλ₀ from 1.95", changes={"low": 1.95})),
)  # fmt: skip
def catapult(low=2.05, high=3.95, n=1000):
    """In a net of 1000 units with ηλ₀ from 2.05 to 3.95 the loss first grows above its first value, and then the orbit converges
    to a minimum with λ < 2/η.

    20,000 steps each; peaks are in units of the first loss.
    """
    orbits = [cf.iterate(*_model(n, product), 20_000).w for product in np.linspace(low, high, 10)]
    return {
        "converged": sum(abs(w[-1, 0]) < 1e-6 for w in orbits),
        "largest final ηλ": float(max(w[-1, 1] for w in orbits)),
        "least peak of the loss": float(min((w[:, 0] ** 2).max() for w in orbits)),
    }


@CLAIMS.add(
    "section 2, as recalled", {"diverged": 10}, Control("3 < ηλ₀ < 3.9", changes={"low": 3.0, "high": 3.9}),
    domain="f²/2 with f = u·v/√n; n = 1000, f₀ = 1, ten ηλ₀ from 4.05 to 6",
    perturbations=(Control("ηλ₀ from 3.95", changes={"low": 3.95}),),
)  # fmt: skip
def divergence(low=4.05, high=6.0, n=1000):
    """In a net of 1000 units gradient descent diverges for ηλ₀ from 4.05 on.

    The kind of each orbit by `classify`. (λ grows as long as ηλ > 4.)
    """
    kinds = [cf.analysis.classify(*_model(n, product)).kind for product in np.linspace(low, high, 10)]
    return {"diverged": kinds.count("divergent")}


@CLAIMS.add(
    "section 2, as recalled", {"change of λ · n": near(10 / 3, 0.03), "order in 1/n": near(1.0, 0.01)},
    Control("in the catapult phase, ηλ₀ = 3, where λ moves by as much for all n", changes={"product": 3.0}),
    domain="f²/2 with f = u·v/√n; 0 < ηλ₀ < 2, f₀ = 1, n → ∞", examples="ηλ₀ = 1.5, n = 1000 and 10,000",
    perturbations=(Control("ηλ₀ = 1.45", changes={"product": 1.45}),),
)  # fmt: skip
def lazy_phase(product=1.5, widths=(1000, 10_000)):
    """For ηλ₀ < 2 the curvature stays what it is in the limit of a wide net: ηλ falls by (4 − ηλ₀)/(ηλ₀(2 − ηλ₀)n) to first
    order in 1/n.

    At ηλ₀ = 1.5 that is 10/(3n), by hand from Σf² with f ← (1 − ηλ₀)f: the change of ηλ over 2,000 steps,
    and the order by which it falls.
    """
    changes = [abs(cf.iterate(*_model(n, product), 2000).w[-1, 1] - product) for n in widths]
    return {"change of λ · n": float(changes[0] * widths[0]), "order in 1/n": float(np.log10(changes[0] / changes[1]))}


@CLAIMS.add(
    "section 2, as recalled",
    {"steps to the peak, growth": near(6.64, 1.0), "peak of f²/n, least": at_least(0.1), "peak of f²/n, most": at_most(10.0)},
    Control("at ηλ₀ = 2.5, where f grows by 1.5 a step", changes={"product": 2.5}), figure="catapult",
    domain="f²/2 with f = u·v/√n; 2 < ηλ₀ < 4, f₀ = 1, n → ∞", examples="ηλ₀ = 3, n = 10⁴ and 10⁸",
    perturbations=(Control("at ηλ₀ = 3.5, where f grows by 2.5 a step", changes={"product": 3.5}),),
)  # fmt: skip
def peak_of_size_n(product=3.0, widths=(10**4, 10**8)):
    """The loss peaks at the size of n, after a time of order log n.

    At ηλ₀ = 3 f doubles in each step, so from n = 10⁴ to 10⁸ the peak comes ½ log₂ 10⁴ = 6.64 steps later, up to one step.
    """
    squares = [cf.iterate(*_model(n, product), 500).w[:, 0] ** 2 for n in widths]
    times = [int(np.argmax(square)) for square in squares]
    peaks = [float(square.max() / n) for square, n in zip(squares, widths, strict=True)]
    return {"steps to the peak, growth": times[1] - times[0], "peak of f²/n, least": min(peaks), "peak of f²/n, most": max(peaks)}


def figures():
    """Loss and curvature for ηλ₀ in the three phases."""
    return {"catapult": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for product in (1.5, 2.5, 3.0, 3.8):
        w = cf.iterate(*_model(1000, product), 60).w
        left.semilogy(w[:, 0] ** 2 / 2 + 1e-30, ".-", lw=0.8, label=f"ηλ₀ = {product}")
        right.plot(w[:, 1], ".-", lw=0.8)
    right.axhline(2, color="k", ls="--", lw=1)
    left.set(xlabel="step", ylabel="loss", ylim=(1e-12, 1e4), title="n = 1000")
    right.set(xlabel="step", ylabel="ηλ", title="the curvature ends below 2/η (dashed)")
    left.legend()
    return figure
