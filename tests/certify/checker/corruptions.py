"""Certificates with one thing changed, so that what they claim, or the evidence for it, is wrong; the statement is made anew each time.

Nothing here is caught by a sum over the file: there is none.
"""

from collections.abc import Iterator
from typing import Any

from cfdyn.certify.checker.statement import statement
from tests.certify.checker.examples import document

Document = dict[str, Any]


def changed(name: str, *changes: tuple[tuple, Any]) -> Document:
    """A copy of an example with values put at places; a function in place of a value gets the old one; ``...`` takes it out."""
    found = document(name)
    for place, value in changes:
        inner: Any = found
        for key in place[:-1]:
            inner = inner[key]
        if value is ...:
            del inner[place[-1]]
        else:
            inner[place[-1]] = value(inner[place[-1]]) if callable(value) else value
    try:
        found["statement"] = statement(found)
    except Exception:  # a claim that cannot be worded; the checker has to say no before it words it
        pass
    return found


def moved(interval: list[str], by: float) -> list[str]:
    """An interval moved by a multiple of its width."""
    lo, hi = map(float.fromhex, interval)
    return [(end + by * (hi - lo)).hex() for end in (lo, hi)]


def scaled(interval: list[str], factor: float) -> list[str]:
    """An interval made wider or narrower around its middle."""
    lo, hi = map(float.fromhex, interval)
    middle, half = (lo + hi) / 2, (hi - lo) / 2 * factor
    return [(middle - half).hex(), (middle + half).hex()]


def nudged(end: str, factor: float) -> str:
    """A double times a factor."""
    return (float.fromhex(end) * factor).hex()


def on(action, *parameters):
    """``action`` with its parameters, of the old value."""
    return lambda old: action(old, *parameters)


LOSS, STEP, PARAMS = ("map", "loss", "formula"), ("map", "optimizer", "update", "w"), ("map", "optimizer", "params")


def of_maps() -> Iterator[tuple[str, Document]]:
    """The formula, the update or a parameter is another one."""
    for name, rates in {"cycle_logistic_unstable": ("19", "20.01", "2"), "chaos_double_well": ("1.4", "1.71", "2.1"), "horseshoe_descent": ("1", "1.6"),
                        "horseshoe_heavy_ball": ("1.5", "2.6"), "cycles-double-well-3": ("1.2", "1.75", "1.44"), "cycle_adam_3": ("0.9", "1.1"),
                        "cycle_adam_2_stable": ("0.51", "0.4"), "cycle_lessard": ("0.12", "1/8"), "convergence_double_well": ("1.2", "2.5"),
                        "convergence_heavy_ball": ("2", "3.5")}.items():  # fmt: skip
        for rate in rates:
            yield f"{name}: lr {rate}", changed(name, ((*PARAMS, "lr"), rate))
        yield f"{name}: uphill", changed(name, (STEP, lambda old: old.replace("- lr", "+ lr")))
    for name, formulas in {"cycle_logistic_unstable": ("softplus(-w) - K/N*w", "softplus(w) + K/N*w", "softplus(w)"), "chaos_double_well": ("(w**2+1)**2/4", "(w**2-1)**2/8"),
                           "cycles-double-well-3": ("(w**2 - 1)**2/2", "(w**2 + 1)**2/4"), "cycle_lessard": ("25*w**2/2",), "cycle_adam_3": ("w**2", "w**4/4"),
                           "horseshoe_descent": ("(x**2-1)**2/4+y**2/2", "(x**2-1)**2/4-y**2/2+x*y/5")}.items():  # fmt: skip
        for formula in formulas:
            yield f"{name}: loss {formula}", changed(name, (LOSS, formula))
    for name, values in {"cycle_henon": {"a": "1.5", "b": "-0.3"}, "chaos_logistic_3.9": {"r": "3.7"}, "horseshoe_henon": {"a": "1.1", "b": "0.31"},
                         "cycles-logistic-4": {"r": "3.3"}, "trapping_henon": {"a": "1.8"}}.items():  # fmt: skip
        for parameter, value in values.items():
            yield f"{name}: {parameter} {value}", changed(name, (("map", "params", parameter), value))
    for name, hi in {"no_cycles-double-well-3": "1.6", "no_cycles-logistic-regression-3": "19", "no_cycles-poisson-all-above-1": "2.1", "cycle_varied": "1.2",
                     "convergence_double_well_rates": "1.9", "branch_double_well": "1.3", "chaos_logistic_regression": "25"}.items():  # fmt: skip
        lo = document(name)["vary"]["lr"][0]
        yield f"{name}: lr to {hi}", changed(name, (("vary", "lr"), [lo, hi]), ((*PARAMS, "lr"), [lo, hi]))
        yield f"{name}: lr to {hi} in vary alone", changed(name, (("vary", "lr"), [lo, hi]))
        yield f"{name}: lr does not vary", changed(name, (("vary",), {}))
    yield "log cosh is no odd map any more", changed("no_cycles-log-cosh-all-above-2", (LOSS, "logcosh(w) + w/100"))
    yield "log cosh is hardly odd any more", changed("no_cycles-log-cosh-all-above-2", (LOSS, "logcosh(w) + w/1000000000"))
    yield "log cosh is another loss", changed("no_cycles-log-cosh-all-above-2", (LOSS, "(w**2 - 1)**2/4"))
    yield "heavy ball without momentum", changed("cycle_lessard", ((*PARAMS, "momentum"), "0"))
    yield "heavy ball that defines another velocity", changed("cycle_lessard", (("map", "optimizer", "define", "next"), "momentum*v - g"))
    yield "adam with another average", changed("cycle_adam_3", (("map", "optimizer", "define", "v1"), "beta2*v + (1 + beta2)*g**2"))
    yield "adam with eps outside", changed("cycle_adam_2_stable", (STEP, "w - lr*m1/(sqrt(v1) + 1000*eps)"))
    yield "a clipped gradient", changed("cycle_logistic_unstable", (("map", "optimizer", "gradient"), "g/sqrt(Max(1, 100*gg))"))
    yield "another valley", changed("cycle_lessard", (LOSS, lambda old: old.replace("24*w + 36", "25*w + 36")))


