"""`mean_square`: the factor per step by which the mean square of SGD's distance from a point grows or decays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import vector, whole_number
from cfdyn.errors import UsageError, shown
from cfdyn.numerics.illinois import zero
from cfdyn.numerics.stability import stability
from cfdyn.records.record import Record, provenance
from cfdyn.systems.loss import Loss
from cfdyn.systems.sgd.batch_measures import Measure, curvature_measures, gradient_measures
from cfdyn.systems.sgd.second_moments import SecondMoments, noise_share, weights_of
from cfdyn.systems.sgd.spectrum import BEYOND, spectrum_at

HUGE = 1e60  # times a learning rate: sums of its fourth power over rows are floats
EXACT = 1e-12  # of a number of rows: a batch at its threshold but for rounding is stable


@dataclass(frozen=True)
class MeanSquare(Record):
    """The second moments of SGD about a point, on the k sharp directions.

    ``radius``: their growth factor per step, the spectral radius of M; ``full_batch``: that of gradient descent,
    max (1 − ηλ)²; ``largest_lr``: the learning rate at which the radius is 1, including directions that become sharp below it;
    ``smallest_batch``: the smallest stable one at this learning rate, None if the full batch is unstable too.

    ``curvatures`` λ (k,), their ``weights`` (k,) and eigenvectors ``directions`` (k, d) of the mean Hessian; ``block`` (k, k):
    the eigenmatrix of M in that basis, positive with trace 1. Of the d directions ``sharp`` have ηλ above the cut, ``slow`` lie
    below it, ``flat`` have no curvature and ``negative`` a negative one. For more than 1000 weights the last two are None: only
    the sharp ones are computed, and all others count as slow.

    ``dropped``: the size, relative to the noise in M, of the term with the rows' third derivatives that M omits, on the
    eigenmatrix; 0 if the rows are quadratic or all at their minimum, where M is exact. ``measures``: published criteria, with
    formulas in `cfdyn.systems.sgd.batch_measures`.
    ``residual``: ‖M[V] − ρV‖/ρ of the radius ρ and eigenmatrix V on the sharp directions; here M is applied by products of the
    rows' Hessians with V's eigenvectors instead of the projected Hessians from which ρ and V were computed.
    ``rates`` (m,) and ``radii`` (m,): other learning rates, and the radius on the directions that are sharp at each.
    """

    w: Annotated[np.ndarray, "d"]
    lr: float
    batch: int
    replace: bool
    rows: int
    radius: float
    full_batch: float
    largest_lr: float
    smallest_batch: int | None
    sharp: int
    slow: int
    flat: int | None
    negative: int | None
    dropped: float
    curvatures: Annotated[np.ndarray, "k"]
    weights: Annotated[np.ndarray, "k"]
    directions: Annotated[np.ndarray, "k d"]
    block: Annotated[np.ndarray, "k k"]
    residual: float
    measures: list[Measure]
    rates: Annotated[np.ndarray, "m"]
    radii: Annotated[np.ndarray, "m"]

    @property
    def matrix(self) -> np.ndarray:
        """The eigenmatrix of M in the coordinates of the weights, (d, d): the shape of the spread that grows fastest, trace 1."""
        return self.directions.T @ self.block @ self.directions

    @property
    def stable(self) -> bool | None:
        """True if the radius is below 1, False above, None at 1."""
        return stability(self.radius)

    @property
    def sharpness_along(self) -> float:
        """⟨V, H⟩/tr V, the mean curvature of the directions of the eigenmatrix V; NaN without sharp directions."""
        return float(np.diag(self.block) @ self.curvatures) if self.sharp else np.nan


def mean_square(
    loss: Loss, w: Any, lr: float, batch: int, replace: bool = True, cut: float = 0.1, width: float = 1.0, rates: int = 0
) -> MeanSquare:
    """Mean-square stability of SGD at a point: the linear map M of the second moments S of the distance from it in one step,

        M[S] = (1 − ηH) S (1 − ηH) + η² c mean (Hᵢ − H) S (Hᵢ − H),   c = 1/b, or (n − b)/(b(n − 1)) without replacement,

    to which the gradient's own noise adds a constant. M is exact for quadratic rows, and near a minimum of all rows. Elsewhere it
    omits a term of the order of its second part (``dropped``), and the point itself moves.

    Only sharp directions count, those with ηλ above the cut: on flat ones M is 1 for every learning rate, and above 1 along
    negative curvature, which is not an edge. At a minimum of all rows use ``cut=0``.

    Parameters
    ----------
    loss : the mean over n rows of data
    w : the point, (d,)
    lr : the learning rate η
    batch : rows in a batch, b
    replace : draw the rows of a batch with replacement; else each at most once
    cut : the ηλ above which a direction counts as sharp
    width : directions with ηλ between cut/width and cut·width count with the weights `MeanSquare.weights`; 1: a sharp cut
    rates : the number of learning rates up to 2.4/λ₁ at which to compute the radius too, for a figure

    Returns
    -------
    MeanSquare : ``radius``, ``matrix``, ``largest_lr``, ``smallest_batch``, ``measures``, …

    Raises
    ------
    UsageError : a loss without data; a batch of no rows or, without replacement, of more than there are; a learning rate, cut or
        width out of range; a point where gradients or curvatures are not finite; ``cut=0`` with more than 1000 weights

    Examples
    --------
    Four rows with curvatures 0, 1, 3, 4, mean 2 and variance 2.5: gradient descent is stable up to 1, single rows up to
    2·2/(2² + 2.5).

    >>> import numpy as np
    >>> import cfdyn as cf
    >>> from cfdyn.symbolic.loss import make_loss
    >>> data = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> rows = cf.Loss.from_spec(make_loss("a*w**2/2", columns=["a"], data=data))
    >>> moments = cf.mean_square(rows, [0.0], lr=0.5, batch=1)
    >>> round(moments.radius, 12), moments.full_batch, round(moments.largest_lr, 12), moments.smallest_batch
    (0.625, 0.0, 0.615384615385, 1)
    >>> cf.mean_square(rows, [0.0], lr=0.9, batch=1).smallest_batch
    6

    References
    ----------
    Wu, Ma & E, NeurIPS 2018; Mulayoff & Michaeli, arXiv 2306.07850 (the exact threshold).
    """
    w, gradients = _checked_point(loss, w, lr, batch, replace, cut, width)
    n = len(gradients)
    share = noise_share(n, batch, replace)
    spectrum = spectrum_at(loss, w, cut / width, lr)
    whole = SecondMoments(spectrum.values, _deviations(loss, w, spectrum.vectors, n))
    if lr * max(np.abs(spectrum.values).max(initial=0.0), np.abs(whole.deviations).max(initial=0.0)) > HUGE:
        raise UsageError(f"lr={lr:g} times the rows' curvature is beyond {HUGE:g}, where squares of squares overflow")
    weights = weights_of(lr, spectrum.values, cut, width)
    k = int(np.count_nonzero(weights))
    moments, weights, directions = whole.first(k), weights[:k], spectrum.vectors[:k]
    radius, block = moments.step(lr, share, weights)
    others = np.linspace(0, 2 * BEYOND / spectrum.largest, rates + 1)[1:] if spectrum.largest > 0 else np.zeros(0)
    radii = [whole.step(rate, share, weights_of(rate, spectrum.values, cut, width))[0] for rate in others]
    settings = provenance(loss=loss.spec.title, params=loss.params, data=loss.spec.data_digest, cut=cut, width=width)
    return MeanSquare(
        w=w, lr=lr, batch=batch, replace=replace, rows=n, radius=radius,
        full_batch=float(np.max(weights**2 * (1 - lr * moments.curvatures) ** 2, initial=0.0)),
        largest_lr=_largest_lr(whole, share, cut, width), smallest_batch=_smallest_batch(moments, lr, weights, n, replace),
        sharp=k, slow=spectrum.positive - k, flat=spectrum.flat, negative=spectrum.negative,
        dropped=_dropped(loss, w, gradients, directions, block, moments) if share else 0.0,
        curvatures=moments.curvatures, weights=weights, directions=directions, block=block,
        residual=_residual(loss, w, lr, share, weights, directions, radius, block),
        measures=[
            Measure("mean-square radius", radius, 1.0, "on the sharp directions"),
            Measure("sharpness", spectrum.largest, 2 / lr, "Cohen et al. 2103.00065"),
            *curvature_measures(loss, w, lr, share, moments, directions, spectrum.spectrum),
            *gradient_measures(loss, w, gradients, lr, batch, replace),
        ],
        rates=others, radii=np.array(radii, float), provenance=settings,
    )  # fmt: skip


def _checked_point(
    loss: Loss, w: Any, lr: float, batch: int, replace: bool, cut: float, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """The point as floats and the rows' gradients there, if all arguments are in their ranges."""
    if loss.spec.rows is None:
        raise UsageError(f"SGD draws rows of data, and the loss {loss.spec.title} has none; "
                         "take one with data, such as tanh_network")  # fmt: skip
    whole_number("batch", batch, 1)
    if not replace and batch > len(loss.spec.rows):
        raise UsageError(f"a batch without replacement has at most all {len(loss.spec.rows)} rows, not {batch}")
    if not (0 < lr < np.inf and cut >= 0 and width >= 1):
        raise UsageError(f"mean_square needs lr > 0, cut ≥ 0 and width ≥ 1, not lr={lr:g}, cut={cut:g}, width={width:g}")
    if not cut * width < 1:
        raise UsageError(f"where ηλ is 1 or more a direction must count in full, but cut·width is {cut * width:g}")
    point = vector("a point", w)
    gradients = loss.row_gradients(point) if point.shape == (loss.dim,) and np.isfinite(point).all() else np.array(np.nan)
    if not np.isfinite(gradients).all():
        raise UsageError(f"a point has {loss.dim} finite coordinates, at which each row's gradient is finite, not {shown(w)}")
    return point, gradients


