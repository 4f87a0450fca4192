"""Entropy from covering relations: A v ≥ r v in integers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.numbers.boxes import Interval, above, below
from cfdyn.certify.checker.numbers.elementary import exp


def check_growth(covers: Sequence[Collection[int]], vector: Any, growth: Any, entropy: Any) -> None:
    """Paths along ``covers`` (for each set those that it covers) multiply at least by ``growth`` per step; e^entropy ≤ growth."""
    r, h = fields.number(growth, "the growth"), fields.number(entropy, "the entropy")
    given = fields.sequence(vector, "the vector", len(covers))
    v = [fields.integer(value, "the vector", 0, 10**18) for value in given]
    if not any(v) or r <= 1 or h <= 0:
        raise NotValid("the vector is 0, or the growth is not above 1")
    for a, reached in enumerate(covers):
        if r.denominator * sum(v[b] for b in reached) < r.numerator * v[a]:
            raise NotValid("the vector does not show that paths grow as claimed")
    if h > 100 or not Fraction(float(exp(Interval(np.array(below(h)), np.array(above(h)))).hi)) <= r:
        raise NotValid("the entropy is more than the logarithm of the growth")