def of_periods() -> Iterator[tuple[str, Document]]:
    """Periods, counts, stability."""
    for name in ("cycle_logistic_unstable", "cycle_adam_3", "cycle_henon", "cycle_lessard", "cycle_varied", "branch_double_well", "cycles-double-well-3", "chaos_double_well"):
        n = document(name)["claim"]["period"]
        for other in sorted({n - 1, n + 1, 2 * n}):
            yield f"{name}: period {other}", changed(name, (("claim", "period"), other))
    for name in ("cycle_logistic_unstable", "cycle_adam_3", "cycle_henon", "cycle_lessard", "cycle_varied", "branch_double_well"):
        yield f"{name}: stability turned", changed(name, (("claim", "stable"), lambda old: not old))
    for name in ("cycle_logistic_unstable", "cycle_varied", "cycle_henon"):
        z = document(name)["claim"]["points"]
        yield f"{name}: twice around", changed(name, (("claim", "period"), 2 * len(z)), (("claim", "points"), z + z), (("claim", "multipliers"), None))
    for name in ("cycles-double-well-3", "cycles-logistic-4"):
        for key, by in (("count", 1), ("count", -1), ("fixed points", 1), ("fixed points", -1), ("fixed points", 12)):
            yield f"{name}: {key} {by:+d}", changed(name, (("claim", key), lambda old, by=by: old + by))
    yield "no cycles of other periods", changed("no_cycles-double-well-3", (("claim", "period"), 2))
    yield "no cycles above 1 where there is a 2-cycle", changed("no_cycles-double-well-3", (("claim", "period"), "all above 1"))
    yield "no 2-cycles of log cosh", changed("no_cycles-log-cosh-all-above-2", (("claim", "period"), "all above 1"))
    yield "odd period 1", changed("chaos_double_well", (("claim", "period"), 1), (("claim", "points"), lambda z: z[:1]))
    yield "a region that is whole", changed("trapping_henon", (("claim", "whole"), True))
    yield "a box that is not whole", changed("trapping_double_well", (("claim", "whole"), False))


def of_points() -> Iterator[tuple[str, Document]]:
    """Boxes moved by more than their width, taken out, exchanged, too wide or too narrow; multipliers beside the true ones."""
    for name in ("cycle_logistic_unstable", "cycle_adam_3", "cycle_henon", "cycle_lessard", "cycle_varied", "chaos_double_well", "chaos_logistic_3.9"):
        z = document(name)["claim"]["points"]
        for i in range(len(z)):
            yield f"{name}: box {i} moved", changed(name, (("claim", "points", i, 0), on(moved, 1.5)))
        yield f"{name}: a box taken out", changed(name, (("claim", "points"), z[1:]))
        yield f"{name}: boxes with no width", changed(name, (("claim", "points", 0, 0), on(scaled, 0)))
        if len(z) > 2:
            yield f"{name}: the other way round", changed(name, (("claim", "points"), z[::-1]))
    for name in ("cycle_logistic_unstable", "cycle_adam_3", "cycle_henon", "cycle_varied"):
        for i in range(len(document(name)["claim"]["multipliers"])):
            yield f"{name}: multiplier {i} moved", changed(name, (("claim", "multipliers", i, 0), on(moved, 1.5)))
            yield f"{name}: multiplier {i} with the other sign", changed(
                name, (("claim", "multipliers", i, 0), lambda old: [nudged(old[1], -1), nudged(old[0], -1)]))
            yield f"{name}: multiplier {i} too sharp", changed(name, (("claim", "multipliers", i, 0), on(scaled, 1e-7)))
    yield "a multiplier less", changed("cycle_adam_3", (("claim", "multipliers"), lambda old: old[1:]))
    yield "a multiplier twice", changed("cycle_adam_3", (("claim", "multipliers"), lambda old: [old[0], old[0], old[2]]))
    for place in (("first",), ("last",)):
        yield f"branch: {place[0]} boxes moved", changed("branch_double_well", (("claim", *place, 0, 0), on(moved, 1.5)))


