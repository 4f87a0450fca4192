"""`edge`: gradient flow crosses the edge of stability in a box, and in which direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx

from cfdyn.arguments import vector
from cfdyn.certify.balls import BITS, lower_double, upper_double
from cfdyn.certify.boxes.pace import Progress, Told
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.critical.scale import Rule, Scale
from cfdyn.certify.critical.sharpest import Box, Sharpest
from cfdyn.certify.exact import end, written
from cfdyn.certify.subject import Subject, limit_of, subject
from cfdyn.certify.trapping import as_box, halves
from cfdyn.errors import UsageError
from cfdyn.optimizers import adam, ema_momentum, gd, heavy_ball, nesterov, rmsprop
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.formula import formula

# θ of a momentum β: where the characteristic polynomial of z is 0 at z = −1 (docs/theory/the-edge.md).
Known = tuple[Callable[..., Optimizer], str, Callable[[Fraction], Fraction]]
KNOWN: tuple[Known, ...] = (
    (gd, "", lambda b: Fraction(2)), (heavy_ball, "momentum", lambda b: 2 + 2 * b),
    (nesterov, "momentum", lambda b: 2 * (1 + b) / (1 + 2 * b)), (ema_momentum, "momentum", lambda b: 2 * (1 + b) / (1 - b)),
)  # fmt: skip
ADAPTIVE: tuple[Known, ...] = (rmsprop, "", lambda b: Fraction(2)), (adam, "beta1", lambda b: 2 * (1 + b) / (1 - b))
MOST_LEAVES = 4000
SLACK = 0.1  # distance of an enclosure from 0 over its width: for a checker with slightly wider enclosures
ROUNDS, CLOSE = 60, 1e-9  # of the search for the edge from a point
LARGEST, SMALLEST, SHRINK = 0.25, 1e-7, 0.6  # radius of the box around a point, over 1 + |w|
AROUND, ATTEMPTS = 200, 4096  # leaves for a box around a point; points of a box that are evaluated
HALVED, DEEPEST = 40, 400  # bisections of a side before a leaf is given up; in total


def edge(
    loss: Any, optimizer: Optimizer | None = None, box: Sequence[Any] | None = None, point: Sequence[Any] | None = None,
    most: int = MOST_LEAVES, progress: Progress | None = None, **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove that gradient flow crosses the edge of stability in a box, and whether it enters or leaves the edge there.

    λ is the Hessian's largest eigenvalue, θ/η the curvature at which a mode has the multiplier −1: θ = 2 for gradient descent,
    2 + 2β for heavy ball. The certificate proves: all other eigenvalues are below θ/η in the box; λ < θ/η at some of its points,
    λ > θ/η at others; wherever ηλ = θ, d(ηλ)/dt = −⟨∇(ηλ), η∇L⟩ along dw/dt = −η∇L has one sign. If it is positive, the flow goes
    from the stable to the unstable side, α < 0, and the central flow is held at the edge; if negative, it leaves the edge.
    (The central flow of momentum is that of gradient descent with this edge in a faster time: α has the same sign.)
    For RMSProp and Adam λ is the largest eigenvalue of P⁻¹∇²L with P = (√ν + ε)/η, the edge is θ = 2 or 2(1 + β₁)/(1 − β₁), and
    the flow moves ν too: dw/dt = −P⁻¹∇L, dν/dt = (1 − β₂)/β₂·((∇L)² − ν); so λ may grow because ν decreases.

    loss, optimizer : a loss (text, `cf.Loss`) and plain gradient descent, heavy ball, Nesterov, an averaged gradient
        (`ema_momentum`), RMSProp or Adam, without clipping or weight decay, ε outside the root; β a number in [0, 1)
    box : (lo, hi) for each weight; for RMSProp and Adam then for the ν of each weight
    point : in place of a box: weights (and ν) near the edge, such as a point of a path; the proof uses the largest box that works
        around the closest point of the edge
    most : largest number of leaves that the box is cut into, beyond which the proof is given up
    progress : called with the numbers of boxes done and waiting, and the seconds left (for a point's box, which is one of
        several), or None if they are unknown
    vary : other values of parameters, or intervals (lo, hi) for all of which to prove the claim

    UsageError: another optimizer; both a box and a point

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = edge("(x*y - 1)**2/2", cf.optimizers.gd(lr=0.5), point=[0.6, 2.0])
    >>> proof.proved, proof.claim["enters"]  # towards the minimum x*y = 1 the sharpness x² + y² falls
    (True, False)
    >>> held = edge("x**2*(1 + y)/2 + exp(-y)", cf.optimizers.heavy_ball(lr=1, momentum=0.5), point=[0.05, 1.9])  # 1 + y = 3
    >>> held.proved, held.claim["enters"]
    (True, True)
    >>> adaptive = edge("(w**2 - 1)**2/4", cf.optimizers.rmsprop(lr=0.2, beta2=0.9), point=[0.9, 0.02])  # nu falls, and P with it
    >>> adaptive.proved, adaptive.claim["enters"], adaptive.claim["scale"]
    (True, True, 'sqrt(nu) + eps')

    References
    ----------
    Cohen et al. (2025), Understanding optimization in deep learning with central flows; Damian, Nichani & Lee (2023), ICLR.
    """
    about = subject(loss, optimizer, vary)
    sharpest = _sharpest(about)
    if sharpest is None:
        raise UsageError("the edge is proved for plain gradient descent, heavy_ball, nesterov and ema_momentum, with lr > 0 and "
                         "momentum a number in [0, 1), without clipping, dampening or weight decay; and for rmsprop and adam "
                         "with eps outside the root, beta1 a number in [0, 1) and beta2 one in (0, 1)")  # fmt: skip
    if box is not None and point is not None:
        raise UsageError("give a box, or a point near the edge, not both")
    count = len(sharpest.names)
    with ctx.workprec(BITS):
        if point is not None:
            start = vector("a point", point)
            if len(start) != count:
                raise UsageError(f"a point has {count} weight{'s' * (count > 1)}, not {len(start)}" if not sharpest.scale else
                                 f"a point has {', '.join(sharpest.names)}: {count} numbers, not {len(start)}")  # fmt: skip
            return _near(about, sharpest, start, progress)
        region = as_box(loss, box, count, sharpest.names if sharpest.scale else ())
        for name, (lo, _) in list(zip(sharpest.names, region))[about.weights :]:
            if lo <= 0:
                raise UsageError(f"{name} is above 0 in a box, not from {lo:g} on: its root has no slope at 0")
        proof = _Proof(about, sharpest, region, most, Told(progress))
        return proof.certificate(proof.sides())


