"""A gallery: every kind of figure with the three lines that make it.

``python -m papers.gallery FOLDER [RECORD…]`` (``cfdyn_papers.gallery`` where it is installed) executes the lines and writes the
pictures with a page, ``gallery.md``.
"""

import ast
import contextlib
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES = '''
# Studies and orbits
## Study: the whole answer for one loss and one optimizer
loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=1.46)
study = cf.study(loss, gd)
cf.plot(study, "study.png")
## Studies: many at once, by loss and learning rate
losses = [cf.Loss(text) for text in ("(w**2-1)**2/4", "log(cosh(w)) + w**2/20", "exp(w) - 2*w")]
found = cf.study_many((loss, cf.optimizers.gd(lr=0.3 + 0.3 * k)) for loss in losses for k in range(8))
cf.plot(found, "studies.png")
## Orbit: iterates over time
step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.3, momentum=0.8))
orbit = cf.iterate(step, [1.6, 0.0], 60)
cf.plot(orbit, "orbit.png")
## Hovering: an adaptive optimizer at its own edge
step = cf.as_map(cf.losses.double_well(), cf.optimizers.rmsprop(lr=0.05))
hovering = cf.analysis.hovering(cf.iterate(step, [1.2], 400))
cf.plot(hovering, "hovering.png")
## Oscillation: the period in a series of data
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46))
oscillation = cf.analysis.oscillation(cf.iterate(step, [1.1], 300))
cf.plot(oscillation, "oscillation.png")
## ZeroOneTest: regular or chaotic, from a series alone
logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 3.97})
test = cf.analysis.zero_one_test(cf.iterate(logistic, [0.3], 3000))
cf.plot(test, "zero-one.png")
## Chaos: the evidence for chaos, side by side
henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
chaos = cf.analysis.chaos(henon, [0.1, 0.1], 30_000)
cf.plot(chaos, "chaos.png")

# What a parameter does
## Bands: regimes over a learning rate
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
bands = cf.analysis.bands(step, [1.1], "lr", (0.9, 1.65))
cf.plot(bands, "bands.png")
## OrbitDiagram: long-time states, with the Lyapunov exponent
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
diagram = cf.analysis.orbit_diagram(step, ("lr", [0.9 + 0.001 * k for k in range(730)]), [1.1])
cf.plot(diagram, "orbit-diagram.png")
## RegimeMap: regimes over two parameters
step, grid = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1, momentum=0.5)), range(160)
regimes = cf.analysis.regimes(step, [("lr", [0.1 + k / 40 for k in grid]), ("momentum", [k / 170 for k in grid])], [1.1, 0])
cf.plot(regimes, "regimes.png")
## PeriodDiagram: periods over two parameters
step, k = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1, momentum=0.5)), range(160)
periods = cf.analysis.period_diagram(step, [("lr", [1 + i / 100 for i in k]), ("momentum", [i / 400 for i in k])], [1.1])
cf.plot(periods, "periods.png")
## SettlingTimes: how long orbits take to settle
step, grid = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1, momentum=0.5)), range(160)
times = cf.analysis.settling_times(step, [("lr", [0.1 + k / 40 for k in grid]), ("momentum", [k / 170 for k in grid])], [1.1, 0])
cf.plot(times, "settling-times.png")
## LyapunovSpectra: Lyapunov exponents over a parameter
henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
spectra = cf.analysis.lyapunov_spectra(henon, [("a", [1 + k / 1000 for k in range(400)])], [0.1, 0.1], n=3000)
cf.plot(spectra, "lyapunov-spectra.png")
## Cascade: period doublings and how they accumulate
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.8))
cascade = cf.analysis.cascade(step, [1.0], "lr", (0.5, 1.5), levels=8)
cf.plot(cascade, "cascade.png")
## Crises: where attractors meet unstable cycles
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.6))
crises = cf.analysis.crises(step, "lr", (1.4, 1.66), [(-2, 2)], periods=3, samples=9, grid=200)
cf.plot(crises, "crises.png")
## Intermittency: laminar phases before a fold
logistic, birth = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8}), 1 + 8**0.5
intermittency = cf.analysis.intermittency(logistic, [0.3], "r", [birth - 10.0**-k for k in range(3, 8)], birth, period=3)
cf.plot(intermittency, "intermittency.png")
## BasinFractions: how many starts end on what
step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1, momentum=0.5))
fractions = cf.analysis.basin_fractions(step, ("lr", [0.1 + 0.05 * k for k in range(60)]), [(-2, 2), (-1, 1)], 400)
cf.plot(fractions, "basin-fractions.png")

# Cycles, branches and bifurcations
## Cycles: all cycles of a period, in the cobweb
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46))
cycles = cf.analysis.cycles(step, 3, [(-2, 2)])
cf.plot(cycles, "cycles.png")
## Branch: one cycle, continued
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.8))
branch = cf.analysis.continue_cycle(step, [1.0], "lr", (0.5, 1.5))
cf.plot(branch, "branch.png")
## Branches: all branches that can be reached from cycles
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.8))
branches = cf.analysis.branches(step, [(-2, 2)], "lr", (0.5, 1.6))
cf.plot(branches, "branches.png")
## ExactCycles: cycles in closed form
loss, gd = cf.losses.cubic(), cf.optimizers.gd(lr=1.1)
exact = cf.symbolic.cycles(loss, gd, 2)
cf.plot(exact, "exact.png")
## BifurcationCurve: a flip in two parameters
step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.5, momentum=0.5))
curve = cf.analysis.bifurcation_curve(step, ("flip", [[1.0, 0.0]]), ("lr", "momentum"), [(0.8, 2), (0, 0.9)])
cf.plot(curve, "curve.png")
## Chart: bifurcation curves, and what lives between them
cubic = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.136, "c": 1.5})
chart = cf.analysis.chart(cubic, ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 2)))
cf.plot(chart, "chart.png")

# Basins, manifolds and fractals
## Basins: which start ends on which attractor
step = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.03))
basins = cf.analysis.basins(step, [("x", (-6, 6, 300)), ("y", (-6, 6, 300))])
cf.plot(basins, "basins.png")
## BoundaryDimension: how uncertain the end is
step = cf.Map.from_text(["x**2 - y**2 - 1", "2*x*y"], "x y")
boundary = cf.analysis.boundary_dimension(cf.analysis.basins(step, [("x", (-1.8, 1.8, 400)), ("y", (-1.3, 1.3, 400))]))
cf.plot(boundary, "boundary-dimension.png")
## Explanation: what the log of a run tells
path = "examples/training-log.csv"
found = cf.analysis.explain(path, "loss")
cf.plot(found, "explanation.png")
## Manifolds: manifolds of a saddle, where basins end
step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9))
manifolds = cf.analysis.manifolds(step, [0.0, 0.0], box=[(-2.5, 2.5), (-12, 12)], basins=200)
cf.plot(manifolds, "manifolds.png")
## Homoclinic: where the manifolds of a saddle cross
henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
homoclinic = cf.analysis.homoclinic(henon, [0.63, 0.19], box=[(-1.5, 1.5), (-0.5, 0.5)], length=10)
cf.plot(homoclinic, "homoclinic.png")
## Tangencies: where the manifolds of a saddle touch
henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
touches = cf.analysis.tangencies(henon, [0.63, 0.19], "a", (1.391, 1.394), box=[(-1.5, 1.5), (-0.5, 0.5)], length=8)
cf.plot(touches, "tangencies.png")
## TangencyCurve: tangencies in two parameters
henon, box = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3}), [(-1.5, 1.5), (-0.5, 0.5)]
touch = cf.analysis.tangencies(henon, [0.63, 0.19], "a", (1.391, 1.394), box=box, length=8)[0]
cf.plot(curve := cf.analysis.tangency_curve(touch, ("a", "b"), ((1.38, 1.40), (0.295, 0.305))), "tangency-curve.png")
## FractalDimension: how points fill space
henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
dimension = cf.analysis.fractal_dimension(cf.iterate(henon, [0.1, 0.1], 20_000).z)
cf.plot(dimension, "dimension.png")
## LyapunovSpectrum: all exponents with their errors
henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
spectrum = cf.analysis.lyapunov_spectrum(henon, [0.1, 0.1])
cf.plot(spectrum, "lyapunov-spectrum.png")
## CovariantVectors: expanding and contracting directions
henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
vectors = cf.analysis.covariant_vectors(henon, [0.1, 0.1], 20_000)
cf.plot(vectors, "covariant-vectors.png")
## TopologicalEntropy: two bounds
step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.5))
entropy = cf.analysis.topological_entropy(step, (-2, 2))
cf.plot(entropy, "entropy.png")

# Noise and batches
## Runs: many runs of SGD
loss, gd = cf.losses.tanh_network(), cf.optimizers.gd(lr=0.3)
runs = cf.iterate_many(loss, gd, [0.5] * 7, 400, batch=2, runs=400)
cf.plot(runs, "runs.png")
## RunsComparison: flows beside the mean of many runs
loss, gd = cf.losses.tanh_network(), cf.optimizers.gd(lr=0.3)
compared = cf.compare(loss, gd, ["central", "gradient"], [0.5] * 7, 300, batch=2, runs=200)
cf.plot(compared, "runs-comparison.png")
## MeanSquare: the edge of stability of SGD
loss = cf.losses.tanh_network()
square = cf.mean_square(loss, [0.5] * 7, lr=0.3, batch=2)
cf.plot(square, "mean-square.png")
## HeldSharpness: what holds the sharpness, over rates and batches
loss, gd = cf.losses.tanh_network(), cf.optimizers.gd(lr=0.5)
held = cf.held_sharpness(loss, gd, [0.5] * 7, 600, [0.25, 0.5], [2, 4, 8], after=300)
cf.plot(held, "held-sharpness.png")
## RandomLyapunov: exponents of a random map
step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46), noise=1e-4)
exponents = cf.analysis.random_lyapunov(step, [1.1], 2000)
cf.plot(exponents, "random-lyapunov.png")
## NoiseInduced: order and chaos that noise makes
step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46), noise=1.0)
induced = cf.analysis.noise_induced(step, [1.1], ("noise", [10.0 ** (-9 + k / 2) for k in range(15)]), 2000)
cf.plot(induced, "noise-induced.png")
## InvariantDensity: where a noisy optimizer spends its time
step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.2), noise=1e-3)
density = cf.analysis.invariant_density(step, [1.1])
cf.plot(density, "density.png")
## BlurredCycle: is the period still there?
step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46), noise=1.0)
blurred = cf.analysis.blurred_cycle(step, [1.1], ("noise", [10.0 ** (-9 + k / 2) for k in range(15)]))
cf.plot(blurred, "blurred-cycle.png")
## EscapeTimes: how long a valley holds
step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1), noise=1.0)
times = cf.analysis.escape_times(step, [-1.0], "w > 0", 5000)
cf.plot(times, "escape-times.png")
## Arrhenius: how escape depends on the noise
step, sizes = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1), noise=1.0), [0.5, 0.7, 1.0, 1.4]
fit = cf.analysis.arrhenius([cf.analysis.escape_times(step.varied("noise", s), [-1.0], "w > 0") for s in sizes], sizes)
cf.plot(fit, "arrhenius.png")

# Flows beside optimizers
## Trajectory: the central flow, and the optimizer beneath it
loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
path = cf.solve(cf.flows.central(loss, gd), [0.05, 6.4], t=300)
cf.plot(path, "trajectory.png", orbit=cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 300), loss=loss)
## Comparison: which flow stays nearest to the optimizer
loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
models = cf.compare(loss, gd, ["central", "gradient", "rod"], [0.05, 6.4], 300)
cf.plot(models, "comparison.png")
## Averages: which average of the iterates is best
loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
averages = cf.averages(loss, gd, start=[0.05, 6.4], steps=300)
cf.plot(averages, "averages.png")
## Run: a network trained beside its flows
settings = {"network": "mlp:widths=8", "data": "digits:classes=2,n=60", "optimizer": "gd:lr=0.6"}
run = cf.train(**settings, steps=300, out="run")
cf.plot(run, "training.png")

# Proofs
## Certificate: a proof of chaos, drawn
loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=1.7)
certificate = cf.certify.chaos(loss, gd, box=(-1.3, 1.3))
cf.plot(certificate, "certificate.png")
## Ledger: all cycles of a period, proved
loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=1.7)
ledger = cf.certify.cycles(loss, gd, 4, (-2, 2))
cf.plot(ledger, "ledger.png")
'''