def of_ledgers() -> Iterator[tuple[str, Document]]:
    """Cycles left out, invented, moved; trees cut, with gaps, with letters that say too much."""
    for name in ("cycles-double-well-3", "cycles-logistic-4"):
        claim, evidence = document(name)["claim"], document(name)["evidence"]["ledgers"]
        n, place = claim["period"], ("evidence", "ledgers", str(claim["period"]), "proven")
        cycles = evidence[str(n)]["proven"]
        for label, others in {
            "a cycle left out": cycles[1:], "a cycle twice": [*cycles, cycles[0]], "a cycle from its next point": [*cycles, [*cycles[0][1:], cycles[0][0]]],
            "a fixed point counted as a cycle": [*cycles, evidence["1"]["proven"][0] * n],
        }.items():  # fmt: skip
            more = len(others) - len(cycles)
            yield f"{name}: {label}", changed(
                name, (place, others), (("claim", "count"), claim["count"] + more), (("claim", "fixed points"), claim["fixed points"] + n * more))
        yield f"{name}: a cycle moved", changed(name, ((*place, 0, 0, 0), on(moved, 1.5)))
        for d in document(name)["evidence"]["ledgers"]:
            tree = ("evidence", "ledgers", d, "tree")
            yield f"{name}: undecided in the ledger of {d}", changed(name, (tree, lambda old: old[:-1] + "?"))
            yield f"{name}: the tree of {d} ends early", changed(name, (tree, lambda old: old[:-1]))
            yield f"{name}: the tree of {d} goes on", changed(name, (tree, lambda old: old + "a"))
            yield f"{name}: a ledger of {d} taken out", changed(name, (("evidence", "ledgers", d), ...))
    yield "a cycle that leaves the box", changed(
        "cycles-logistic-4", (("claim", "box", 0), ["-0x1.0p+0", "0x1.0p-1"]), (("claim", "complete"), False), (("claim", "fixed points"), None),
        (("evidence", "ledgers", "4", "tree"), "?"), (("evidence", "ledgers", "1"), ...), (("evidence", "ledgers", "2"), ...))
    line = "cycles-double-well-3"
    yield "a smaller inside", changed(line, (("evidence", "inside", 0), ["-0x1.2p+0", "0x1.2p+0"]))
    yield "a smaller radius", changed(line, (("evidence", "inside", 0), ["-0x1.2p+0", "0x1.2p+0"]), (("evidence", "outside", "radius"), "0x1.2p+0"))
    yield "the other growth", changed(line, (("evidence", "outside", "left"), "same"))
    yield "a larger box", changed("cycles-logistic-4", (("claim", "box"), [["-inf", "inf"]]))
    yield "a box with more in it", changed("no_cycles-double-well-3", (("claim", "box", 0), [(-2.0).hex(), (1e3).hex()]), (("vary", "lr", 1), "1.46"), ((*PARAMS, "lr", 1), "1.46"))
    for name in ("no_cycles-double-well-3", "no_cycles-logistic-regression-3", "no_cycles-poisson-all-above-1"):
        for label, change in (("ends early", lambda t: t[:-1]), ("goes on", lambda t: t + "a"), ("has a solved leaf", lambda t: t[:-1] + "s"), ("has an undecided leaf", lambda t: t[:-1] + "?"),
                              ("bisects what is not there", lambda t: "2" + t + t), ("lost a bisection", lambda t: t[1:]), ("is empty", lambda t: "")):  # fmt: skip
            yield f"{name}: its tree {label}", changed(name, (("evidence", "tree"), change))
    for place, value in ((("inside", 0), ["-0x1.bb7d1733621a3p+0", "0x1.1a6d261493b6ep+3"]), (("inside", 0), ["-0x1.bb7d1733621a3p+1", "0x1.1a6d261493b6ep+2"]),
                         (("outside", "up"), "0x1.01c8f5c28f5c5p+2"), (("outside", "down"), "0x1.01c8f5c28f5c8p+1"), (("outside", "left"), "0x1.66p-1"),
                         (("outside", "right"), "0x1.3a09e667f3bcdp-1"), (("outside", "down"), None)):  # fmt: skip
        yield f"bounded steps: {place} {value}", changed("no_cycles-logistic-regression-3", (("evidence", *place), value))
    yield "poisson: inside too small", changed("no_cycles-poisson-all-above-1", (("evidence", "inside", 0), ["-0x1.0p+0", "0x1.0703ccccccccfp+1"]))
    yield "poisson: steps down are bounded too", changed("no_cycles-poisson-all-above-1", (("evidence", "outside", "down"), "0x1.0p+3"))
    fold = "no_cycles-log-cosh-all-above-2"
    for place, value in ((("right",), "0x1.0p+1"), (("top",), "0x1.2p+2"), (("tree",), lambda t: t[:-1])):
        yield f"fold: {place[0]}", changed(fold, (("evidence", "fold", *place), value))
    yield "fold: learning rates up to 20", changed(fold, (("vary", "lr", 1), "20"), ((*PARAMS, "lr", 1), "20"))


