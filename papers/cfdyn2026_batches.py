"""The cfdyn project, *Published measures of mini-batch noise beside the exact mean-square edge* (2026).

SGD on rows with quadratic losses multiplies second moments S of the distance from a common minimum by M[S] = E X S X, with X
= 1 − ηH_B, in the mean over batches B. (1) In one weight, with curvatures a ≥ 0 of batches, the radius is E(1 − ηa)², which
is 1 at η = 2 Ea/Ea². Batch sharpness there is E gᵀH_B g/E gᵀg = Ea³/Ea² at every point, so that over 2/η it is Ea Ea³/(Ea²)²
≥ 1 by Cauchy and Schwarz (a² = a^½ a^{3/2}), with equality only if all batches with a ≠ 0 have the same a: batch sharpness
has passed 2/η before SGD loses its stability. (2) In several weights the condition λ₁((1 − ηH)² + η²c(mean Hᵢ² − H²)) ≤ 1 is
sufficient, because it bounds the trace of M[S]. It implies s ≤ 1/(η√c) for the non-uniformity s; but M turns S, so that a
minimum with larger s can be stable. Rows x = (2, −3), (2, 0), (2, 3) of ½(x·w)²: H = diag(4, 6), mean Hᵢ² − H² = diag(24,
42), so s = √42, and E x xᵀS x xᵀ of a diagonal S = (p, q) is (16p + 24q, 24p + 54q), so that M has the radius 1 for single
rows at η = 1/6, where 1/η = 6 < √42. (3) The mean of gᵀH_B g over batches needs moments of rows up to the third: with
deviations δ from the means it is gᵀHg + c(E δg·Hδg + 2E δg·δH g) + c₃ E δg·δHδg, c₃ = 1/b² with replacement and (n − b)(n −
2b)/(b²(n − 1)(n − 2)) without, as for the third central moment of a sample's mean.
"""

import itertools
from fractions import Fraction

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, at_least, below, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
CURVATURES = ((1, 3), (0, 1, 3, 4), (2, 2, 0, 0), (1, 1, 2, 8))
THREE = ((2, -3), (2, 0), (2, 3))
# Rows p, q, r, u, v of ½(p x² + 2q x y + r y²) + u x + v y.
FIVE = ((1, 0, 2, 1, -1), (2, 1, 3, 0, 2), (1, -1, 1, -2, 1), (3, 0, 1, 1, 1), (2, 2, 4, -1, 0))
POINT = (1, -2)


def _loss(formula, variables, columns, rows):
    from cfdyn.symbolic.loss import make_loss

    return cf.Loss.from_spec(make_loss(formula, variables, {}, columns, data=np.array(rows, float)))


def _value(found, name):
    return next(m.value for m in found.measures if m.name == name)


def _passed():
    found = []
    for rows in CURVATURES:
        first, second, third = (Fraction(sum(a**k for a in rows), len(rows)) for k in (1, 2, 3))
        found.append(float(first * third / second**2))
    return {"over 2/η": found, "least": min(found)}


@CLAIMS.add(
    "derivation (1)", {"over 2/η": near(_passed()["over 2/η"], 1e-11), "least": at_least(1 - 1e-11)},
    Control("the full batch, for which both edges are one", changes={"full": True}), second=_passed, figure="sharpness",
    domain="rows aᵢw²/2 with aᵢ ≥ 0, not all 0, one weight; SGD with single rows; batch sharpness away from w = 0",
    examples="four sets of two to four rows",
    perturbations=(Control("a last row of curvature 8.2 in place of 8", changes={"last": 8.2}),
                   Control("batches of two", changes={"batch": 2})),
)  # fmt: skip
def batch_sharpness_passes_first(full=False, batch=1, last=8):
    """On parabolas with a common minimum in one weight batch sharpness is at or beyond 2/η where SGD with single rows loses its
    stability in the mean square, and equal to it exactly if all rows with curvature have the same.

    Rows with the curvatures 1, 3; 0, 1, 3, 4; 2, 2, 0, 0 and 1, 1, 2, 8, single rows: batch sharpness times η/2 at the largest
    stable rate.
    """
    found = []
    for rows in (*CURVATURES[:-1], (1, 1, 2, last)):
        loss, size = _loss("a*w**2/2", "w", ["a"], [[a] for a in rows]), len(rows) if full else batch
        edge = cf.mean_square(loss, [0.7], 0.1, size, replace=not full, cut=0).largest_lr
        found.append(_value(cf.mean_square(loss, [0.7], edge, size, not full, cut=0), "batch sharpness") * edge / 2)
    return {"over 2/η": found, "least": min(found)}


def _three():
    """On diagonal S, with whole numbers: det(M − 1) = 0 at η = 1/6."""
    lr = Fraction(1, 6)
    m = [[(1 - lr * 8) + lr**2 * 16, lr**2 * 24], [lr**2 * 24, (1 - lr * 12) + lr**2 * 54]]
    assert (m[0][0] - 1) * (m[1][1] - 1) == m[0][1] * m[1][0]
    squares = sum(y * y * (x * x + y * y) for x, y in THREE)
    return {"edge": float(lr), "non-uniformity": float(Fraction(squares, 3) - 36) ** 0.5}


