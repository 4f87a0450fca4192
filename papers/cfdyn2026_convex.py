"""The cfdyn project, *Cycles of gradient descent in one variable* (2026).

What is derived here, or was measured here first; every expected number is computed a second time in the function named
second, without cfdyn. Gradient descent is g(w) = w − ηL′(w).

A convex loss needs η max L″ ≥ 3 for a 3-cycle. Let p < q < r be one. Chords of g have slopes between 1 − s, s = η max L″, and
1. If p → q → r → p, the chord over (p, q) has the slope (r − q)/(q − p) ≤ 1, so r − p ≥ 2(r − q), and that over (q, r) has
the slope −(r − p)/(r − q) ≤ −2, so 1 − s ≤ −2. The other order p → r → q → p is its mirror image. If L is μ-strongly convex
and ημ < 1, slopes are at most k = 1 − ημ, so r − q ≤ k(q − p) and s ≥ 2 + 1/k. If ημ ≥ 1, g decreases, g² increases, and only
the periods 1 and 2 are left.

Both bounds are sharp: −w + (a/2) relu(w)² has the slopes 1 and 1 − ηa, and the 3-cycle 0 → η → −η → 0 at ηa = 3. There the
intervals (−1, 0) → (0, 1) → (−1, 1) make a Markov chain (η = 1): entropy ln((1 + √5)/2), and the density is 2/3 on (0, 1), so
the Lyapunov exponent is (2/3) ln 2. For 2 < ηa < 3 the slope 1 − ηa still expands, so there is chaos without period 3.
"""

import itertools
import math
from fractions import Fraction

import numpy as np

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


def _convex():
    """The least s for a 3-cycle, in fractions."""
    return {"smallest": float(_least_of_all(Fraction(1)))}


@CLAIMS.add(
    "derivation, first paragraph", {"smallest": near(3.0, 1e-6)}, Control("5-cycles", changes={"period": 5}), figure="sharp",
    second=_convex,
)  # fmt: skip
def three_cycle_needs_three(period=3):
    """On a convex loss of one variable gradient descent has a 3-cycle only if η max L″ ≥ 3, and the bound is attained.

    Halving of ηa on whether gradient descent on −w + (a/2) relu(w)² has a 3-cycle. Second: the least s over all triples of
    whole numbers up to 40 in both orders, in fractions.
    """
    return {"smallest": _smallest(period)}


def _strongly_convex():
    """The same where chords rise by 4/5, 1/2, 3/10 at most."""
    return {"smallest": [float(_least_of_all(k)) for k in (Fraction(4, 5), Fraction(1, 2), Fraction(3, 10))]}


@CLAIMS.add(
    "derivation, first paragraph", {"smallest": near([3.25, 4.0, 16 / 3], 1e-6)}, Control("5-cycles", changes={"period": 5}),
    second=_strongly_convex,
)  # fmt: skip
def three_cycle_if_strongly_convex(period=3, strengths=(0.2, 0.5, 0.7)):
    """If the loss is μ-strongly convex with ημ < 1, a 3-cycle needs η max L″ ≥ 2 + 1/(1 − ημ), and the bound is attained.

    As before, with (m/2) w² added, ημ = 0.2, 0.5, 0.7. Second: the least s over triples whose chords rise by 1 − ημ at most.
    """
    return {"smallest": [_smallest(period, strength) for strength in strengths]}


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


def _too_flat():
    """Triples that would do with less than 3."""
    pairs = itertools.combinations(range(1, 41), 2)
    return {"three_cycles": sum(s < 3 for q, r in pairs for s in _steepness((0, q, r), Fraction(1)))}


@CLAIMS.add(
    "derivation, first paragraph", {"three_cycles": 0}, Control("η max L″ = 9", changes={"steepness": 9.0}),
    second=_too_flat,
)  # fmt: skip
def no_three_cycle_on_smooth_convex_losses(steepness=2.999, maps=60, seed=3):
    """Smooth convex losses with η max L″ < 3 have no 3-cycle.

    All 3-cycles of gradient descent on 60 random sums of four softplus with a tilt, η max L″ = 2.999. Second: the number of
    triples of whole numbers up to 40 that would do with less than 3.
    """
    return {"three_cycles": _total((3,), maps, steepness, 0.0, seed)}


def _decreasing():
    """How many cyclic permutations of 3 to 7 points decrease."""
    orders = itertools.chain.from_iterable(itertools.permutations(range(1, n)) for n in range(3, 8))
    images = [dict(zip((0, *order), (*order, 0), strict=True)) for order in orders]
    return {"longer": sum(all(image[x] > image[x + 1] for x in range(len(image) - 1)) for image in images)}


@CLAIMS.add(
    "derivation, first paragraph", {"longer": 0},
    Control("ημ = 0.2 and η max L″ = 9", changes={"strength": 0.2, "steepness": 9.0}),
    second=_decreasing,
)  # fmt: skip
def only_two_if_very_convex(strength=1.05, steepness=6.0, maps=30, seed=4):
    """If ημ ≥ 1 gradient descent has no cycles but of the periods 1 and 2, whatever max L″ is.

    All cycles of the periods 3 to 7 on 30 random losses as before with a parabola, ημ = 1.05 and η max L″ = 6. Second: the
    number of cyclic permutations of 3 to 7 points that decrease.
    """
    return {"longer": _total(range(3, 8), maps, steepness, strength, seed)}


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
    """All cycles at slope −2, in fractions."""
    return {"counts": [_words(n, Fraction(2)) for n in range(1, 11)]}


