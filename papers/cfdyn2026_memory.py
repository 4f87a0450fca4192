"""The developers of cfdyn, *Period three of momentum and of Adam*, this project (2026).

Each number is the result of `cf.claims.search`, continuation or algebra, and is computed a second time without cfdyn.

*A corner, smoothed.* For heavy ball with Polyak's parameters in one variable a 3-cycle x < y < z (x → y → z) has secant slopes (1
+ 2β − (1−β)r)/α and (2 + β + (1−β)/r)/α, r = (z−y)/(y−x); these lie in [μ, L] for some r iff s⁴ − 2s³ − 5s² + 2s + 1 ≤ 0, s = √β,
iff s ≥ (√5−1)/2, iff L/μ ≥ 9 + 4√5, as in Goujaud et al. in the plane; then y is at a corner. Smoothed, L/μ − 9 − 4√5 = ε min_t
(Aℓ(t) + B(ℓ(t) − t)) = ε (A + B) H(p), p = B/(A+B), H(p) = −p ln p − (1−p) ln(1−p), with A, B from the implicit function theorem.

*Adam.* Without bias correction and with ε = 0, in Fourier modes of period 3 (mean a₀, first mode A e^{iθ}, δ = 1 − β₁ → 0): |A| =
δ/(3√2); to first order 1 − β₂ = 2δ; the mean a₀ = δ²|A| cos(3θ)/3 and the second order of v^(−1/2) add −(δ²/24) sin 6θ to the
phase, so that 3-cycles live in the band |β₂ − β₁²| ≤ δ²/(2√3) + O(δ³), between two folds at which sin 6θ = ±1.

"""

import math

import numpy as np
from scipy.optimize import brentq, fsolve, minimize_scalar

import cfdyn as cf
from cfdyn.claims import Claims, Control, Family, Statement, Undecided, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
GOLDEN = 9 + 4 * math.sqrt(5)
POLYAK = "4/(sqrt(L) + 1)**2", "((sqrt(L) - 1)/(sqrt(L) + 1))**2"  # step and momentum for curvatures from 1 to L


def _entropy_of_corner():
    """dL/dε of the derivation: A, B from the Jacobian of both slope equations at L = 9 + 4√5, by differences."""
    alpha = lambda k: 4 / (math.sqrt(k) + 1) ** 2  # noqa: E731
    beta = lambda k: ((math.sqrt(k) - 1) / (math.sqrt(k) + 1)) ** 2  # noqa: E731
    first = lambda k, r: alpha(k) - (1 + 2 * beta(k) - (1 - beta(k)) * r)  # noqa: E731
    second = lambda k, r: alpha(k) * k - (2 + beta(k) + (1 - beta(k)) / r)  # noqa: E731
    k, h = GOLDEN, 1e-5
    r = (1 - beta(k)) / (2 * math.sqrt(beta(k)) - 1)
    matrix = [[(f(k + h, r) - f(k - h, r)) / (2 * h), (f(k, r + h) - f(k, r - h)) / (2 * h)] for f in (first, second)]
    push = alpha(k) * (k - 1)
    up, down = -np.linalg.solve(matrix, [push, 0.0])[0], -np.linalg.solve(matrix, [0.0, -push / r])[0]
    s = brentq(lambda s: s**4 - 2 * s**3 - 5 * s**2 + 2 * s + 1, 0.5, 0.9, xtol=1e-15)
    limit, share = ((1 + s) / (1 - s)) ** 2, down / (up + down)
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    return {"limit": limit, "slope": float((up + down) * entropy)}


