"""The cfdyn project, *Cycles of gradient descent in one variable* (2026).

What is derived here, or was measured here first; every expected number is computed a second time in the function named
second, without cfdyn. Gradient descent is g(w) = w − ηL′(w).

In what follows max L″ is the Lipschitz constant of L′. A convex loss needs η max L″ ≥ 3 for a 3-cycle. Let p < q < r be one.
Chords of g have slopes between 1 − s, s = η max L″, and 1. If p → q → r → p, the chord over (p, q) has the slope (r − q)/(q − p)
≤ 1, so r − p ≥ 2(r − q), and that over (q, r) has the slope −(r − p)/(r − q) ≤ −2, so 1 − s ≤ −2. The other order p → r → q → p
is its mirror image. If L is μ-strongly convex and ημ < 1, slopes are at most k = 1 − ημ, so r − q ≤ k(q − p) and s ≥ 2 + 1/k. If
ημ ≥ 1, g does not increase, so it reverses the order of the points of a cycle, and only the periods 1 and 2 are left.

Both bounds are attained: −w + (a/2) relu(w)² has the slopes 1 and 1 − ηa, and the 3-cycle 0 → η → −η → 0 at ηa = 3. There the
intervals (−1, 0) → (0, 1) → (−1, 1) make a Markov chain (η = 1), and the invariant density is 2/3 on (0, 1), so the Lyapunov
exponent of almost every orbit is (2/3) ln 2. For 2 < ηa < 3 the slope is −c, c = ηa − 1 in (1, 2). Orbits come to [1 − c, 1] and
stay; there a step on the left leads to at least 2 − c > 0, so at least every other step is stretched by c.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the paper")


def _bent(eta_a, eta_m=0.0):
    """Gradient descent with η = 1 on −w + (a/2) relu(w)² + (m/2) w², its second derivative at most eta_a."""
    loss = cf.Loss("-w + a/2*relu(w)**2 + m/2*w**2", "w", {"a": eta_a - eta_m, "m": eta_m})
    return cf.as_map(loss, cf.optimizers.gd(lr=1.0))


def _smallest(period, eta_m=0.0):
    """The least η max L″ with such a cycle, by halving."""
    low, high = 1.9, 9.0
    for _ in range(30):
        middle = (low + high) / 2
        there = len(cf.analysis.cycles(_bent(middle, eta_m), period, [(-20.0, 20.0)])) > 0
        low, high = (low, middle) if there else (middle, high)
    return high


def _steepness(points, steepest):
    """s for a 3-cycle through these three numbers in either order, None if a chord is steeper upwards than allowed."""
    p, q, r = sorted(points)
    for image in ({p: q, q: r, r: p}, {p: r, r: q, q: p}):
        slopes = [Fraction(image[b] - image[a], b - a) for a, b in ((p, q), (q, r))]
        if max(slopes) <= steepest:
            yield 1 - min(slopes)


def _least_of_all(steepest, size=41):
    triples = ((0, q, r) for q, r in itertools.combinations(range(1, size), 2))
    return min(s for points in triples for s in _steepness(points, steepest))


def _least_in_fractions():
    """The least s over triples of whole numbers whose chords rise by 1, 4/5, 1/2 and 3/10 at most."""
    return {"smallest": [float(_least_of_all(k)) for k in (Fraction(1), Fraction(4, 5), Fraction(1, 2), Fraction(3, 10))]}


@CLAIMS.add(
    "derivation, first paragraph",
    {"chords": True, "attained": "0, 1, -1/k, 0", "smallest": near([3.0, 3.25, 4.0, 16 / 3], 1e-6)},
    Control("5-cycles", changes={"period": 5}), figure="sharp",
    proof="exact algebra: in both orders of three points 1 − (the slope of the falling chord) = 2 + 1/(the slope of the rising "
        "one), and the 3-cycle through the corner, by SymPy with the distances and k as symbols",
    domain="all convex losses of one variable whose gradient has the Lipschitz constant max L″; all η > 0; 0 ≤ ημ < 1",
    perturbations=[Control("2 + 1.02/(1 − ημ)", changes={"bound": "2 + 51/(50*k)"}),
        Control("2 + 1/(1 − ημ)²", changes={"bound": "2 + 1/k**2"}), Control("2-cycles", changes={"period": 2})],
    second=_least_in_fractions,
)  # fmt: skip
def three_cycle_needs_three(period=3, bound="2 + 1/k", strengths=(0.0, 0.2, 0.5, 0.7)):
    """On a convex loss of one variable gradient descent has a 3-cycle only if η max L″ ≥ 3, and on a μ-strongly convex one with
    ημ < 1 only if η max L″ ≥ 2 + 1/(1 − ημ); losses with a corner in the gradient attain both bounds.

    Points 0, u, u + v in both orders: chords rise by k = 1 − ημ at most, and fall by η max L″ − 1 at most. The bound is attained
    on −w + (a/2) relu(w)² + (m/2) w² by the cycle through 0. Besides, halving on whether this loss has a 3-cycle, ημ = 0, 0.2,
    0.5, 0.7. Second: the least s over all triples of whole numbers up to 40 in both orders, in fractions.
    """
    u, v, k = sp.symbols("u v k", positive=True)
    least, chords = sp.sympify(bound, {"k": k}), []
    for first, last in ((v / u, -(u + v) / v), (-(u + v) / u, u / v)):
        rising, falling = (first, last) if first.is_positive else (last, first)
        chords.append(falling.is_negative and sp.simplify(1 - falling - least.subs(k, rising)) == 0)
    orbit = [sp.Integer(0), sp.Integer(1), sp.simplify(1 + (1 - least))]
    orbit.append(sp.simplify(1 + k * orbit[2]) if orbit[2].is_negative else sp.nan)
    smallest = [_smallest(period, strength) for strength in strengths]
    return {"chords": all(chords), "attained": ", ".join(map(str, orbit)), "smallest": smallest}


def _soft(rng, steepness, strength):
    """Gradient descent with η = 1 on a random sum of softplus, scaled to max L″ = steepness, with a parabola for strength."""
    slopes, shifts, sizes = rng.uniform(0.5, 8, 4), rng.uniform(-2, 2, 4), rng.uniform(0, 1, 4)
    text = " + ".join(f"c{i}*softplus(k{i}*w - k{i}*s{i})/k{i}**2" for i in range(4)) + " - b*w + m/2*w**2"
    grid = np.linspace(-12, 12, 24_001)
    bend = sum(c / 4 / np.cosh(k * (grid - s) / 2) ** 2 for k, s, c in zip(slopes, shifts, sizes, strict=True))
    scale = (steepness - strength) / bend.max()
    values = {f"{name}{i}": v for name, row in (("k", slopes), ("s", shifts), ("c", sizes * scale)) for i, v in enumerate(row)}
    tilt = rng.uniform(0.1, 0.9) * float((sizes * scale / slopes).sum())
    return cf.as_map(cf.Loss(text, "w", {**values, "b": tilt, "m": strength}), cf.optimizers.gd(lr=1.0))


def _total(periods, maps, steepness, strength, seed):
    rng, total = np.random.default_rng(seed), 0
    for _ in range(maps):
        step = _soft(rng, steepness, strength)
        total += sum(len(cf.analysis.cycles(step, n, [(-60.0, 60.0)])) for n in periods)
    return total


def _decreasing():
    """How many cyclic permutations of 3 to 7 points decrease."""
    orders = itertools.chain.from_iterable(itertools.permutations(range(1, n)) for n in range(3, 8))
    images = [dict(zip((0, *order), (*order, 0), strict=True)) for order in orders]
    return {"longer": sum(all(image[x] > image[x + 1] for x in range(len(image) - 1)) for image in images)}


@CLAIMS.add(
    "derivation, first paragraph", {"longer": 0, "twice": "i"},
    Control("ημ = 0.2 and η max L″ = 9", changes={"strength": 0.2, "steepness": 9.0}),
    proof="exact algebra: on the n points of a cycle g is one-to-one and does not increase, so it takes the i-th to the "
        "(n + 1 − i)-th, and twice this is the identity, by SymPy with i and n as symbols",
    domain="all differentiable losses of one variable with L − μw²/2 convex; all η ≥ 1/μ",
    perturbations=[Control("ημ = 0.8, η max L″ = 15", changes={"strength": 0.8, "steepness": 15.0})],
    second=_decreasing,
)  # fmt: skip
def only_two_if_very_convex(strength=1.05, steepness=6.0, maps=30, seed=4):
    """On a μ-strongly convex loss of one variable with ημ ≥ 1 gradient descent has no cycles but of the periods 1 and 2, whatever
    max L″ is.

    "twice": where the i-th point of a cycle comes in two steps. Besides, all cycles of the periods 3 to 7 on 30 random sums of
    four softplus with a tilt and a parabola, ημ = 1.05 and η max L″ = 6. Second: the number of cyclic permutations of 3 to 7
    points that decrease.
    """
    i, n = sp.symbols("i n", integer=True, positive=True)
    reversal = n + 1 - i
    twice = sp.expand(reversal.subs(i, reversal))
    return {"longer": _total(range(3, 8), maps, steepness, strength, seed), "twice": str(twice)}


def _words(n, slope):
    """The cycles of x + 1 (x ≤ 0), 1 − slope·x (x ≥ 0) of least period n, in fractions: each word of branches solved."""
    found = set()
    for word in itertools.product((0, 1), repeat=n):
        a, b = Fraction(1), Fraction(0)
        for right in word:
            a, b = (-slope * a, 1 - slope * b) if right else (a, b + 1)
        if a == 1:
            continue
        orbit = [b / (1 - a)]
        for right in word:
            orbit.append(1 - slope * orbit[-1] if right else orbit[-1] + 1)
        if all(x >= 0 if right else x <= 0 for x, right in zip(orbit, word, strict=False)) and len(set(orbit)) == n:
            found.add(frozenset(orbit))
    return len(found)


def _golden():
    """(1/n) Σ μ(n/d) tr Mᵈ of the Markov chain M."""
    chain, counts = np.array([[0, 1], [1, 1]]), []
    for n in range(1, 11):
        fixed = int(np.trace(np.linalg.matrix_power(chain, n)))
        counts.append((fixed - sum(d * counts[d - 1] for d in range(1, n) if n % d == 0)) // n)
    return {"counts": counts, "words": counts}


GOLDEN = [1, 1, 1, 1, 2, 2, 4, 5, 8, 11]


@CLAIMS.add(
    "derivation, second paragraph", {"counts": near(GOLDEN, 0), "words": near(GOLDEN, 0)},
    Control("ηa = 2.9", changes={"eta_a": 2.9}), figure="sharp",
    proof="exact arithmetic: a cycle of least period n solves one of the 2ⁿ words of the branches; all are solved in fractions",
    domain="−w + (a/2) relu(w)², one weight, ηa = 3; all starts; periods 1 to 10",
    perturbations=[Control("ηa = 2.99", changes={"eta_a": 2.99}), Control("ηa = 3.01", changes={"eta_a": 3.01})],
    second=_golden,
)  # fmt: skip
def sharp_case_has_the_golden_mean(eta_a=3.0):
    """At ηa = 3 gradient descent on −w + (a/2) relu(w)² has 1, 1, 1, 1, 2, 2, 4, 5, 8, 11 cycles of the least periods 1 to 10,
    which are the numbers of the golden-mean shift, (1/n) Σ μ(n/d) L_d with Lucas' numbers L_d.

    "words": every word of the two branches, in fractions; "counts": `cf.analysis.cycles`. The 3-cycle through the corner is
    among them. Second: the traces of the powers of [[0, 1], [1, 1]].
    """
    periods, slope = range(1, 11), Fraction(str(eta_a)) - 1
    counts = [len(cf.analysis.cycles(_bent(eta_a), n, [(-20.0, 20.0)])) for n in periods]
    return {"counts": counts, "words": [_words(n, slope) for n in periods]}


def _share(slope, start, steps):
    """The share of steps from x > 0, in fractions, times ln slope."""
    x, right = start, 0
    for _ in range(steps):
        right += x > 0
        x = 1 - slope * x if x > 0 else x + 1
    return right / steps * math.log(slope)


def _sharp_exponent():
    """The share of steps on slope −2 of an orbit in fractions, and where a start with 53 binary digits ends."""
    x = Fraction(0.3)
    for _ in range(300):
        x = 1 - 2 * x if x > 0 else x + 1
    ends = sorted((x, *(x := 1 - 2 * x if x > 0 else x + 1 for _ in range(2))))
    exponent = _share(2, Fraction(10**9 + 7, 3**40), 20_000)
    return {"exponent": exponent, "ends_in_floats": ", ".join(map(str, ends))}


@CLAIMS.add(
    "derivation, second paragraph", {"exponent": near(2 / 3 * math.log(2), 0.008), "ends_in_floats": "-1, 0, 1"},
    Control("ηa = 2.8, slope −1.8", changes={"eta_a": 2.8}),
    domain="−w + (a/2) relu(w)², one weight, ηa = 3; the orbit of 1/3 + 1/1000 with 2,500 digits; ten random double starts "
        "in (−1, 1)",
    perturbations=[Control("ηa = 2.95", changes={"eta_a": 2.95})],
    second=_sharp_exponent,
)  # fmt: skip
def exponent_of_the_sharp_case(eta_a=3.0, steps=6000):
    """At ηa = 3 the Lyapunov exponent measured along an orbit with 2,500 digits is that of the invariant density, (2/3) ln 2 =
    0.4621, within 0.008, but orbits in double precision from ten random starts end on the unstable 3-cycle 0, 1, −1 within 300
    steps.

    The mean of ln |g′| over 6,000 steps with 2,500 digits (a step on slope −2 costs 0.3 digits), a share whose sampling error is
    about 0.003. And where the last 30 of 300 steps in floats are. Second: the share in fractions with an odd denominator, 20,000
    steps, and one start with 53 binary digits in fractions.
    """
    precise, total = _bent(eta_a).precise(2500), 0.0
    z = [precise.number(1) / 3 + precise.number(1) / 1000]
    for _ in range(steps):
        total += math.log(abs(eta_a - 1)) if z[0] > 0 else 0.0
        z = precise(z)
    starts = np.random.default_rng(0).uniform(-1, 1, 10)
    ends = {x for start in starts for x in cf.iterate(_bent(eta_a), [start], 300).z[-30:, 0].tolist()}
    return {"exponent": total / steps, "ends_in_floats": ", ".join(f"{x:g}" for x in sorted(ends)[:4])}


def _chaos():
    """3-cycles at the slopes −1.1, −1.5 and −1.9, and the exponent at the first."""
    counts = [_words(3, Fraction(s)) for s in ("1.1", "1.5", "1.9")]
    return {"three_cycles": sum(counts), "exponent": _share(Fraction("1.1"), Fraction(1, 3), 1500)}


def _branches(upto):
    """For which slopes −c, 1 < c < upto, there are 3-cycles, and for which some step from [1 − c, 0] ends in w ≤ 0."""
    c, found = sp.symbols("c", positive=True), []
    slopes = sp.Interval.open(1, sp.Rational(upto))
    for word in itertools.product((0, 1), repeat=3):
        a, b = sp.Integer(1), sp.Integer(0)
        for right in word:
            a, b = (-c * a, 1 - c * b) if right else (a, b + 1)
        if a == 1:  # three steps on the left add 3
            continue
        orbit = [sp.cancel(b / (1 - a))]
        for right in word[:2]:
            orbit.append(sp.cancel(1 - c * orbit[-1] if right else orbit[-1] + 1))
        if len(set(orbit)) == 3:
            sides = [x >= 0 if right else x <= 0 for right, x in zip(word, orbit, strict=True)]
            found.append(sp.Intersection(*(sp.solveset(side, c, slopes) for side in sides)))
    return str(sp.Union(*found)), str(sp.solveset(1 - c + 1 <= 0, c, slopes))


@CLAIMS.add(
    "derivation, second paragraph",
    {"three_cycles": 0, "exponent": above(math.log(1.1) / 2), "evidence": True, "words": "EmptySet", "left_twice": "EmptySet"},
    Control("ηa = 3.1", changes={"steep": (2.1, 2.5, 3.1)}),
    proof="exact algebra: each word of three branches, and the least image of [2 − ηa, 0], by SymPy with ηa as a symbol",
    domain="−w + (a/2) relu(w)², one weight; 2 < ηa < 3; all starts whose orbit misses the corner",
    perturbations=[Control("2 < ηa < 3.05", changes={"upto": "41/20"}),
        Control("ηa = 1.95", changes={"steep": (1.95, 2.5, 2.9)})],
    second=_chaos,
)  # fmt: skip
def chaos_without_period_three(steep=(2.1, 2.5, 2.9), upto="2"):
    """For all 2 < ηa < 3 gradient descent on −w + (a/2) relu(w)² has chaos without period 3: orbits are bounded, the mean of
    ln |g′| along each tends to no less than ½ ln(ηa − 1) > 0, and there is no 3-cycle.

    For which slopes there are 3-cycles ("words"), and for which an orbit in [2 − ηa, 1], where all orbits end, takes two steps on
    the left in a row: none, so that half of the steps are stretched. Besides, at ηa = 2.1, 2.5, 2.9 all 3-cycles, the least
    exponent of orbits of 100,000 steps, and whether it and the 0–1 test agree on chaos. Second: 3-cycles by words, and the
    exponent at 2.1 from an orbit in fractions.
    """
    words, twice = _branches(upto)
    exponents = [cf.analysis.lyapunov(_bent(s), [0.3], 100_000)[0] for s in steep]
    counts = [len(cf.analysis.cycles(_bent(s), 3, [(-20.0, 20.0)])) for s in steep]
    evidence = all(cf.analysis.chaos(_bent(s), [0.3], dimensions=False).chaotic for s in steep)
    return {"three_cycles": sum(counts), "exponent": min(exponents), "evidence": evidence, "words": words, "left_twice": twice}


def _none_by_words():
    """No word of three branches is a 3-cycle at 25 slopes, in fractions."""
    flat = [_words(3, Fraction(k, 10) - 1) for k in range(5, 30)]
    return {"kind": "no_cycles" if not any(flat) else "cycles", "period": 3}


@CLAIMS.prove(
    "derivation, first paragraph", {"kind": "no_cycles", "period": 3, "a": near([0.5, 2.9], 0), "box": "[-5, 5]"},
    Control("ηa up to 3.1", changes={"high": "3.1"}), second=_none_by_words, figure="sharp",
    domain="−w + (a/2) relu(w)², one weight; η = 1, 0.5 ≤ a ≤ 2.9; cycles in [−5, 5]",
    perturbations=[Control("ηa up to 3.01", changes={"high": "3.01"})],
)  # fmt: skip
def no_three_cycle_on_the_sharp_loss(high="2.9"):
    """On −w + (a/2) relu(w)² gradient descent with η = 1 has no 3-cycle in [−5, 5] for any a in [0.5, 2.9].

    A certificate over the interval of a, across the corner of the map, which uses nothing of the derivation. Where
    there is none, one of all 3-cycles at the upper end.
    """
    loss, gd = cf.Loss("-w + a/2*relu(w)**2", "w", {"a": 1.0}), cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(loss, gd, 3, (-5, 5), a=("0.5", high), most=30_000)
    return found if found.proved else cf.certify.cycles(loss, gd, 3, (-5, 5), a=high).certificate


def figures():
    """The sharp 3-cycle through the corner."""
    return {"sharp": lambda: cf.plot(cf.analysis.cycles(_bent(3.0), 3, [(-20.0, 20.0)]))}
