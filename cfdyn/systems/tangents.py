"""What tangents of a map are pushed along with."""

from typing import Any

from cfdyn.codegen.columns import WRITTEN
from cfdyn.systems.map import Map


def pushing(step: Map) -> tuple[Any, bool]:
    """The rule for `cfdyn.kernels.orbits.stretch`, and whether it is that of products: of many variables no matrix is made."""
    products = step.dim > WRITTEN
    return step.rule("derivative1" if products else "jacobian").compiled, products