@CLAIMS.add(
    "heavy ball", {"limit": near(GOLDEN, 2e-3), "slope": near(26.15126, relative=0.001)},
    Control("twice Polyak's momentum deficit: (1 − β) doubled", changes={"deficit": 2.0}), second=_entropy_of_corner, slow=True,
    domain="L″ = 1 + (L − 1)σ(w/ε) with μ = 1, one weight, corner at a place where x = −1 as ε → 0; heavy ball with Polyak's "
        "tuning for L/μ; period 3",
    examples="ε = 0.002, 0.001 and 0.0005",
    perturbations=(Control("(1 − β) larger by a hundredth", changes={"deficit": 1.01}),),
)  # fmt: skip
def smoothed_corner(deficit=1.0, seed=0):
    """On a strongly convex loss of one variable whose single corner is rounded over ε, heavy ball with Polyak's tuning gets its
    first 3-cycle at L/μ = 9 + 4√5 + (A + B)H(p)ε + o(ε), as far as a search finds: 9 + 4√5 is also the bound of
    `goujaud2023.polyak_tuning` for roots of unity in the plane.

    The least L of the search for L″ = 1 + (L−1)σ(w/ε), in units in which x = −1 for ε → 0, at ε = 0.002, 0.001, 0.0005; limit
    and slope by Richardson from the three.
    """
    steps = (0.002, 0.001, 0.0005)
    least = [_least_condition(eps, deficit, seed) for eps in steps]
    slopes = [(least[i] - least[i + 1]) / (steps[i] - steps[i + 1]) for i in range(2)]
    return {"limit": (8 * least[2] - 6 * least[1] + least[0]) / 3, "slope": 2 * slopes[1] - slopes[0], "least": least}


def _least_condition(eps, deficit, seed):
    root = math.sqrt(GOLDEN)
    alpha, beta = 4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2
    push = ((1 - beta) / (2 * math.sqrt(beta) - 1) - beta) / alpha
    force = f"(w + (L - 1)*eps*softplus(w/eps) - {push!r})"
    momentum = f"(1 - {deficit}*(1 - {POLYAK[1]}))"
    step = cf.Map.from_text([f"w - {POLYAK[0]}*{force} + {momentum}*(w - u)", "w"], "w u", {"L": 20.0, "eps": eps})
    family = Family(step, None, {"L": (10.0, 40.0)}, [(-3, 4), (-3, 4)])
    found = cf.claims.search(Statement("no 3-cycle", (3,), quantity=lambda step, points: step.params["L"]), family, 6, seed)
    return math.inf if found.hit is None else found.hit.quantity


def _smooth_lessard(eps, x):
    soft = lambda t: eps * np.logaddexp(0, t / eps)  # noqa: E731
    force = 25 * x - 24 * (soft(x - 1) - soft(x - 2))
    return x - force / 9 + 4 * (x - np.roll(x, 1)) / 9 - np.roll(x, -1)


def _lessard_by_bisection():
    """The largest ε to which Newton's method follows the three points, by halved steps."""
    eps, step, x = 1e-3, 0.01, np.array([792, -2208, 2592]) / 1225
    while step > 1e-12:
        found, _, status, _ = fsolve(lambda v: _smooth_lessard(eps + step, v), x, full_output=True, xtol=1e-13)  # noqa: B023
        good = status == 1 and np.abs(found - x).max() < 0.05 and np.abs(_smooth_lessard(eps + step, found)).max() < 1e-11
        eps, x, step = (eps + step, found, step) if good else (eps, x, step / 2)
    return {"ends": float(eps)}


