"""Bugs to plant in the checker, each by a change of its text, and what notices them."""

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

MP = mpmath.mp.clone()
MP.dps = 50
_FUNCTIONS = {"exp": MP.exp, "log": MP.log, "log1p": MP.log1p, "sin": MP.sin, "cos": MP.cos, "tanh": MP.tanh, "sinh": MP.sinh, "cosh": MP.cosh,
              "erf": MP.erf, "sigmoid": lambda x: 1 / (1 + MP.exp(-x)), "softplus": lambda x: MP.log1p(MP.exp(x)), "tan": MP.tan,
              "logcosh": lambda x: abs(x) + MP.log1p(MP.exp(-2 * abs(x))) - MP.ln2}  # fmt: skip
_POINTS = np.concatenate([np.random.default_rng(3).uniform(0.01, 4, 60), [9.0, 30.5, 0.1, 1e-8, 1e-3]])
_EXACT = {name: [f(MP.mpf(x)) for x in _POINTS] for name, f in _FUNCTIONS.items()}


def numbers_are_wrong(use: Any) -> str:
    """The first operation on intervals that does not hold an exact value."""
    boxes, elementary = use("numbers.boxes"), use("numbers.elementary")
    with np.errstate(all="ignore"):
        return _arithmetic(boxes) or _functions(boxes, elementary) or _waves(boxes, elementary)


def _arithmetic(boxes: Any) -> str:
    rng = np.random.default_rng(4)
    a, b = (np.sort(rng.normal(size=(2, 80)) * rng.choice([1e-160, 1.0, 1e8], size=80), axis=0) for _ in range(2))
    x, y = boxes.Interval(a[0], a[1]), boxes.Interval(b[0], b[1])
    results = {"+": x + y, "-": x - y, "*": x * y, "/": x / y}
    results |= {f"power {n}": boxes.power(x, n) for n in (2, 3, 4, 5, -1, -2)}
    for k in range(80):
        for s in (a[0, k], a[1, k]):
            for t in (b[0, k], b[1, k]):
                p, q = Fraction(s), Fraction(t)
                exact = {"+": p + q, "-": p - q, "*": p * q, "/": p / q} | {f"power {n}": p**n for n in (2, 3, 4, 5, -1, -2)}
                for name, value in exact.items():
                    lo, hi = float(results[name].lo[k]), float(results[name].hi[k])
                    if not ((lo == -np.inf or Fraction(lo) <= value) and (hi == np.inf or value <= Fraction(hi))):
                        return name
        if b[0, k] < 0 < b[1, k] and np.isfinite(results["/"].lo[k]):
            return "division by 0"
        if a[0, k] < 0 < a[1, k] and not results["power 2"].lo[k] <= 0 <= results["power 4"].hi[k]:
            return "power across 0"
    tenth, minus = boxes.exact(Fraction(1, 10)), boxes.root(boxes.Interval(np.array(-1.0), np.array(1.0)))
    if not Fraction(float(tenth.lo)) < Fraction(1, 10) < Fraction(float(tenth.hi)):
        return "exact"
    if np.isfinite(minus.lo) or np.isfinite(boxes.Interval(np.array(np.nan), np.array(1.0)).lo):
        return "undefined"
    one, other = boxes.Interval(np.array(0.0), np.array(1.0)), boxes.Interval(np.array(0.5), np.array(2.0))
    return "apart" if one.apart(other) or not one.apart(boxes.point(np.array(3.0))) else ""


def _functions(boxes: Any, elementary: Any) -> str:
    for name, exact in _EXACT.items():
        found = elementary.FUNCTIONS[name](boxes.point(_POINTS))
        if not all(MP.mpf(lo) <= e <= MP.mpf(hi) for lo, hi, e in zip(found.lo, found.hi, exact)):
            return name
    whole = elementary.FUNCTIONS["cosh"](boxes.Interval(np.array(-1.0), np.array(2.0)))
    return "" if whole.lo <= 1 and whole.hi >= 3.7 else "cosh across 0"


