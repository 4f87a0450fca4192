"""A. N. Sharkovskii, *Co-existence of cycles of a continuous map of the line into itself*, Ukrain. Mat. Zh. 16 (1964) 61–71.

In the order 3, 5, 7, …, 2·3, 2·5, …, 4·3, 4·5, …, 8, 4, 2, 1 a continuous map of the line that has a cycle of one period has
cycles of all periods that come later. Period three thus stands for all; a period that is no power of two stands for
infinitely many.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least

CLAIMS = Claims(__name__, __doc__, read="from memory")
LOGISTIC = "r*x*(1-x)"


def _rank(n):
    """The place of n in Sharkovskii's order, as a key: smaller means that it stands for more."""
    twos = (n & -n).bit_length() - 1
    odd = n >> twos
    return (1, -twos, 0) if odd == 1 else (0, twos, odd)


def _periods(step, box, most=12):
    return [n for n in range(1, most + 1) if len(cf.analysis.cycles(step, n, [box]))]


def _logistic(r):
    return cf.Map.from_text(LOGISTIC, params={"r": r})


def _at(r):
    return ", ".join(map(str, _periods(_logistic(r), (0.0, 1.0))))


@CLAIMS.add(
    "theorem", {"at_five": "1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12", "at_seven": "1, 2, 4, 6, 7, 8, 9, 10, 11, 12"},
    Control("r = 3.84 in place of 3.7389, inside the window of period 3", changes={"five": 3.84}), figure="five",
    domain="x → r x(1 − x) on [0, 1], r = 3.7389 and 3.7017; periods 1 to 12",
    perturbations=(Control("r = 3.7 in place of 3.7017", changes={"seven": 3.7}),),
)  # fmt: skip
def five_without_three(five=3.7389, seven=3.7017):
    """The logistic map has at r = 3.7389 a 5-cycle, cycles of each period up to 12 but 3, and no 3-cycle; at r = 3.7017 a
    7-cycle, all but 3 and 5, and neither of these: as the theorem demands and no more.

    All cycles of the periods 1 to 12 in the first windows of period 5 and of period 7.
    """
    return {"at_five": _at(five), "at_seven": _at(seven)}


def _first(n):
    """Where period n first appears in the logistic map: 1 and powers of two by flips, others by a fold, to 10⁻⁴."""
    low, high = 2.5, 4.0
    for _ in range(18):
        middle = (low + high) / 2
        there = len(cf.analysis.cycles(_logistic(middle), n, [(0.0, 1.0)])) > 0
        low, high = (low, middle) if there else (middle, high)
    return high


@CLAIMS.add(
    "theorem, in a family", {"order": "2, 4, 8, 12, 10, 6, 9, 7, 5, 3"},
    Control("the order of size", expected={"order": "2, 3, 4, 5, 6, 7, 8, 9, 10, 12"}),
    domain="x → r x(1 − x) on [0, 1], 2.5 < r < 4; periods up to 10, and 12",
    perturbations=(Control("powers of two in falling order", expected={"order": "8, 4, 2, 12, 10, 6, 9, 7, 5, 3"}),
                   Control("8 before 12 only, with 4 and 2 after", expected={"order": "8, 12, 4, 2, 10, 6, 9, 7, 5, 3"})),
)  # fmt: skip
def periods_appear_in_this_order(periods=(2, 3, 4, 5, 6, 7, 8, 9, 10, 12)):
    """As r grows, the periods 2 to 10 and 12 appear in the logistic map in Sharkovskii's order, from its end: 2, 4, 8, 12, 10,
    6, 9, 7, 5, 3.

    For each period, halving of [2.5, 4] on whether there is a cycle of it. (That it stays once it is there is known for this
    family.)
    """
    first = {n: _first(n) for n in periods}
    order = sorted(periods, key=lambda n: first[n])
    return {"order": ", ".join(map(str, order)), "values": [first[n] for n in order]}


