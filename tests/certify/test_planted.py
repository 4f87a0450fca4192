"""Bugs planted in the provers are noticed: by the checker as it is, by a claim that is known to be false, or by a known number."""

import importlib

import mpmath
import pytest
from flint import arb, arb_mat

import cfdyn as cf
from cfdyn.certify.checker.check import check
from cfdyn.symbolic.text.formula import formula
from cfdyn.tape.program import Program, Tape
from tests.certify.checker.planted import planted

WELL, RIVER, O = "(w**2 - 1)**2/4", "x**2*(1 + y)/2 + exp(-y)", cf.optimizers
HENON = cf.Map.from_text("1 - a*x**2 + y; b*x", "x y", params={"a": 1.4, "b": 0.3})
GD, LOGISTIC = O.gd(lr=1.7), cf.losses.logistic_regression()


def enclosures(use):
    """Values of formulas at points of an interval, in 30 digits, lie in the ball over it."""
    balls, digits = use("balls"), mpmath.mp.clone()
    digits.dps = 30
    known = {
        "exp(w)": digits.exp, "w**2": lambda x: x**2, "softplus(w)": lambda x: digits.log1p(digits.exp(x)), "cosh(w)": digits.cosh,
        "sech2": lambda x: digits.sech(x) ** 2, "Abs(w)": abs, "Piecewise((w, w < 1), (3*w, True))": lambda x: x if x < 1 else 3 * x,
    }  # fmt: skip
    for text, function in known.items():
        tape = Tape()
        w = tape.leaf("z", 0)
        root = tape.apply("sech2", w) if text == "sech2" else formula(text).on(tape, {"w": w})
        [held] = balls.Enclosure(Program(tape, (root,), 1, 0), [])([balls.ball(-0.5, 1.5)])
        ends = balls.lower_double(held), balls.upper_double(held)
        if not all(ends[0] <= function(digits.mpf(k) / 8) <= ends[1] for k in range(-4, 13)):
            return text
    return ""


def seen(found, **facts):
    """What is wrong with a certificate of a true claim."""
    if not found.proved or not check(found.document).valid:
        return f"{found.kind}: {found.reason or check(found.document).reason}"
    return next((name for name, value in facts.items() if found.claim[name] != value), "")


def ledgers(use):
    found = [use("ledger").cycles(*what, most=6000, jobs=1) for what in ((WELL, GD, 3, (-2, 2)), (HENON, None, 2, [(-3, 3), (-1, 1)]))]
    counts = [(one.count, one.fixed_points) for one in found]
    return str(counts) if counts != [(4, 15), (1, 4)] else "".join(seen(one.certificate) for one in found)


def zeros(use):
    """A box of x² − 2 holds one; near 0, where x² + 1/100 is small, and in a box beside √2 there is none."""
    found = use("shooting.krawczyk").proven_zero

    def proved(shift, box):
        return found(lambda x: [x[0] ** 2 + shift], lambda x: arb_mat([[2 * x[0]]]), (box,)) is not None

    wrong = [at for at, box in ((0.05, (0.04, 0.06)), (1.0, (0.9, 1.1))) if proved(arb("0.01"), box)]
    return ("" if proved(arb(-2), (1.4, 1.43)) else "√2") + str(wrong or "")


def cycles(use):
    one = use("cycle").cycle
    adam = O.adam(lr=0.5, beta1=0.2, beta2=0.5, eps=1e-6, eps_inside=True, bias_correction=False)
    true = (seen(one(LOGISTIC, O.gd(lr=20), [-2.709, 9.375, 2.710]), stable=True) or seen(one(LOGISTIC, O.gd(lr=20), [-1.478, 8.141, 1.480]), stable=False)
            or seen(one("w**2/2", adam, [0.1667, -0.1667]), stable=True))  # fmt: skip
    saddle, neither = one("w**2/2", O.heavy_ball(lr=3.1, momentum=0.5), [0.0], period=1), one("w**2/2", O.gd(lr=2), [0.0], period=1)
    early = one(WELL, O.gd(lr=1.4504), [0.34, 0.77, 1.22])
    return true or seen(saddle, stable=False) or seen(neither, stable=None) or "a cycle before its birth" * early.proved