def of_branches() -> Iterator[tuple[str, Document]]:
    """Slabs and joints."""
    name, count = "branch_double_well", len(document("branch_double_well")["evidence"]["slabs"])
    for i in (0, 5, count - 1):
        yield f"slab {i} moved", changed(name, (("evidence", "slabs", i, "points", 0, 0), on(moved, 1.5)))
        yield f"slab {i} left out", changed(name, (("evidence", "slabs", i), ...), (("claim", "slabs"), count - 1), (("evidence", "joints", min(i, count - 2)), ...))
    for i in (0, 7):
        yield f"joint {i} moved", changed(name, (("evidence", "joints", i, "points", 0, 0), on(moved, 1.5)))
        yield f"joint {i} at another value", changed(name, (("evidence", "joints", i, "at"), on(nudged, 1.0001)))
        yield f"joint {i} wide", changed(name, (("evidence", "joints", i, "points", 0, 0), on(scaled, 1e7)))
    yield "a joint on the other branch", changed(name, (("evidence", "joints", 4, "points"), lambda z: [[[nudged(x[1], -1), nudged(x[0], -1)] for x in one] for one in z]))
    yield "slabs with a gap behind a joint", changed(name, (("evidence", "slabs", 4, "vary", 0), on(nudged, 1.0005)))
    yield "a slab with a gap", changed(name, (("evidence", "slabs", 3, "vary", 1), on(nudged, 0.9999)))
    yield "slabs that begin late", changed(name, (("evidence", "slabs", 0, "vary", 0), on(nudged, 1.001)))
    yield "slabs that end early", changed(name, (("evidence", "slabs", count - 1, "vary", 1), on(nudged, 0.999)))
    yield "no joints", changed(name, (("evidence", "joints"), []))
    yield "fewer slabs claimed", changed(name, (("claim", "slabs"), count - 1))


def of_covering() -> Iterator[tuple[str, Document]]:
    """Growth, vectors, transitions, parallelograms, marks."""
    for name in ("chaos_double_well", "chaos_logistic_3.9", "chaos_logistic_regression", "horseshoe_descent", "horseshoe_heavy_ball", "horseshoe_henon"):
        yield f"{name}: more growth", changed(name, (("claim", "growth"), lambda old: str(float(old) + 0.001)))
        yield f"{name}: more entropy", changed(name, (("claim", "entropy"), lambda old: str(float(old) + 0.001)))
        yield f"{name}: growth 1", changed(name, (("claim", "growth"), "1"), (("claim", "entropy"), "0"))
        yield f"{name}: a vector of zeros", changed(name, (("evidence", "vector"), lambda old: [0] * len(old)))
        yield f"{name}: a vector of ones", changed(name, (("evidence", "vector"), lambda old: [1] * len(old)))
        yield f"{name}: a negative entry", changed(name, (("evidence", "vector", 0), -1))
        yield f"{name}: a short vector", changed(name, (("evidence", "vector"), lambda old: old[:-1]))
    for name in ("chaos_double_well", "chaos_logistic_3.9"):
        yield f"{name}: a cycle left out", changed(name, (("evidence", "cycles"), lambda old: old[1:]))
        yield f"{name}: a cycle moved", changed(name, (("evidence", "cycles", 0, 0, 0), on(moved, 1.5)))
        yield f"{name}: a smaller interval", changed(name, (("claim", "interval"), on(scaled, 0.5)))
        yield f"{name}: a number moved", changed(name, (("evidence", "numbers", 0), on(nudged, 1.2)))
        yield f"{name}: no continuity", changed(name, (("evidence", "continuous"), ""))
    for name in ("horseshoe_descent", "horseshoe_heavy_ball", "horseshoe_henon"):
        sets = len(document(name)["evidence"]["sets"])
        yield f"{name}: a set moved", changed(name, (("evidence", "sets", 0, "centre", 0), lambda old: (float.fromhex(old) + 0.3).hex()))
        yield f"{name}: sets that meet", changed(name, (("evidence", "sets", 1), document(name)["evidence"]["sets"][0]))
        yield f"{name}: a flat set", changed(name, (("evidence", "sets", 0, "columns", 1), ["0x0.0p+0", "0x0.0p+0"]))
        yield f"{name}: columns exchanged", changed(name, (("evidence", "sets", 0, "columns"), lambda old: old[::-1]))
        yield f"{name}: one cut", changed(name, (("evidence", "cuts"), lambda old: [[1, 1]] * len(old)))
        missing = next([i, j] for i in range(sets) for j in range(sets) if [i, j] not in document(name)["claim"]["transitions"])
        yield f"{name}: one transition more", changed(name, (("claim", "transitions"), lambda old, m=missing: [*old, m]), (("evidence", "cuts"), lambda old: [*old, [64, 8]]))
        yield f"{name}: a transition twice", changed(name, (("claim", "transitions"), lambda old: [*old, old[0]]), (("evidence", "cuts"), lambda old: [*old, old[0]]))
        yield f"{name}: a set that is not there", changed(name, (("claim", "transitions", 0, 1), sets))
    for name in ("chaos_double_well",):
        evidence = document(name)["evidence"]
        four = next(z for z in evidence["cycles"] if len(z) == 4)
        yield f"{name}: an even period", changed(
            name, (("claim", "period"), 4), (("claim", "points"), four), (("claim", "growth"), None), (("claim", "entropy"), None), (("evidence", "vector"), []))
        number, points = float.fromhex(evidence["numbers"][0]), document(name)["claim"]["points"]
        place = sum(float.fromhex(box[0][0]) < number for z in [points, *evidence["cycles"]] for box in z) + sum(float.fromhex(x) < number for x in evidence["numbers"])
        yield f"{name}: a mark twice", changed(
            name, (("evidence", "numbers"), lambda old: [old[0], *old]), (("evidence", "vector"), lambda old, k=place: [*old[:k], 0, *old[k:]]))
    for name in ("horseshoe_heavy_ball", "horseshoe_henon"):
        yield f"{name}: a set that counts twice", _doubled(name)
    yield "descent: a transition taken out", changed("horseshoe_heavy_ball", (("claim", "transitions"), lambda old: old[1:]), (("evidence", "cuts"), lambda old: old[1:]))


