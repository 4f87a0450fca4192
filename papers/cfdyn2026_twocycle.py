"""The developers of cfdyn, *A central flow that averages over both points of the oscillation*, this project (2026).

The central flow keeps what is of first order in the oscillation's covariance. With one mode u, uᵀPu = 1, and the iterates at w ±
ρu in turn nothing need be expanded:

    dw/dt = −½P⁻¹(g₊ + g₋),  dν/dt = κ[½(g₊² + g₋²) − ν],  d ln ρ/dt = S(ρ) − 2,  S(ρ) = ⟨u, g₊ − g₋⟩/2ρ,  g± = g(w ± ρu),

for RMSProp: the edge flow with a second moment. It contains the square of the averaged gradient in E g², which the published
flow lacks (`cfdyn2026_unheld`), and every higher order of the oscillation. If the expansion were what limits the central flow,
this one would be nearer to the optimizer everywhere. It is not: it wins by much where that square is all that counts, and on
three other losses it is farther away, so that the published equations stay as they are. Why it loses there was not found.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between

CLAIMS = Claims(__name__, __doc__, read="the paper")
SEED = 1e-4
RMSPROP = cf.optimizers.rmsprop(0.01, 0.99, eps=1e-4)
LOSSES = {
    "scales": ("(y + x)*x**2/2 - 0.01*(x + y)", "x y", [0.05, 3.0]),
    "tanh": ("((1 - a*tanh(b))**2 + (0.3 - c*tanh(a*b))**2)/2", "a b c", [1.5, 0.5, 0.6]),
    "valley": ("(1 - x*y)**2/2", "x y", [1.5, 0.3]),
    "quartic": ("(x**2*y**2 - 1)**2/4 + 0.01*x**2", "x y", [1.5, 0.4]),
    "coupled": ("(1 - x1*y1)**2/2 + (1.2 - x2*y2)**2/2 + 0.1*x1*y2", "x1 y1 x2 y2", [1.5, 0.3, 1.3, 0.5]),
    "product": ("(1 - x*y)**2/2 + 0.2*(z - x*y)**2 + 0.05*x*z**2", "x y z", [1.8, 0.2, 0.3]),
}


def _beside(loss, start, steps):
    """How far the central flow and that without Σ are from the averaged iterates over the last twentieth, and the orbit."""
    z, rows = cf.iterate(cf.as_map(loss, RMSPROP), start, 50, inject=SEED).z[-1], np.arange(steps - steps // 20, steps)
    orbit = cf.iterate(cf.as_map(loss, RMSPROP), z, steps, inject=SEED)
    flows = cf.flows.central(loss, RMSPROP), cf.flows.stable(loss, RMSPROP)
    paths = [cf.solve(flow, z, steps, atol=1e-14, save_at=rows).w for flow in flows]
    return [float(np.linalg.norm(path - orbit.midpoints()[rows - 1], axis=1).mean()) for path in paths], orbit


def _two_cycle(gradient, hessian, z, steps, parts=2):
    """Weights at each step, by the averages over w ± ρu, fourth-order steps."""
    d = len(z) // 2

    def slope(y):
        p = (np.sqrt(np.maximum(y[d:-1], 1e-300)) + 1e-4) / 0.01
        u = np.linalg.eigh(hessian(y[:d]) / np.sqrt(np.outer(p, p)))[1][:, -1] / np.sqrt(p)
        rho = np.exp(y[-1])
        g, h = gradient(y[:d] + rho * u), gradient(y[:d] - rho * u)
        growth = u @ (g - h) / (2 * rho) - 2
        growth = max(growth, -0.7) if rho > 1e-4 or growth > 0 else 0.0
        return np.concatenate([-(g + h) / 2 / p, ((g * g + h * h) / 2 - y[d:-1]) / 99, [growth]])

    y, rows, dt = np.array([*z, np.log(1e-4)]), [z[:d]], 1 / parts
    for k in range(steps * parts):
        a = slope(y)
        b = slope(y + dt / 2 * a)
        c = slope(y + dt / 2 * b)
        y = y + dt / 6 * (a + 2 * b + 2 * c + slope(y + dt * c))
        rows += [y[:d]] if k % parts == parts - 1 else []
    return np.array(rows)


def _second_next():
    """Both flows on the first loss against a plain loop; central by Euler steps."""
    w, v, rows = np.array([0.05, 3.0]), np.zeros(2), []
    gradient = lambda w: np.array([w[0] * w[1] + 1.5 * w[0] ** 2 - 0.01, w[0] ** 2 / 2 - 0.01])  # noqa: E731
    hessian = lambda w: np.array([[w[1] + 3 * w[0], w[0]], [w[0], 0.0]])  # noqa: E731
    for k in range(3052):
        g = gradient(w)
        v = 0.99 * v + 0.01 * g * g
        w = w - 0.01 * g / (np.sqrt(v) + 1e-4) + [1e-5 * (-1) ** k, 0]
        rows.append([*w, *v])
    rows = np.array(rows)
    middle = (rows[:-2, :2] + 2 * rows[1:-1, :2] + rows[2:, :2])[49:] / 4
    z, central = rows[50], [rows[50, :2]]
    for k in range(30_000):
        g, h, p = gradient(z[:2]), hessian(z[:2]), (np.sqrt(z[2:]) + 1e-4) / 0.01
        values, vectors = np.linalg.eigh(h / np.sqrt(np.outer(p, p)))
        u, s = vectors[:, -1] / np.sqrt(p), values[-1]
        t, rate = np.array([3 * u[0] ** 2 + 2 * u[0] * u[1], u[0] ** 2]), s * u * u / (0.02 * np.sqrt(z[2:]))
        alpha, beta = t @ (g / p) + rate @ (g * g - z[2:]) / 99 + 2 - s, t @ (t / p) / 2 + rate @ (h @ u) ** 2 / 99
        x = max(0.0, -alpha / beta)
        z = z + 0.1 * np.concatenate([-(g + x * t / 2) / p, (g * g + x * (h @ u) ** 2 - z[2:]) / 99])
        central += [z[:2]] if k % 10 == 9 else []
    paths = _two_cycle(gradient, hessian, rows[50], 3000), np.array(central)
    far = [np.linalg.norm(path[2850:3000] - middle[2850:3000], axis=1).mean() for path in paths]
    return {"scales": float(far[0] / far[1])}


@CLAIMS.add(
    "here",
    {"scales": at_most(0.1), "tanh": between(0.8, 1.2), "valley": between(0.8, 1.2), "quartic": at_least(1.5),
     "coupled": at_least(1.5), "product": at_least(1.5)},
    Control("the flow without Σ in its place", changes={"exact": False}), slow=True, second=_second_next,
    domain="RMSProp with η = 0.01, β₂ = 0.99, ε = 1e-4 on six losses of two to four weights; medians of three starts",
    perturbations=[Control("farther on the two where both are as near", {"tanh": at_least(1.2), "valley": at_least(1.2)})],
)  # fmt: skip
def exact_average_does_not_pay(exact=True):
    """Averaging exactly over the two points of the oscillation does not make the flow better in general: with RMSProp it ends
    nearer than the central flow on one of six losses, as near on two, and farther on three.

    Distance to the averaged iterates at the end, over that of the central flow; η = 0.01, β₂ = 0.99, ε = 1e-4, 1,000 steps
    (3,000 on the first), median over three starts within 10 %.
    """
    found = {}
    for name, (text, names, start) in LOSSES.items():
        loss, steps, rng, ratios = cf.Loss(text, names), 3000 if name == "scales" else 1000, np.random.default_rng(0), []
        for w in np.array(start) * (1 + 0.1 * rng.uniform(-1, 1, (3, loss.dim))):
            far, orbit = _beside(loss, w, steps)
            rows = np.arange(steps - steps // 20, steps)
            path = _two_cycle(loss.gradient, loss.hessian, orbit.z[0], steps)[rows] if exact else None
            own = np.linalg.norm(path - orbit.midpoints()[rows - 1], axis=1).mean() if exact else far[1]
            ratios.append(own / far[0])
        found[name] = float(np.median(ratios))
    return found
