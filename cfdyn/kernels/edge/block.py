"""How the memory is laid out that the rules of the edge share: `cfdyn.integrate.supply.fields` makes it.

Sizes and addresses of rules, numbers that one rule leaves behind for another, and where each array begins.
"""

from __future__ import annotations

PLAIN, CENTRAL, TRACE, ABLATED = range(4)
# Whole numbers: sizes, the kind, counts; then addresses of rules.
N, D, K, M, KIND, SPECTRA, FORCES = range(7)
(DRIFT, EDGE, FORCE, DRIFT_JACOBIAN, SLACK_JACOBIAN, FORCE_JACOBIAN, EIGH, SPECTRUM, TURN, FOLLOW, PUSH, HOLD,
 PROJECT) = range(7, 20)  # fmt: skip
# Numbers: the largest eigenvalue that is not held, the smallest that is, what the sum is held at, the largest of all, and
# what tells equal eigenvalues apart: a lift of the modes so far, an error of TIE over the gap.
NEXT, LOWEST, TARGET, TOP, TIE = range(20, 25)
# Whole numbers: where each array begins. A spectrum is n values, (n, n) vectors by columns, and scratch.
(P, REFERENCE, EDGES, MATRIX, EIGEN, CHOSEN, BORDERED, PIVOTS, MODES, LAST, INPUTS, PAIR, B, A, X, BETA, SCALE, BETA_EIGEN,
 WORK, SLOPE, TURNS, SLOPES_OF, RATES, ARRAYS) = range(25, 49)  # fmt: skip
BY_VALUE = 49  # whether the modes are the largest eigenvalues, whatever the reference
SOFT = 50  # how many of the modes, the last, are kept apart from the others but not held themselves
HELD = 51  # how many are
WORST = 52  # a number: the largest violation that a projection has left
# A number: what the smallest eigenvalue of the scaled β is at least about, now and ever; pairs that push nothing do not count.
WEAK, WEAKEST = 53, 54
FIRM = 55  # whether β is far from singular, and BETA its Cholesky factor
FRESH = 56  # whether MODES, B, A and β are those of the state in LAST
SPECTRAL = 57  # whether modes are found as eigenvectors, or by a linear system
HEAD = 64
