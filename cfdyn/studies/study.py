"""`study`: the dynamics of one optimizer on one loss: minima, edge, regime, bifurcations, proofs and a verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypeVar

import numpy as np

from cfdyn.analysis.attractors.bands import Bands, bands
from cfdyn.analysis.attractors.classify import Regime, classify
from cfdyn.analysis.bifurcations.cycles import Cycles, cycles
from cfdyn.analysis.bifurcations.normal_form import NormalForm, normal_form
from cfdyn.analysis.parameters.cascade import Cascade
from cfdyn.analysis.parameters.windows import Window
from cfdyn.analysis.training.edge import Edge
from cfdyn.analysis.training.hovering import Hovering, hovering_or_why
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.records.shared import Shared, exactly
from cfdyn.registry import catalogue
from cfdyn.studies.compile_ahead import compiling_ahead
from cfdyn.studies.defaults import NEAR, edge_at, family, learning_rate, of_loss, start_near
from cfdyn.studies.landmarks import doublings, formulas, three_cycle_windows
from cfdyn.studies.landscape import Landscape, landscape
from cfdyn.studies.onward import onward
from cfdyn.studies.proofs import proofs
from cfdyn.studies.verdict import BULLET, verdict
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.minima import Minimum, minima
from cfdyn.systems.orbit import Orbit, iterate
from cfdyn.systems.steps import as_map

STEPS, LONGER = 300, 12_000  # of the orbit that is kept and drawn, and at most of that whose curvature is followed
FALLS = 20_000  # of the latter where round-off would stop it: an average of squares falls first
WORK = 100_000_000  # operations for these curvatures, a tenth of a second
GIVEN = "given"
NO_EDGE: tuple[Edge | None, str] = None, ""
STAGES = 7
Progress = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Study(Record):
    """All results of `study`.

    ``minima``: the lowest first; ``edge``: where the lowest loses its stability, or None with the reason ``no_edge``; ``flip``:
    its normal form, if it is a flip; ``regime`` of the orbit from ``start``; ``bands``: regimes over lr; ``cycles``: 3-cycles
    at this lr (one weight only, else None); ``cascade``: the period doublings that begin at the edge, if it is a flip within
    the bands; ``windows`` of 3-cycles over the range of the bands; ``exact``: closed forms, a dict each (name, text, latex,
    value); ``orbit``: the first steps; ``landscape``: the background of its figure; ``hovering``: λ₁(P⁻¹H) against its edge
    along 3,000 steps (20,000 with a sustained oscillation if ``regime`` rests on perturbations; fewer if these take long), or
    None with the reason ``no_hovering``; ``unfinished``: what could not be computed, and why, or ""; ``certificates``: proofs
    in ball arithmetic, documents of `cf.certify`; ``unproved``: failed attempts at proofs, and why; ``verdict``: the headline,
    and a line for each of the bullets: the edge, other attractors, changes with lr, what is proved, what to try next.
    docs/theory/words.md defines its terms.
    """

    _headline = ("title", "optimizer", "verdict")
    title: str
    latex: str
    optimizer: str
    lr: float
    start: Annotated[np.ndarray, "D"]
    chosen: dict
    minima: list[Minimum]
    edge: Edge | None
    flip: NormalForm | None
    regime: Regime
    bands: Bands
    cycles: Cycles | None
    cascade: Cascade | None
    windows: list[Window]
    exact: list[dict]
    orbit: Orbit
    loss: Annotated[np.ndarray, "t"]
    sharpness: Annotated[np.ndarray, "t"]
    landscape: Landscape
    verdict: str
    no_edge: str = ""
    unfinished: str = ""
    hovering: Hovering | None = None
    no_hovering: str = ""
    certificates: list[dict] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)

    @property
    def headline(self) -> str:
        """The attractor of the orbit, in one line."""
        return self.verdict.split(BULLET)[0]

    @property
    def bullets(self) -> list[str]:
        """The lines after the headline, at most five."""
        return self.verdict.split(BULLET)[1:]

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of the weights, in the order of ``start``."""
        return self.orbit.names[: self.orbit.n_weights]


class _Stages:
    """Progress messages of a study: the stage, and the number of values done in it."""

    def __init__(self, say: Progress | None):
        self.say, self.stage, self.words = say or (lambda words: None), 0, ""
        self.values, self.starts = (None if say is None else partial(self._count, of) for of in ("values", "starts"))

    def begin(self, what: str) -> None:
        """Begin the next stage."""
        self.stage += 1
        self.words = f"stage {self.stage} of {STAGES}, {what}"
        self.say(self.words)

    def _count(self, of: str, done: int, total: int) -> None:
        """Report the number of values done."""
        self.say(f"{self.words}: {done} of {total} {of}")