def _sharpest(about: Subject) -> Sharpest | None:
    """The system with θ, the λ at which a mode has the multiplier −1; None for an optimizer whose θ is not known here."""
    if not isinstance(about.spec, LossMap) or about.exact["lr"][0] <= 0:
        return None
    known: list[tuple[Optimizer, Rule | None, str, Callable[[Fraction], Fraction]]]
    known = [(make(lr=1), None, momentum, theta) for make, momentum, theta in KNOWN]
    for make, momentum, theta in ADAPTIVE:
        plain, corrected = (make(lr=1, bias_correction=on) for on in (False, True))
        known += [(one, Rule.of(plain), momentum, theta) for one in (plain, limit_of(corrected))]
    for one, rule, momentum, theta in known:
        if _formulas(one) == _formulas(about.spec.optimizer):
            values = [_value(about, name) for name in ([momentum, "beta2", "eps"] if rule else [momentum])]
            good = all(lo == hi for lo, hi in values) and 0 <= values[0][0] < 1 and (rule is None or 0 < values[1][0] < 1)
            return Sharpest(_descent(about), theta(values[0][0]), None if rule is None else Scale(about, rule)) if good else None
    return None


def _value(about: Subject, name: str) -> tuple[Fraction, Fraction]:
    """The ends of a hyperparameter; 0 if there is no name."""
    called = about.spec.optimizer.beside(about.spec.loss.params)  # type: ignore[union-attr]
    return about.exact[called[name]] if name else (Fraction(0), Fraction(0))


def _formulas(o: Optimizer) -> tuple:
    """The formulas of a step, without spaces."""
    rules = [{name: f.text.replace(" ", "") for name, f in part.items()} for part in (o.update, o.define)]
    return *rules, o.gradient and o.gradient.text, o.probe and o.probe.text, o.per_weight, o.shared


def _descent(about: Subject) -> Subject:
    """Plain gradient descent with the same parameters; it uses only the learning rate."""
    o = about.spec.optimizer  # type: ignore[union-attr]
    plain = replace(o, update={"w": formula("w - lr*g")}, define={}, per_weight=(), initial={}, threshold=None)
    return replace(about, spec=LossMap(about.spec.loss, plain))  # type: ignore[union-attr]


def _near(about: Subject, sharpest: Sharpest, z: np.ndarray, progress: Progress | None) -> Certificate:
    """The certificate in the largest box around the edge near a point."""
    edge_at = float(sharpest.threshold)
    for _ in range(ROUNDS):
        climb = sharpest.climb(z)
        gap = edge_at - float(sharpest.sizes(z[:, None])[0])
        if not np.isfinite([gap, *climb]).all() or not climb.any():
            break
        if abs(gap) < CLOSE:
            return _around(about, sharpest, z, climb, progress)
        nearer, d = z + gap * climb / (climb @ climb), about.weights
        z = np.concatenate([nearer[:d], np.maximum(nearer[d:], z[d:] / 4)])  # squares stay positive
    return unproved(about, "edge", "the search found no point where the largest eigenvalue is at the edge; "
                    "give a point closer to the edge")  # fmt: skip