def _waves(boxes: Any, elementary: Any) -> str:
    for lo, hi in ((1.0, 2.0), (4.0, 5.0), (-0.5, 0.5), (3.0, 3.3), (6.0, 6.6), (-7.0, 9.0)):
        for name, of in (("sin", np.sin), ("cos", np.cos)):
            found, values = elementary.FUNCTIONS[name](boxes.Interval(np.array(lo), np.array(hi))), of(np.linspace(lo, hi, 4001))
            if found.lo > values.min() or found.hi < values.max():
                return name
    return ""


def maps_are_wrong(use: Any) -> str:
    """The first map whose values or slopes do not hold what is known about them."""
    boxes, read_map = use("numbers.boxes"), use("maps").read_map

    def slopes(formula: str, lo: float, hi: float) -> Any:
        g = read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": [formula], "params": {}}})
        value, slope = g.slopes(boxes.Interval(np.array([lo]), np.array([hi])), g.lines)
        return float(value.lo[0]), float(value.hi[0]), float(slope.lo[0, 0]), float(slope.hi[0, 0])

    for formula, lo, hi, value, slope in (
        ("w/(2 + w)", 1.0, 1.0, (1 / 3, 1 / 3), (2 / 9, 2 / 9)), ("Abs(w - 1)", 0.0, 3.0, (0, 2), (-1, 1)),
        ("Piecewise((w, w < 1), (2*w - 1, True))", 0.5, 2.0, (0.5, 3), (1, 2)), ("relu(w)", -1.0, 1.0, (0, 1), (0, 1)),
        ("Piecewise((w, w > 1), (2*w - 1, True))", 0.5, 2.0, (0, 2), (1, 2)), ("w**(1/3)", -1.0, 1.0, (-np.inf, np.inf), (-np.inf, np.inf)),
        ("Piecewise((5, w < 1), (7, w <= 1), (9, True))", 1.0, 1.0, (7, 7), (0, 0)),
        ("Piecewise((w, w < 1), (3*w, True))", 0.9, 1.1, (0.9, 3.3), (-np.inf, np.inf)), ("tanh(log(w))", -2.0, -1.0, (-np.inf, np.inf), (-np.inf, np.inf)),
        ("w*sign(w)", -1.0, 2.0, (0, 2), (-1, 1)), ("w + 1 - sign(w)**2", -1.0, 1.0, (-1, 1), (-np.inf, np.inf)),
        ("w*Heaviside(w)", -2.0, -1.0, (0, 0), (0, 0)), ("sign(w - 1)*Piecewise((w - 1, w > 1), (1 - w, True))", 0.0, 3.0, (-1, 2), (1, 1)),
        ("Piecewise((sign(w)**2 - 2, w <= 0), (1, True))", 0.0, 0.0, (-2, -2), (0, 0)),
    ):  # fmt: skip
        found = slopes(formula, lo, hi)
        if found[0] > value[0] or found[1] < value[1] or found[2] > slope[0] or found[3] < slope[1]:
            return formula
    rows = {"formula": "(a*x - 1)**2/2", "variables": ["a"], "columns": ["x"], "rows": [["1"], ["1"], ["4"]]}
    g = read_map({"map": {"type": "optimizer", "loss": rows, "optimizer": {"params": {"lr": "3"}, "update": {"w": "w - lr*g"}}}})
    value = g.value(boxes.point(np.array([2.0])), g.lines)
    if not value.lo[0] <= 2 - (1 + 1 + 28) <= value.hi[0]:
        return "rows"
    odd = read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": ["w - 3*tanh(w)"], "params": {}}})
    _, slope = use("kinds.fold").Folded(odd).slopes(boxes.Interval(np.array([0.5]), np.array([0.6])), odd.lines)
    return "fold" if slope.lo[0, 0] < 0 else _discs(use, boxes) or _pieces(use, boxes) or _logarithms(use, boxes)