def _doubled(name: str) -> Document:
    """The set 0 once more as a set of its own, with all transitions from it and to it."""
    evidence, pairs = document(name)["evidence"], document(name)["claim"]["transitions"]
    more, cuts, new = [], [], len(evidence["sets"])
    for (i, j), cut in zip(pairs, evidence["cuts"]):
        others = {(new if i == 0 and a else i, new if j == 0 and b else j) for a in (0, 1) for b in (0, 1)} - {(i, j)}
        more += [list(pair) for pair in sorted(others)]
        cuts += [cut] * len(others)
    return changed(name, (("claim", "transitions"), pairs + more), (("evidence", "cuts"), evidence["cuts"] + cuts),
                   (("evidence", "sets"), [*evidence["sets"], evidence["sets"][0]]), (("evidence", "vector"), [*evidence["vector"], evidence["vector"][0]]))  # fmt: skip


def of_regions() -> Iterator[tuple[str, Document]]:
    """Trapping regions, ellipsoids and trees that lead into them."""
    yield "a larger trap", changed("trapping_double_well", (("claim", "box", 0), on(scaled, 3.0)))
    yield "a smaller trap", changed("trapping_double_well", (("claim", "box", 0), on(scaled, 0.3)))
    yield "a trap that is all inside", changed("trapping_henon", (("evidence", "tree"), lambda t: t.replace("x", "i")), (("claim", "whole"), True))
    yield "a trap without an inside", changed("trapping_henon", (("evidence", "tree"), lambda t: t.replace("i", "x")))
    yield "a leaf more in the trap", changed("trapping_henon", (("evidence", "tree"), lambda t: t.replace("x", "i", 1)))
    yield "a leaf less in the trap", changed("trapping_henon", (("evidence", "tree"), lambda t: t.replace("i", "x", 1)))
    yield "other bisections in the trap", changed("trapping_henon", (("evidence", "tree"), lambda t: t.replace("01", "10")))
    for name in ("convergence_double_well", "convergence_heavy_ball", "convergence_double_well_rates"):
        yield f"{name}: starts from afar", changed(name, (("claim", "box", 0), on(scaled, 3.0)))
        yield f"{name}: another point", changed(name, (("claim", "point", 0), on(moved, 1.5)))
        yield f"{name}: another centre", changed(name, (("evidence", "centre", 0), on(nudged, 0.7)))
        yield f"{name}: a large ellipsoid", changed(name, (("evidence", "columns"), lambda old: [[nudged(x, 30) for x in c] for c in old]))
        yield f"{name}: a flat ellipsoid", changed(name, (("evidence", "columns"), lambda old: [["0x0.0p+0"] * len(c) for c in old]))
        yield f"{name}: no steps", changed(name, (("evidence", "steps"), 0))
        yield f"{name}: all go on", changed(name, (("evidence", "tree"), lambda t: t.replace("i", "g")))
        yield f"{name}: the tree ends early", changed(name, (("evidence", "tree"), lambda t: t[:-1]))
    yield "convergence to the wrong minimum", changed("convergence_double_well", (("claim", "point", 0), lambda old: [nudged(old[1], -1), nudged(old[0], -1)]))


