"""How fast is a manifold of a saddle drawn, its crossings found, a tangency located?"""

from __future__ import annotations

import numpy as np

import cfdyn as cf
from measuring import Benchmark, Goal, Plan, Row, Rows, race
from problems.maps import henon

bench = Benchmark("manifolds")
BOX = [(-1.5, 1.5), (-0.5, 0.5)]
SADDLE = [0.63135448, 0.18940634]
LEAST = 1e6  # points a second
TANGENCY, EXACT = 1.3924198079228514, 1e-12  # computed with 60 digits; error allowed


@bench.table("manifolds", ("points", "cfdyn (ms)", "NumPy (ms)", "points of NumPy", "cfdyn points/s", "NumPy points/s"))
def growing(plan: Plan) -> Rows:
    """The unstable manifold of the saddle of Hénon's map (1.4, 0.3), to a length. NumPy: images of a straight piece at the
    saddle, all at once, with midpoints put in until no gap is longer than those of cfdyn are on average; the stable one, by
    Newton's method on the inverse, has no such loop beside it."""
    length = plan.pick(50.0, 2000.0)
    step = henon()

    def ours(kind: str) -> cf.analysis.Manifold:
        return cf.analysis.manifolds(step, SADDLE, [kind], BOX, length, most=2_000_000)[0]

    for kind in ("unstable", "stable"):
        found = ours(kind)
        gap, drawn = found.length / len(found), kind == "unstable"
        peers = {"NumPy": (lambda found=found, gap=gap: images(found.s, gap))} if drawn else {}
        cells = race({"cfdyn": lambda kind=kind: ours(kind), **peers}, plan.repeats, "ms")
        rate = 1e3 * len(found) / cells["cfdyn (ms)"]
        cells |= {"points": len(found), "cfdyn points/s": rate}
        if drawn:
            count = len(images(found.s, gap))
            cells |= {"points of NumPy": count, "NumPy points/s": 1e3 * count / cells["NumPy (ms)"]}
        yield Row(f"{kind}, length {length:g}", cells, (Goal(rate, LEAST, above=True),))


def images(s: np.ndarray, gap: float) -> np.ndarray:
    """Points of the unstable manifold between the same ends, both halves, in NumPy."""
    growth, direction = -1.92373886, np.array([-1.92373886, 0.3]) / np.hypot(1.92373886, 0.3)
    rounds = 2 * (int(np.log(np.abs(s).max() / 1e-8) / np.log(-growth)) // 2 + 1)

    def at(values: np.ndarray) -> np.ndarray:
        x, y = SADDLE[0] - values / growth**rounds * direction[0], SADDLE[1] - values / growth**rounds * direction[1]
        for _ in range(rounds):
            x, y = 1 - 1.4 * x * x + y, 0.3 * x
        return np.stack([x, y], axis=1)

    values = np.linspace(s.min(), s.max(), 1000)
    while True:
        points = at(values)
        wide = np.flatnonzero(np.linalg.norm(np.diff(points, axis=0), axis=1) > gap)
        if not len(wide):
            return points
        values = np.insert(values, wide + 1, (values[wide] + values[wide + 1]) / 2)


@bench.table("crossings and tangencies", ("cfdyn (ms)", "found", "error"))
def meeting(plan: Plan) -> Rows:
    """Homoclinic points of Hénon's map (1.4, 0.3), both manifolds grown to a length, and its tangency at b = 0.3 over
    1.391 ≤ a ≤ 1.394. Error: the largest |W_u(s) − W_s(t)|; |a − 1.3924198079228514|, computed with 60 digits."""
    step, length = henon(), plan.pick(10.0, 40.0)
    cells = race({"cfdyn": lambda: cf.analysis.homoclinic(step, SADDLE, box=BOX, length=length)}, plan.repeats, "ms")
    points = cf.analysis.homoclinic(step, SADDLE, box=BOX, length=length)
    yield Row(f"homoclinic points, length {length:g}", cells | {"found": len(points), "error": points.gap}, ())

    def tangencies() -> cf.analysis.Tangencies:
        return cf.analysis.tangencies(step, SADDLE, "a", (1.391, 1.394), box=BOX, length=8, crises=False)

    cells = race({"cfdyn": tangencies}, plan.repeats, "ms")
    [found] = tangencies()
    error = abs(found.parameter - TANGENCY)
    yield Row("tangency", cells | {"found": 1, "error": error}, (Goal(error, EXACT),))


if __name__ == "__main__":
    bench.main()
