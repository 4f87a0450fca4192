"""Which entries of the state the outputs of a program depend on, syntactically."""

import numpy as np

from cfdyn.tape.program import Program


def constant_outputs(program: Program) -> np.ndarray:
    """True for each output (m,) that depends on no entry of the state: it is certainly constant.

    >>> import cfdyn as cf
    >>> flow = cf.flows.central(cf.Loss("x**2 + x*y + y**4"), cf.optimizers.gd(lr=0.1))
    >>> constant_outputs(flow.spec.program("edge"))[:4]
    array([ True,  True,  True, False])
    """
    return np.array([read == 0 for read in _reads(program)])


def untouched(program: Program, n: int) -> np.ndarray:
    """True for each entry (D,) of the state that the first ``n`` entries influence in no number of steps of a map."""
    reads, reached, before = _reads(program), (1 << n) - 1, 0
    while reached != before:
        before, reached = reached, reached | sum(1 << k for k, read in enumerate(reads) if read & reached)
    return np.array([not reached >> k & 1 for k in range(len(reads))])


def _reads(program: Program) -> list[int]:
    """For each output the entries of the state that it reads, one bit each."""
    tape, reads = program.tape, dict[int, int]()
    for node in program.order:
        reads[node] = 1 << tape.args[node][0] if tape.ops[node] == "z" else 0
        for child in tape.children(node):
            reads[node] |= reads[child]
    return [reads[node] for node in program.outputs]
