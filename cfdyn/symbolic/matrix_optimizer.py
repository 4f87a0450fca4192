"""`MatrixOptimizer`: an optimizer that treats the weights as matrices, not one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.loss import LossSpec
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.tape.matrices import Matrix, matrix
from cfdyn.tape.program import Node, Tape

Shape = tuple[int, int]
States = dict[str, np.ndarray]
Advance = Callable[[Tape, Matrix, Matrix, Mapping[str, Matrix], Mapping[str, Node]], tuple[Matrix, dict[str, Matrix]]]


def _none(shape: Shape) -> States:
    return {}


@dataclass(frozen=True, repr=False)
class MatrixOptimizer(Optimizer):
    """A step for each matrix of the loss's ``shapes``.

    Parameters
    ----------
    states : for the shape of a matrix of weights, the starting value of each state matrix
    advance : (tape, W, gradient, states, hyperparameters) → the new W and states; ``settings`` are the numbers on which its code
        depends
    """

    states: Callable[[Shape], States] = _none
    advance: Advance | None = None
    settings: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> str:  # type: ignore[override]
        """The name and the settings of the code; the code itself belongs to the version of the package."""
        return f"{self.name}|{self.settings}|{tuple(self.options.items())}|{tuple(self.params)}"

    def __str__(self) -> str:
        settings = ",".join(f"{name}={value:g}" for name, value in self.settings)
        return f"{super().__str__()}{',' if settings else ''}{settings}"

    def _blocks(self, loss: LossSpec) -> Iterator[tuple[Shape, States, str]]:
        shapes = loss.shapes
        if sum(m * n for m, n in shapes) != len(loss.variables):
            raise UsageError(
                f"{self.name} needs weights that are matrices, and those of {loss.title} are not; "
                "matrix_factorization and linear_network have some"
            )
        for index, shape in enumerate(shapes, 1):
            yield shape, self.states(shape), str(index) if len(shapes) > 1 else ""

    def state_names(self, loss: LossSpec) -> tuple[str, ...]:
        """L_11, L_12, …, with the number of the matrix where there are several: L2_11."""
        return tuple(
            f"{name}{index}_{i + 1}{j + 1}"
            for _, states, index in self._blocks(loss)
            for name, start in states.items()
            for i, j in np.ndindex(start.shape)
        )

    def initial_state(self, loss: LossSpec) -> tuple[float, ...]:
        """The starting values, in the same order."""
        return tuple(float(v) for _, states, _ in self._blocks(loss) for start in states.values() for v in start.ravel())

    def matrix_step(
        self, tape: Tape, loss: LossSpec, z: Sequence[Node], gradient: Sequence[Node], parameters: Mapping[str, Node]
    ) -> list[Node]:
        """The next (weights, states) as nodes."""
        assert self.advance is not None
        weights, rest, first, at = [], [], 0, len(loss.variables)
        for (m, n), states, _ in self._blocks(loss):
            now = {}
            for name, start in states.items():
                now[name] = matrix(z[at : at + start.size], *start.shape)
                at += start.size
            w, g = (matrix(entries[first : first + m * n], m, n) for entries in (z, gradient))
            first += m * n
            new_w, new_states = self.advance(tape, w, g, now, parameters)
            weights += [x for row in new_w for x in row]
            rest += [x for name in states for row in new_states[name] for x in row]
        return weights + rest
