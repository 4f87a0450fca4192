"""Helpers that become parts of kernels, and what numba is still good for beside them."""

from __future__ import annotations

import os
import subprocess
import sys

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


def test_numbas_linear_algebra_works_beside_the_kernels():
    code = ("import sys, cfdyn.machine.jit, numba, numpy as np\nassert 'scipy.linalg' not in sys.modules\n"
            "f = numba.njit(lambda a, b: (np.dot(a, b), np.linalg.solve(a, b)))\n"
            "product, solved = f(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([[6.0, 8.0], [4.0, 2.0]]))\n"
            "print(product.tolist(), solved.tolist())")  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[[12.0, 16.0], [16.0, 8.0]] [[3.0, 4.0], [1.0, 0.5]]"