@dataclass(frozen=True)
class Example:
    """Lines of Python that draw one figure: of which class of ``record``, what it shows, and the file's name."""

    group: str
    record: str
    title: str
    code: str

    @property
    def picture(self) -> str:
        """The name of the file that the lines write."""
        return str(ast.literal_eval(_plots(self.code).args[1]))

    def draw(self, folder: Path) -> str:
        """Execute the lines in a folder, where they write the picture; the class of what they draw."""
        import cfdyn as cf

        names: dict[str, Any] = {"cf": cf}
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.chdir(folder):
            exec(compile(self.code, self.picture, "exec"), names)  # noqa: S102
        drawn = _plots(self.code).args[0]
        return type(names[ast.unparse(drawn.target if isinstance(drawn, ast.NamedExpr) else drawn)]).__name__


def _plots(code: str) -> ast.Call:
    """The call of `cf.plot` in some lines."""
    [call] = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and ast.unparse(node.func) == "cf.plot"]
    return call


def examples() -> list[Example]:
    """All of them, in the order of the page."""
    found, group = [], ""
    for part in EXAMPLES.strip().split("\n#"):
        head, _, code = part.lstrip("# ").partition("\n")
        if ": " in head:
            record, title = head.split(": ", 1)
            found.append(Example(group, record, title, code.strip()))
        else:
            group = head
    return found


def page(shown: Iterable[Example]) -> str:
    """The gallery as Markdown, with pictures beside it."""
    parts, group = ["# Gallery\n\nEvery kind of figure with the lines that made it, after `import cfdyn as cf`.\n"], ""
    for example in shown:
        if example.group != group:
            group = example.group
            parts.append(f"## {group}\n")
        words = f"### {example.title[0].upper()}{example.title[1:]}\n\n`{example.record}`"
        parts.append(f"{words}\n\n![{example.title}]({example.picture})\n\n```python\n{example.code}\n```\n")
    return "\n".join(parts)


def write(folder: Path, records: Iterable[str] = (), said: Callable[[str], None] = lambda line: None) -> Path:
    """Pictures and their page in a folder; ``records``: of these classes only, all if there are none."""
    wanted = set(records)
    shown = [example for example in examples() if not wanted or example.record in wanted]
    for example in shown:
        begun = time.monotonic()
        example.draw(folder)
        said(f"{example.picture}  {time.monotonic() - begun:.1f} s")
    path = folder / "gallery.md"
    path.write_text(page(shown), encoding="utf-8")
    return path


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("python -m papers.gallery FOLDER [RECORD…]")
    print(write(Path(sys.argv[1]), sys.argv[2:], print))
