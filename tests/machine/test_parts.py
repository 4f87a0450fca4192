"""Helpers that become parts of kernels."""

from __future__ import annotations

import numpy as np

from cfdyn.machine.jit import inline_kernel, kernel


@inline_kernel
def hypotenuse(a, b) -> float:
    return np.sqrt(a * a + b * b)


@kernel
def longest(sides) -> float:
    most = 0.0
    for k in range(sides.shape[0]):
        most = max(most, hypotenuse(sides[k, 0], sides[k, 1]))
    return most


def test_a_helper_is_a_plain_function_in_python_before_and_after_it_is_compiled():
    assert hypotenuse(3.0, 4.0) == 5.0
    assert longest(np.array([[3.0, 4.0], [5.0, 12.0]])) == 13.0
    assert hypotenuse(8.0, 15.0) == 17.0
