"""``cfdyn lyapunov``: exponents along one orbit."""

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.options import STEPS
from cfdyn.cli.screen import Say, number, remark, vector
from cfdyn.cli.subject import Subject


@command("loss optimizer steps start settings variables map batch order seed periodic json", place=4)
def lyapunov(subject: Subject, say: Say, steps: STEPS = 100_000) -> Answer:
    """The spectrum of Lyapunov exponents along one orbit."""
    step, z0, chosen = subject.map_and_state()
    found = cfdyn.analysis.lyapunov(step, z0, steps, progress=lambda k: say(f"{k} of {steps} steps"))
    return Answer(
        lambda: {"exponents": found, "sum": found.sum(), "steps": steps, "map": step.title, "start": z0, "chosen": chosen},
        lambda screen: screen.facts(
            ("map", f"{step.title}{remark(chosen, 'lr')}"),
            ("start", f"{vector(z0)}{remark(chosen, 'start')}"),
            ("exponents", f"{vector(found)} per step over {steps} steps"),
            ("sum", number(found.sum())),
        ),
    )
