"""A forum thread on *Understanding optimization in deep learning with central flows* (Cohen et al., arXiv 2410.24206), its
remarks on flows, 2025.

The thread writes the central flow as the gradient flow projected off ∇S, with S the sum of the Hessian's eigenvalues at or
above 2/η. It proposes a Sobolev form, the gradient flow of (I − Δ)L, and asks which flow an exact analog computer should run,
and whether the central flow could be computed in less time than its optimizer takes. cfdyn has the first two as flows.thread
and flows.sobolev.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")

LR = 0.8
LEAVES = "x**2*(2 + 0.8*sin(y) + z + 0.1*x*y)/2 - 0.1*y + 0.1*z**2 + 0.05*x*z"
TWO = (
    "(x1**2*(2 + a + 0.1*b*c + 0.05*x2*a) + x2**2*(2 + b + 0.1*a*s + 0.05*x1) + 2*x1*x2*(c + 0.05*a**2))/2 - 0.06*s"
    " + 0.05*((a - 0.5 - 0.6*sin(s))**2 + (b - 0.3 - 0.7*sin(s + 0.6))**2 + (c - 0.4*cos(s))**2) + 0.05*x1*c + 0.04*x2*a"
)
STARTS = {LEAVES: ("x y z", [0.4, 0.0, 0.2]), TWO: ("x1 x2 a b c s", [0.3, 0.2, 0.0, 0.0, 0.0, -1.0])}


def _paths(text, t, names=("thread", "central"), lr=LR, swing=0.8, **options):
    variables, start = STARTS.get(text, ("x y", [1.5, 0.3]))
    loss, gd = cf.Loss(text.replace("0.8*sin", f"{swing}*sin"), variables), cf.optimizers.gd(lr=lr)
    rows = np.linspace(0, t, 241)
    return [cf.solve(cf.flows.get(name)(loss, gd), start, t, rtol=1e-10, atol=1e-12, save_at=rows, **options) for name in names]


@CLAIMS.add(
    "projection formula, one eigenvalue", {"along g": "0", "along ∇S": "0"},
    Control("half of the projection", changes={"share": 2}),
    domain="C³ losses of d weights, at points where one eigenvalue S is critical and simple, ∇S ≠ 0 and σ² > 0",
    proof="exact algebra: both are combinations of the vectors g and ∇S, with the same coefficients",
    perturbations=(Control("σ² without the factor 2", changes={"factor": 1}),),
)  # fmt: skip
def projection_is_the_central_flow(share=1, factor=2):
    """For one critical eigenvalue the projection −η(1 − ∇S∇Sᵀ/‖∇S‖²)g is the central flow −η(g + ½σ²∇S) with σ² = −2⟨g,
    ∇S⟩/‖∇S‖², which is positive exactly while ⟨−g, ∇S⟩ > 0.

    Both as combinations of the vectors g and ∇S with b = ⟨g, ∇S⟩ and c = ‖∇S‖²: the differences of their coefficients.
    """
    b, c, eta = sp.symbols("b c eta", real=True, nonzero=True)
    projection, central = (-eta, eta * b / c / share), (-eta, -eta * (-factor * b / c) / 2)
    return {name: str(sp.simplify(p - q)) for name, p, q in zip(("along g", "along ∇S"), projection, central, strict=True)}


@CLAIMS.add(
    "projection formula, on a path",
    {"difference": at_most(1e-8), "x": near(1.464000282000394, 1e-9), "y": near(0.6367386762680199, 1e-9)},
    Control("a loss with a second critical eigenvalue", changes={"text": TWO, "t": 80}),
    domain="½(1 − xy)², two weights, η = 0.8, from (1.5, 0.3) up to t = 20",
    perturbations=(Control("η = 0.79", changes={"lr": 0.79}),),
)  # fmt: skip
def same_path_while_one_eigenvalue_pushes(text="(1 - x*y)**2/2", t=20, lr=LR):
    """On ½(1 − xy)² with η = 0.8 the thread's flow and the central flow are one path.

    The largest difference up to t = 20 from (1.5, 0.3), and the weights at t = 2 against values from another program.
    """
    thread, central = _paths(text, t, lr=lr)
    return {"difference": np.abs(thread.w - central.w).max(), "x": thread(2.0)[0], "y": thread(2.0)[1]}


@CLAIMS.add(
    "projection formula, the exit",
    {"central leaves": near(29.593622500708, 1e-6), "thread leaves": 0, "thread sharpness": near(1.0, 1e-9),
     "apart": at_least(0.01)},
    Control("the central flow in place of the thread's", changes={"name": "central"}), figure="exit",
    domain="x²(2 + 0.8 sin y + z + 0.1xy)/2 − 0.1y + 0.1z² + 0.05xz, three weights, η = 0.8, from (0.4, 0, 0.2) up to t = 80",
    perturbations=(Control("0.81 sin y in place of 0.8 sin y", changes={"swing": 0.81}),),
)  # fmt: skip
def misses_the_exit(name="thread", swing=0.8):
    """The thread's formula misses the exit: on x²(2 + 0.8 sin y + z + 0.1xy)/2 − 0.1y + 0.1z² + 0.05xz with η = 0.8 the central
    flow leaves the edge at t = 29.59, where ⟨−g, ∇S⟩ turns negative, while the projection holds the sharpness at 2/η, at least
    up to t = 80.

    When the central flow leaves, against another program; how often the other one leaves, its least ηS/2 after the entry, and
    the largest distance of both.
    """
    path, central = _paths(LEAVES, 80, (name, "central"), swing=swing)
    entered = path.events[0].t
    leaves = [[event.t for event in flow.events if event.kind == "leave"] for flow in (path, central)]
    return {"central leaves": leaves[1][0], "thread leaves": len(leaves[0]), "apart": np.abs(path.w - central.w).max(),
            "thread sharpness": (path.sharpness[path.t > entered] * LR / 2).min()}  # fmt: skip


@CLAIMS.add(
    "projection formula, several eigenvalues",
    {"sum": near(1.0, 1e-7), "largest": at_least(1.02), "central": at_most(1 + 1e-9), "apart": at_least(0.02)},
    Control("the central flow in place of the thread's", changes={"name": "central"}), figure="two",
    domain="a polynomial of six weights with two coupled modes (TWO in the file), plus sines; η = 0.8, one start, up to t = 85",
    perturbations=(Control("λ₁ + 1.02 λ₂ is held", changes={"weight": 1.02}),),
)  # fmt: skip
def holds_the_sum_of_several(name="thread", weight=1.0):
    """On a loss with two critical eigenvalues the thread's formula holds only their sum: one rises to at least 1.02 of 2/η, the
    other falls. The central flow holds both.

    Two coupled modes, an eigenvalue leaving the sum at 2/η − 0.25: from when two are in it (t = 57.95) to the next
    event or t = 85, η(λ₁ + λ₂)/4 and the largest ηλ₁/2; the largest of the central flow, and the largest distance.
    """
    path, central = _paths(TWO, 85, (name, "central"), edge_tolerance=0.1)
    two = next(e.t for e in path.events if e.rank == 2)
    end = next((e.t for e in path.events if e.t > two), 85.0)
    loss = cf.Loss(TWO, STARTS[TWO][0])
    values = np.array([np.linalg.eigvalsh(loss.hessian(path(t)))[-2:] for t in np.linspace(two + 1e-6, end - 1e-6, 50)])
    held = (weight * values[:, 0] + values[:, 1]).mean() * LR / 4
    return {"sum": held, "largest": values.max() * LR / 2, "central": central.edge.max() / 2,
            "apart": np.abs(path.w - central.w).max(), "second": two, "until": end}  # fmt: skip


@CLAIMS.add(
    "Sobolev form", {"rate": near(13.6, 1e-9), "raises": True, "central": near(1.0, 1e-6), "central_lowers": True},
    Control("the gradient flow of (I + Δ)L", changes={"sign": 1}),
    domain="½(1 − xy)², two weights, η = 0.8; at the minimum (2, 0.5), and from (1.5, 0.3) at t = 4",
    perturbations=(Control("η = 0.81", changes={"lr": 0.81}),),
)  # fmt: skip
def sobolev_form_has_the_wrong_sign(sign=-1, lr=LR):
    """The gradient flow of (I − Δ)L is that of L − tr H: on ½(1 − xy)² it raises the trace of the Hessian above that of the
    gradient flow, while the central flow lowers the sharpness below that of the gradient flow.

    Here tr H = x² + y²: at the minimum (2, 0.5) d(tr H)/dt = η‖∇ tr H‖² = 13.6; ``raises``: the trace at t = 4 is higher by more
    than 1; ``central_lowers``: the sharpness there is lower by more than 0.1; ``central``: it is 2/η.
    """
    loss, gd = cf.losses.scalar_factorization(), cf.optimizers.gd(lr=lr)
    text = "(1 - x*y)**2/2"
    flows = {name: cf.flows.get(name)(loss, gd) for name in ("gradient", "central", "sobolev")}
    if sign == 1:
        flows["sobolev"] = cf.flows.gradient(cf.Loss(f"{text} + x**2 + y**2"), gd)
    ends = {name: cf.solve(flow, [1.5, 0.3], 4, rtol=1e-10) for name, flow in flows.items()}
    trace = {name: (path.w[-1] ** 2).sum() for name, path in ends.items()}
    sharpness = {name: path.sharpness[-1] for name, path in ends.items()}
    rate = float(flows["sobolev"].drift([2.0, 0.5]) @ [4.0, 1.0])
    return {"rate": rate, "raises": bool(trace["sobolev"] > trace["gradient"] + 1),
            "central": float(sharpness["central"] * lr / 2),
            "central_lowers": bool(sharpness["central"] < sharpness["gradient"] - 0.1)}  # fmt: skip


NETWORK = (0.1, -0.1, 0.3, 0.1, -0.3, 0.2, 0.7)
RUNS = {
    "valley": (lambda: cf.losses.two_time_scales(), 0.3, (0.05, 6.4), 1500),
    "slow valley": (lambda: cf.losses.two_time_scales(eps=1e-3), 0.3, (0.05, 6.4), 6000),
    "product": (lambda: cf.losses.scalar_factorization(), 0.8, (1.5, 0.3), 60),
    "four layers": (lambda: cf.losses.deep_linear(depth=4), 0.4, (2.3, 0.5, 0.5, 0.5), 1000),
    "factorization": (lambda: cf.losses.matrix_factorization(), 0.52, (0.3, 0.1, 0.1, 0.2), 500),
    "phase retrieval": (lambda: cf.losses.phase_retrieval(), 2.8, (0.1, 0.05), 300),
    "network": (lambda: cf.losses.tanh_network(), 1.2, NETWORK, 3000),
    "tumours": (lambda: cf.losses.breast_cancer(features=2), 13.0, (2.0, 2.0), 500),
}


@CLAIMS.add(
    "question on an analog computer", {"lower loss": at_least(7), "exception": "network", "flatter": 8, "runs": 8,
                                     "highest end · η/2": near(1.0, 1e-6)},
    Control("a fifth of the learning rates, where both flows are one", changes={"share": 0.2}), figure="analog",
    domain="eight losses with one start and learning rate each (RUNS in the file), at or beyond the edge, at the time of 60 to "
           "6,000 steps",
    perturbations=(Control("0.7 of the learning rates", changes={"share": 0.7}),),
)  # fmt: skip
def analog_computer(share=1.0):
    """Solved exactly, as by an analog computer, the gradient flow has the lower loss at equal time on seven of eight losses, all
    but a network, and the central flow the lower sharpness on all eight.

    For how many the gradient flow ends at the lower
    loss, by more than 1e-30, and where not; for how many the central flow ends at the lower sharpness, and the
    highest of these over 2/η.
    """
    lower, flatter, exceptions, ends = 0, 0, [], []
    for name, (make, lr, start, steps) in RUNS.items():
        loss, gd = make(), cf.optimizers.gd(lr=share * lr)
        gradient, central = (cf.solve(cf.flows.get(flow)(loss, gd), start, steps, rtol=1e-10) for flow in ("gradient", "central"))
        less = gradient.loss[-1] < central.loss[-1] - 1e-30
        lower += less
        exceptions += [] if less else [name]
        flatter += central.sharpness[-1] < gradient.sharpness[-1] - 1e-9
        ends.append(float(central.sharpness[-1] * share * lr / 2))
    found = {"lower loss": int(lower), "exception": ", ".join(exceptions), "flatter": int(flatter), "runs": len(RUNS)}
    return {**found, "highest end · η/2": max(ends)}


@CLAIMS.add(
    "question on the cost", {"long": at_most(0.002), "growth": at_most(1.0), "short": 8, "runs": 8,
                              "ends · η/2": near([1.0, 1.0], 1e-6)},
    Control("runs of a hundred steps only", changes={"steps": (100, 100)}), figure="work",
    domain="½(y + x)x² − ε(x + y) with ε = 10/steps, two weights, η = 0.3, 10⁴ and 10⁶ steps; eight "
           "runs of 60 to 6,000 steps; rtol 1e-4",
    perturbations=(Control("rtol 1e-7", changes={"rtol": 1e-7}),),
)  # fmt: skip
def cost_of_the_central_flow(steps=(10_000, 1_000_000), rtol=1e-4):
    """Where it drifts slowly for long the central flow can be computed with far less work than its optimizer: with at most a
    five-hundredth for a million steps in a valley, and no more in all than for ten thousand steps there. On eight short runs
    it takes more work than the optimizer, one gradient a step.

    Work in gradients (a Hessian counts as two for each weight, T[u, u] as five), from the counts of evaluations: over the steps
    for the million steps; the work there over that for ten thousand; and for how many of the eight runs it is more than one
    gradient a step. ``ends``: the sharpness at the end of both runs in the valley, which so cheap a solution has at 2/η.
    """
    work, ends = [], []
    for count in steps:
        flow = cf.flows.central(cf.losses.two_time_scales(eps=10 / count), cf.optimizers.gd(lr=0.3))
        path = cf.solve(flow, [0.05, 6.4], count, rtol=rtol, atol=1e-6)
        work.append(_gradients(path, 2))
        ends.append(float(path.sharpness[-1] * 0.3 / 2))
    dearer = 0
    for make, lr, start, count in RUNS.values():
        dearer += _work(cf.flows.central(make(), cf.optimizers.gd(lr=lr)), start, count, rtol) > count
    return {"long": work[1] / steps[1], "growth": work[1] / work[0], "short": int(dearer), "runs": len(RUNS),
            "ends · η/2": ends}  # fmt: skip


def _work(flow, start, steps, rtol=1e-4):
    """Of the central flow, in gradients."""
    return _gradients(cf.solve(flow, start, steps, rtol=rtol, atol=1e-6), len(start))


def _gradients(path, weights):
    """The work of a path."""
    return path.stats["slopes"] + 2 * weights * path.stats["hessians"] + 5 * path.stats["third_derivatives"]


def figures():
    """The exit, two critical eigenvalues, gradient and central flow as optimizers, and the work of the central flow."""
    return {"exit": _exit, "two": _two, "analog": _analog, "work": _cost}


def _axes(*labels, size=(5, 3.4)):
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(labels)))
    for axes, (x, y) in zip(panels, labels, strict=True):
        axes.set(xlabel=x, ylabel=y)
    return figure, panels


def _exit():
    figure, (axes,) = _axes(("time (steps)", "sharpness"))
    for path, style in zip(_paths(LEAVES, 80), ("r-", "k--"), strict=True):
        axes.plot(path.t, path.sharpness, style, label="projection of the thread" if style == "r-" else "central flow")
    axes.legend(frameon=False)
    return figure


def _two():
    figure, (axes,) = _axes(("time (steps)", "λ₁, λ₂"))
    loss = cf.Loss(TWO, STARTS[TWO][0])
    for path, style in zip(_paths(TWO, 85, edge_tolerance=0.1), ("r-", "k--"), strict=True):
        values = np.array([np.linalg.eigvalsh(loss.hessian(w))[-2:] for w in path.w])
        axes.plot(path.t, values, style, label=["projection of the thread" if style == "r-" else "central flow", None])
    axes.legend(frameon=False)
    return figure


def _analog():
    names = ("four layers", "network")
    figure, panels = _axes(*[("time (steps)", f"loss, {name}") for name in names], size=(8, 3))
    for axes, name in zip(panels, names, strict=True):
        make, lr, start, _ = RUNS[name]
        for flow, style in (("gradient", "b-"), ("central", "r--")):
            path = cf.solve(cf.flows.get(flow)(make(), cf.optimizers.gd(lr=lr)), start, 1000, save_at=np.linspace(0, 1000, 2001))
            axes.loglog(path.t[1:], path.loss[1:], style, label=f"{flow} flow")
    panels[0].set_ylim(bottom=1e-9)
    panels[0].legend(frameon=False)
    return figure


def _cost():
    figure, (axes,) = _axes(("steps of gradient descent, ε = 10/steps", "work in gradients"))
    counts = np.logspace(2.5, 6, 15).round()
    flows = [cf.flows.central(cf.losses.two_time_scales(eps=10 / count), cf.optimizers.gd(lr=0.3)) for count in counts]
    axes.loglog(
        counts, [_work(flow, [0.05, 6.4], count) for flow, count in zip(flows, counts, strict=True)], "ro-", label="central flow"
    )
    axes.loglog(counts, counts, "k--", label="gradient descent")
    axes.legend(frameon=False)
    return figure
