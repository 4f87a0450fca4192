"""Cycles of maps of two or a few variables: chains of boxes, one for each point, cut and split until all are decided."""

import numpy as np

from cfdyn.cycles._kernels.chains import FINISHED, FULL, PAUSED, search
from cfdyn.cycles._kernels.segments import Chains
from cfdyn.cycles.result import Say, SearchResult, counted, silent
from cfdyn.cycles.same import LARGEST_ROUND_OFF, distinct, from_smallest, least_period, same_cycle
from cfdyn.cycles.shooting import images, jacobians, multipliers, polish, residual
from cfdyn.cycles.symmetry import Symmetries
from cfdyn.systems.map import Map

BUDGET, CHEAP = 5_000_000, 30  # links, for maps of so few operations
PAUSE = 200_000  # links between two looks at the keyboard
EVERYWHERE = 1e20  # in units of the box: where the points of a cycle outside of it may be
LEAST, WIDEST = 1e-9, 0.03  # of the box: what is narrower and still open stays undecided; wider where that is too much
MOST_UNDECIDED, MOST_LISTS = 400, 20  # chains in a list; full lists of the widest, so that a continuum does not hide the rest
FLAT, BLURRED = 1e-6, 2e-3  # a multiplier so near to 1 leaves that part of a cycle's points uncertain
FIRST_TEST = 0.3  # of the box: wider chains are not worth Krawczyk's test
TOUCHING = 1e-6  # of the box: undecided boxes no farther apart are shown as one
CLOSED = 1e-10  # of a cycle's size: Newton's method has one if its points follow each other so well
BESIDE, SPREAD, DECIMALS = 1e-14, 1e3, 9  # of a cycle's size, and times its defect: so near to a jump the values at it decide


