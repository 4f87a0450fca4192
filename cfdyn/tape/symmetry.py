"""Exchanges and changes of sign of the state with which a program commutes."""

from collections.abc import Sequence
from fractions import Fraction

from cfdyn.tape.forms import Form, Forms, scaled
from cfdyn.tape.program import Program

Exchange = tuple[tuple[int, ...], tuple[int, ...]]  # (σ, s): entry i of the image is s_i z_σ(i)


class Commutation:
    """True if f(g z) = g f(z), exactly, for a program's f at given parameters.

    Both sides are written in forms that are the same only for the same function: where they differ nothing is known.
    What has no value everywhere (a root, a quotient) must be the same on both sides too. ``size``: nodes to go through.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x, y = t.leaf("z", 0), t.leaf("z", 1)
    >>> holds = Commutation(Program(t, (t.mul(x, y), t.ipow(y, 2)), n_z=2, n_p=0), [])
    >>> [holds(g) for g in (((0, 1), (-1, 1)), ((0, 1), (1, -1)), ((1, 0), (1, 1)))]
    [True, False, False]
    """

    def __init__(self, program: Program, p: Sequence[float]):
        self.forms = Forms(program, p)
        self.size = len(self.forms.nodes)
        self.z = [self.forms.state(k) for k in range(program.n_z)]
        self.here, self.domain = self._at(self.z)

    def __call__(self, g: Exchange) -> bool:
        there, domain = self._at(_moved(g, self.z))
        return there == _moved(g, self.here) and domain == self.domain

    def _at(self, z: list[Form]) -> tuple[list[Form], set[int]]:
        """The outputs, and what must exist for them."""
        self.forms.partial = set()
        return self.forms.outputs(z), self.forms.partial


def _moved(g: Exchange, z: list[Form]) -> list[Form]:
    return [scaled(z[k], Fraction(s)) for k, s in zip(*g, strict=True)]
