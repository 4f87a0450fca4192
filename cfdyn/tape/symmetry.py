"""Exchanges and changes of sign of the state with which a program commutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from cfdyn.tape.forms import Forms, scaled
from cfdyn.tape.program import Program

Exchange = tuple[tuple[int, ...], tuple[int, ...]]  # (σ, s): entry i of the image is s_i z_σ(i)
LONGEST = 3000  # nodes of a program that is worth it


def commuting(program: Program, p: Sequence[float], candidates: Iterable[Exchange]) -> list[Exchange]:
    """Those g of the candidates with f(g z) = g f(z), exactly, for the program's f at these parameters.

    Both sides are written in a form that is the same only for the same function; where it differs nothing is claimed.
    What has no value everywhere (a root, a quotient) must be the same set on both sides too.

    Examples
    --------
    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x, y = t.leaf("z", 0), t.leaf("z", 1)
    >>> step = Program(t, (t.mul(x, t.ipow(y, 2)), t.mul(y, t.ipow(x, 2))), n_z=2, n_p=0)
    >>> commuting(step, [], [((1, 0), (1, 1)), ((0, 1), (-1, 1)), ((1, 0), (1, -1))])
    [((1, 0), (1, 1)), ((0, 1), (-1, 1)), ((1, 0), (1, -1))]
    """
    forms = Forms(program, p)
    if len(forms.nodes) > LONGEST:
        return []
    z = [forms.state(k) for k in range(program.n_z)]
    here, domain = forms.outputs(z), forms.partial
    found = []
    for order, signs in candidates:
        forms.partial = set()
        there = forms.outputs([scaled(z[k], Fraction(s)) for k, s in zip(order, signs, strict=True)])
        moved = [scaled(here[k], Fraction(s)) for k, s in zip(order, signs, strict=True)]
        if there == moved and forms.partial == domain:
            found.append((order, signs))
    return found