@CLAIMS.add(
    "derivation, second paragraph", {"counts": near([1, 1, 1, 1, 2, 2, 4, 5, 8, 11], 0)},
    Control("ηa = 2.9", changes={"eta_a": 2.9}), figure="sharp",
    second=_golden,
)  # fmt: skip
def sharp_case_has_the_golden_mean(eta_a=3.0):
    """At ηa = 3 the numbers of cycles are those of the golden mean, (1/n) Σ μ(n/d) L_d with Lucas' numbers: entropy ln((1 +
    √5)/2).

    All cycles of the periods 1 to 10, the one through the corner among them. Second: every word of the two branches, in
    fractions.
    """
    return {"counts": [len(cf.analysis.cycles(_bent(eta_a), n, [(-20.0, 20.0)])) for n in range(1, 11)]}


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
    second=_sharp_exponent,
)  # fmt: skip
def exponent_of_the_sharp_case(eta_a=3.0, steps=6000):
    """At ηa = 3 the Lyapunov exponent is (2/3) ln 2 = 0.4621, but orbits in binary floats end on the 3-cycle 0, 1, −1 after a
    while.

    The mean of ln |g′| over 6,000 steps with 2,500 digits (a step on slope −2 costs 0.3 digits): a share that errs by 0.003.
    And where the last of 300 steps in floats are. Second: the share in fractions with an odd denominator, 20,000 steps.
    """
    precise, total = _bent(eta_a).precise(2500), 0.0
    z = [precise.number(1) / 3 + precise.number(1) / 1000]
    for _ in range(steps):
        total += math.log(abs(eta_a - 1)) if z[0] > 0 else 0.0
        z = precise(z)
    floats = cf.iterate(_bent(eta_a), [0.3], 300).z[-30:, 0]
    return {"exponent": total / steps, "ends_in_floats": ", ".join(f"{x:g}" for x in sorted(set(floats.round(12).tolist()))[:3])}


def _chaos():
    """3-cycles at the slopes −1.1, −1.5 and −1.9, and the exponent at the first."""
    counts = [_words(3, Fraction(s)) for s in ("1.1", "1.5", "1.9")]
    return {"three_cycles": sum(counts), "exponent": _share(Fraction("1.1"), Fraction(1, 3), 1500)}


@CLAIMS.add(
    "derivation, second paragraph", {"three_cycles": 0, "exponent": above(0.01), "evidence": True},
    Control("ηa = 3.1", changes={"steep": (2.1, 2.5, 3.1)}),
    second=_chaos,
)  # fmt: skip
def chaos_without_period_three(steep=(2.1, 2.5, 2.9)):
    """For 2 < ηa < 3 there is chaos without period 3: the exponent is positive, and there is no 3-cycle.

    3-cycles at ηa = 2.1, 2.5, 2.9, the least exponent of orbits of 100,000 steps there, and whether it and the 0–1 test agree on
    chaos at all three. Second: 3-cycles by words, and the
    exponent at 2.1 from an orbit in fractions.
    """
    exponents = [cf.analysis.lyapunov(_bent(s), [0.3], 100_000)[0] for s in steep]
    counts = [len(cf.analysis.cycles(_bent(s), 3, [(-20.0, 20.0)])) for s in steep]
    evidence = all(cf.analysis.chaos(_bent(s), [0.3], dimensions=False).chaotic for s in steep)
    return {"three_cycles": sum(counts), "exponent": min(exponents), "evidence": evidence}


def _none_too_flat():
    """No triple of whole numbers up to 40 does with less than 3."""
    return {"kind": "no_cycles" if _too_flat()["three_cycles"] == 0 else "cycles", "period": 3}


@CLAIMS.prove(
    "derivation, first paragraph", {"kind": "no_cycles", "period": 3, "a": near([0.5, 2.9], 0), "box": "[-5, 5]"},
    Control("ηa up to 3.1", changes={"high": "3.1"}), second=_none_too_flat, figure="sharp",
)  # fmt: skip
def no_three_cycle_on_the_sharp_loss(high="2.9"):
    """On −w + (a/2) relu(w)² gradient descent with η = 1 has no 3-cycle in [−5, 5] for any a in [0.5, 2.9].

    A certificate over the interval of a, across the corner of the map. Where there is none, one of all 3-cycles at the upper end.
    """
    loss, gd = cf.Loss("-w + a/2*relu(w)**2", "w", {"a": 1.0}), cf.optimizers.gd(lr=1)
    found = cf.certify.no_cycles(loss, gd, 3, (-5, 5), a=("0.5", high), most=30_000)
    return found if found.proved else cf.certify.cycles(loss, gd, 3, (-5, 5), a=high).certificate


def figures():
    """The sharp 3-cycle through the corner."""
    return {"sharp": lambda: cf.plot(cf.analysis.cycles(_bent(3.0), 3, [(-20.0, 20.0)]))}