@CLAIMS.add(
    "heavy ball", {"ends": near(0.0784928906, 1e-7), "stable": True},
    Control("momentum 0.5 in place of 4/9", changes={"momentum": 0.5}), second=_lessard_by_bisection,
    domain="f′ = 25x − 24ε(ℓ((x − 1)/ε) − ℓ((x − 2)/ε)), ℓ(t) = log(1 + eᵗ); step 1/9, momentum 4/9; ε from 0.001 on",
    perturbations=(Control("momentum 0.446", changes={"momentum": 0.446}),),
)  # fmt: skip
def lessard_smoothed(momentum=4 / 9):
    """The 3-cycle of heavy ball on a loss with two corners of f′ (`lessard2016.exact_cycle`) lives on, stable, where the corners
    are rounded over ε, up to a fold at ε = 0.0785.

    f′ = 25x − 24 ε (ℓ((x−1)/ε) − ℓ((x−2)/ε)), smooth and strongly convex with curvatures between 1 and 25; the cycle is
    continued from ε = 0.001.
    """
    force = "(25*w - 24*eps*(softplus((w-1)/eps) - softplus((w-2)/eps)))"
    step = cf.Map.from_text([f"w - {force}/9 + momentum*(w - u)", "w"], "w u", {"eps": 1e-3, "momentum": momentum})
    points = np.array([792, -2208, 2592]) / 1225
    branch = cf.analysis.continue_cycle(step, np.c_[points, np.roll(points, 1)], "eps", (1e-3, 1.0))
    fold = next(b for b in branch.bifurcations if b.kind == "fold")
    return {"ends": fold.parameter, "stable": bool(branch.stable[: fold.place].all())}


def _adam(beta1, beta2):
    return cf.optimizers.adam(lr=1.0, beta1=beta1, beta2=beta2, eps=0.0, bias_correction=False, eps_inside=True)


def _reduced(points, beta1, beta2):
    """Defects of the three weights alone: m and v of a cycle are sums over it."""
    squares, back = points**2, np.roll
    m = (points + beta1 * back(points, 1) + beta1**2 * back(points, 2)) * (1 - beta1) / (1 - beta1**3)
    v = (squares + beta2 * back(squares, 1) + beta2**2 * back(squares, 2)) * (1 - beta2) / (1 - beta2**3)
    return back(points, -1) - points + m / np.sqrt(v)


def _turned(beta1, angle):
    """(β₂, a₀, A) of the 3-cycle whose first Fourier mode has this phase, in units of δ = 1 − β₁."""
    delta = 1 - beta1

    def equations(unknown):
        mean, size, place = unknown
        points = mean * delta**2 + size * delta * np.cos(2 * np.pi * np.arange(3) / 3 + angle)
        return _reduced(points, beta1, beta1**2 + place * delta**2) / delta

    return fsolve(equations, [0.0, 2 / (3 * math.sqrt(2)) * 0.99, 0.0], xtol=1e-13)


def _ends_of_band(beta1):
    """The least and the greatest β₂ of 3-cycles over the phase of their first mode."""
    ends = []
    for sign in (1, -1):
        angles = np.linspace(0, np.pi / 3, 25)
        best = angles[int(np.argmin([sign * _turned(beta1, angle)[2] for angle in angles]))]
        place = minimize_scalar(
            lambda angle, s=sign: s * _turned(beta1, angle)[2],
            bounds=(best - 0.1, best + 0.1),
            method="bounded",
            options={"xatol": 1e-9},
        ).fun
        ends.append(beta1**2 + sign * place * (1 - beta1) ** 2)
    return ends


def _ends_at_nine_tenths():
    """Both ends of the band at β₁ = 0.9."""
    return {"ends": [float(end) for end in _ends_of_band(0.9)]}


def _known_cycle(beta1=0.5, beta2=0.2):
    """(map, points) of a stable 3-cycle of Adam on w²/2 found by a search in β₁ and β₂."""
    box = {"beta1": (0.6, 0.9), "beta2": (0.2, 0.9)}
    family = Family(cf.Loss("w**2/2"), _adam(beta1, beta2), box, [(-1, 1), (-0.5, 0.5), (0.001, 0.3)])
    found = cf.claims.search(Statement("no stable 3-cycle of Adam on a quadratic", (3,), True), family, starts=1)
    if found.hit is None:
        raise Undecided(found.text)
    return family.member(found.hit.params), found.hit.points


