"""``cfdyn chaos``: is the attractor of an orbit chaotic?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, remark, vector
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.systems.map import Map

MOST = 10_000_000  # steps
STRUCTURE = Annotated[
    bool,
    Option(
        "--structure", help="One variable: how many cycles can attract (Singer). More: angles between stable and unstable directions (covariant Lyapunov vectors)."  # noqa: E501
    ),
]  # noqa: E501
FOLLOWED = 20_000  # steps in which these directions are computed


LISTED = "loss optimizer steps dimensions structure start settings variables map out plot pixels batch order seed periodic json"


@command(LISTED, group="Maps and chaos", place=33)
def chaos(
    subject: Subject,
    say: Say,
    steps: Annotated[int, Option("--steps", min=1000, help="Number of steps.")] = 100_000,
    dimensions: Annotated[bool, Option("--dimensions/--no-dimensions", help="Also measure fractal dimensions, which takes most of the time.")] = True,  # noqa: E501
    structure: STRUCTURE = False,
) -> Answer:
    """Is an attractor chaotic? Exponents, 0–1 test, dimensions.

    Each with its error, and a verdict that names its evidence.

    $ cfdyn chaos double_well --optimizer gd:lr=1.5
    $ cfdyn chaos --map "1-a*x**2+y; b*x" --set a=1.4 --set b=0.3 --structure
    """
    if steps > MOST:
        raise UsageError(f"chaos takes at most {MOST} steps, not {steps}")
    step, z0, chosen = subject.map_and_state()
    result = cfdyn.analysis.chaos(step, z0, steps, dimensions=dimensions, progress=say)
    spectrum, test, ordinal = result.spectrum, result.test, result.permutation
    document, words = _structure(step, z0) if structure else ({}, [])
    measured = [(name, one) for name, one in (("correlation", result.correlation), ("box", result.box)) if one is not None]
    return Answer(
        lambda: {
            **fields(result, "kind reason"),
            "lyapunov": {**fields(spectrum, "exponents errors dimension dimension_error steps"), "sum": spectrum.total},
            "zero_one": fields(test, "K low high kind reason"),
            "permutation": fields(ordinal, "entropy error share rate order missing equal"),
            **{f"{name}_dimension": fields(one, "value error fitted reason") for name, one in measured},
            **document, "map": step.title, "start": z0, "chosen": chosen,
        },
        lambda screen: screen.facts(
            ("map", f"{step.title}{remark(chosen, 'lr')}"),
            ("start", f"{vector(z0)}{remark(chosen, 'start')}"),
            ("exponents", f"{vector(spectrum.exponents)} ± {vector(spectrum.errors)} per step over {spectrum.steps} steps"),
            ("0–1 test", f"K = {test.K:.3f}, quartiles {test.low:.3f} and {test.high:.3f}: {test.kind}"),
            ("patterns", f"{ordinal.missing} orders of {ordinal.order} values in turn never occur; entropy {ordinal.entropy:.4g} "
                         f"± {ordinal.error:.1g}, {ordinal.rate:.3g} per step"),
            ("dimension", f"{spectrum.dimension:.5g} ± {spectrum.dimension_error:.1g}, by Kaplan and Yorke's formula"),
            *((f"{name} dimension", one.reason or f"{one.value:.4g} ± {one.error:.1g}") for name, one in measured),
            *words,
            ("verdict", f"{result.kind}: {result.reason}"),
        ),
        record=result,
    )  # fmt: skip


def _structure(step: Map, z0: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Singer's bound for a map of one variable, or the angles of covariant vectors: for --json, and in words."""
    import numpy as np

    if step.dim == 1:
        bound = cfdyn.analysis.singer(step)
        return {"singer": fields(bound, "bound meaning")}, [("attractors", bound.meaning)]
    vectors = cfdyn.analysis.covariant_vectors(step, z0, FOLLOWED)
    angles = vectors.angles[np.isfinite(vectors.angles)]
    if not len(angles):
        return {"least_angle": None, "median_angle": None}, [("angles", "none: not both grow and shrink directions")]
    least, median = float(angles.min()), float(np.median(angles))
    words = f"at least {least:.2g}, in the median {median:.2g}, between what grows and what shrinks, over {len(angles)} steps"
    return {"least_angle": least, "median_angle": median}, [("angles", words)]