def of_bifurcations() -> Iterator[tuple[str, Document]]:
    """Types, signs, sides, vectors."""
    for name in ("bifurcation_flip_double_well", "bifurcation_fold_logistic", "bifurcation_delayed"):
        claim = document(name)["claim"]
        others = {"fold", "flip", "neimark-sacker"} - {claim["type"]}
        for other in sorted(others):
            yield f"{name}: a {other}", changed(name, (("claim", "type"), other), (("claim", "supercritical"), True))
        yield f"{name}: the other side", changed(name, (("claim", "side"), {"above": "below", "below": "above"}[claim["side"]]))
        yield f"{name}: another period", changed(name, (("claim", "period"), claim["period"] + 1))
        for key in ("coefficient", "crossing"):
            yield f"{name}: {key} moved", changed(name, (("claim", key), on(moved, 1.5)))
            yield f"{name}: {key} with the other sign", changed(name, (("claim", key), lambda old: [nudged(old[1], -1), nudged(old[0], -1)]))
            yield f"{name}: {key} that may be 0", changed(name, (("claim", key), ["-0x1.0p+9", "0x1.0p+9"]))
        yield f"{name}: points moved", changed(name, (("claim", "points", 0, 0), on(moved, 1.5)))
        yield f"{name}: vectors moved", changed(name, (("evidence", "vectors", 0, 0, 0), on(moved, 1.5)))
        yield f"{name}: another normal", changed(name, (("evidence", "normal", 0), on(nudged, 1.5)))
        yield f"{name}: the parameter moved", changed(
            name, (("evidence", "parameter"), on(moved, 1.5)), (("vary", claim["parameter"]), lambda old: [str(float(x) + 1e-9) for x in old]))
        yield f"{name}: criticality turned", changed(name, (("claim", "supercritical"), not claim.get("supercritical", False)))
    yield "bifurcation: another rotation", changed("bifurcation_delayed", (("evidence", "rotation", 0), on(moved, 1.5)))
    yield "bifurcation: another loss", changed("bifurcation_flip_double_well", (LOSS, "a*(w**2 - 1)**2/4 + w**3/100"))