def _deviations(loss: Loss, w: np.ndarray, directions: np.ndarray, n: int) -> np.ndarray:
    """Each row's Hessian minus their mean on some directions, (n, k, k)."""
    images = [loss.row_hvp(w, v) @ directions.T for v in directions]
    blocks = np.stack(images, axis=1) if images else np.zeros((n, 0, 0))
    if not np.isfinite(blocks).all():
        raise UsageError("SGD has no second moments about a point where a row's curvature is not finite")
    blocks = (blocks + blocks.transpose(0, 2, 1)) / 2
    return np.ascontiguousarray(blocks - blocks.mean(axis=0))


def _residual(
    loss: Loss, w: np.ndarray, lr: float, share: float, weights: np.ndarray, directions: np.ndarray, radius: float,
    block: np.ndarray,
) -> float:  # fmt: skip
    """‖W∘M[W∘V] − ρV‖/ρ, by products of Hessians with the eigenvectors of W∘V, V of the norm 1."""
    if not len(directions) or not radius > 0:
        return 0.0
    weight, image = np.sqrt(np.outer(weights, weights)), np.zeros_like(block)
    for size, along in zip(*(part.T for part in np.linalg.eigh(weight * block)), strict=True):
        v = along @ directions
        rows = loss.row_hvp(w, v) @ directions.T
        mean = directions @ loss.hvp(w, v)
        moved = along - lr * mean
        image += size * (np.outer(moved, moved) + lr * lr * share * ((rows - mean).T @ (rows - mean)) / len(rows))
    return float(np.linalg.norm(weight * image - radius * block) / (radius * np.linalg.norm(block)))