def _logarithms(use: Any, boxes: Any) -> str:
    """The first logarithm whose value is not held at a point, or that has one where it is not defined (None)."""
    e, log = MP.exp, MP.log
    for formula, w, exact in (
        ("log(1 + exp(w))", 0.5, log(1 + e(0.5))), ("log(2 + exp(w) + exp(-2*w))", 0.5, log(2 + e(0.5) + e(-1))), ("log(exp(w) + w)", 0.5, log(e(0.5) + 0.5)),
        ("log((1 + exp(w))**3/cosh(2*w))", 0.5, log((1 + e(0.5)) ** 3 / MP.cosh(1))), ("log(sigmoid(w))", 0.5, -log(1 + e(-0.5))),
        ("log(sigmoid(w)**3/sigmoid(2*w))", 0.5, log(1 + e(-1)) - 3 * log(1 + e(-0.5))),
        ("log(3*exp(w))", 0.5, log(3 * e(0.5))), ("log(1 - sigmoid(w))", 0.5, -log(1 + e(0.5))), ("log(2 - sigmoid(w))", 0.5, log(2 - 1 / (1 + e(-0.5)))),
        ("log(1 - exp(w)/(exp(w) + exp(-2*w)))", 0.5, log(1 - e(0.5) / (e(0.5) + e(-1)))), ("log(1 - 1/(2 + exp(w)))", 0.5, log(1 - 1 / (2 + e(0.5)))),
        ("log1p(exp(w) + exp(-w))", 0.5, log(1 + e(0.5) + e(-0.5))), ("log(-2*exp(w))", 0.5, None), ("log(exp(w) - 1)", -0.5, None),
        ("log(1 - 2/(1 + exp(w)))", -0.5, None), ("log(w*exp(w))", -0.5, None), ("1/(1 + exp(-w))", 0.5, 1 / (1 + e(-0.5))),
        ("3/(2 + 5*exp(-w))**2", 0.5, 3 / (2 + 5 * e(-0.5)) ** 2), ("exp(w)/(1 + exp(w))**2", 0.5, e(0.5) / (1 + e(0.5)) ** 2),
        ("sinh(w)/cosh(w)", 0.5, MP.tanh(0.5)), ("(3*exp(w) - 3*exp(-2*w))/(2*exp(w) + 2*exp(-2*w))", 0.5, 1.5 * MP.tanh(0.75)),
        ("exp(w)/(2 + exp(w) + exp(2*w))", 0.5, e(0.5) / (2 + e(0.5) + e(1))), ("(w + exp(w))/(1 + exp(w))", 0.5, (0.5 + e(0.5)) / (1 + e(0.5))),
        ("(exp(w) - 1)/(exp(w) + 3)/w", 0.5, (e(0.5) - 1) / (e(0.5) + 3) * 2), ("w*(1/w + exp(w))/(1 + exp(w))", 0.0, None),
        ("(w*cosh(1/w) + w**2*cosh(1/w))/cosh(1/w)", 0.0, None), ("log(exp(softplus(1/w))/(1 + exp(1/w)))", 0.0, None),
        ("(exp(w) + 1)/(exp(w) - 1)", 0.5, (e(0.5) + 1) / (e(0.5) - 1)), ("(exp(w) - exp(-w))**3/(exp(w) + exp(-w))**2", 0.5, MP.tanh(0.5) ** 2 * (e(0.5) - e(-0.5))),
    ):  # fmt: skip
        g = use("maps").read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": [formula], "params": {}}})
        found = g.value(boxes.point(np.array([w])), g.lines)
        lo, hi = float(found.lo[0]), float(found.hi[0])
        if not (MP.mpf(lo) <= exact <= MP.mpf(hi) if exact is not None else lo == -np.inf and hi == np.inf):
            return formula
    return ""


def _pieces(use: Any, boxes: Any) -> str:
    """The first formula whose slopes on both sides of 0 are not those that are known."""
    for formula, slopes in (("Abs(w)", [-1, 1]), ("Max(2*w, -w)", [-1, 2]), ("Min(2*w, -w)", [-1, 2]), ("Max(2*w, 3*w - 1)", [2]), ("Piecewise((3*w, w < 0), (5*w, True))", [3, 5]), ("w*floor(w)", [-1, 0]),
                            ("w*sign(-w)", [-1, 1]), ("relu(w)", [0, 1])):  # fmt: skip
        g = use("maps").read_map({"map": {"type": "formulas", "variables": ["w"], "formulas": [formula], "params": {}}})
        known, found = use("sides").Sides(g).over(boxes.Interval(np.array([-0.1]), np.array([0.1])), g.lines[None])
        if not known.all() or sorted(round(float(part.slope.middle[0])) for part in found) != slopes:
            return formula
    return ""