def bifurcations(use):
    flip = use("bifurcation").bifurcation
    return (seen(flip(WELL, GD, "flip", 1, [1.0], lr=("0.9", "1.1")), supercritical=True, side="above")
            or seen(flip("w**2/2 + w**4", GD, "flip", 1, [0.0], lr=("1.9", "2.1")), supercritical=False, side="below")
            or seen(flip("exp(w) - w", GD, "flip", 1, [0.0], lr=("1.9", "2.1")), side="above"))  # fmt: skip


def edges(use):
    edge = use("edge").edge
    point = [0.05, 0.9, 0.16, 0.3]
    narrow = edge(WELL, O.rmsprop(lr=0.2, beta2=0.9), ((0.8999, 0.9001), (0.0203, 0.0206)))
    return (seen(narrow, enters=True) or seen(edge(RIVER, O.rmsprop(lr=0.5, beta2=0.9, eps=1e-3), point=point), enters=True) or seen(edge(RIVER, O.heavy_ball(lr=1, momentum=0.5), point=[0.05, 1.9]), enters=True)
            or seen(edge("(x*y - 1)**2/2", O.gd(lr=0.5), point=[0.6, 2.0]), enters=False))  # fmt: skip


def regions(use):
    region = use("convergence").convergence
    true = seen(region(WELL, O.gd(lr=0.4), (0.1, 1.5))) or seen(region(WELL, O.heavy_ball(lr=0.3, momentum=0.3), [(0.8, 1.2), (-0.1, 0.1)]))
    false = region(WELL, O.gd(lr=0.4), (-0.1, 1.5), most=200), region(WELL, O.gd(lr=1.05), (0.6, 1.2), most=200)
    return true or "a claim that is false" * any(one.proved for one in false)


