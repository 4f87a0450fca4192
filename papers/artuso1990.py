"""R. Artuso, E. Aurell and P. Cvitanović, *Recycling of strange sets: I. Cycle expansions*, Nonlinearity 3 (1990) 325–359.

Averages over a chaotic set are series over its prime cycles. Where every word of N letters is allowed, the number of prime
cycles of length n is (1/n) Σ_{d|n} μ(n/d) N^d, and products over the shortest cycles converge faster than exponentially:
escape rates to many digits from a handful of multipliers. The examples are ours; the source was not looked up.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
LOGISTIC = "r*x*(1-x)"


def _counts(step, box, most):
    return ", ".join(str(len(cf.analysis.cycles(step, n, [box]))) for n in range(1, most + 1))


@CLAIMS.add(
    "own statement",
    {"two letters": "2, 1, 2, 3, 6, 9, 18, 30, 56, 99, 186, 335", "three letters": "3, 3, 8, 18, 48, 116, 312, 810, 2184, 5880"},
    Control("r = 3.95, where words are forbidden", changes={"r": 3.95}), figure="cycles",
    domain="the logistic map rx(1 − x) at r = 4 on [0, 1]; gradient descent on (w² − 1)²/4 at η = 2 on [−1.5, 1.5]",
    perturbations=(Control("η = 1.95, where words are forbidden", changes={"lr": 1.95}),),
)  # fmt: skip
def two_letters(r=4.0, lr=2.0):
    """The logistic map at r = 4 has 2, 1, 2, 3, 6, 9, 18, 30, 56, 99, 186, 335 cycles of the least periods 1 to 12, and gradient
    descent on the double well at η = 2 has 3, 3, 8, 18, 48, 116, 312, 810, 2184, 5880 of the least periods 1 to 10: as many as
    (1/n) Σ_{d|n} μ(n/d) N^d gives for N = 2 and 3 letters without a rule.

    All cycles of both maps, each of whose laps covers the whole interval.
    """
    well = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=lr))
    return {"two letters": _counts(cf.Map.from_text(LOGISTIC, params={"r": r}), (0.0, 1.0), 12),
            "three letters": _counts(well, (-1.5, 1.5), 10)}  # fmt: skip


def _traces(step, box, most, less=1):
    """tr Lⁿ = Σ 1/|(fⁿ)′(x) − 1| over the points of fⁿ(x) = x, n = 1 … most; without the 1: of the zeta function."""
    traces = np.zeros(most + 1)
    for n in range(1, most + 1):
        for multiplier in cf.analysis.cycles(step, n, [box]).multipliers[:, 0].real:
            for repeat in range(1, most // n + 1):
                traces[n * repeat] += n / abs(multiplier**repeat - less)
    return traces[1:]


def _escape(traces):
    """The rate γ = ln z of the smallest zero of the determinant exp(−Σ zⁿ tr Lⁿ/n)."""
    n = len(traces)
    series = np.zeros(n + 1)
    series[0] = 1.0
    for k in range(1, n + 1):
        series[k] = -sum(traces[j - 1] * series[k - j] for j in range(1, k + 1)) / k
    roots = np.roots(series[::-1])
    real = roots[(abs(roots.imag) < 1e-9) & (roots.real > 1)].real
    return math.log(real.min())


def _by_chebyshev(r=6.0, size=24):
    """−ln of the largest eigenvalue of φ → Σ φ(x)/|f′(x)| over both x with f(x) = y, by collocation in Chebyshev polynomials."""
    y = (1 - np.cos((np.arange(size) + 0.5) * np.pi / size)) / 2
    root = np.sqrt(1 - 4 * y / r)
    basis = lambda x: np.polynomial.chebyshev.chebvander(2 * x - 1, size - 1)  # noqa: E731
    operator = (basis((1 - root) / 2) + basis((1 + root) / 2)) / (r * root)[:, None]
    return {"escape": -math.log(abs(np.linalg.eigvals(operator @ np.linalg.inv(basis(y)))).max())}


@CLAIMS.add(
    "own statement", {"escape": near(0.8314929875, 1e-10)},
    Control("A = 5.9", changes={"r": 5.9}), figure="convergence", second=_by_chebyshev,
    domain="6x(1 − x) on [0, 1], almost all starts by length",
    perturbations=(Control("A = 6.001", changes={"r": 6.001}), Control("cycles up to length 3 only", changes={"most": 3})),
)  # fmt: skip
def escape_rate(r=6.0, most=8):
    """Almost all orbits of 6x(1 − x) leave [0, 1]; the length of what has not left after n steps falls like e^(−γn) with γ =
    0.8314929875, a number that the cycles up to length 8 give.

    The zero nearest to 0 of the truncated determinant of the transfer operator, from the multipliers of all cycles of the
    periods 1 to 8. The same from matrices of the operator in Chebyshev polynomials (``second``).
    """
    traces = _traces(cf.Map.from_text(LOGISTIC, params={"r": r}), (0.0, 1.0), most)
    return {"escape": _escape(traces), "by_length": [_escape(traces[:k]) for k in range(1, most + 1)]}


@CLAIMS.add(
    "own statement", {"gain": above(1.2)},
    Control("estimates by the ratio of two traces, which converge exponentially", changes={"by": "trace"}), figure="convergence",
    domain="6x(1 − x) on [0, 1], cycles of lengths up to 5",
    perturbations=(Control("the zeta function in place of the determinant", changes={"by": "zeta"}),),
)  # fmt: skip
def converges_faster_than_exponentially(r=6.0, by="determinant"):
    """For 6x(1 − x) the error of the escape rate from the determinant falls faster than exponentially with the length of the
    cycles, as far as length 5.

    The powers of ten by which the error falls from length 3 to 5, over those from 1 to 3; an exponential law gives 1. Errors
    are against the determinant with lengths up to 8.
    """
    step = cf.Map.from_text(LOGISTIC, params={"r": r})
    traces = _traces(step, (0.0, 1.0), 8)
    used = _traces(step, (0.0, 1.0), 8, 0) if by == "zeta" else traces
    found = [math.log(traces[k - 1] / traces[k]) if by == "trace" else _escape(used[:k]) for k in (1, 3, 5)]
    error = [abs(one - _escape(traces)) for one in found]
    return {"gain": math.log(error[1] / error[2]) / math.log(error[0] / error[1]), "errors": error}


@CLAIMS.prove(
    "own statement", {"kind": ["cycles"] * 5, "period": [1, 2, 3, 4, 5], "complete": [True] * 5,
                  "fixed points": [3, 9, 15, 33, 63]},
    Control("η = 1.3, below the birth of the 3-cycles", changes={"lr": "1.3"}), figure="proof",
    domain="gradient descent on (w² − 1)²/4, one weight, η = 1.7, w in [−2, 2]",
    perturbations=(Control("η = 1.5", changes={"lr": "1.5"}),),
)  # fmt: skip
def cycles_of_the_double_well_proved(lr="1.7"):
    """At η = 1.7 gradient descent on the double well has exactly 3, 9, 15, 33 and 63 points with gⁿ(w) = w in [−2, 2], n = 1 … 5.

    Five certificates of all cycles of a period and of its divisors in the box.
    """
    loss, gd = "(w**2 - 1)**2/4", cf.optimizers.gd(lr=1)
    return [cf.certify.cycles(loss, gd, n, (-2, 2), lr=lr).certificate for n in range(1, 6)]


def figures():
    """All cycles of the length 4 of the logistic map, those of a certificate, and the errors of the escape rate."""
    return {
        "cycles": lambda: cf.plot(cf.analysis.cycles(cf.Map.from_text("4*x*(1-x)"), 4, [(0.0, 1.0)])),
        "convergence": _convergence,
        "proof": lambda: cf.plot(cycles_of_the_double_well_proved()[2]),
    }


def _convergence():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.2), layout="constrained")
    axes = figure.subplots()
    traces = _traces(cf.Map.from_text("6*x*(1-x)"), (0.0, 1.0), 8)
    best = _escape(traces)
    axes.semilogy(range(1, 7), [abs(_escape(traces[:k]) - best) for k in range(1, 7)], "o-")
    axes.set(xlabel="cycles up to this length", ylabel="error of the escape rate", title="6x(1 − x)")
    return figure