def study(
    loss: Loss, optimizer: Optimizer | None = None, start: Any = None, box: Sequence[tuple[float, float]] | None = None,
    lr_range: tuple[float, float] | None = None, seed: int = 0, auto_lr: bool = False, progress: Progress | None = None,
) -> Study:  # fmt: skip
    """Study an optimizer on a loss: minima, edge, flip, regimes over lr, 3-cycles and windows, closed forms, proofs, verdict.

    Parameters
    ----------
    loss : the loss
    optimizer : with its learning rate; by default gradient descent at 1.1 × the edge
    start : weights (d,) or full state; by default near the lowest minimum
    box : where to search for minima and 3-cycles; by default the loss's own
    lr_range : (lo, hi) of the regimes over lr; by default from half the edge to three times it
    seed : of the random starts for minima
    auto_lr : use 1.1 × the edge instead of the optimizer's learning rate, or 0.001 if Adam's ε alone sets the edge
    progress : called with a message at each stage

    Raises
    ------
    UsageError : an invalid start, box or range, or no learning rate and no edge

    Examples
    --------
    >>> import cfdyn as cf
    >>> study = cf.study(cf.Loss("(w**2-1)**2/4"), cf.optimizers.gd(lr=1.46))
    >>> study.regime.period, len(study.cycles), study.edge.value
    (3, 4, 1.0)
    """
    return studied(Shared(), loss, optimizer, start, box, lr_range, seed, auto_lr, progress)


def studied(
    shared: Shared, loss: Loss, optimizer: Optimizer | None = None, start: Any = None,
    box: Sequence[tuple[float, float]] | None = None, lr_range: tuple[float, float] | None = None, seed: int = 0,
    auto_lr: bool = False, progress: Progress | None = None,
) -> Study:  # fmt: skip
    """`study`, reusing the results of earlier ones with the same loss and optimizer; the result is the same to the last bit."""
    stages = _Stages(progress)
    auto, given = auto_lr or optimizer is None, start is not None
    optimizer = optimizer or catalogue("optimizers").get("gd")(lr=1.0)
    if "lr" not in optimizer.params:
        raise UsageError("study varies the learning rate, but this optimizer has no hyperparameter 'lr'")
    if given:
        as_map(loss, optimizer).state(start)  # a wrong one is refused before anything is computed
    stages.begin("looking for minima")
    known = shared.once(("minima", of_loss(loss), box, seed), lambda: minima(loss, box, seed=seed, progress=stages.starts))
    if auto:
        stages.say(f"{stages.words}, and the edge of the lowest")
    lr, how = learning_rate(loss, optimizer, known) if auto else (optimizer.params["lr"], GIVEN)
    optimizer = optimizer.at(lr=lr)
    step = as_map(loss, optimizer)
    z0 = step.state(start if given else start_near(loss, known))
    parts = _parts(shared, loss, optimizer, step, z0, known, box, lr_range, seed, stages)
    parts["chosen"] = {"lr": how, "start": GIVEN if given else NEAR}
    seen = [parts[name] for name in ("regime", "edge", "bands", "minima")]
    words = verdict(step, onward(loss.spec, optimizer, z0[: np.size(start)] if given else None, *seen), **parts)
    return Study(**parts, verdict=words, provenance=provenance(
        loss=loss.spec.title, params=loss.params, optimizer=str(optimizer), start=z0, seed=seed, data=loss.spec.data_digest,
    ))  # fmt: skip