def of_edges() -> Iterator[tuple[str, Document]]:
    """Where λ = 2/lr, and which way it goes."""
    name = "edge_river"
    yield "edge: left, not entered", changed(name, (("claim", "enters"), False))
    yield "edge: the rate turned", changed(name, (("claim", "enters"), False), (("claim", "rate"), lambda old: [nudged(old[1], -1), nudged(old[0], -1)]))
    yield "edge: a narrower rate", changed(name, (("claim", "rate"), on(scaled, 0.1)))
    yield "edge: a larger box", changed(name, (("claim", "box"), lambda old: [scaled(side, 20.0) for side in old]))
    yield "edge: a box beyond it", changed(name, (("claim", "box", 1), on(moved, 3.0)))
    yield "edge: both points below", changed(name, (("evidence", "above"), document(name)["evidence"]["below"]))
    yield "edge: points changed about", changed(name, (("evidence", "above"), document(name)["evidence"]["below"]), (("evidence", "below"), document(name)["evidence"]["above"]))
    yield "edge: a point outside", changed(name, (("evidence", "above", 1), on(nudged, 3.0)))
    yield "edge: another rate of learning", changed(name, ((*PARAMS, "lr"), "1.5"))
    yield "edge: a rate of either sign", changed(name, (("claim", "rate"), lambda old: [nudged(old[1], -1), old[1]]))
    yield "edge: twice the step for half the lr", changed(name, (STEP, "w - 2*lr*g"), ((*PARAMS, "lr"), "0.5"))
    yield "edge: up the negative", changed(name, (LOSS, "-(x**2*(1 + y)/2 + exp(-y))"), ((*PARAMS, "lr"), "-1"))
    yield "edge: lr below 0", changed(name, ((*PARAMS, "lr"), "-1"))
    yield "edge: another optimizer", changed(name, (STEP, "w - lr*g/2"))
    yield "edge: a clipped gradient", changed(name, (("map", "optimizer", "gradient"), "g/sqrt(Max(1, gg))"))
    yield "edge: a second eigenvalue at it", changed(name, (LOSS, "x**2*(1 + y)/2 + exp(-y) + y**2"))
    yield "edge: uphill", changed(name, (LOSS, "x**2*(1 + y)/2 + exp(y)/3"))
    yield "edge: a step with a jump", changed(name, (STEP, "w - lr*g + floor(g)"))
    yield "edge: a threshold of its own", changed(name, (("claim", "threshold"), "2.1"))
    momentum = "edge_heavy_ball"
    yield "edge: another momentum", changed(momentum, ((*PARAMS, "momentum"), "0.6"))
    yield "edge: another momentum with its threshold", changed(momentum, ((*PARAMS, "momentum"), "0.9"), (("claim", "threshold"), "3.8"))
    yield "edge: momentum, another threshold", changed(momentum, (("claim", "threshold"), "2.9"))
    yield "edge: momentum, no threshold", changed(momentum, (("claim", "threshold"), ...))
    yield "edge: momentum that is not damped", changed(momentum, ((*PARAMS, "momentum"), "1"), (("claim", "threshold"), "4"))
    yield "edge: momentum that varies", changed(momentum, ((*PARAMS, "momentum"), ["0.5", "0.51"]), (("vary", "momentum"), ["0.5", "0.51"]))
    yield "edge: the velocity turned", changed(momentum, (("map", "optimizer", "define", "next"), "momentum*v - g"))
    yield "edge: Nesterov's step", changed(momentum, (STEP, "w - lr*(g + momentum*next)"))
    yield "edge: momentum with a clipped step", changed(momentum, (STEP, "w - lr*Min(next, 10)"))
    yield "edge: momentum, left", changed(momentum, (("claim", "enters"), False), (("claim", "rate"), lambda old: [nudged(old[1], -1), nudged(old[0], -1)]))
    scaled_by, squares, scale = "edge_rmsprop", ("map", "optimizer", "define", "nu1"), ("claim", "scale")
    yield "edge: another eps in the step", changed(scaled_by, (STEP, "w - lr*g/(sqrt(nu1) + 2*eps)"))
    yield "edge: another scale", changed(scaled_by, (scale, "sqrt(nu) + 2*eps"))
    yield "edge: a scale that is no root", changed(scaled_by, (scale, "nu + eps"))
    yield "edge: no scale", changed(scaled_by, (scale, ...), (("claim", "box"), lambda old: old[:2]))
    yield "edge: a scale of plain descent", changed(name, (scale, "1"), (("claim", "box"), lambda old: [*old, *old]))
    yield "edge: the old squares", changed(scaled_by, (STEP, "w - lr*g/(sqrt(nu) + eps)"))
    yield "edge: twice the step of squares", changed(scaled_by, (STEP, "w - 2*lr*g/(sqrt(nu1) + eps)"))
    yield "edge: twice the step, half the lr and threshold", changed(scaled_by, (STEP, "w - 2*lr*g/(sqrt(nu1) + eps)"), ((*PARAMS, "lr"), "0.25"), (("claim", "threshold"), "1"))
    yield "edge: the scale squared", changed(scaled_by, (STEP, "w - lr*g/(sqrt(nu1) + eps)**2"))
    yield "edge: a gradient beside the scale", changed(scaled_by, (STEP, "w - lr*g/(sqrt(nu1) + eps) - lr*g"))
    yield "edge: squares beside the scale", changed(scaled_by, (STEP, "w - lr*g/(sqrt(nu1) + eps) - lr*nu"))
    yield "edge: next squares beside the scale", changed(scaled_by, (STEP, "w - lr*g*nu1/(sqrt(nu1) + eps)"))
    yield "edge: squares that are not averaged", changed(scaled_by, (squares, "beta2*nu + g**2"))
    yield "edge: fourth powers", changed(scaled_by, (squares, "beta2*nu + (1 - beta2)*g**4"))
    yield "edge: squares without memory", changed(scaled_by, ((*PARAMS, "beta2"), "0"))
    yield "edge: squares with less memory", changed(scaled_by, ((*PARAMS, "beta2"), "0.1"))
    yield "edge: a memory that varies", changed(scaled_by, ((*PARAMS, "beta2"), ["0.9", "0.91"]), (("vary", "beta2"), ["0.9", "0.91"]))
    yield "edge: squares below 0", changed(scaled_by, (("claim", "box", 2), lambda old: [(-0.01).hex(), old[1]]))
    yield "edge: squares twice as large", changed(scaled_by, (("claim", "box", 2), on(moved, 1.5)), (("evidence", "above", 2), on(nudged, 0.1)))
    yield "edge: without the squares", changed(scaled_by, (("claim", "box"), lambda old: old[:2]), (("evidence", "above"), lambda old: old[:2]), (("evidence", "below"), lambda old: old[:2]))
    yield "edge: of squares, left", changed(scaled_by, (("claim", "enters"), False), (("claim", "rate"), lambda old: [nudged(old[1], -1), nudged(old[0], -1)]))
    yield "edge: of squares, a narrower rate", changed(scaled_by, (("claim", "rate"), on(scaled, 0.1)))
    yield "edge: of squares, another threshold", changed(scaled_by, (("claim", "threshold"), "2.2"))
    yield "edge: of squares, another rate of learning", changed(scaled_by, ((*PARAMS, "lr"), "5"))
    adam = "edge_adam"
    yield "edge: Adam, another momentum", changed(adam, ((*PARAMS, "beta1"), "0.6"))
    yield "edge: Adam without its threshold", changed(adam, (("claim", "threshold"), ...))
    yield "edge: Adam with the old average", changed(adam, (("map", "optimizer", "define", "mhat"), "m/(1 - beta1*decay1)"))
    yield "edge: Adam with sums", changed(adam, (("map", "optimizer", "define", "m1"), "beta1*m + g"), (("claim", "threshold"), "3"))
    yield "edge: Adam with squares in its average", changed(adam, (("map", "optimizer", "define", "m1"), "beta1*m + (1 - beta1)*g + v/1000"))
    yield "edge: the tree ends early", changed(name, (("evidence", "tree"), lambda t: t[:-1]))


