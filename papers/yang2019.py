"""B. Yang, J. Zhang, J. Li, C. Ré, C. R. Aberger, C. De Sa, *PipeMare: asynchronous pipeline parallel DNN training*, arXiv
1910.05124 (2019).

In asynchronous pipelines the gradient comes d steps late, w_{t+1} = w_t − ηg(w_{t−d}). On a quadratic this is stable iff ηλ < 2
sin(π/(4d + 2)), for d = 0 the edge 2 of gradient descent. Our own derivation of what follows: z^{d+1} − z^d + k = 0 on the unit
circle has the phase condition dω + ω/2 = π/2, so that the multiplier at the edge is e^{iω}, ω = π/(2d + 1), and the oscillation
has the period 4d + 2. For d = 1 an odd gradient g has the cycle −b, b, a, b, −b, −a of six points with a − b = ηg(b), 2b =
ηg(a).
"""

import math

import numpy as np
from scipy.optimize import fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="from memory")
DELAYS, FACTORS = (0, 1, 2, 3, 5, 8), (1.1, 1.3, 1.6)


def _late(delay, lr=0.1):
    """Gradient descent with a gradient ``delay`` steps old; the states q1, q2, … are those under way."""
    update = {"w": f"w - lr*q{delay}" if delay else "w - lr*g"}
    update |= {f"q{k}": f"q{k - 1}" if k > 1 else "g" for k in range(1, delay + 1)}
    return cf.Optimizer.from_text(update, {"lr": lr})


@CLAIMS.add(
    "lemma 1 (from memory); also derived here",
    {"edges": near([2 * math.sin(math.pi / (4 * d + 2)) for d in DELAYS], 1e-9),
     "periods": near([4 * d + 2 for d in DELAYS], 1e-6)},
    Control("one step more delay than is said", changes={"more": 1}), figure="edges",
    domain="convex quadratics of largest curvature λ, d ≥ 0, η > 0", examples="w²/2, d = 0, 1, 2, 3, 5 and 8",
    perturbations=(Control("λ larger by 1 %", changes={"curvature": 1.01}),),
)  # fmt: skip
def edge_of_late_gradients(more=0, curvature=1.0):
    """With gradients d steps late a quadratic of curvature λ is stable iff ηλ < 2 sin(π/(4d + 2)); at the
    edge it swings with the period 4d + 2.

    The edge, and ``periods``: 2π over the angle of the multiplier there.
    """
    found = [cf.analysis.edge(cf.as_map(cf.Loss(f"{curvature}*w**2/2"), _late(d + more)), [0.0], scale=0.05) for d in DELAYS]
    turns = [abs(float(np.angle(e.multiplier))) for e in found]
    return {"edges": [e.value for e in found], "periods": [2 * math.pi / turn for turn in turns]}


def _sizes():
    found = {}
    for name, slope in (("log_cosh", np.tanh), ("root", lambda w: w / np.sqrt(1 + w * w))):
        equations = lambda u, h, g=slope: [u[0] - u[1] - h * g(u[1]), 2 * u[1] - h * g(u[0])]  # noqa: E731
        found[name] = [float(fsolve(equations, [h, h / 2], args=(h,), xtol=1e-13)[0]) for h in FACTORS]
    return found


@CLAIMS.add(
    "own statement",
    {"periods": [6] * 6, "log_cosh": near(_sizes()["log_cosh"], 1e-8), "root": near(_sizes()["root"], 1e-8)},
    Control("no delay: 2-cycles", changes={"delay": 0}), figure="orbit", second=_sizes,
    domain="log cosh w and √(1 + w²), one weight from 0.3; 1.1, 1.3 and 1.6 times the edge",
    perturbations=(Control("steps 1 % larger", changes={"share": 1.01}),),
)  # fmt: skip
def period_six_on_convex_losses(delay=1, share=1.0):
    """With a gradient one step late, descent on log cosh w and on √(1 + w²) settles on a 6-cycle at 1.1, 1.3 and 1.6 times the
    edge.

    Orbits from 0.3: the periods, and the largest w of each cycle
    against the solutions of its two equations.
    """
    edge, found = share * 2 * math.sin(math.pi / (4 * delay + 2)), {}
    for name, loss in (("log_cosh", cf.losses.log_cosh()), ("root", cf.Loss("sqrt(1 + w**2)"))):
        found[name] = [cf.analysis.classify(cf.as_map(loss, _late(delay, s * edge)), [0.3]) for s in FACTORS]
    return {
        "periods": [r.period for rs in found.values() for r in rs],
        **{name: [float(r.points[:, 0].max()) for r in rs] for name, rs in found.items()},
    }  # fmt: skip


@CLAIMS.add(
    "own statement", {"periods": [10, 10, 10]},
    Control("a delay of one", changes={"delay": 1}), domain="√(1 + w²), one weight from 0.3; 1.1, 1.3 and 1.6 times the edge",
    perturbations=(Control("a delay of three", changes={"delay": 3}),),
)  # fmt: skip
def period_ten_with_two_steps_of_delay(delay=2):
    """With a gradient two steps late, descent on √(1 + w²) settles on a cycle of ten points at 1.1, 1.3 and 1.6 times the edge.

    The edge is 2 sin(18°): the periods of orbits from 0.3.
    """
    edge, loss = 2 * math.sin(math.pi / (4 * delay + 2)), cf.Loss("sqrt(1 + w**2)")
    return {"periods": [cf.analysis.classify(cf.as_map(loss, _late(delay, s * edge)), [0.3]).period for s in FACTORS]}


def figures():
    """The edge and the period over the delay, and an orbit."""
    return {"edges": _edges, "orbit": lambda: cf.plot(cf.iterate(cf.as_map(cf.losses.log_cosh(), _late(1, 1.3)), [0.1], 80))}


def _edges():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
    delays = np.arange(12)
    left.plot(delays, 2 * np.sin(np.pi / (4 * delays + 2)), "o-")
    left.set(xlabel="delay d", ylabel="ηλ where stability is lost")
    right.plot(delays, 4 * delays + 2, "o-")
    right.set(xlabel="delay d", ylabel="period at the edge")
    return figure