def _parts(
    shared: Shared, loss: Loss, optimizer: Optimizer, step: Map, z0: np.ndarray, known: list[Minimum],
    box: Sequence[tuple[float, float]] | None, lr_range: tuple[float, float] | None, seed: int, stages: _Stages,
) -> dict[str, Any]:  # fmt: skip
    """The fields of a `Study` except ``chosen`` and ``verdict``."""
    tried = _Tried(shared)
    no_windows: tuple[list[Window], str] = [], ""
    lr, at_rest = optimizer.params["lr"], (family(loss, optimizer), box, seed)
    border, no_edge = tried(
        "edge of the lowest minimum, and with it its flip and doublings", NO_EDGE,
        lambda: edge_at(loss, optimizer, known[0]) if known else NO_EDGE, ("edge", at_rest), step, _is_edge,
    )  # fmt: skip
    bounds = lr_range or _range(lr, border)
    over = at_rest[0], exactly(z0), bounds
    with formulas(loss, optimizer, partial(shared.once, ("formulas", over[0]))) as exact, compiling_ahead(step.dim == 1):
        stages.begin("classifying the orbit")
        regime, orbit = classify(step, z0), iterate(step, z0, STEPS)
        stages.begin("scanning learning rates")
        over_lr = shared.once(("bands", over), lambda: bands(step, z0, "lr", bounds, progress=stages.values), step)
        stages.begin("following the sharpness")
        along = _along(loss, step, orbit, regime, z0)
        stages.begin("following doublings and 3-cycles")
        around = _around(loss, orbit, box)
        parts: dict[str, Any] = {
            "title": loss.spec.title, "latex": loss.spec.latex(short=True), "optimizer": str(optimizer), "lr": lr, "start": z0,
            "minima": known, "edge": border, "no_edge": no_edge, "regime": regime, "bands": over_lr, **along,
            "flip": tried("normal form of the flip", None, lambda: _flip(step, border), ("flip", at_rest)),
            "cycles": tried("3-cycles", None, lambda: cycles(step, 3, around) if step.dim == 1 else None),
            "cascade": tried("doublings", None, lambda: doublings(step, border, over_lr), ("doublings", at_rest, over)),
        }  # fmt: skip
        parts["windows"], gaps = tried(
            "windows of 3-cycles", no_windows, lambda: three_cycle_windows(step, z0, over_lr, around, stages.values),
            ("windows", over, around), step,
        )  # fmt: skip
        tried.missing += [f"windows of 3-cycles {gaps}"] if gaps else []
        stages.begin("proving")
        parts["certificates"], parts["unproved"] = proofs(step, regime, parts["cycles"], around, border)
        stages.begin("looking for formulas")
        parts["exact"], left = exact()
    tried.missing += [f"closed forms of {left}"] if left else []
    return {**parts, "unfinished": "; ".join(tried.missing)}


class _Tried:
    """Parts of a study, one call each; ``missing``: why some failed."""

    def __init__(self, shared: Shared):
        self.shared, self.missing = shared, list[str]()

    def __call__(
        self, part: str, nothing: T, compute: Callable[[], T], key: tuple | None = None, step: Map | None = None,
        keep: Callable[[T], bool] = bool,
    ) -> T:  # fmt: skip
        """The result of ``compute``, cached by `Shared.once` if there is a key; ``nothing`` if it fails."""
        try:
            return compute() if key is None else self.shared.once(key, compute, step, keep)
        except NumericsError as problem:
            self.missing.append(f"{part} ({problem})")
            return nothing


def _along(loss: Loss, step: Map, orbit: Orbit, regime: Regime, z0: np.ndarray) -> dict[str, Any]:
    """The fields about the orbit and its curvature."""
    held, why = hovering_or_why(_long_orbit(step, z0, regime))
    seen = {"orbit": orbit, "loss": orbit.loss, "sharpness": orbit.sharpness}
    return {**seen, "landscape": landscape(loss, step, orbit, regime), "hovering": held, "no_hovering": why}


def _is_edge(edge: tuple[Edge | None, str]) -> bool:
    """True for an edge; the reason for a missing one may depend on the learning rate."""
    return edge[0] is not None


def _long_orbit(step: Map, z0: np.ndarray, regime: Regime) -> Orbit:
    """The orbit along which the curvature is measured, with an oscillation as large as the perturbations of its regime."""
    most = WORK // step.tangent_cost
    if regime.inject:
        # Its Hessian is taken in every step, a row of it for about a quarter of a tangent.
        return iterate(step, z0, max(STEPS, min(FALLS, 4 * most // step.n_weights)), inject=regime.inject)
    return iterate(step, z0, max(STEPS, min(LONGER, most)))


def _range(lr: float, border: Edge | None) -> tuple[float, float]:
    """Half the edge to three times it, extended to contain the learning rate; near the latter if the edge is far away."""
    if border is None or border.value > 100 * lr or not border.smooth:
        return lr / 4, 4 * lr
    return min(0.5 * border.value, 0.9 * lr), max(3 * border.value, 1.2 * lr)


def _flip(step: Map, border: Edge | None) -> NormalForm | None:
    if border is None or border.kind != "flip" or not border.smooth:
        return None
    return normal_form(step.at(lr=border.value), border.points[0])


def _around(loss: Loss, orbit: Orbit, box: Sequence[tuple[float, float]] | None) -> list[tuple[float, float]]:
    """The box of the first weight, and the range of the orbit on the rest of the line, with a margin."""
    lo, hi = (box or loss.spec.box or [(-5.0, 5.0)])[0]
    w = [lo, hi, *orbit.w[np.abs(orbit.w[:, 0]) < 1e6, 0].tolist()]
    lo, hi = min(w), max(w)
    return [(lo - 0.05 * (hi - lo), hi + 0.05 * (hi - lo))]