def _folds():
    """Both folds at which the closed branch of 3-cycles along β₂ turns, and that branch."""
    step, points = _known_cycle()
    branch = cf.analysis.continue_cycle(step, points, "beta2", (0.01, 0.99), coefficients=False)
    folds = [special for special in branch.bifurcations if special.kind == "fold"]
    return [min(folds, key=lambda fold: fold.parameter), max(folds, key=lambda fold: fold.parameter)]


def _curves(beta1, least=0.3):
    """Both folds followed in (β₁, β₂) up to this β₁."""
    box = ((least, beta1), (0.001, 0.99999))
    return [cf.analysis.bifurcation_curve(fold.step, fold, ("beta1", "beta2"), box) for fold in _folds()]


def _band(beta1):
    """(β₂, points) at the last row of both curves."""
    ends = [(curve, int(np.argmax(curve.parameters[:, 0]))) for curve in _curves(beta1)]
    if any(curve.parameters[row, 0] < beta1 - 1e-12 for curve, row in ends):
        raise Undecided("a curve of folds ends before this β₁")
    return [(float(curve.parameters[row, 1]), curve.points[row]) for curve, row in ends]


@CLAIMS.add(
    "Adam", {"ends": near([0.80686084118, 0.81218721959], 1e-9), "stable between": True},
    Control("β₁ = 0.89", changes={"beta1": 0.89}), second=_ends_at_nine_tenths, figure="adam_band", slow=True,
    domain="λw²/2, one weight, λ > 0; Adam without bias correction, β₁ = 0.9, ε = 0, every η > 0",
    perturbations=(Control("β₁ = 0.9005", changes={"beta1": 0.9005}),),
)  # fmt: skip
def adam_interval(beta1=0.9):
    """Adam (no bias correction, ε = 0) with β₁ = 0.9 has on every quadratic of one weight, at every learning rate, stable
    3-cycles for β₂ from 0.80686 to 0.81219, between two folds in which they are born and die.

    Without ε the map has no scale: neither the learning rate nor the curvature matters. A stable cycle found by the search is
    continued; both folds are followed in two parameters up to β₁. "stable between": orbits from the stable part of the branch
    end on a 3-cycle at 19 values of β₂ between the ends. Other 3-cycles, outside this family, are not excluded.
    """
    low, high = _band(beta1)
    step, points = _adam_map(beta1, high[0]), high[1]
    branch = cf.analysis.continue_cycle(step, points, "beta2", (low[0] - 0.01, high[0] + 0.01), coefficients=False)
    inside = np.linspace(low[0], high[0], 21)[1:-1]
    sides, starts, ends = branch.parameter[branch.stable], branch.points[branch.stable], []
    for beta2 in inside:
        nearest = starts[int(np.argmin(np.abs(sides - beta2)))][0]
        ends.append(cf.analysis.classify(step.at(beta2=float(beta2)), nearest).period)
    only_folds = all(special.kind == "fold" for special in branch.bifurcations)
    return {"ends": [low[0], high[0]], "stable between": bool(only_folds and ends == [3] * 19)}


def _adam_map(beta1, beta2):
    return cf.as_map(cf.Loss("w**2/2"), _adam(beta1, beta2))


def _extrapolated(ends, scale=2):
    """Half the width of the band and its centre less β₁², in (1 − β₁)², for β₁ → 1 from ends at 0.99 and 0.995."""
    scaled = [[(end - beta1**2) / (1 - beta1) ** scale for end in ends(beta1)] for beta1 in (0.99, 0.995)]
    low, high = (2 * fine - coarse for coarse, fine in zip(*scaled, strict=True))
    return {"half width": float((high - low) / 2), "centre": float((high + low) / 2)}


def _extrapolated_by_phases():
    """The limit of the band from the reduced equations."""
    return _extrapolated(_ends_of_band)


