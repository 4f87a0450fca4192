"""`lyapunov_spectrum`: Lyapunov exponents with their errors."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.codegen import frames
from cfdyn.codegen.lanes import HEAD
from cfdyn.ensembles._kernels.frame import Frame, stretch_frame
from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.maps.course import require_smooth
from cfdyn.integrate.maps.tangents import Tangents
from cfdyn.kernels.orbits import DONE
from cfdyn.linalg.products import frame
from cfdyn.records.record import Record, provenance
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.flow import Flow
from cfdyn.systems.map import Map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap
from cfdyn.systems.orbit import ESCAPE, status_text

Stretching = Callable[[np.ndarray, int, np.ndarray, np.ndarray], int]

MOST = 300  # exponents computed by default
PARTS, TURNING = 20, 1000  # parts of the steps whose means give the errors; steps in which tangents align
CAREFULLY = 64, 4096  # single steps where digits would be lost, more the second and further times


@dataclass(frozen=True)
class LyapunovSpectrum(Record):
    """``exponents`` (D,), or the leading ones, the largest first, with standard errors ``errors``, NaN for a single step.

    ``total``, ``total_error``: their sum, for all D the logarithmic rate at which volumes change per step. ``dimension``: the
    Kaplan–Yorke dimension k + (λ_1 + … + λ_k)/|λ_{k+1}|, k the largest number of exponents with a nonnegative sum (D if that
    holds for all, NaN if it takes more than the leading ones), with its jackknife error ``dimension_error``. ``steps`` averaged
    over. For a flow, exponents are per unit of time, ``unit`` is "time", and ``steps`` is the time averaged over.
    """

    exponents: Annotated[np.ndarray, "D"]
    errors: Annotated[np.ndarray, "D"]
    total: float
    total_error: float
    dimension: float
    steps: float
    dimension_error: float = math.nan
    unit: str = "step"


def lyapunov_spectrum(
    step: Map | MatrixFreeMap | Flow, z0: Any, n: float | None = None, transient: float | None = None,
    progress: Callable[[int], None] | None = None, leading: int | None = None,
) -> LyapunovSpectrum:  # fmt: skip
    """Lyapunov exponents, all or the leading ones, with standard errors from the means over 20 segments of the orbit.

    λ_k = lim (1/n) Σ log r_kk of the QR factors along the orbit, the largest first; for a flow dz/dt = F(z), of the tangent
    vectors dV/dt = DF(z) V, reorthonormalized repeatedly over the time n.

    The errors assume a mixing motion; they do not account for transients longer than the one discarded, nor for other
    attractors. Tangent vectors align during the last 1000 steps of the transient, or its second half; if that is shorter, also
    along the first steps after it, up to 1000, which are then repeated. For a linear map, at a fixed point, and on a cycle
    whose period divides n/20, exponents are therefore exact up to round-off once the tangent vectors have aligned, which takes
    a few times 1/(λ_k − λ_{k+1}) steps; along other orbits the remaining misalignment contributes once in n steps.
    Reorthonormalization takes place every 8 steps, earlier if digits would be lost.

    Parameters
    ----------
    step : the map, also on a loss without a formula (tangent vectors then use Hessian-vector products), or a smooth flow of up
        to 60 variables. Explicit time in a flow has no exponent
    z0 : start, the d weights or the full state (D,)
    n : number of steps averaged over, 100,000 by default; for a flow the time, 10,000
    transient : number of steps, or the time, before; 1000 by default
    progress : called at times with the number of steps done, or the time
    leading : number of the largest exponents to compute; by default all D, if D ≤ 300

    Raises
    ------
    NumericsError : the orbit diverges or leaves the domain
    UsageError : n below 1, a negative transient, an invalid start, all of too many exponents, or a flow with an edge

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    >>> spectrum = cf.analysis.lyapunov_spectrum(step, [0.1, 0.1], 200_000)
    >>> first, error = spectrum.exponents.tolist()[0], spectrum.errors.tolist()[0]
    >>> abs(first - 0.41922) < 4 * error < 1e-2, round(spectrum.dimension, 2)
    (True, 1.26)

    The flow of Lorenz contracts volumes at the rate s + 1 + b:

    >>> lorenz = cf.Flow.from_text("s*(y-x); x*(r-z)-y; x*y-b*z", "x y z", {"s": 10.0, "r": 28.0, "b": 8/3})
    >>> spectrum = cf.analysis.lyapunov_spectrum(lorenz, [1.0, 1.0, 20.0], 300)
    >>> bool(abs(spectrum.exponents - [0.9056, 0, -14.5723]).max() < 0.05), round(spectrum.total, 5), spectrum.unit
    (True, -13.66667, 'time')

    References
    ----------
    Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15. Kaplan & Yorke (1979), Lecture Notes in Math. 730, 204.
    """
    if isinstance(step, Flow):
        return _of_flow(step, z0, 10_000.0 if n is None else n, 1000.0 if transient is None else transient, progress, leading)
    n, transient = (whole_number(what, usual if value is None else value)
                    for what, value, usual in (("`n`", n, 100_000), ("`transient`", transient, 1000)))  # fmt: skip
    if n < 1 or transient < 0:
        raise UsageError("lyapunov needs at least one step and no negative transient")
    z = require_step(step).state(z0).copy()
    q, stretch = _frame(step.dim, leading), stretching(step)
    turning = min(transient // 2, TURNING)
    z, done, code = step.ahead(z, transient - turning, ESCAPE)
    if code != DONE:
        raise NumericsError(f"the orbit {status_text(code, done + 1)}, so it has no exponents")
    if step.dim > 1 and turning < min(n, TURNING):
        # Arbitrary initial tangents would lose log(cos) of their angle in the average: they align with later directions.
        stretch(z.copy(), min(n, TURNING), q, np.zeros(len(q)))
    ends = np.unique(np.linspace(0, n, PARTS + 1).astype(int))
    sums = np.zeros((len(ends) - 1, len(q)))
    for k, (first, last) in enumerate([(-turning, 0), *zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]):
        own = sums[k - 1] if k else np.zeros(len(q))
        for begin in range(first, last, step.at_once):
            count = min(step.at_once, last - begin)
            done = stretch(z, count, q, own)
            if done < count:
                raise NumericsError(f"{_ended(step, z)} at step {transient + begin + done}: no exponents")
            if progress and k:
                progress(begin + done)
    settings = provenance(map=step.title, params=step.params, start=z0, transient=transient, leading=leading)
    return averaged_exponents(sums, np.diff(ends), n, step.dim, settings)


def _ended(step: AnyMap, z: np.ndarray) -> str:
    """What is not finite one step after a state (D,): the next state, or the derivative of a matrix-free map."""
    if step.compiled is None and np.isfinite(step.step(z)).all():
        return "the derivative of the step along the tangents stops being finite"
    return "the orbit stops being finite"


def _of_flow(
    flow: Flow, z0: Any, time: float, transient: float, progress: Callable[[int], None] | None, leading: int | None
) -> LyapunovSpectrum:
    """The spectrum of a flow, by the tangent equation."""
    require_smooth(flow, "lyapunov of a flow")
    if not (0 < time < math.inf and 0 <= transient < math.inf):
        raise UsageError(f"lyapunov needs a positive time and no negative transient, not {time:g} and {transient:g}")
    z = flow.state(z0).copy()
    tangents = Tangents(flow, _frame(flow.dim - flow.timed, leading))
    tangents.follow(z, transient - min(transient / 2, TURNING), alone=True)
    sums, begun = np.zeros((PARTS, len(tangents.q))), 0.0
    tangents.follow(z, min(transient / 2, TURNING))
    if tangents.n > 1 and transient / 2 < min(time, TURNING):
        tangents.follow(z.copy(), min(time, TURNING))  # as those of a map
    for k in range(PARTS):
        sums[k] = tangents.follow(z, time / PARTS)
        begun += time / PARTS
        if progress:
            progress(int(begun))
    settings = provenance(map=flow.title, params=flow.params, start=z0, transient=transient, leading=leading)
    return replace(averaged_exponents(sums, np.full(PARTS, time / PARTS), time, tangents.n, settings), unit="time")


def _frame(dim: int, leading: int | None) -> np.ndarray:
    """Initial tangent vectors (k, D), as many as requested."""
    if leading is not None:
        return frame(dim, whole_number("`leading`", leading, 1, dim))
    if dim > MOST:
        raise UsageError(f"{dim} exponents are too many: ask for the largest with `leading=4`")
    return frame(dim, dim)


def averaged_exponents(sums: np.ndarray, lengths: np.ndarray, n: float, dim: int, settings: dict) -> LyapunovSpectrum:
    """Exponents and errors from the sums (parts, D) of logarithms over segments with these numbers of steps."""
    with np.errstate(invalid="ignore"):
        exponents, means = sums.sum(axis=0) / n, sums / lengths[:, None]
        scatter = (
            np.column_stack([means, means.sum(axis=1)]).std(axis=0, ddof=1)
            if len(means) > 1
            else np.full(sums.shape[1] + 1, np.nan)
        )
        errors, order = scatter / np.sqrt(len(means)), np.argsort(-exponents, kind="stable")
    exponents, error = exponents[order], math.nan
    if len(means) > 1 and np.isfinite(sums).all():
        left_out = (sums.sum(axis=0) - sums)[:, order] / (n - lengths)[:, None]
        error = float(np.std([kaplan_yorke(row, dim) for row in left_out]) * np.sqrt(len(means) - 1))
    dimension = kaplan_yorke(exponents, dim)
    return LyapunovSpectrum(exponents, errors[:-1][order], float(exponents.sum()), float(errors[-1]), dimension, n, error,
                            provenance=settings)  # fmt: skip


def kaplan_yorke(exponents: np.ndarray, dim: int) -> float:
    """The Kaplan–Yorke dimension; NaN if it takes more than the known leading exponents."""
    sums = np.cumsum(exponents)
    k = int((sums >= 0).sum())
    if k == len(exponents):
        return float(k) if k == dim else math.nan
    return k + (float(sums[k - 1]) / -float(exponents[k]) if k else 0.0)


def stretching(step: AnyMap) -> Stretching:
    """A function (z, n, q, sums) → number of finite steps, see `cfdyn.kernels.orbits.stretch`; for up to D tangent vectors."""
    carefully, code = step.stretch, step.compiled
    if code is None or not code.in_lanes or code.spec.data is not None or step.dim > frames.MOST:
        return carefully
    p = np.concatenate([np.zeros(HEAD), step.p])
    memory = Frame.make(run=code.rule("frame:tangents:1").compiled, size=len(p), p=p).memory

    def quickly(z: np.ndarray, n: int, q: np.ndarray, sums: np.ndarray) -> int:
        if len(q) < step.dim:
            return carefully(z, n, q, sums)
        done, (some, most) = 0, CAREFULLY
        while (done := done + stretch_frame(memory, z, n - done, q, sums)) < n:
            count = min(some, n - done)
            taken = carefully(z, count, q, sums)
            if taken < count:
                return done + taken
            done, some = done + count, min(2 * some, most)
        return n

    return quickly
