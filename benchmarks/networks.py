"""What a central flow of a network costs, with its error and memory, beside the published scheme.

The scheme: `peers.quarter_step`. Costs are in gradients; what a product with the Hessian and T[u, u] cost is timed.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence

import cfdyn as cf
from measuring import Benchmark, Cells, Goal, Plan, Row, Rows, installed
from problems.digits import batches, beside, bursts, edges, squares, swings
from problems.growing import LARGE, PATIENCE, PRICES, UNITS, Case, measured, priced
from problems.held import PART, PROBLEMS, RANK, SECONDS, START, STEPS, TOLERANCES, WHOLE, Held, ours

bench = Benchmark("networks")

WORK, ERROR = "gradients per unit", "error"
NEARER, SPREAD, LOSS, HELD = "ratio of distances", "least to largest", "loss, predicted over measured", "λ₁η/2"
MEMORY, BUDGET, KEPT, MIDDLE = "memory (vectors)", "allowed", "modes or rods", "median"
EDGE, COSINE, MEDIAN, HELD_BY, TOLD = "λ₁(P⁻¹H) over θ", "E g²: cosine", "E g²: ratio", "sharpness · η/2", "flow's over SGD's"
PUBLISHED, RATIO = "published, per unit", "ratio"
EARLY, ERROR_EARLY, RTOL = "early part", "error there", "rtol"
# Gradients per unit over a whole run from the first weights and from a warm start, none for four modes; errors.
COLD, WARM, EXACT = {0: 1.0, 1: 2.0, 2: 10.0, 3: 20.0}, {1: 4.0, 2: 10.0, 3: 20.0}, 0.1
DEARER = {1: 30.0, 2: 10.0, 3: 5.0}  # times the published scheme at least
RUNS, SEEDS = {1: 3, 2: 3, 3: 1, 4: 1}, 5  # seeds, by the modes held, and of the other tables
# Nets, and by the modes held, 0 for the gradient flow, how many digits on 100 rows, or data, η·λ₁/2, and the tolerance.
SIZES: dict[str, tuple[str, dict[int, tuple[int | str, float, float]]]] = {
    "1e2": ("mlp:widths=2", {0: (4, 0.5, 1e-3), 1: (10, 1.0, 1e-3)}),
    "1e2, wine": ("mlp:widths=6", {2: ("wine", 1.7, 3e-3)}),
    "1e2, convolutions": ("cnn:channels=2-3", {2: (6, 0.8, 1e-3), 3: (10, 1.5, 1e-3), 4: (10, 2.6, 1e-3)}),
    "1e3": ("mlp:widths=14", {0: (4, 0.5, 1e-3), 1: (4, 1.2, 1e-3), 2: (6, 1.5, 1e-3), 3: (8, 1.5, 1e-3), 4: (8, 2.1, 1e-3)}),
    "2e4": ("mlp:widths=128-84",
            {0: (4, 0.5, 1e-3), 1: (3, 0.6, 1e-3), 2: (4, 0.8, 1e-3), 3: (6, 1.0, 1e-3), 4: (10, 1.0, 1e-3)}),
    "1e5": ("mlp:widths=284-284",
            {0: (4, 0.5, 2e-4), 1: (2, 0.9, 2e-4), 2: (4, 0.8, 2e-4), 3: (6, 1.0, 2e-4), 4: (10, 1.0, 2e-4)}),
    "1e6": ("mlp:widths=965-965",
            {0: (4, 0.5, 5e-5), 1: (2, 1.0, 4e-5), 2: (6, 0.8, 1e-4), 3: (8, 1.2, 1e-4), 4: (10, 1.08, 8e-5)}),
}  # fmt: skip


def percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def medians(rows: list[dict[str, float]]) -> Cells:
    """Column by column, errors in percent with the largest."""
    found: Cells = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    if len(rows) > 1:
        found[SPREAD] = " to ".join(percent(pick(row[ERROR] for row in rows)) for pick in (min, max))
    return {name: percent(value) if name in (ERROR, ERROR_EARLY) else value for name, value in found.items()}


COLUMNS = (RANK, STEPS, START, WORK, EARLY, ERROR, SPREAD, ERROR_EARLY, SECONDS, RATIO)


@bench.table("a fully connected net 64-32-32-m on digits", COLUMNS)
def accuracy(plan: Plan) -> Rows:
    """Mean squares, 500 rows, 3,235 to 3,466 weights, float64, medians over {count} seeds for 1, 2, 3 and 4 modes, to t = {t}.
    Of 2 to 10 digits and η·λ₁/2 of the first weights from 0.6 to 1.4 those are taken with which coarse runs (rtol 1e-2, cold)
    hold about so many modes: 3 digits and 0.8, 5 and 0.7, 6 and 1, 10 and 0.9. Gradients per unit: of the whole run; early
    part: of its first {early} units alone, in which most of the transient lies. A product with the Hessian is counted as
    {product}, g, Hu and T[u, u] at once as {jet}. Finding the modes, and a state on the edge where the start is beyond it, is
    the start, which is counted apart. Error: distance at the end, or at t = {early}, to the same flow with a tolerance of 1e-4
    (warm: 3e-5), relative to the distance of that to the optimizer (the mean of three successive iterates), with the least and
    the largest; a warm start makes that distance up to twenty times smaller and the same percentage harder, so that its
    tolerances are finer; the goal for it is one of the second row. Published scheme: forward Euler with steps of 1/4 and LOBPCG
    once per unit, ported; one seed, cold, its first {early} units and {units} from where the reference ends, begun with the
    modes there, which stand for all others; ratio: its gradients per unit of the whole run over ours."""
    times = plan.pick((30, 60), (PART, WHOLE))
    for modes in plan.pick((1,), tuple(PROBLEMS)):
        rival = 0.0
        for warm, tolerances in TOLERANCES.items():
            cases = [Held(modes, warm, seed, times) for seed in range(plan.pick(1, RUNS[modes]))]
            if not warm and installed("scipy"):
                row = published(cases[0])
                rival = row[WORK]
                yield Row(f"{cases[0].title}, {modes} held: published scheme", {**row, ERROR_EARLY: percent(row[ERROR_EARLY])})
            for rtol in tolerances:
                rows = [measured_once(case, rtol) for case in cases]
                goals, found = [], medians(rows)
                if modes in COLD and not plan.quick:  # goals are of whole runs
                    goals = [Goal(found[WORK], (WARM if warm else COLD)[modes])]
                    # Of the finer tolerance: the coarser one shows what less costs.
                    if rtol == tolerances[-1]:
                        goals.append(Goal(statistics.median(row[ERROR] for row in rows), EXACT))
                if rival:
                    found[RATIO] = f"{rival / found[WORK]:.0f} x"
                    goals += [Goal(rival / found[WORK], DEARER[modes], above=True)] if modes in DEARER and not plan.quick else []
                yield Row(f"{cases[0].title}, {modes} held: rtol {rtol:g}", found, tuple(goals))
    return {"count": ", ".join(str(plan.pick(1, n)) for n in RUNS.values()), "t": times[-1], "early": times[0],
            "units": UNITS, "product": PRICES["products"], "jet": PRICES["jet"]}  # fmt: skip


def measured_once(case: Held, rtol: float) -> dict[str, float]:
    found, rest = ours(case, rtol)
    (early, first), (end, work) = found
    return {**rest, WORK: work, EARLY: first, ERROR: case.error(1, end), ERROR_EARLY: case.error(0, early)}


def published(case: Held) -> dict[str, float]:
    """The first units of the scheme, and some from the end of the reference, which stand for all others."""
    from peers.quarter_step import MODES, follow

    early, whole = case.times
    begun = time.perf_counter()
    w, oracle, _ = follow(case.flow, case.net.start, early)
    seconds, first = (time.perf_counter() - begun) / early, priced(oracle.counts)
    end = case.reference[1]
    late = priced(follow(case.flow, end, UNITS, case.net.eigenvalues(end, MODES)[1])[1].counts) / UNITS
    return {STEPS: 4 * early, WORK: (first + late * (whole - early)) / whole, EARLY: first / early,
            ERROR_EARLY: case.error(0, w), SECONDS: seconds}  # fmt: skip


@bench.table("flows beside descent, over seeds", (NEARER, SPREAD, LOSS, HELD))
def seeds(plan: Plan) -> Rows:
    """The net with 4 digits from {count} seeds, {steps} steps of descent. Ratio: of the distances to the means (w₋ + 2w + w₊)/4,
    gradient flow's over the central flow's, its median over time; of that the median, the least and the largest over the seeds.
    Loss: predicted over measured, means from the flow's start on (rtol 1e-4); λ₁: that of the means times η/2, averaged; medians
    over the seeds."""
    count, steps = plan.pick(2, SEEDS), plan.pick(200, 900)
    for lr, warm in ((0.6, 10), (0.6, 150), (0.75, 10), (0.75, 150), (1.0, plan.pick(100, 200))):
        ratios, losses, held = zip(*(beside(seed, lr, steps, warm) for seed in range(count)), strict=True)
        found: Cells = {
            NEARER: statistics.median(ratios),
            SPREAD: f"{min(ratios):.1f} to {max(ratios):.1f}",
            LOSS: statistics.median(losses),
            HELD: statistics.median(held),
        }
        yield Row(f"η = {lr:g}, from step {warm}", found)
    return {"count": count, "steps": steps}


@bench.table("other optimizers beside the central flow, over seeds", (EDGE, COSINE, MEDIAN, HELD_BY, TOLD, SPREAD))
def others(plan: Plan) -> Rows:
    """The net with 4 digits from {count} seeds, medians. RMSProp, {steps} steps of it, over the second half: λ₁(P⁻¹H) where P and
    weights are averaged (over 2 steps, over 100 where each weight has its own), by SciPy; E g² by coordinate, predicted with
    the part that oscillates and measured: cosine, and the median of the ratios; rtol 1e-3, from step 20. SGD, η = 0.6, {batched}
    steps from step 60 of a run on (20 to 60 later where that is beyond its edge by chance): the sharpness of {runs} runs over the
    second half, and the central flow of batches' over it (rtol 3e-3) with the least and the largest. Goals: 2 %; 0.99 and 10 %;
    15 %."""
    count, steps, batched, runs = plan.pick(1, SEEDS), plan.pick(200, 800), plan.pick(80, 200), 3
    if installed("scipy"):
        scalar = cf.optimizers.scalar_rmsprop(lr=0.03, beta2=0.95)
        own = cf.optimizers.rmsprop(lr=0.001, beta2=0.999, bias_correction=True)
        for title, optimizer, over in (("Scalar RMSProp", scalar, 2), ("RMSProp", own, min(100, steps // 4))):
            edges, cosines, ratios = (statistics.median(c) for c in zip(*(squares(seed, optimizer, steps, 20, over)
                                                                          for seed in range(count)), strict=True))  # fmt: skip
            goals = (Goal(abs(edges - 1), 0.02), Goal(cosines, 0.99, above=True), Goal(abs(ratios - 1), 0.1))
            yield Row(title, {EDGE: edges, COSINE: f"{cosines:.4f}", MEDIAN: ratios}, goals)
    for batch in (10, 50):
        held, told = zip(*(batches(seed, 0.6, batch, batched, runs) for seed in range(count)), strict=True)
        found: Cells = {HELD_BY: statistics.median(held), TOLD: statistics.median(told)}
        yield Row(f"SGD, batches of {batch}", {**found, SPREAD: f"{min(told):.3f} to {max(told):.3f}"},
                  (Goal(abs(statistics.median(told) - 1), 0.15),))  # fmt: skip
    return {"count": count, "steps": steps, "batched": batched, "runs": runs}


@bench.table("Adam, and three eigenvalues at the edge, over seeds", (MIDDLE, SPREAD))
def several(plan: Plan) -> Rows:
    """The net with 4 digits from {count} seeds. Adam: η = 0.01, β₁ = 0.9, β₂ = 0.99, {steps} steps of it, flows from step {warm}
    on (rtol 1e-3): λ₁(P⁻¹H) over θ at midpoints, by SciPy, its mean over whole bursts after step {late}; and the median over time
    of the ratio of distances to the midpoints, the stable flow's, which has no Σ, over the central flow's. Descent, {descent}
    steps: eigenvalues of the Hessian at weights averaged over 100 steps, by SciPy, from step 60 on; of the means of the first
    three over 2/η the largest distance from 1. Goals: 10 % from 1; 2; 2 %."""
    count, steps, warm, descent = plan.pick(1, SEEDS), 700, 200, 500
    if installed("scipy"):
        adam = cf.optimizers.adam(lr=0.01, beta2=0.99)
        held, nearer = zip(*(bursts(seed, adam, steps, warm) for seed in range(count)), strict=True)
        yield spread("Adam: λ₁(P⁻¹H) over θ", held, Goal(abs(statistics.median(held) - 1), 0.1))
        yield spread("Adam: ratio of distances", nearer, Goal(statistics.median(nearer), 2, above=True))
        for lr in (1.0, 1.1):
            far = [edges(seed, lr, descent, 100, 3) for seed in range(count)]
            yield spread(f"η = {lr:g}: three eigenvalues, distance from the edge", far, Goal(statistics.median(far), 0.02))
    return {"count": count, "steps": steps, "warm": warm, "late": warm + 100, "descent": descent}


def spread(title: str, values: Sequence[float], goal: Goal) -> Row:
    """Of one number over the seeds the median, the least and the largest."""
    return Row(title, {MIDDLE: statistics.median(values), SPREAD: f"{min(values):.3g} to {max(values):.3g}"}, (goal,))


@bench.table("flows that follow the swing, beside the central flow", (KEPT, STEPS, WORK, ERROR, SECONDS))
def swinging(plan: Plan) -> Rows:
    """The net with 4 digits at η = 0.75, from the midpoint and the swing of step {warm} over {t} steps, seed 0, rtol 1e-3;
    gradients and error as in the first table, against a tolerance 30 times as strict. Rods: at the end. What finds the
    first modes is counted, too."""
    warm, t = 30, plan.pick(40, 165)
    for name, (run, seconds, error) in swings(warm, t, 1e-3):
        yield Row(name, {KEPT: str(len(run.covariance_factors[1])), STEPS: str(run.steps), WORK: priced(run.oracle.counts) / t,
                         ERROR: percent(error), SECONDS: seconds / t})  # fmt: skip
    return {"warm": warm, "t": t}


GROWING = ("weights", RTOL, RANK, STEPS, START, WORK, EARLY, ERROR, ERROR_EARLY, SECONDS, PUBLISHED, RATIO, MEMORY, BUDGET)
LARGEST = ("1e5", "1e6")  # warm with one mode alone, since references of more take too long
WARMED, FINER, FINER_OF = 10, 0.1, {"1e2, wine": 0.3}  # steps of a warm start; its tolerance, of the cold one


@bench.table("growth with the weights", GROWING)
def growth(plan: Plan) -> Rows:
    """100 digits (1e2 with k > 1: two and three convolutions on digits, since with k > 2 so few weights in two layers
    hold no more for long; wine, 178 rows, is the hardest problem of that size that was found, since modes within a
    hundredth of the edge turn into each other), each row in a process of its own, after a small net that loads all
    code. A tolerance is relative to the length of the weights, which grows with the width of a net while the way that
    they go does not: finer for large nets. So many digits are told apart, with such an η, that coarse runs (rtol 1e-2
    and 3e-3; of 1e6 with k > 1 at 1e-3) hold about k modes most of the time; finding them, and a state on the edge, is
    the start, which is counted apart. Warm: from step {warm} of descent on, with {finer:g} of the tolerance (wine:
    {wine:g}; at 1e5 and 1e6 one mode). Early part: the first {early} units. Error: as above, against a tenth of the tolerance.
    Published scheme: its gradients per unit over {published} units from where that ends, begun with the flow's modes
    and random vectors up to four. Memory (on Linux): the peak beyond that of gradients, products and T of the same net
    once compiled, one by one, in vectors as long as the weights, in a process of its own where freed memory is given
    back (MALLOC_MMAP_THRESHOLD_=65536; else glibc keeps a third more) and that pauses after each call, since JAX frees
    what one took after it has answered (without pauses, on a busy machine, eight vectors more were seen); allowed:
    k(k + 1)/2 + 3(k + 1) + 10 for the most modes that were held at once, the rank of Σ, while T is kept of all that
    have a part in it, which are more where they turn into each other, in 32 bits from 50,000 weights on, and at both
    ends of a step where the same number of modes is near the edge. A run that takes longer than {patience:g} s ends at
    the time that it says. Load of the machine when it began: {load}."""
    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    times = plan.pick((5.0, 10.0), (float(PART), float(WHOLE)))
    for name, case in cases(plan.pick(5, len(SIZES)), plan.pick(1, 9), times):
        found = measured(case)
        title = f"{name}, {f'{case.k} at the edge' if case.k else 'gradient flow'}{', warm' if case.warm else ''}"
        yield Row(f"{title}, to t = {found['t']:g}", grown(case, found), bounds(case, found, plan.quick))
    return {"load": load, "published": UNITS, "patience": PATIENCE, "early": f"{times[0]:g}",
            "warm": WARMED, "finer": FINER, "wine": FINER_OF["1e2, wine"]}  # fmt: skip


def cases(sizes: int, most: int, times: tuple[float, ...]) -> list[tuple[str, Case]]:
    """Of the first so many sizes those with at most so many modes; those with one to three warm, too, of large nets with one."""
    found = []
    for name, (net, problems) in list(SIZES.items())[:sizes]:
        for k, (data, share, rtol) in problems.items():
            found.append((name, Case(net, data, k, share, rtol, 0, times)))
            if k == 1 or (k in WARM and name not in LARGEST):
                finer = FINER_OF.get(name, FINER)
                found.append((name, found[-1][1]._replace(rtol=finer * rtol, warm=WARMED)))
    return [(name, case) for name, case in found if case.k <= most]


def bounds(case: Case, found: dict[str, float], quick: bool) -> tuple[Goal, ...]:
    """What a row has to reach: costs are those of whole runs."""
    goals, most = [], WARM if case.warm else COLD
    if case.k in most and not quick:
        goals.append(Goal(found["work"], most[case.k]))
    if "published" in found and case.k in DEARER and not quick:
        goals.append(Goal(found["published"] / found["work"], DEARER[case.k], above=True))
    if "error" in found and case.k:
        goals.append(Goal(found["error"], EXACT))
    if found["weights"] > LARGE:
        goals.append(Goal(found["memory"], allowed(found)))
    return tuple(goals)


def grown(case: Case, found: dict[str, float]) -> Cells:
    """The cells of a row of growth."""
    row: Cells = {"weights": str(int(found["weights"])), RTOL: f"{case.rtol:g}", RANK: found["held"],
                  STEPS: str(int(found["steps"])), START: found["start"], WORK: found["work"],
                  SECONDS: found["seconds"]}  # fmt: skip
    if "early" in found:
        row[EARLY] = found["early"]
    if "published" in found:
        row |= {PUBLISHED: found["published"], RATIO: f"{found['published'] / found['work']:.0f} x"}
    if "error" in found:
        row |= {ERROR: percent(found["error"]), ERROR_EARLY: percent(found["error early"])}
    if found["weights"] > LARGE:
        row |= {MEMORY: found["memory"], BUDGET: str(round(allowed(found)))}
    return row


def allowed(found: dict[str, float]) -> float:
    """Vectors, for the modes that were held at most."""
    k = int(found["most"])
    return k * (k + 1) / 2 + 3 * (k + 1) + 10


if __name__ == "__main__":
    bench.main()