@CLAIMS.add(
    "Adam", {"half width": near(1 / (2 * math.sqrt(3)), 2e-4), "centre": near(0.0, 2e-4)},
    Control("the band about β₂ = β₁ in place of β₁²", changes={"power": 1}), slow=True, figure="adam_band",
    second=_extrapolated_by_phases,
    domain="λw²/2, one weight; Adam without bias correction, ε = 0; the 3-cycles that the search found, as β₁ → 1",
    examples="β₁ = 0.99 and 0.995, extrapolated",
    perturbations=(Control("the band about β₂ = β₁^2.001", changes={"power": 2.001}),
                   Control("a half width in (1 − β₁)^1.99", changes={"scale": 1.99})),
)  # fmt: skip
def adam_corner(power=2, scale=2):
    """Adam's 3-cycles on a quadratic fill a band about β₂ = β₁² of half width (1 − β₁)²/(2√3) + O((1 − β₁)³) as β₁ → 1.

    Both folds at β₁ = 0.99 and 0.995, scaled by (1 − β₁)², extrapolated linearly in 1 − β₁.
    """
    return _extrapolated(lambda beta1: [end + beta1**2 - beta1**power for end, _ in _band(beta1)], scale)


def _none_from_many_starts():
    """Newton's method on the reduced equations, 4000 starts in the box: does one end in a 3-cycle?"""
    rng = np.random.default_rng(1)
    for _ in range(4000):
        beta1, beta2 = rng.uniform(0.8, 0.95), rng.uniform(0.95, 0.9999)
        with np.errstate(all="ignore"):
            found, _, status, _ = fsolve(_reduced, rng.normal(size=3) * (1 - beta1), args=(beta1, beta2), full_output=True)
            size = np.ptp(found)
            if status == 1 and size > 1e-6 and np.abs(_reduced(found, beta1, beta2)).max() < 1e-9 * size:
                return {"found": True}
    return {"found": False}


@CLAIMS.add(
    "Adam", {"found": False}, Control("β₂ from 0.7 to 0.95", changes={"squares": (0.7, 0.95)}), slow=True,
    second=_none_from_many_starts,
    domain="w²/2, one weight; Adam without bias correction, ε = 0; 0.8 ≤ β₁ ≤ 0.95, 0.95 ≤ β₂ ≤ 0.9999; 12 starts of a search",
    perturbations=(Control("β₂ from 0.75 on", changes={"squares": (0.75, 0.9999)}),),
)  # fmt: skip
def adam_usual(squares=(0.95, 0.9999), seed=0):
    """A search with β₁ from 0.8 to 0.95 and β₂ from 0.95 to 0.9999, where Adam is used, finds no 3-cycle on a quadratic.

    No bias correction, ε = 0. At β₂ = 0.95 the band of 3-cycles lies at β₁ = 0.975. "Not found" is no proof.
    """
    box = {"beta1": (0.8, 0.95), "beta2": squares}
    family = Family(cf.Loss("w**2/2"), _adam(0.9, 0.9), box, [(-0.2, 0.2), (-0.05, 0.05), (1e-5, 0.01)])
    found = cf.claims.search(Statement("no 3-cycle of Adam on a quadratic", (3,)), family, starts=12, seed=seed)
    return {"found": found.hit is not None, "evaluations": found.evaluations, "smallest residual": found.smallest_residual}


def figures():
    """Where Adam has stable 3-cycles on a quadratic."""
    return {"adam_band": _figure}


def _figure():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
    for curve, words in zip(_curves(0.99, 0.001), ("lower fold", "upper fold"), strict=True):
        beta1, beta2 = curve.parameters.T
        axes.plot(beta1, (beta2 - beta1**2) / (1 - beta1) ** 2, label=words)
    for sign in (1, -1):
        axes.axhline(sign / math.sqrt(12), color="black", ls=":", lw=1, label="±1/(2√3)" if sign > 0 else None)
    axes.set(xlabel="β₁", ylabel="(β₂ − β₁²)/(1 − β₁)²", title="Adam on a quadratic: 3-cycles live between two folds")
    axes.legend()
    return figure
