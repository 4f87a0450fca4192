"""`edge`: the minima of a loss of one weight in closed form, with the learning rates at which they lose their stability."""

from collections.abc import Sequence
from typing import Any

from cfdyn.records.record import provenance
from cfdyn.symbolic.exact.cycles import formula_of
from cfdyn.symbolic.exact.families import ExactFormula
from cfdyn.symbolic.exact.process import answers, checked_limit
from cfdyn.symbolic.exact.record import ExactEdge, ExactMinimum
from cfdyn.symbolic.exact.request import Refused, chosen_parameters, request, subject


def edge(loss: Any, optimizer: Any, *, parameters: Sequence[str] | str = "all", time_limit: float = 20.0) -> ExactEdge:
    """Sharpness λ = L″, edge and flip coefficient c = (L‴/L″)² − L⁗/(3L″) at each minimum, as formulas.

    The edge is the least lr at which det(I + Df) = 0: 2/λ for gradient descent, 2(1 + β)/λ for heavy ball. It is missing, with
    a ``reason``, if at present values another multiplier leaves the unit circle at one of 200 smaller learning rates. The
    coefficient is that of gradient descent: supercritical for c > 0, half-amplitude √((ηL″ − 2)/c).

    Parameters
    ----------
    loss, optimizer : a `cf.Loss` of one weight and an optimizer
    parameters : those that stay symbols; the others are replaced by exact numbers
    time_limit : seconds of processor time for the algebra

    Returns
    -------
    ExactEdge; ``reason`` says what has no closed form, or why something else is missing

    Raises
    ------
    UsageError : neither a loss with an optimizer nor a map, an unknown parameter, or a time limit that is not a positive number

    Examples
    --------
    >>> import cfdyn as cf
    >>> edge = cf.symbolic.edge(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.0, momentum=0.5))
    >>> [(str(m.point), str(m.sharpness), str(m.edge), str(m.coefficient)) for m in edge.minima]
    [('1', '2*a', '(momentum + 1)/a', '8'), ('-1', '2*a', '(momentum + 1)/a', '8')]
    """
    spec = subject(loss, optimizer)
    names, seconds = chosen_parameters(spec, parameters), checked_limit(time_limit)
    try:
        asked = request(spec, names, job="edge")
        if asked["loss"] is None:
            raise Refused("it has more than one weight, or is not a loss")
        parts, reason = answers(asked, seconds)
    except Refused as problem:
        parts, reason = [], str(problem)
    return ExactEdge(spec.title, dict(spec.params), names, tuple(_minimum(p) for p in parts), reason,
                     provenance=provenance(map=spec.title, params=spec.params, parameters=names))  # fmt: skip


def _minimum(part: dict[str, Any]) -> ExactMinimum:
    point, sharpness = (ExactFormula(part[k]["text"], part[k]["latex"]) for k in ("point", "sharpness"))
    return ExactMinimum(point, sharpness, formula_of(part["edge"]), formula_of(part["coefficient"]),
                        {k: float(v) for k, v in part["values"].items()})  # fmt: skip
