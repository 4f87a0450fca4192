"""The errors a user can meet: each says what was given, what is allowed and what to do."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

HEAD, TAIL = 380, 160  # of a message that is longer
MANY = 60  # names are too many to be read in a message
ELSEWHERE = {  # what other libraries and papers call an optimizer or its settings, in small letters without underscores
    "learningrate": ("lr",), "eta": ("lr",), "rate": ("lr",), "stepsize": ("lr",), "alpha": ("lr",), "epsilon": ("eps",),
    "beta": ("momentum", "beta1", "beta2"), "mu": ("momentum",), "betas": ("beta1",), "decay": ("weight_decay",),
    "wd": ("weight_decay",), "l2": ("weight_decay",), "maxnorm": ("clip",), "gradclip": ("clip",),
    "momentum": ("heavy_ball",), "polyak": ("heavy_ball",), "nag": ("nesterov",), "signsgd": ("sign_gd",),
}  # fmt: skip


SCHEDULES = ("warmup", "warmupsteps", "schedule", "scheduler", "lrschedule", "lrscheduler", "cosine", "decaysteps", "totalsteps")
AS_MAPS = ("the rate is one for all steps. Of a loss that is a formula, cf.schedule(cf.as_map(loss, optimizer), 'lr', rates) "
           "takes steps with other rates")  # fmt: skip
# What torch calls the optimizers of the catalogue, the same rule for a constant rate.
OF_TORCH = {"SGD": "gd or cf.optimizers.heavy_ball", "Adam": "adam", "AdamW": "adamw", "NAdam": "nadam", "RMSprop": "rmsprop",
            "Adagrad": "adagrad", "Muon": "muon"}  # fmt: skip


def readable(text: str) -> str:
    r"""A message as one line that a terminal can show: control characters escaped, the middle of a long one left out.

    >>> print(readable("no column 'a\x1b[2J'"))
    no column 'a\x1b[2J'
    >>> len(readable("no column " + "x" * 70_000))
    543
    """
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]} … {text[-TAIL:]}"
    return visible(" ".join(text.split()))


def visible(text: str) -> str:
    """The text with an escape for each control character but a new line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


class CfdynError(Exception):
    """Base of every error raised on purpose; ``exit_status`` is what the command line returns.

    Examples
    --------
    >>> import cfdyn as cf
    >>> try:
    ...     cf.Loss("(w**2 - 1")
    ... except cf.CfdynError as error:
    ...     print(type(error).__name__, error.exit_status)
    FormulaError 2
    """

    exit_status = 1

    def __init__(self, message: str = ""):
        super().__init__(readable(message))


class UsageError(CfdynError, ValueError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_status = 2


class FormulaError(UsageError):
    """A text that is not a formula; ``position`` is the offending character's index, if known."""

    def __init__(self, message: str, text: str = "", position: int | None = None):
        super().__init__(message)
        self.text, self.position = text, position


class NumericsError(CfdynError):
    """The computation itself failed (no minimum, singular system, out of the domain), or the disk is full."""


class RecordError(CfdynError):
    """A saved file is missing, cut off, foreign or too large."""

    exit_status = 2


def shown(value: Any) -> str:
    """A value in a message: its beginning, if it is long, and its kind, if it cannot be shown.

    >>> shown("abc"), shown([1.5] * 100)
    ("'abc'", '[1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1...')
    """
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a number of too many digits, or an object that fails to describe itself
        text = f"{type(value).__name__} that cannot be shown"
    return text if len(text) <= 60 else f"{text[:57]}..."


def unknown(kind: str, name: str, known: Iterable[str], see: str = "") -> UsageError:
    """The error for a misspelt name, with the nearest valid one.

    >>> print(unknown("loss", "quartc", ["quartic", "huber"], "cfdyn list losses"))
    unknown loss 'quartc'; did you mean 'quartic'? See: cfdyn list losses
    >>> print(unknown("option of gd:", "learning_rate", ["lr", "clip"]))
    unknown option of gd: 'learning_rate'; did you mean 'lr'?
    """
    known = sorted(known)
    near = _nearest(name, known)
    shown = name if len(name) <= 60 else name[:57] + "..."
    if "lr" in known and name.lower().replace("_", "") in SCHEDULES:
        advice = f"{AS_MAPS}."
    elif near:
        advice = f"did you mean {near!r}?"
    elif len(known) > MANY:
        advice = "none is like it."
    elif known:
        advice = f"known: {', '.join(known)}."
    else:
        advice = "there are none."
    return UsageError(f"unknown {kind} {shown!r}; {advice}" + (f" See: {see}" if see else ""))


def _nearest(name: str, known: list[str]) -> str | None:
    """The valid name that was meant: the same one in other letters, what it is called elsewhere, or one spelled like it."""
    plain = {one.lower().replace("_", ""): one for one in reversed(known)}
    given = name.lower().replace("_", "")
    if given in plain:
        return plain[given]
    elsewhere = [one for one in ELSEWHERE.get(given, ()) if one in known]
    return next(iter(elsewhere), None) or like(name, known)


def like(name: str, known: Sequence[str], cutoff: float = 0.6) -> str | None:
    """The name of the same letters, or of nearly the same.

    >>> like("rl", ["clip", "lr"]), like("adma", ["gd", "adam"]), like("foo", ["gd", "adam"])
    ('lr', 'adam', None)
    """
    same = (one for one in known if sorted(one) == sorted(name))
    return next(same, None) or next(iter(difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), None)


def no_attribute(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have, with the nearest that it has.

    >>> print(no_attribute("cfdyn.optimizers", "adma", ["gd", "adam"]))
    module 'cfdyn.optimizers' has no attribute 'adma'; did you mean 'adam'?
    """
    near = None if name.startswith("_") else _nearest(name, sorted(known))
    return AttributeError(f"module {module!r} has no attribute {name!r}{f'; did you mean {near!r}?' if near else ''}")


def of_torch(value: object) -> str:
    """What an optimizer of torch is here, behind an error that refuses it; nothing for anything else."""
    kind = type(value)
    if not kind.__module__.startswith("torch.optim"):
        return ""
    here = f"cf.optimizers.{OF_TORCH[kind.__name__]}" if kind.__name__ in OF_TORCH else "one of `cfdyn list optimizers`"
    return f" of torch: take {here} with its settings, spelled as `cfdyn show` says; an update of your own is a cf.Optimizer"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a long computation; ``record`` holds the finished part.

    Examples
    --------
    >>> import cfdyn as cf
    >>> try:
    ...     path = cf.solve(cf.Flow.from_text("-x"), [1.0], t=10)
    ... except cf.Interrupted as stopped:
    ...     path = stopped.record
    >>> print(round(path.w[-1, 0], 8), path.status)
    4.54e-05 done
    """

    def __init__(self, record: Any):
        super().__init__(record)
        self.record = record

    def __str__(self) -> str:
        return "interrupted; the `record` of this exception (cf.Interrupted) holds the finished part"