def _violations(step, box, most, turned=False):
    found = _periods(step, box, most)
    pairs = ((n, m) for n in found for m in range(1, most + 1) if m != n)
    return sum(m not in found for n, m in pairs if (_rank(m) > _rank(n)) != turned), len(found)


@CLAIMS.add(
    "theorem", {"violations": 0, "rich": at_least(20)},
    Control("the same polynomials modulo 1, which jump", changes={"jump": True, "maps": 10}),
    domain="continuous maps of an interval or of the line", examples="80 random cubic polynomials, periods 1 to 8",
    perturbations=(Control("the order turned round", changes={"turned": True, "maps": 10}),),
)  # fmt: skip
def holds_for_random_cubics(jump=False, turned=False, maps=80, most=8, seed=64):
    """A continuous map that has a cycle of one period has cycles of all periods that come later in the order 3, 5, 7, …, 2·3,
    2·5, …, 4·3, 4·5, …, 8, 4, 2, 1.

    Cubic polynomials with random coefficients in (−3, 3), all cycles on the whole line: how often one that must be there is
    missing, and how many maps have four periods or more. (A cubic with no fixed point has no cycle.)
    """
    rng, missing, rich = np.random.default_rng(seed), 0, 0
    text = "a + b*x + c*x**2 + d*x**3"
    step = cf.Map.from_text(f"mod({text}, 1)" if jump else text, params=dict.fromkeys("abcd", 0.0))
    box = (0.0, 1.0) if jump else (-np.inf, np.inf)
    for row in rng.uniform(-3, 3, (maps, 4)):
        violated, count = _violations(step.at(**dict(zip("abcd", row, strict=True))), box, most, turned)
        missing, rich = missing + violated, rich + (count >= 4)
    return {"violations": missing, "rich": rich}


@CLAIMS.prove(
    "theorem", {"kind": ["cycles"] * 2, "period": [5, 3], "count": [2, 0], "complete": [True, True]},
    Control("r = 3.84 in place of 3.7389, inside the window of period 3", changes={"r": 3.84}), figure="proof",
    domain="x → r x(1 − x) at r = 3.7389; cycles in [−0.01, 1]",
    perturbations=(Control("r = 3.73, before the 5-cycles are born", changes={"r": 3.73}),),
)  # fmt: skip
def five_without_three_proved(r=3.7389):
    """A map can have a 5-cycle without a 3-cycle: the logistic map at r = 3.7389 has two 5-cycles in [−0.01, 1] and no 3-cycle
    there.

    Two certificates of all cycles of a period in that interval. (All cycles of the map lie in [0, 1].)
    """
    return [cf.certify.cycles(_logistic(r), period=period, box=(-0.01, 1)).certificate for period in (5, 3)]


@CLAIMS.prove(
    "theorem", {"kind": ["cycles"] * 4, "period": [8, 4, 2, 3], "count": [1, 1, 1, 0], "complete": [True] * 4},
    Control("r = 3.5 in place of 3.55, where the 8-cycle is not born yet", changes={"r": 3.5}),
    domain="x → r x(1 − x) at r = 3.55; cycles in [−0.01, 1]",
    perturbations=(Control("r = 3.84, where there are 3-cycles", changes={"r": 3.84}),),
)  # fmt: skip
def eight_without_three_proved(r=3.55):
    """A map can have an 8-cycle without a 3-cycle: the logistic map at r = 3.55 has one 8-cycle, one 4-cycle and one 2-cycle
    in [−0.01, 1], and no 3-cycle there.

    Four certificates of all cycles of a period in that interval. (All cycles of the map lie in [0, 1].)
    """
    return [cf.certify.cycles(_logistic(r), period=period, box=(-0.01, 1)).certificate for period in (8, 4, 2, 3)]


def figures():
    """The 5-cycles of the logistic map without a 3-cycle."""
    return {
        "five": lambda: cf.plot(cf.analysis.cycles(_logistic(3.7389), 5, [(0.0, 1.0)])),
        "proof": lambda: cf.plot(five_without_three_proved()[0]),
    }