def _largest_lr(moments: SecondMoments, share: float, cut: float, width: float) -> float:
    """The smallest η at which the radius on the directions that are sharp there is 1; ∞ without positive curvature."""
    values = moments.curvatures
    if not len(values):
        return np.inf
    if width > 1:

        def excess(lr: float) -> float:
            return moments.step(lr, share, weights_of(lr, values, cut, width))[0] - 1

        return zero(excess, cut / (width * values[0]), 2 / values[0] * (1 + EXACT))

    def edge(k: int) -> float:
        return 2 / moments.first(k).generalized_sharpness(share)

    # With more directions edges fall, and the learning rate at which the next one becomes sharp grows.
    few, many = 1, int(np.count_nonzero(values * 2 / values[0] > cut))
    while few < many:
        k = (few + many) // 2
        few, many = (few, k) if cut / values[k] >= edge(k) else (k + 1, many)
    return max(edge(few), cut / values[few - 1])


def _smallest_batch(moments: SecondMoments, lr: float, weights: np.ndarray, n: int, replace: bool) -> int | None:
    """The smallest b with share(b)·noise_kernel ≤ 1."""
    if not len(weights):
        return 1
    needed = moments.noise_kernel(lr, weights)
    if not math.isfinite(needed):
        return None
    bound = needed if replace else n * needed / (n - 1 + needed) if n > 1 else 1.0
    return max(1, math.ceil(bound * (1 - EXACT)))


def _dropped(
    loss: Loss, w: np.ndarray, gradients: np.ndarray, directions: np.ndarray, block: np.ndarray, moments: SecondMoments
) -> float:
    """‖½ mean(δgᵢ (δTᵢ:V)ᵀ + its transpose)‖/‖mean(δHᵢ V δHᵢ)‖ on the directions, V the eigenmatrix."""
    noise, pushes = np.linalg.norm(moments.noise(block)), np.zeros_like(gradients)
    for size, along in zip(*(part.T for part in np.linalg.eigh(block)), strict=True):
        u = along @ directions
        pushes += size * loss.row_curvature_gradients(w, u, u)
    cross = (gradients - gradients.mean(axis=0)) @ directions.T
    left_out = cross.T @ ((pushes - pushes.mean(axis=0)) @ directions.T) / (2 * len(gradients))
    size = np.linalg.norm(left_out + left_out.T)
    return float(size / noise) if noise > 0 else 0.0 if size == 0 else np.inf