PROBES = {f.__name__: f for f in (enclosures, ledgers, zeros, cycles, bifurcations, edges, regions)}
# where, what stands there, what is put there, who looks
BUGS = {
    "rising functions at one end": ("balls.py", "function(x.lower()).union(function(x.upper()))", "function(x.lower())", enclosures),
    "even powers rise": ("balls.py", "(_of_size if n % 2 == 0 else _rising)", "_rising", enclosures),
    "softplus with a minus": ("balls.py", "return x + (-x).exp().log1p() if x > 0", "return x - (-x).exp().log1p() if x > 0", enclosures),
    "sech² is halved": ("balls.py", "return 4 * small", "return 2 * small", enclosures),
    "an open branch is the first one": ("balls.py", "else a.union(b)\n    return a if condition", "else a\n    return a if condition", enclosures),
    "less is not greater": ("balls.py", "True if a < b else False if a >= b else None", "True if not a > b else False", enclosures),
    "|u| at its largest": ("balls.py", "return abs(x) if x.is_exact() else x.abs_lower().union(x.abs_upper())", "return x.abs_upper()", enclosures),
    "ends rounded inward": ("balls.py", "return _beside(x.lower(), -math.inf)", "return _beside(x.upper(), -math.inf)", enclosures),
    "a product of two corners": ("boxes/prefilter.py", "np.minimum(np.minimum(a, b), np.minimum(c, d)), ", "np.minimum(a, d), ", ledgers),
    "even powers of both ends": ("boxes/prefilter.py", "base = size(x) if n % 2 == 0 else x", "base = x", ledgers),
    "differences of like ends": ("boxes/prefilter.py", "outward(self.lo - other.hi, self.hi - other.lo)", "outward(self.lo - other.lo, self.hi - other.hi)", ledgers),
    "away after one step": ("boxes/tests.py", "zip(path.stages[-1], path.stages[0], strict=True))", "zip(path.stages[1], path.stages[0], strict=True))", ledgers),
    "a shift that adds 1": ("boxes/tests.py", "row[k] = row[k] - one", "row[k] = row[k] + one", ledgers),
    "displaced at the middle": ("boxes/tests.py", "a + b for a, b in zip(shift.at, _apply(shift.slopes, offsets), strict=True)", "a for a in shift.at", ledgers),
    "Krawczyk without its test": ("shooting/krawczyk.py", "if inside(inner, box):", "if inside(inner, box) or True:", zeros),
    "Krawczyk inside of one end": ("shooting/krawczyk.py", "x - gap > arb(lo) and x + gap < arb(hi)", "x - gap > arb(lo)", zeros),
    "Krawczyk without 1 - YJ": ("shooting/krawczyk.py", "(one - inverse * matrix) * reach - inverse", "(one - one) * reach - inverse", cycles),
    "Krawczyk with the wrong sign": ("shooting/krawczyk.py", "* reach - inverse", "* reach + inverse", cycles),
    "stable with one multiplier": ("shooting/multipliers.py", "all(high < 1 for _, high in sizes)", "any(high < 1 for _, high in sizes)", cycles),
    "unstable with any multiplier": ("shooting/multipliers.py", "if any(low > 1 for low, _ in sizes)", "if any(low > 0 for low, _ in sizes)", cycles),
    "a flip without its square term": ("critical/normal_form.py", "_dot(p, series.along(q, shift)[1])", "_dot(p, series.along(q)[1])", bifurcations),
    "a flip that crosses backwards": ("critical/normal_form.py", "Coefficients(normal, -_dot(p, change))", "Coefficients(normal, _dot(p, change))", bifurcations),
    "a length of the vectors' sum": ("critical/normal_form.py", "normal = _dot(p, series.along(q, shift)[1]) / _mean", "normal = -_dot(p, series.along(q, shift)[1]) / _mean", bifurcations),
    "a scale that grows the edge": ("critical/sharpest.py", "along - ball(of.threshold) * swelling", "along + ball(of.threshold) * swelling", edges),
    "an edge without the scale": ("critical/sharpest.py", "1 - ball(self.threshold) * p for", "1 - ball(self.threshold) for", edges),
    "a flow that is not scaled": ("critical/sharpest.py", "a * rate * b / p for", "a * rate * b for", edges),
    "heavy ball with the edge of 2 − 2β": ("edge.py", "lambda b: 2 + 2 * b", "lambda b: 2 - 2 * b", edges),
    "squares without their flow": ("critical/scale.py", "tape.mul(slope, formula(self.rule.flow).on(tape, names))", "slope", edges),
    "a contraction by 2": ("regions/contraction.py", "return (q, r) if q + r < 1 else None", "return (q, r) if q + r < 2 else None", regions),
    "in the ellipsoid with a corner": ("regions/contraction.py", "if squared(inverse * here) <= INSIDE**2:", "if squared(inverse * here) <= 9:", regions),
    "a path that forgets its steps": ("regions/images.py", "self.linear = slopes * self.linear", "self.linear = 0 * self.linear", regions),
    "leaves that come back": ("convergence.py", 'if node.letter == "?"] + again', 'if node.letter == "?"]', regions),
}  # fmt: skip
QUICK = ("squares without their flow", "Krawczyk without its test")


@pytest.mark.slow
@pytest.mark.parametrize("probe", PROBES)
def test_nothing_is_wrong_with_the_provers_as_they_are(probe):
    assert not PROBES[probe](lambda name: importlib.import_module(f"cfdyn.certify.{name}"))


def test_there_are_30_bugs():
    assert len(BUGS) >= 30 and {bug[-1].__name__ for bug in BUGS.values()} == set(PROBES)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in BUGS])
def test_a_planted_bug_is_noticed(name):
    file, old, new, looks = BUGS[name]
    with planted(file, old, new, "cfdyn.certify") as use:
        try:
            wrong = looks(use)
        except (ArithmeticError, ValueError) as problem:
            wrong = str(problem)
    assert wrong