@CLAIMS.add(
    "derivation (2)",
    {"edge": near(1 / 6, 1e-12), "non-uniformity": near(42**0.5, 1e-12), "radius": below(1.0), "times η": above(1.0)},
    Control("rows (1, ±1), which turn nothing", changes={"rows": ((1, 1), (1, -1), (1, 1), (1, -1))}), second=_three,
    figure="uneven",
    domain="½(x·w)² on the rows x = (2, −3), (2, 0), (2, 3), two weights; single rows, so c = 1; η = 0.97/6",
    perturbations=(Control("at 0.9 of the largest stable rate", changes={"share": 0.9}),
                   Control("beyond the largest stable rate", changes={"share": 1.01})),
)  # fmt: skip
def uneven_but_stable(rows=THREE, share=0.97):
    """On three rows in two weights SGD is stable in the mean square although the non-uniformity s = √42 is larger than 1/(η√c),
    which it cannot be in one weight: s ≤ 1/(η√c) is not necessary.

    The largest stable rate, s, and at 0.97 of that rate the radius and sη.
    """
    loss = _loss("(x*p + y*q)**2/2", "x y", ["p", "q"], rows)
    edge = cf.mean_square(loss, [0.0, 0.0], 0.1, 1, cut=0).largest_lr
    found = cf.mean_square(loss, [0.0, 0.0], share * edge, 1, cut=0)
    s = _value(found, "non-uniformity")
    return {"edge": edge, "non-uniformity": s, "radius": found.radius, "times η": s * found.lr}


def _enumerated():
    (x, y), found = POINT, []
    for size in range(1, 6):
        bent = squares = Fraction(0)
        for batch in itertools.combinations(FIVE, size):
            p, q, r, u, v = (Fraction(sum(row[k] for row in batch), size) for k in range(5))
            g, h = p * x + q * y + u, q * x + r * y + v
            bent, squares = bent + p * g * g + 2 * q * g * h + r * h * h, squares + g * g + h * h
        found.append(float(bent / squares))
    return {"batch sharpness": found}


@CLAIMS.add(
    "derivation (3)", {"batch sharpness": near(_enumerated()["batch sharpness"], relative=1e-12)},
    Control("batches drawn with replacement", changes={"replace": True}), second=_enumerated,
    domain="all rows with gradients and Hessians at a point; batches of b rows without replacement",
    examples="five quadratic rows in two weights at (1, −2), b = 1 to 5",
    perturbations=(Control("a point 0.1 % away", changes={"point": (1.001, -2)}),
                   Control("batches of one row more", changes={"sizes": (2, 3, 4, 5, 5)})),
)  # fmt: skip
def exact_without_sampling(replace=False, point=POINT, sizes=(1, 2, 3, 4, 5)):
    """Batch sharpness E gᵀHg / E gᵀg of batches without replacement follows exactly from moments of the rows' gradients and
    Hessians up to the third, without drawing batches.

    Five quadratic rows in two weights at (1, −2), batches of 1 to 5: `mean_square` has it from moments; what is expected comes
    from all batches in exact fractions.
    """
    loss = _loss("(p*x**2 + 2*q*x*y + r*y**2)/2 + u*x + v*y", "x y", list("pqruv"), FIVE)
    return {"batch sharpness": [_value(cf.mean_square(loss, point, 0.1, b, replace), "batch sharpness") for b in sizes]}


def figures():
    """Batch sharpness at the mean-square edge; an edge that non-uniformity does not see."""
    return {"sharpness": _sharpness, "uneven": _uneven}


def _sharpness():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    shares = np.linspace(0, 1, 40)
    for count in (1, 2, 4):
        # One of so many rows has the curvature 1, the others a share of it.
        powers = [(1 + count * shares**k) / (count + 1) for k in (1, 2, 3)]
        axes.plot(shares, powers[0] * powers[2] / powers[1] ** 2, label=f"one row in {count + 1}")
    axes.set(xlabel="curvature of the other rows over its own", ylabel="batch sharpness over 2/η", title="At the edge")
    axes.legend()
    return figure


def _uneven():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    loss = _loss("(x*p + y*q)**2/2", "x y", ["p", "q"], THREE)
    found = cf.mean_square(loss, [0.0, 0.0], 0.1, 1, cut=0, rates=200)
    shown = found.rates < 0.2
    axes.plot(found.rates[shown], found.radii[shown], label="radius, single rows")
    axes.plot(found.rates[shown], found.rates[shown] * 42**0.5, label="sη")
    axes.axhline(1, color="0.7", lw=0.8)
    axes.axvline(1 / 6, color="C3", ls=":", label="η = 1/6")
    axes.set(xlabel="η", ylabel="radius, sη", title="Rows (2, −3), (2, 0), (2, 3)")
    axes.legend()
    return figure
