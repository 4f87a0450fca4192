"""The words of a page's verdict, as docs/theory/words.md explains them."""

TERMS = {
    "neutral": "A cycle is neutral if its largest multiplier is 1 in modulus.",
    "unstable": "A cycle is unstable if a multiplier is greater than 1 in modulus.",
    "stable": "A cycle is stable, or attracts, if all multipliers are less than 1 in modulus.",
    "fixed point": "Fixed point: a state that the map does not change.",
    "cycle": "n-cycle: n states that the map permutes cyclically; n is its period.",
    "edge of stability": "Edge of stability: the sharpness 2/η. At a minimum each step multiplies a small displacement along v by 1 − ηλ; past the edge this factor is below −1. Other optimizers have other edges.",  # noqa: E501
    "Lyapunov exponent": "Lyapunov exponent: the mean growth, per step, of the logarithm of the distance between neighbouring orbits: negative on stable cycles, positive in chaos.",  # noqa: E501
    "chaotic": "Chaos: neighbouring orbits separate although they stay bounded.",
    "quasi-periodic": "Quasi-periodic: the orbit winds around a closed curve, or a torus, and never repeats.",
    "diverges": "Divergent: the orbit is unbounded.",
    "undecided": "Undecided: the computation does not show which of these the orbit is.",
}  # fmt: skip
