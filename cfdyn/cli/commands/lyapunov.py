"""``cfdyn lyapunov``: exponents along one orbit."""

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.document import fields
from cfdyn.cli.options import STEPS
from cfdyn.cli.screen import Say, number, remark, vector
from cfdyn.cli.subject import Subject


@command("loss optimizer steps start settings variables map batch order seed periodic json", place=4)
def lyapunov(subject: Subject, say: Say, steps: STEPS = 100_000) -> Answer:
    """The spectrum of Lyapunov exponents along one orbit, with errors."""
    from cfdyn.analysis.lyapunov_spectrum import PARTS

    step, z0, chosen = subject.map_and_state()
    found = cfdyn.analysis.lyapunov_spectrum(step, z0, steps, progress=lambda k: say(f"{k} of {steps} steps"))
    return Answer(
        lambda: {**fields(found, "exponents errors dimension dimension_error steps"), "sum": found.total, "map": step.title,
                 "start": z0, "chosen": chosen},
        lambda screen: screen.facts(
            ("map", f"{step.title}{remark(chosen, 'lr')}"),
            ("start", f"{vector(z0)}{remark(chosen, 'start')}"),
            ("exponents", f"{vector(found.exponents)} per step over {steps} steps"),
            ("errors", f"{vector(found.errors)}, standard errors from {PARTS} parts of the way"),
            ("sum", number(found.total)),
            ("dimension", f"{found.dimension:.5g} ± {found.dimension_error:.1g}, by Kaplan and Yorke's formula"),
        ),
    )  # fmt: skip
