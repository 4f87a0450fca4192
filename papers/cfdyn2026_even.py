"""The cfdyn project, *Even convex losses: period two for ever* (2026).

What is derived here; every expected number is computed a second time without cfdyn. Gradient descent is g(w) = w − ηL′(w).

An even, strictly convex C¹ loss has no periods but 1 and 2, at any η > 0. L′ is odd, so with h = −g, gⁿ = (−1)ⁿ hⁿ, and a cycle
of g is made of points of cycles of h and their negatives. If h had a 2-cycle x → y → x, then x + y = ηL′(x) = ηL′(y), so x = y. A
continuous map of the line without 2-cycles has fixed points only (Sharkovskii): h(w) = w, so g has fixed points and the
2-cycles 2w = ηL′(w). On log cosh these are at η = 2w/tanh w, which grows from 2 to ∞ with w > 0; their multiplier is (1 − η
sech² w)², and η sech² w = 4w/sinh 2w lies in (0, 2), as sinh x > x for x > 0: they are stable for every η > 2.

With half of the labels positive, logistic regression on one constant feature is log cosh(w/2) up to a constant, so it belongs
here: one period doubling, at η = 8, and nothing after it. Without the symmetry there are doublings and chaos, as with 2 of 3
labels.
"""

import numpy as np
import sympy as sp
from mpmath import iv

import cfdyn as cf
from cfdyn.claims import Claims, Control, below, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
RATES = (2.1, 3.0, 5.0, 12.5)
GRID = np.linspace(-200, 200, 40_001) + 1e-3 / 3


def _draws(losses=40, seed=6):
    """(a, k, l, η over the edge) of random losses (a log cosh kw + log cosh lw + log cosh w/2)/3 + w²/100."""
    rng = np.random.default_rng(seed)
    return [(*rng.uniform(0.2, 4, 3), rng.uniform(1.5, 12)) for _ in range(losses)]


def _edge(a, k, m):
    return 2 / ((a * k * k + m * m + 0.25) / 3 + 0.02)


def _roots(step, n):
    """How often gⁿ(w) − w changes its sign on a grid."""
    w = GRID
    for _ in range(n):
        w = step(w)
    return int((np.diff(np.sign(w - GRID)) != 0).sum())


def _more(step):
    """Roots of gⁿ(w) − w, n = 3 to 7, beyond those of g(w) − w, or of g²(w) − w for even n."""
    few = [_roots(step, n) for n in (1, 2)]
    return sum(_roots(step, n) - few[n % 2 == 0] for n in range(3, 8)), few[1] > few[0]


def _by_sign_changes():
    longer = two = 0
    for a, k, m, over in _draws():
        lr = over * _edge(a, k, m)
        step = lambda w: w - lr * ((a * k * np.tanh(k * w) + m * np.tanh(m * w) + np.tanh(w / 2) / 2) / 3 + w / 50)  # noqa: B023, E731
        more, pair = _more(step)
        longer, two = longer + more, two + pair
    return {"longer": longer, "two": two}


@CLAIMS.add(
    "derivation", {"longer": 0, "two": 40},
    Control("a tilt, which makes the losses uneven", changes={"tilt": 0.6}),
    second=_by_sign_changes,
    domain="even, strictly convex C¹ losses of one weight; gradient descent, η > 0",
    examples="40 random sums of three log cosh and a parabola, periods 3 to 7, η from 1.5 to 12 times the edge",
    perturbations=(Control("a third as much tilt", changes={"tilt": 0.2}),),
)  # fmt: skip
def even_convex_losses_have_two_periods(tilt=0.0, losses=40, seed=6):
    """On an even, strictly convex loss of one variable gradient descent has no periods but 1 and 2, whatever the step size.

    All cycles of the periods 3 to 7 on random losses (a log cosh kw + log cosh lw + log cosh w/2)/3 + w²/100, and on how many
    there is a 2-cycle. Twice: by the sign changes of gⁿ(w) − w on a grid.
    """
    longer, two = 0, 0
    loss = cf.Loss("(a*logcosh(k*w) + logcosh(l*w) + logcosh(w/2))/3 + w**2/100 - t*w", "w", dict.fromkeys("aklt", 1.0))
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    for a, k, m, over in _draws(losses, seed):
        here = step.at(a=a, k=k, l=m, t=tilt, lr=over * _edge(a, k, m))
        longer += sum(len(cf.analysis.cycles(here, n, [(-200.0, 200.0)])) for n in range(3, 8))
        two += len(cf.analysis.cycles(here, 2, [(-200.0, 200.0)])) > 0
    return {"longer": longer, "two": two}


def _pairs():
    """The 2-cycles 2w = η tanh w by bisection: the largest product of slopes."""
    largest = 0.0
    for lr in RATES:
        low, high = 1e-3, lr
        for _ in range(100):
            low, high = (low, (low + high) / 2) if low + high > lr * np.tanh((low + high) / 2) else ((low + high) / 2, high)
        largest = max(largest, (1 - lr / np.cosh(low) ** 2) ** 2)
    return {"largest": float(largest)}