def _discs(use: Any, boxes: Any) -> str:
    """The eigenvalues of matrices in an interval matrix lie in its discs."""
    middle, half = np.array([[2.0, 0.3, 0.0], [0.1, -1.0, 0.2], [0.0, 0.4, 0.5]]), 0.1
    discs = use("numbers.matrices").Discs(boxes.Interval(middle - half, middle + half))
    for seed in range(20):
        found = np.linalg.eigvals(middle + np.random.default_rng(seed).uniform(-half, half, size=(3, 3)))
        if not all((np.abs(value - discs.centres) <= discs.radii).any() for value in found):
            return "eigenvalues"
    return ""


B, E, M, A, S = "numbers/boxes.py", "numbers/elementary.py", "numbers/matrices.py", "absence.py", "shooting.py"
G, Q = "formulas/graph.py", "formulas/quotients.py"
BUGS: dict[str, tuple[str, ...]] = {
    # roundings
    "+ rounds its lower end to nearest": (B, "lo, hi = down(self.lo + other.lo)", "lo, hi = (self.lo + other.lo)"),
    "- rounds up below": (B, "return Interval(down(self.lo - other.hi)", "return Interval(up(self.lo - other.hi)"),
    "* rounds to nearest": (B, "return Interval(down(lo), up(hi))\n\n\ndef _signed", "return Interval(lo, hi)\n\n\ndef _signed"),
    "down goes up": (B, "return np.nextafter(x, -INF)", "return np.nextafter(x, INF)"),
    "a product without one corner": (B, "self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi", "self.lo * other.lo, self.lo * other.hi, self.hi * other.hi"),
    "division across 0": (B, "(other.lo > 0) | (other.hi < 0))", "(other.lo != 0) | (other.hi < 0))"),
    "even powers forget 0": (B, "return np.maximum(np.maximum(self.lo, -self.hi), 0.0)", "return np.minimum(np.abs(self.lo), np.abs(self.hi))"),
    "powers round down above": (B, "return _binary(x, n, up)", "return _binary(x, n, down)"),
    "roots of negative numbers": (E, "    if q > 0:\n        good = a.lo >= 0", "    if q > 0:\n        good = a.hi >= 0"),
    "numbers are the nearest doubles": (B, "return near if Fraction(near) >= number else float(np.nextafter(near, INF))", "return near"),
    "what is undefined is a point": (B, "np.where(wrong, -INF, lo), np.where(wrong, INF, hi)", "np.where(wrong, 0.0, lo), np.where(wrong, 0.0, hi)"),
    "inside with the edge": (B, "return (self.lo > other.lo) & (self.hi < other.hi)", "return (self.lo > other.lo - 1e-3) & (self.hi < other.hi)"),
    "apart where they meet": (B, "return (self.hi < other.lo) | (self.lo > other.hi)", "return (self.hi < other.hi) | (self.lo > other.hi)"),
    "the exponential without its remainder": (E, "_REST = 14, 2.5e-19", "_REST = 6, 2.5e-19"),
    "the logarithm without its square": (E, "(point(t.lo) - square(point(t.lo))).lo", "point(np.maximum(t.lo, 1e-15)).lo"),
    "erf with too few terms": (E, "for k in range(220, 0, -1)", "for k in range(9, 0, -1)"),
    "sin without crests": (E, "np.where(good & ~above_one, np.minimum(found.hi, 1.0), 1.0)", "np.minimum(found.hi, 1.0)"),
    "cosh as if it were increasing": (E, "return lambda a: Interval(at(a.mignitude).lo, at(a.magnitude).hi)", "return lambda a: Interval(at(a.lo).lo, at(a.hi).hi)"),
    # formulas and derivatives
    "the product rule drops a term": ("formulas/jets.py", "graph.add(graph.mul(inner[0], what[2]), graph.mul(what[1], inner[1]))", "graph.mul(inner[0], what[2])"),
    "the quotient rule with a plus": ("formulas/jets.py", "graph.sub(inner[0], graph.mul(node, inner[1]))", "graph.add(inner[0], graph.mul(node, inner[1]))"),
    "log of a number below 0": (G, "_of_number(graph, parts[0])", "_of_number(graph, abs(parts[0]))"),
    "log of a sum whose number is left out": (G, "if number else []", "if number == 1 else []"),
    "log of a sum without what has no sign": (G, "or len(found) < len(inside):", "or False:"),
    "log of a power without its factor": (G, "graph.mul(graph.const(parts[1]), inside)", "inside"),
    "log of a quotient as of a product": (G, 'second if kind == "mul" else graph.neg(second)', "second"),
    "log σ(v) as log σ(−v)": (G, 'graph.neg(graph.call("softplus", graph.neg(v)))', 'graph.neg(graph.call("softplus", v))'),
    "a share as what is left": (Q, "_difference(graph, b, whole)", "_difference(graph, whole, b)"),
    "a share without the number before it": (Q, "graph.mul(graph.const(1 / terms[b] ** int(n)), graph.power(share, int(n)))", "graph.power(share, int(n))"),
    "a power of a share as the share": (Q, "graph.power(share, int(n)))", "share)"),
    "a share of other exponentials": (Q, "if graph.mul(graph.const(n), b) == a), None)", "), None)"),
    "exp of a quotient whose sum is not taken to its power": (Q, "a = graph.sub(a, graph.mul(graph.const(n), graph.call", "a = graph.sub(a, graph.mul(graph.const(1), graph.call"),
    "tanh of the whole difference": (Q, "graph.const(p / 2)", "graph.const(p)"),
    "tanh of any two exponentials": (Q, "if above[a] != -above[b] or below[a] != below[b]:", "if False:"),
    "tanh without the numbers before it": (Q, "graph.const(above[a] / below[a])", "graph.const(1)"),
    "tanh in place of its powers": (Q, "graph.mul(graph.power(bend, int(both)), left)", "graph.mul(bend, left)"),
    "a sum that is taken apart over one term": (Q, "for product in products)", "for product in products[:1])"),
    "what is below cancels what may be 0": (Q, "(node, n) if n > 0 or is_sum(graph, node) else (graph.rational(node, n), Fraction(1))", "(node, n)"),
    "what may be undefined cancels": (Q, "return found if _needed(graph, factors) <= _needed(graph, [(found, Fraction(1))]) else None", "return found"),
    "a number above a share is lost": (Q, "graph.mul(graph.const(p), graph.const(q))", "graph.const(p)"),
    "log(2 − σ) as log(1 − σ)": (G, "if number == 1 and len(others)", "if number and len(others)"),
    "powers without their factor": ("formulas/jets.py", "slope = graph.mul(graph.const(what[2]), ", "slope = graph.mul(graph.const(1), "),
    "tanh' = 1 + tanh²": ("formulas/jets.py", 'if name == "tanh":\n        return graph.sub(', 'if name == "tanh":\n        return graph.add('),
    "sigmoid' with 1/2": ("formulas/jets.py", "graph.sub(graph.const(Fraction(1, 4))", "graph.sub(graph.const(Fraction(1, 2))"),
    "an open branch is the first one": ("formulas/values.py", "np.where(~true, b.lo, both.lo))", "np.where(~true, b.lo, a.lo))"),
    "branches need not meet": ("formulas/joins.py", "return not added(on.read(a), on.read(b), -1)", "return True"),
    "less is at most": ("formulas/values.py", "return (a.lo < b.hi, a.hi >= b.lo, lost) if kind", "return (a.lo < b.hi, a.hi > b.hi, lost) if kind"),
    "bounded functions hide what is undefined": ("formulas/values.py", "        if lost.any():", "        if False:"),
    "a mean that counts each kind of row once": ("specification.py", "Fraction(times, self.rows.total())", "Fraction(1, len(self.rows))"),
    "states see new values": ("specification.py", 'each = [{"w": state[i],', 'each = [{"w": state[-1],'),
    # proofs
    "Krawczyk without 1 - YJ": (S, "k = point(m.reshape(*before, size)) - applied(y, f) + applied(rest, flat)", "k = point(m.reshape(*before, size)) - applied(y, f)"),
    "Krawczyk in one coordinate": (S, "k.inside(z).all(axis=(-1, -2))", "k.inside(z).any(axis=(-1, -2))"),
    "Krawczyk at the middle only": (S, "_, slopes = g.slopes(z, each)\n    f =", "_, slopes = g.slopes(point(m), each)\n    f ="),
    "periods are not looked at": (S, "if not z[0].apart(z[n // p]).any():", "if False:"),
    "stable up to 2": (S, "value.magnitude < 1 if claimed", "value.magnitude < 20 if claimed"),
    "multipliers near the claimed ones": (S, "if not around[0, 0].within(re) or", "if around[0, 0].apart(re) or"),
    "eigenvalues without radii": (M, "self.radii = up(radii + up(wide[0] + wide[1]))", "self.radii = 0 * radii"),
    "a leaf is out where one coordinate is": (A, "none = (lo > hi).any(axis=-1)", "none = (lo >= hi - 1e-2).any(axis=-1)"),
    "away where it is not": (A, "found = empty | orbit[-1].apart(x).any(axis=-1)", "found = empty | ~orbit[-1].within(x).all(axis=-1)"),
    "displaced without slopes": (A, "slopes over", "slopes over"),
    "a quotient that stops early": (A, "total = total + power\n", "total = power\n"),
    "regular with 0": (M, "return a[..., 0, 0].without_zero()", "return a[..., 0, 0].hi != 0"),
    "solved where one point is": (A, "all_in &= orbit[i].within(cycle[(j + i) % self.n]).all(axis=-1)", "all_in |= orbit[i].within(cycle[(j + i) % self.n]).all(axis=-1)"),
    "trees may end early": ("tree.py", "    if stack:\n        raise", "    if False:\n        raise"),
    "the right half is lost": ("tree.py", "            stack.append(((*lo[:symbol], m, *lo[symbol + 1 :]), hi))\n", "            stack.append((lo, (*hi[:symbol], m, *hi[symbol + 1 :])))\n"),
    "undecided leaves count as decided": (A, "complete &= bool(claimed.all())", "complete &= True"),
    "cycles may be the same": ("kinds/cycles.py", "if any(not one.apart(other).any() for other in active):", "if False:"),
    "cycles may leave the box": ("kinds/cycles.py", "if not z.within(box).all():", "if False:"),
    "a count that is not compared": ("kinds/cycles.py", "!= counts[n]:", "< 0:"),
    "fixed points without multiplicity": ("kinds/cycles.py", "sum(d * counts[d] for d in divisors)", "sum(counts[d] for d in divisors)"),
    "joints anywhere": ("kinds/branch.py", "if not (z.within(before) & z.within(after)).all():", "if False:"),
    "slabs with gaps": ("kinds/branch.py", "or not (lines.lo[1:] == lines.hi[:-1]).all()", "or False"),
    "growth that is rounded": ("kinds/growth.py", "if r.denominator * sum(v[b] for b in reached) < r.numerator * v[a]:", "if sum(v[b] for b in reached) + v[a] < v[a]:"),
    "entropy above the logarithm": ("kinds/growth.py", "<= r:\n        raise", "<= r + 1:\n        raise"),
    "covering the wrong way": ("kinds/chaos.py", "falling = range(at_most[a + 1], at_least[a])", "falling = range(at_least[a], at_most[a + 1])"),
    "marks that meet": ("kinds/chaos.py", "if any(not a.hi < b.lo for a, b in zip(found, found[1:])):", "if False:"),
    "an even period": ("kinds/chaos.py", "if n % 2 == 0:", "if False:"),
    "cells that leave sideways": ("kinds/horseshoe.py", "(f.lo[:, 1] > -1) & (f.hi[:, 1] < 1)", "(f.lo[:, 1] > -1) | (f.hi[:, 1] < 1)"),
    "both edges on one side": ("kinds/horseshoe.py", "return sorted(sides) == [-1, 1]", "return 0 not in sides"),
    "sets that meet": ("kinds/horseshoe.py", "if not (_beside(sets[a], corners[b]) or _beside(sets[b], corners[a])):", "if False:"),
    "a fixed point anywhere": ("kinds/convergence.py", "if not Interval(down(target.centre - reach), up(target.centre + reach)).within(aim).all():", "if False:"),
    "leaves may lead back": ("kinds/convergence.py", "if done < len(which):", "if False:"),
    "an image on the edge": ("kinds/trapping.py", "if not image.inside(box).all():", "if False:"),
    "left-out leaves may be met": ("kinds/trapping.py", "if out.any() and Meeting(boxes[out][:, : g.d]).any_met(image).any():", "if False:"),
    "rays without a condition at their start": ("kinds/lines.py", "open_ &= at.lo > 0 if k == 0 else at.lo >= 0", "open_ &= True"),
    "a reach that is too short": ("kinds/lines.py", "return left - Fraction(down_), right + Fraction(up_)", "return left, right"),
    "any turn is a symmetry": ("symmetries.py", "if not commutes(g.graph, g.written, states, turn):", "if False:"),
    "a flat box that is mirrored": ("symmetries.py", "if found and not (box.lo < box.hi).all():", "if False:"),
    "turns that move the box": ("symmetries.py", "if not ((image.lo == box.lo) & (image.hi == box.hi)).all():", "if False:"),
    "permutations that are none": ("symmetries.py", "!= list(range(1, g.d + 1)):", "== []:"),
    "images may be missing": ("symmetries.py", "if any(_round(turned(z, turn)) not in known for z in cycles for turn in turns):", "if False:"),
    "passed where it may be less": (A, "found |= image.lo[:, 0] > x.hi[:, 0]", "found |= image.hi[:, 0] > x.lo[:, 0]"),
    "mirrored where it is not": (A, "found |= x.hi[:, k] <= turned(x, turn).lo[:, k]", "found |= x.lo[:, k] <= turned(x, turn).hi[:, k]"),
    "an odd function that keeps its sign": ("formulas/mirrors.py", "return _minus(letter(_minus)) if _below_0(first)", "return letter(_minus) if _below_0(first)"),
    "the image is not turned": ("formulas/mirrors.py", "return after == _turned(before, turn)", "return after == before"),
    "mirrors in old files": ("kinds/cycles.py", 'if document["version"] == 1 else', "if False else"),
    "any map is odd": ("kinds/fold.py", 'return parity[root] in ("odd", "zero")', "return True"),
    "the fold without its top": ("kinds/fold.py", 'raise NotValid("it is not shown that |g(x)| stays below the top")', "pass"),
    "the folded slope with one sign": ("kinds/fold.py", "return absolute(value), _signed(slopes, up[..., None], down[..., None])", "return absolute(value), slopes"),
    "a flip with the sign of a fold": ("kinds/bifurcation.py", 'above = signs[0] * signs[1] * (1 if kind == "flip" else -1) > 0', "above = signs[0] * signs[1] < 0"),
    "a flip without its square term": ("kinds/bifurcation.py", "(dot(p, cubic) / third - dot(p, dot(dot(b, bent), q)) / half) / m", "(dot(p, cubic) / third) / m"),
    "a coefficient that may be 0": ("kinds/bifurcation.py", "if not said.without_zero():", "if False:"),
    "a rate uphill": ("kinds/edge.py", "(Fraction(-1), node)", "(Fraction(1), node)"),
    "a rate without a bound": ("kinds/edge.py", "| found.within(rate)", "| (found.lo < rate.hi)"),
    "a rate of any sign": ("kinds/edge.py", "if not (rate.lo > 0 if", "if not (rate.lo > -np.inf if"),
    "points of the edge that lie anywhere": ("kinds/edge.py", "if not point(ends).within(box).all():", "if False:"),
    "an edge of any optimizer": ("kinds/recursion.py", 'any(o.get(name) for name in ("gradient", "probe", "shared"))', "False"),
    "an edge of any update": ("kinds/recursion.py", "if not _same(graph, node, graph.mul(scale, linear)):", "if False:"),
    "steps that may go up": ("kinds/recursion.py", "if not lr > 0:", "if not lr:"),
    "squares that are not averaged": ("kinds/recursion.py", "if not 0 < beta < 1 or not _same(graph, after, average):", "if not 0 < beta < 1:"),
    "a step that is divided by nothing": ("kinds/recursion.py", "or not _same(graph, move, graph.div(whole, mark)):", "or False:"),
    "a slow gradient that moves by any factor": ("kinds/recursion.py", "if found and c * (1 - b) + a * e != b - 1:", "if False:"),
    "squares with another pace": ("kinds/recursion.py", "(1 - beta) / beta, lr)", "(1 - beta), lr)"),
    "a scale that stands still": ("kinds/edge.py", "total - square * self.threshold * moves[:, i]", "total"),
    "a scale that moves the other way": ("kinds/edge.py", "total - square * self.threshold * moves[:, i]", "total + square * self.threshold * moves[:, i]"),
    "a flow that is not scaled": ("kinds/edge.py", "* found[:, j] / sizes[:, j]", "* found[:, j]"),
    "an eigenvector of length 1": ("kinds/edge.py", "size + square * sizes[:, i]", "size + square"),
    "an edge without the scale": ("kinds/edge.py", "- self.threshold * sizes\n", "- self.threshold\n"),
    "squares that are not the gradient's": ("kinds/edge.py", "(gradient * gradient - states)", "(gradient - states)"),
    "an edge that forgets the momentum": ("kinds/recursion.py", "theta = 2 * (1 + b) /", "theta = 2 * (1 + 0 * b) /"),
    "an edge of two signs": ("kinds/recursion.py", "(a * e - c * (1 + b))\n    if", "(-a * e - c * (1 + b))\n    if"),
    "an edge that is not compared": ("kinds/edge.py", 'raise NotValid("the edge is at another curvature")', "pass"),
    "an image that leaves the interval": ("kinds/measure.py", "good[of[~image.within(interval)]] = False", "pass"),
    "steps that may expand by less": ("kinds/measure.py", "good[of[~(size >= growth)]] = False", "good[of[~(size >= 0.9 * growth)]] = False"),
    "slopes that are added": ("kinds/measure.py", "down(size[p.rows] * p.slope.mignitude)", "down(size[p.rows] + p.slope.mignitude)"),
    "a density at a point": ("kinds/measure.py", "if not interval.lo < interval.hi:", "if False:"),
    "a growth of any size": ("kinds/measure.py", "if not growth > 1:", "if False:"),
    "pieces of unbounded curvature": ("sides.py", "& _finite(curvature)", "& True"),
    "pieces without end": ("sides.py", "known[rows[chosen & ~once & ~changes.without_zero()]] = False", "pass"),
    "the other side of a border": ("sides.py", "yield -1, place.lo <= 0, place.hi < 0", "yield -1, place.hi < 0, place.hi < 0"),
    "one whole number of a floor": ("sides.py", "& (low <= value) & (value <= high), low == high", "& (low == value), low == high"),
    "what is not defined has pieces": ("sides.py", "known[rows[~self._bounded(switch[0], place)]] = False", "pass"),
    "Max and Min are exchanged": ("formulas/switches.py", '(sign > 0) == (kind == "Max")', '(sign > 0) == (kind == "Min")'),
    "|u| is u": ("formulas/switches.py", "return graph.mul(graph.const(sign), arguments[0])", "return arguments[0]"),
    "a value of its own at a border": ("formulas/apart.py", "    if not joins.meet(", "    if False and not joins.meet("),
    "sides that are exchanged": ("formulas/apart.py", "before, behind)\n\n\ndef _jumping", "behind, before)\n\n\ndef _jumping"),
    "a step that is 1 at its border": ("formulas/switches.py", "Fraction(1 + sign, 2) if kind", "Fraction(1 + abs(sign), 2) if kind"),
    "a switch that is not turned": ("formulas/switches.py", "-1 if self.place(n, -1) == place", "1 if self.place(n, -1) == place"),
    "a border that belongs to neither side": ("formulas/switches.py", 'or sign == 0 and kind == "least" else', 'or sign == 0 and kind == "less" else'),
    "what is at a border is what is behind it": ("formulas/apart.py", "for sign in (-1, 0, 1)", "for sign in (-1, 1, 1)"),
    "a whole part that is one less": ("formulas/switches.py", "self.graph.const(value)", "self.graph.const(value - 1)"),
    "a condition holds where it does not": ("formulas/switches.py", '"true" if sign < 0 or', '"true" if sign > 0 or'),
}  # fmt: skip
del BUGS["displaced without slopes"]
