"""How fast are proofs: boxes a second, all cycles of a period in a box, no cycle for an interval of learning rates?"""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable

import numpy as np
from flint import arb

import cfdyn as cf
from cfdyn.certify.balls import ball
from cfdyn.certify.boxes.prefilter import Span
from cfdyn.certify.boxes.systems import Doubles, System
from cfdyn.certify.subject import Subject, subject
from measuring import Benchmark, BenchmarkError, Goal, Plan, Row, Rows, measure

bench = Benchmark("proofs")

DOUBLE_WELL, LINE = "(w**2 - 1)**2/4", (-math.inf, math.inf)
MAPS: dict[str, Callable[[], Subject]] = {
    "descent on the double well": lambda: subject(DOUBLE_WELL, cf.optimizers.gd(lr=1.7)),
    "logistic map": lambda: subject(cf.Map.from_text("r*x*(1-x)", params={"r": 3.9})),
    "descent on log cosh": lambda: subject(cf.losses.log_cosh(), cf.optimizers.gd(lr=2.5)),
    "descent of logistic regression": lambda: subject(cf.losses.logistic_regression(), cf.optimizers.gd(lr=10)),
}
POLYNOMIALS = ("descent on the double well", "logistic map")
BOXES, LEAST = 4096, 1e6
COUNTS = {1: 3, 2: 9, 3: 15, 4: 33, 5: 63}  # fixed points of gⁿ, descent on the double well at lr = 1.7
SECONDS = 5.0


@bench.table("boxes of one variable, a second", ("doubles, g", "doubles, g and g′", "Arb, g and g′", "doubles ÷ Arb"))
def boxes(plan: Plan) -> Rows:
    """One core, 4096 boxes at a time in arrays of doubles, rounded outward; Arb one by one, at 128 bits, as it confirms what a
    certificate claims."""
    lo = np.random.default_rng(0).uniform(-2, 2, BOXES)
    for name, make in MAPS.items():
        about = make()
        system, x = System(about, Doubles), [Span(lo, lo + 1e-3)]
        both = [about.enclosure("step"), about.enclosure("jacobian")]
        balls = [[ball(float(a), float(a) + 1e-3)] for a in lo[:200]]
        times = [measure(call, plan.repeats) for call in (
            lambda system=system, x=x: system.step(x, []), lambda system=system, x=x: system.both(x, []),
            lambda both=both, balls=balls: [part(b) for b in balls for part in both],
        )]  # fmt: skip
        fast, full, slow = BOXES / times[0], BOXES / times[1], len(balls) / times[2]
        cells = {"doubles, g": fast, "doubles, g and g′": full, "Arb, g and g′": slow, "doubles ÷ Arb": full / slow}
        yield Row(name, cells, (Goal(full, LEAST, above=True),) if name in POLYNOMIALS else ())


@bench.table("all cycles in a box", ("cfdyn (s)", "plain Arb (s)", "Arb ÷ cfdyn", "fixed points of gⁿ", "right"))
def counts(plan: Plan) -> Rows:
    """Descent on the double well at lr = 1.7, box [−2, 2], with the ledgers of all divisors and a certificate. Plain Arb: branch
    and prune on gⁿ(x) − x alone, as IntervalRootFinding has it: a box goes if the displacement is not 0, and is solved where
    Newton's interval operator takes it into its interior; nothing is said about least periods, and nothing is written down."""
    total = 0.0
    for n, known in COUNTS.items():
        begun = time.process_time()
        ledger = cf.certify.cycles(DOUBLE_WELL, cf.optimizers.gd(lr=1.7), n, (-2, 2))
        ours = time.process_time() - begun
        begun = time.process_time()
        found = plain(n)
        theirs = time.process_time() - begun
        if found != known:
            raise BenchmarkError(f"plain Arb finds {found} points, not {known}")
        total += ours
        right = ledger.complete and ledger.fixed_points == known
        cells = {"cfdyn (s)": ours, "plain Arb (s)": theirs, "Arb ÷ cfdyn": theirs / ours, "fixed points of gⁿ": known,
                 "right": "yes" if right else "no"}  # fmt: skip
        yield Row(f"n = {n}", cells, (Goal(float(right), 1.0, above=True),))
    yield Row("n = 1…5 together", {"cfdyn (s)": total}, (Goal(total, SECONDS),))


