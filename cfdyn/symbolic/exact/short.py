"""`short_forms`: the few formulas about one loss that fit a report, in a second or two."""

from typing import Any, NamedTuple

from cfdyn.symbolic.exact.process import answers
from cfdyn.symbolic.exact.request import Refused, chosen_parameters, is_rational, request, subject
from cfdyn.symbolic.programs.oracle import map_program

PATIENCE = 2.5  # seconds of the processor in a study; an answer is kept
MINIMA, PARTS = "edge and flip coefficient", ((2, "flip", "flip of the 2-cycle"), (3, "fold", "fold of the 3-cycle"))


class ShortForm(NamedTuple):
    """A name, the formula as text and in LaTeX, and its value (at the parameters of the loss)."""

    name: str
    text: str
    latex: str
    value: float


def short_forms(loss: Any, optimizer: Any, time_limit: float = 3.0) -> list[ShortForm]:
    """Edge, flip coefficient, flips of the 2-cycles and folds of the 3-cycles that are known in closed form.

    Empty at once for losses that are not polynomial or rational, and for more than one weight.

    Examples
    --------
    >>> import cfdyn as cf
    >>> for form in short_forms(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), time_limit=30):
    ...     print(form.name, form.text, round(form.value, 12))
    edge at w = 1, -1 1/a 1.0
    flip coefficient at w = 1, -1 8 8.0
    flip of the 2-cycle -1 + sqrt(5) 1.2360679775
    fold of the 3-cycle root of 4*lr**8 + 48*lr**7 + ... 1.450440964488
    fold of the 3-cycle root of 4*lr**8 + 48*lr**7 + ... 1.98177187596
    """
    return report_forms(loss, optimizer, time_limit)[0]


def report_forms(loss: Any, optimizer: Any, time_limit: float) -> tuple[list[ShortForm], str]:
    """The `short_forms`, and in words what was not computed and why, or ""."""
    spec = subject(loss, optimizer)
    if len(spec.names) != 1 or "lr" not in spec.params or not is_rational(map_program(spec, "step")):
        return [], ""
    try:
        asked = request(spec, chosen_parameters(spec, "all"), job="brief")
        # It is sought for, so that the answer is the same at every learning rate.
        asked["values"]["lr"] = "1"
        parts, reason = answers(asked, time_limit)
    except Refused as problem:
        parts, reason = [], str(problem)
    done = [part["done"] for part in parts if "done" in part]
    missing = ", ".join(name for name in (MINIMA, *(part[2] for part in PARTS)) if name not in done)
    forms = [ShortForm(p["name"], p["text"], p["latex"], float(p["value"])) for p in parts if "done" not in p]
    return forms, f"{missing} ({reason})" if missing else ""