def of_measures() -> Iterator[tuple[str, Document]]:
    """Expansion, pieces, the interval."""
    for name in ("measure_kink", "measure_bent", "measure_remainder"):
        yield f"{name}: more growth", changed(name, (("claim", "growth"), lambda old: str(float(old) + 0.01)))
        yield f"{name}: growth 1", changed(name, (("claim", "growth"), "1"))
        yield f"{name}: a smaller interval", changed(name, (("claim", "interval"), on(scaled, 0.8)))
        yield f"{name}: an interval moved", changed(name, (("claim", "interval"), on(moved, 0.5)))
        yield f"{name}: no steps", changed(name, (("claim", "steps"), 0))
        yield f"{name}: no tree", changed(name, (("evidence", "tree"), ""))
        yield f"{name}: the tree ends early", changed(name, (("evidence", "tree"), lambda t: t[:-1]))
    yield "measure: one step", changed("measure_bent", (("claim", "steps"), 1))
    yield "measure: four steps", changed("measure_bent", (("claim", "steps"), 4))
    yield "measure: a growth that one step less would have to have", changed("measure_kink", (("claim", "steps"), 1), (("claim", "growth"), "1.02"))
    yield "measure: a larger interval", changed("measure_kink", (("claim", "interval"), on(scaled, 1.2)))
    yield "measure: an interval that is a point", changed("measure_remainder", (("claim", "interval"), [(0.0).hex()] * 2), (("evidence", "tree"), "e"))
    for lo, hi in (("1.99", "2.99"), ("2.01", "3.01")):
        yield f"measure: lr from {lo} to {hi}", changed("measure_kink", (("vary", "lr"), [lo, hi]), ((*PARAMS, "lr"), [lo, hi]))
    for formula in ("(Abs(w) - 1)**2/4", "(sqrt(w**2 + 1/1000) - 1)**2/2", "(Abs(w) - 2)**2/2", "(w**2 - 1)**2/8", "log(Abs(w)) + w**2/2"):
        yield f"measure: the loss {formula}", changed("measure_kink", (LOSS, formula))
    for formula in ("frac(b*x)*(1 + sqrt(frac(x)))/2", "frac(b*x**2)", "frac(x/b)", "sin(b*x)", "Piecewise((frac(b*x), (x - 1/2)**2 > 0), (x, True))", "1 + frac(b*x)",
                    "Piecewise((frac(b*x), (x - 1/2)**2 > 0), (b*x - 1/2, True))", "Piecewise((frac(b*x), log(x - 2) < 5), (frac(b*x) + 1/100, True))"):  # fmt: skip
        yield f"measure: the map {formula}", changed("measure_remainder", (("map", "formulas", 0), formula))
    interval = [(0.0).hex(), (1.1).hex()]  # at 0 the curvature of x√x is not bounded
    yield "measure: an end without curvature", changed("measure_remainder", (("map", "formulas", 0), "1/20 + 9/10*frac(b*x) + x**(3/2)/10"), (("claim", "interval"), interval),
                                                       (("claim", "growth"), "1.4"))  # fmt: skip
    for formula in ("Piecewise((3*w**2/8, w < 0), (7*w**2/4, True)) - w/100", "Piecewise((w**2/5, w < 0), (7*w**2/4 + w**(5/2), True)) - w/100",
                    "Piecewise((w**2/5, w < 0), (w**2/2, True)) - w/100"):  # fmt: skip
        yield f"measure: the loss {formula}", changed("measure_bent", (LOSS, formula))


def all_corruptions() -> list[tuple[str, Document]]:
    """Each with its name."""
    from tests.certify.checker.mirrors import of_halves, of_symmetries  # which are made of what stands here

    parts = (of_maps, of_periods, of_points, of_ledgers, of_branches, of_covering, of_regions, of_bifurcations, of_edges, of_measures,
             of_symmetries, of_halves)
    return [one for part in parts for one in part()]