def plain(n: int) -> int:
    """Points with gⁿ(x) = x in [−2, 2] by branch and prune in balls."""
    rate, solved, waiting = arb(17) / 10, list[arb](), [(-2.0, 2.0)]
    while waiting:
        lo, hi = waiting.pop()
        x, slope = ball(lo, hi), arb(1)
        y, m = x, arb(lo + (hi - lo) / 2)
        v = m
        for _ in range(n):
            slope *= 1 + rate - 3 * rate * y**2
            y, v = (1 + rate) * y - rate * y**3, (1 + rate) * v - rate * v**3
        slope -= 1
        if not (y - x).contains(0) or not (v - m + slope * (x - m)).contains(0):
            continue
        newton = arb.nan() if slope.contains(0) else m - (v - m) / slope
        if x.contains_interior(newton):
            if not any(newton.overlaps(other) for other in solved):
                solved.append(newton)
        elif not newton.is_finite() or newton.overlaps(x):
            cut = lo + (hi - lo) * 0.49  # not the middle, where 0 lies, which is fixed
            waiting += [(lo, cut), (cut, hi)]
    return len(solved)


PLANE = ("one process (s)", "two: this one (s)", "two: the other (s)", "leaves", "check (s)", "same file", "valid")


@bench.table("all cycles in the plane", PLANE)
def plane(plan: Plan) -> Rows:
    """Heavy ball on the double well at lr = 1.5, momentum 0.3, with the ledgers of all divisors. The map is odd: in the box
    [−3, 3]² the points below 0 are mirrored; a box that is a little longer shows what that saves. Processor time; the other
    process is started after a second, and its imports count."""
    step = cf.optimizers.heavy_ball(lr=1.5, momentum=0.3)
    for name, period, box in (
        ("n = 3", 3, [(-3, 3)] * 2), ("n = 3, nothing to mirror", 3, [(-3, 3), (-3, 3.125)]),
        ("n = 4", 4, [(-3, 3)] * 2), ("n = 4, nothing to mirror", 4, [(-3, 3), (-3, 3.125)]),
    ):  # fmt: skip
        begun = time.process_time()
        alone = cf.certify.cycles(DOUBLE_WELL, step, period, box, jobs=1)
        one, others = time.process_time() - begun, _others()
        begun = time.process_time()
        shared = cf.certify.cycles(DOUBLE_WELL, step, period, box, jobs=2)
        two, others = time.process_time() - begun, _others() - others
        if alone.certificate is None or shared.certificate is None:
            raise BenchmarkError("there is no certificate")
        same = alone.certificate.document == shared.certificate.document
        begun = time.process_time()
        valid = cf.certify.check(alone.certificate.document).valid
        checked = time.process_time() - begun
        words = ["yes" if good else "no" for good in (same, valid)]
        cells = dict(zip(PLANE, (one, two, others, (len(alone.tree) + 1) // 2, checked, *words), strict=True))
        yield Row(name, cells, (Goal(float(same and valid), 1.0, above=True), Goal(checked, 10 * one)))


def _others() -> float:
    """Processor time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


ABSENT = {
    "double well, 3, lr 0.1…1.4504": (DOUBLE_WELL, 3, (-2, 2), ("0.1", "1.4504")),
    "logistic regression, 3, the line, lr 1…11.99": (cf.losses.logistic_regression, 3, LINE, ("1", "11.99")),
    "log cosh, 3, the line, lr 2.1…8": (cf.losses.log_cosh, 3, LINE, ("2.1", "8")),
    "log cosh, 4, the line, lr 2.1…8": (cf.losses.log_cosh, 4, LINE, ("2.1", "8")),
    "log cosh, 5, the line, lr 2.1…8": (cf.losses.log_cosh, 5, LINE, ("2.1", "8")),
    "log cosh, all above 2, the line, lr 2.1…8": (cf.losses.log_cosh, "all above 2", LINE, ("2.1", "8")),
}


@bench.table("no cycle for an interval of learning rates", ("cfdyn (s)", "check (s)", "leaves", "valid"))
def absent(plan: Plan) -> Rows:
    """Descent. Check: the certificate verified from its text by `cf.certify.check`, code of its own; within ten times the time
    of the proof."""
    for name, (loss, period, box, rates) in ABSENT.items():
        begun = time.process_time()
        found = cf.certify.no_cycles(loss if isinstance(loss, str) else loss(), cf.optimizers.gd(lr=1), period, box, lr=rates)
        ours = time.process_time() - begun
        if found.document is None:
            raise BenchmarkError(found.reason)
        evidence = found.document["evidence"]
        tree = evidence["fold"]["tree"] if "fold" in evidence else evidence["tree"]
        begun = time.process_time()
        verdict = cf.certify.check(found.document)
        checked = time.process_time() - begun
        leaves, valid = (len(tree) + 1) // 2, "yes" if verdict.valid else "no"
        cells = {"cfdyn (s)": ours, "check (s)": checked, "leaves": leaves, "valid": valid}
        yield Row(name, cells, (Goal(float(verdict.valid), 1.0, above=True), Goal(checked, 10 * ours)))


if __name__ == "__main__":
    bench.main()
