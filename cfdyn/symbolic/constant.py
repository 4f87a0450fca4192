"""What of a program never changes with the state."""

import numpy as np

from cfdyn.tape.program import Program


def constant_outputs(program: Program) -> np.ndarray:
    """True for each output (m,) that no input of the state reaches, as the program is written: it is constant for certain.

    >>> import cfdyn as cf
    >>> flow = cf.flows.central(cf.Loss("x**2 + x*y + y**4"), cf.optimizers.gd(lr=0.1))
    >>> constant_outputs(flow.spec.program("edge"))[:4]
    array([ True,  True,  True, False])
    """
    tape, moving = program.tape, set()
    for node in program.order:
        if tape.ops[node] == "z" or any(child in moving for child in tape.children(node)):
            moving.add(node)
    return np.array([node not in moving for node in program.outputs])
