"""Programs in plain doubles, for the searches that only suggest what is then proved."""

from collections.abc import Callable

import numpy as np
from scipy.special import erf, expit

from cfdyn.certify.subject import Subject
from cfdyn.tape.evaluate import Algebra, evaluate

Floats = Callable[[np.ndarray], np.ndarray]


def in_floats(subject: Subject, what: str) -> Floats:
    """A program of the map as a function of states (d, …) in doubles: (outputs, …); parameters at the middles of their intervals.

    >>> import numpy as np
    >>> import cfdyn as cf
    >>> from cfdyn.certify.subject import subject
    >>> step = in_floats(subject(cf.Map.from_text("r*x*(1-x)", params={"r": 3.5})), "step")
    >>> step(np.array([[0.25, 0.5]]))
    array([[0.65625, 0.875  ]])
    """
    encloses = subject.enclosure(what)
    program = encloses.program
    parameters = [float(p.mid()) for p in encloses.parameters]
    rows = [[float(v.mid()) for v in row] for row in encloses.data]

    def function(z: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            outputs = evaluate(program, FLOATS, list(z), parameters, rows)
        shape = np.shape(z)[1:]
        return np.array([v if np.shape(v) == shape else np.broadcast_to(v, shape) for v in outputs], dtype=float)

    return function


FLOATS = Algebra(
    lambda f: f.numerator / f.denominator,
    {name: getattr(np, name) for name in "exp log sin cos tan sinh cosh tanh sqrt log1p sign floor abs".split()}
    | {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "pow": np.power,
        "ipow": lambda x, k: np.asarray(x, dtype=float) ** k, "max": np.maximum, "min": np.minimum, "erf": erf, "sigmoid": expit,
        "heaviside": lambda x: (np.sign(x) + 1) / 2, "softplus": lambda x: np.logaddexp(0, x),
        "logcosh": lambda x: np.logaddexp(x, -x) - np.log(2), "sech2": lambda x: 4 * expit(2 * x) * expit(-2 * x),
        "lt": np.less, "le": np.less_equal, "eq": np.equal, "and": np.logical_and, "or": np.logical_or, "not": np.logical_not,
        "select": np.where,
    },
    np.pi, np.e,
)  # fmt: skip