def _around(about: Subject, sharpest: Sharpest, z: np.ndarray, climb: np.ndarray, progress: Progress | None) -> Certificate:
    radius, way = LARGEST, climb / np.abs(climb).max()
    last = unproved(about, "edge", "no box")
    while radius > SMALLEST:
        reach = radius * (1 + np.abs(z))
        box = [(a - r, a + r) for a, r in zip(z.tolist(), reach.tolist())]
        last = _Proof(about, sharpest, box, AROUND, Told(progress)).certificate((z - 0.9 * reach * way, z + 0.9 * reach * way))
        if last.proved:
            break
        radius *= SHRINK
    return last


@dataclass
class _Proof:
    """A proof in one box: the tree of leaves, each of which is below, above, or at the edge with a rate of one sign."""

    about: Subject
    sharpest: Sharpest
    box: Box
    most: int
    told: Told
    rates: list[tuple[float, float]] = field(default_factory=list)
    leaves: int = 0
    why: str = ""

    def sides(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Two points of the box: those of a grid with the least and the greatest ηλ."""
        each = max(2, int(ATTEMPTS ** (1 / len(self.box))))
        if each**len(self.box) > 4 * ATTEMPTS:
            lo, hi = np.array(self.box).T
            grid = np.random.default_rng(0).uniform(lo, hi, (ATTEMPTS, len(self.box))).T
        else:
            grid = np.stack([g.ravel() for g in np.meshgrid(*(np.linspace(lo, hi, each) for lo, hi in self.box))])
        sizes = self.sharpest.sizes(grid)
        if not np.isfinite(sizes).any():
            return None
        return grid[:, np.nanargmin(sizes)], grid[:, np.nanargmax(sizes)]

    def certificate(self, sides: tuple[np.ndarray, np.ndarray] | None) -> Certificate:
        """The certificate of the whole claim, or why there is none."""
        heights = [self._height([(v, v) for v in z.tolist()]) for z in sides or ()]
        if not heights or heights[0] != "b" or heights[1] != "a":
            return unproved(self.about, "edge", "no points of the box were found below and above the edge, with one eigenvalue "
                            "above; try a larger box")  # fmt: skip
        text = self._tree(list(self.box))
        if text is None:
            return unproved(self.about, "edge", self.why)
        lo, hi = min(r[0] for r in self.rates), max(r[1] for r in self.rates)
        claim = {"box": [interval_text(*side) for side in self.box], "enters": lo > 0, "rate": interval_text(lo, hi)}
        if self.about.dim > self.about.weights:
            claim["threshold"] = written(self.sharpest.threshold)
        if self.sharpest.scale:
            claim["scale"] = self.sharpest.scale.rule.text
        below, above = ([end(v) for v in z.tolist()] for z in sides or ())
        return proved("edge", self.about, claim, {"below": below, "above": above, "tree": text})

    def _height(self, box: Box) -> str:
        side = self.sharpest.over(box)
        return "" if side is None else "b" if _off(-side.height) else "a" if _off(side.height) else "e"

    def _tree(self, box: list[tuple[float, float]], depth: int = 0) -> str | None:
        """The tree, or None with the reason in ``why``."""
        letter = self._letter(box)
        if letter:
            self.leaves += 1
            self.told.box(depth, False)
            return letter
        widths = [(hi - lo) / (b - a) for (lo, hi), (a, b) in zip(box, self.box)]
        k = widths.index(max(widths))
        if self.leaves >= self.most or self.why or depth >= min(HALVED * len(box), DEEPEST):
            ends = ", ".join(f"{name} in [{lo:.9g}, {hi:.9g}]" for name, (lo, hi) in zip(self.sharpest.names, box))
            self.why = self.why or f"undecided: {ends}; a second eigenvalue may reach the edge, or the rate may change sign; " \
                "try a smaller box"  # fmt: skip
            return None
        self.told.box(depth, True)
        left, right = halves(box, k)
        first = self._tree(left, depth + 1)
        second = first and self._tree(right, depth + 1)
        return f"{k if k < 10 else f'({k})'}{first}{second}" if first and second else None

    def _letter(self, box: Box) -> str:
        """The letter of a leaf on which something is proved; nothing for other leaves."""
        side = self.sharpest.over(box)
        if side is None:
            return ""
        if _off(side.height) or _off(-side.height):
            return "a" if side.height > 0 else "b"
        rate = side.rate()
        sign = 1 if _off(rate) else -1 if _off(-rate) else 0
        if not sign:
            return ""
        if self.rates and (self.rates[0][0] > 0) != (sign > 0):
            self.why = self.why or "the flow enters the edge in one part of the box and leaves it in another; take a part of it"
            return ""
        wide = SLACK * 2 * rate.rad() + 1e-12 * (1 + abs(rate.mid()))
        lo, hi = lower_double(rate - wide), upper_double(rate + wide)
        self.rates.append((max(lo, lower_double(rate) / 2), hi) if sign > 0 else (lo, min(hi, upper_double(rate) / 2)))
        return "e"


def _off(x: arb) -> bool:
    """True if a ball lies well above 0."""
    return bool(x.is_finite() and x - 2 * SLACK * x.rad() > 1e-11)