@CLAIMS.add(
    "derivation", {"multiplier": "0", "slope": "0", "superstable": [True, True], "largest": below(1.0)},
    Control("log cosh w − w/10, which is not even", changes={"tilt": 0.1}), figure="for_ever", second=_pairs,
    domain="log cosh w, one weight; all η > 2",
    proof="exact algebra: two identities by SymPy, sinh x > x for x > 0, and interval arithmetic for the digits",
    perturbations=(Control("superstable at 2.733993", changes={"digits": "2.733993"}),),
)  # fmt: skip
def period_two_for_ever(tilt=0.0, rates=RATES, digits="2.733991"):
    """On log cosh w gradient descent has for every η > 2 a stable 2-cycle ±w, 2w = η tanh w: its multiplier (1 − η sech² w)² is
    below 1, and 0 at η = 2.733991 (rounded).

    With η = 2w/tanh w, η sech² w = 4w/sinh 2w and dη/dw = (sinh 2w − 2w)/sinh² w: the first lies in (0, 2), and η grows from 2 to
    ∞, as sinh x > x. ``multiplier``, ``slope``: what is left of both identities. ``superstable``: in interval arithmetic sinh
    2w < 4w at half a digit less than that η and the reverse at half a digit more. Beside it the largest multiplier of the
    2-cycles at η = 2.1, 3, 5, 12.5 as the package finds them; twice: by bisection.
    """
    w = sp.symbols("w", positive=True)
    rate = 2 * w / sp.tanh(w)
    left = [rate / sp.cosh(w) ** 2 - 4 * w / sp.sinh(2 * w), sp.diff(rate, w) - (sp.sinh(2 * w) - 2 * w) / sp.sinh(w) ** 2]
    step = cf.as_map(cf.Loss("logcosh(w) - t*w", "w", {"t": tilt}), cf.optimizers.gd(lr=1.0))
    found = [one for lr in rates for one in cf.analysis.cycles(step.at(lr=lr), 2, [(-60.0, 60.0)])]
    words = [str(sp.simplify(one.rewrite(sp.exp))) for one in left]
    largest = max(float(abs(one.multipliers[0])) for one in found)
    return {"multiplier": words[0], "slope": words[1], "superstable": _superstable(digits), "largest": largest}


def _superstable(digits):
    """Whether η = 2w/tanh w at sinh 2w = 4w rounds to these digits: it is above and below the ends, by interval arithmetic."""
    half, found = iv.mpf("0.0000005"), []
    for sign in (-1, 1):
        rate, low, high = iv.mpf(digits) + sign * half, 0.5, 2.0
        tanh = lambda w: 1 - 2 / (iv.exp(2 * iv.mpf(w)) + 1)  # noqa: E731
        for _ in range(45):  # η − rate changes its sign from low to high
            middle = (low + high) / 2
            low, high = (middle, high) if (2 * middle / tanh(middle) - rate).b < 0 else (low, middle)
        w = iv.mpf([low - 1e-12, high + 1e-12])
        found.append(bool((sign * ((iv.exp(2 * w) - iv.exp(-2 * w)) / 2 - 4 * w)).a > 0))
    return found


def _no_more():
    """At four rates from 2.1 to 8: no sign changes of gⁿ(w) − w, n = 3 to 7, beyond those of periods 1 and 2."""
    more = sum(_more(lambda w, lr=lr: w - lr * np.tanh(w))[0] for lr in (2.1, 4.0, 6.0, 8.0))
    return {"kind": "cycle" if more else "no_cycles", "period": "all above 2"}


@CLAIMS.prove(
    "derivation", {"kind": "no_cycles", "period": "all above 2", "lr": near([2.1, 8], 0), "box": "[-inf, inf]"},
    Control("the double well, even but not convex, up to η = 1.46",
            changes={"loss": "(w**2 - 1)**2/4", "low": "1", "high": "1.46"}),
    second=_no_more,
    domain="log cosh w, one weight, on the whole line; 2.1 ≤ η ≤ 8",
    perturbations=(Control("log cosh w − w/5, convex but not even",
                           changes={"loss": "logcosh(w) - w/5", "start": (-2.40175845, 7.0680952, 0.66810679)}),),
)  # fmt: skip
def only_two_periods_proved(loss="logcosh(w)", low="2.1", high="8", start=(-0.3166, -0.7326, -1.2281)):
    """On log cosh w gradient descent has for no η in [2.1, 8] a cycle of any period above 2, on the whole line.

    A certificate: |g| of [0, ∞) has no 2-cycle, over the whole interval of η. Where there is none, one of a 3-cycle at the upper
    end.
    """
    gd = cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(loss, gd, "all above 2", (-np.inf, np.inf), lr=(low, high), most=30_000)
    return found if found.proved else cf.certify.cycle(loss, gd, list(start), lr=high)


def figures():
    """What orbits on log cosh end on over η."""
    step = cf.as_map(cf.losses.log_cosh(), cf.optimizers.gd(lr=1.0))
    return {"for_ever": lambda: cf.plot(cf.analysis.bands(step, [0.3], "lr", (1.0, 8.0), count=100))}