def by_chains(
    step: Map, period: int, region: np.ndarray, budget: int | None, group: Symmetries, say: Say
) -> SearchResult:  # fmt: skip
    """Every chain x_0 → … → x_{n−1} → x_0 with x_0 in the region and the others anywhere; Krawczyk's test decides.

    Of cycles that are images of one another under a symmetry, only one is searched for.

    Krawczyk (1969), Computing 4, 187–201; Galias (1998), Rigorous numerical studies of the existence of periodic orbits
    for the Hénon map, J. UCS 4, 114–124.
    """
    most = max(BUDGET // max(1, step.tangent_cost // CHEAP), 10_000) if budget is None else budget
    chains = _Chains(step, period, region, group)
    status = chains.run(most, say)
    if status == FINISHED and chains.c.least > LEAST:
        status = FULL
    extent = float(chains.extent.max())
    proved = [polish(step, centre) for centre in counted(chains.found, say, "refining cycles")]
    lost = sum(cycle is None for cycle in proved)
    points, mu = group.spread(*of_period(step, period, region, proved, say))
    near = [polish(step, centre) for centre in counted(chains.doubtful, say, "refining undecided boxes")]
    doubtful = group.spread(*of_period(step, period, region, [c for c in near if c is not None and closes(step, c)]))
    more, slopes = without_blurred(*doubtful, extent)
    points, mu = distinct(np.concatenate([points, more]), np.concatenate([mu, slopes]), extent)
    points = np.array([from_smallest(cycle, extent) for cycle in points]).reshape(points.shape)
    undecided = chains.undecided()
    complete = status == FINISHED and len(undecided) == 0 and lost == 0
    reasons = [_reason(status, most, len(undecided), lost), group.sentence(step.names, "{} of the box was searched")]
    return SearchResult(points, mu, complete, "boxes", "; ".join(filter(None, reasons)), undecided,
                        {"links": int(chains.c.links), "budget": most})  # fmt: skip


def _reason(status: int, most: int, open_places: int, lost: int) -> str:
    """Why the list is not complete; "" if it is."""
    if status == PAUSED:
        return f"stopped after {most} links of chains; more are seen with `budget={10 * most}`"
    if status == FULL:
        return f"more than {MOST_UNDECIDED} chains are undecided: a continuum of cycles, a jump of the map, or a cycle being born"
    if open_places:
        places = "1 place is" if open_places == 1 else f"{open_places} places are"
        return f"{places} undecided: multipliers of 1 to round-off, or a border where the map is not smooth"
    return "" if lost == 0 else "a chain was proved, but Newton's method lost its cycle"


class _Chains:
    """The search, in parts short enough to be interrupted, and its results."""

    def __init__(self, step: Map, period: int, region: np.ndarray, group: Symmetries):
        n, d = period, step.dim
        size, extent = n * d, region[:, 1] - region[:, 0]
        self.step, self.shape, self.group, self.extent = step, (-1, n, d), group, extent
        order = group.conditions()
        primes = [q for q in range(2, n + 1) if n % q == 0 and all(q % r for r in range(2, q))]
        self.c = c = Chains.make(
            n=n, d=d, parameters=len(step.p), conditions=len(order), primes=len(primes), rows=200 + 20 * size,
            most_found=max(8, min(1000, 4_000_000 // size)), most_open=MOST_UNDECIDED, step=step.rule("interval:step").compiled,
            jacobian=step.rule("interval:jacobian").compiled, tiny=1e-13 * float(extent.max()), least=LEAST, top=1, p=step.p,
            region=region.ravel(), extent=extent, order=order, shifts=[n // q for q in primes],
        )  # fmt: skip
        outside = EVERYWHERE * max(float(np.abs(region).max()), float(extent.max())) * np.array([-1.0, 1.0])
        c.stack[0] = np.concatenate([region.ravel(), np.tile(outside, (n - 1) * d)])
        c.notes[0] = 0, FIRST_TEST
        self.batches: list[np.ndarray] = []
        self.places: list[np.ndarray] = []

    @property
    def found(self) -> np.ndarray:
        """A point near each cycle that was proved, (m, n, D)."""
        return np.concatenate([*self.batches, np.empty((0, *self.shape[1:]))])

    @property
    def doubtful(self) -> np.ndarray:
        """The middles of the chains that are undecided, (k, n, D)."""
        count = self.c.undecided if self.c.least == LEAST else 0
        return self.c.open[:count].reshape(*self.shape, 2).mean(axis=3)

    def run(self, most: int, say: Say) -> int:
        """FINISHED, PAUSED when the budget is spent, or FULL."""
        c, part = self.c, max(1000, PAUSE // max(1, self.step.tangent_cost // CHEAP))
        while True:
            c.limit = min(int(most), int(c.links) + part)
            status = search(c.memory)
            self.batches.append(c.centres[: c.found].reshape(self.shape).copy())
            c.found = 0
            say(f"{c.links} links of chains, {sum(map(len, self.batches))} chains closed, {c.top} wait")
            if c.undecided == c.most_open and len(self.places) < MOST_LISTS:
                self.places.append(self._first_boxes(c.open))
                c.undecided, c.least, status = 0, min(10 * c.least, WIDEST), PAUSED
            if status == FINISHED or c.links >= most or c.undecided == c.most_open:
                return int(status)

    def undecided(self) -> np.ndarray:
        """Where x_0 may be in what is left, (k, D, 2): neighbours as one box."""
        rest = np.concatenate([self.c.open[: self.c.undecided], self.c.stack[: self.c.top]])
        return hulls(self.group.boxes(np.concatenate([*self.places, self._first_boxes(rest)])), TOUCHING * self.extent)

    def _first_boxes(self, chains: np.ndarray) -> np.ndarray:
        """The boxes of x_0 in rows of chains, (k, D, 2)."""
        return hulls(chains[:, : 2 * self.step.dim].reshape(-1, self.step.dim, 2), TOUCHING * self.extent)


def hulls(boxes: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Boxes (k, D, 2) that touch, or nearly, replaced by their hulls."""
    done: list[np.ndarray] = []
    for box in boxes:
        while True:
            near = [((b[:, 0] <= box[:, 1] + gap) & (box[:, 0] <= b[:, 1] + gap)).all() for b in done]
            if not any(near):
                break
            touching = [box, *(b for b, is_near in zip(done, near, strict=True) if is_near)]
            done = [b for b, is_near in zip(done, near, strict=True) if not is_near]
            box = np.stack([np.min(touching, axis=0)[:, 0], np.max(touching, axis=0)[:, 1]], axis=1)
        done.append(box)
    return np.array(done).reshape(-1, *boxes.shape[1:])


def closes(step: Map, cycle: np.ndarray) -> bool:
    """True if the points (n, D) follow each other to round-off."""
    return residual(step, cycle) <= CLOSED * float(np.abs(cycle).max())


def of_period(
    step: Map, period: int, region: np.ndarray, solved: list, say: Say = silent
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Those of least period n that have a point in the region, (m, n, D), and their multipliers (m, D)."""
    slack = 1e-12 * (region[:, 1] - region[:, 0])
    extent = float(np.ptp(region, axis=1).max())
    cycles = [off_jumps(step, cycle) for cycle in solved if cycle is not None]
    points = [cycle for cycle in cycles if cycle is not None and least_period(cycle, extent=extent) == period
              and ((cycle >= region[:, 0] - slack) & (cycle <= region[:, 1] + slack)).all(axis=1).any()]  # fmt: skip
    mu = np.array([multipliers(step, cycle) for cycle in counted(points, say, "computing multipliers")])
    return np.array(points).reshape(-1, period, step.dim), mu.reshape(-1, step.dim)


def off_jumps(step: Map, cycle: np.ndarray) -> np.ndarray | None:
    """A cycle (n, D) as it is, or, where to round-off one of its points is at a jump, as it closes exactly there, else None.

    Next to a jump Newton's method converges to the limits of the map from one side, which need not be its values.
    """
    if not step.switches:
        return cycle
    size = max(float(np.abs(cycle).max()), 1e-300)
    room = SPREAD * residual(step, cycle) + BESIDE * size
    here, steepness = images(step, cycle), 1 + np.abs(jacobians(step, cycle)).max()
    beside = [images(step, cycle + room * side) for side in np.concatenate([np.eye(step.dim), -np.eye(step.dim)])]
    if all(np.abs(there - here).max() <= SPREAD * room * steepness for there in beside):
        return cycle
    rounded = np.round(cycle, DECIMALS)
    exact = (np.where(np.abs(rounded - cycle) <= room, rounded, cycle), cycle)
    return next((points for points in exact if residual(step, points) == 0.0), None)


def without_blurred(points: np.ndarray, mu: np.ndarray, extent: float) -> tuple[np.ndarray, np.ndarray]:
    """Without what only nearly closes about a cycle with a multiplier of 1: one of many places, or a shorter period."""
    kept: list[int] = []
    for i, cycle in enumerate(points):
        room = BLURRED * max(float(np.abs(cycle).max()), LARGEST_ROUND_OFF * extent)
        flat = np.abs(mu[i] - 1).min() < FLAT
        shorter = least_period(cycle, BLURRED, extent) < len(cycle)
        if not flat or not (shorter or any(same_cycle(points[j], cycle, room) for j in kept)):
            kept.append(i)
    return points[kept], mu[kept]
