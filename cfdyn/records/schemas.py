"""The fields of the classes of records, under a name that changes with them, and the present and former places of classes."""

import dataclasses
import hashlib
import types
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from cfdyn.registry import catalogue, home

# Where the classes of records were when older files were written: a file names the module of each.
MOVED = {
    "orbits": "systems.orbit", "minima": "systems.minima", "complementarity": "integrate.complementarity",
    "study": "studies.study", "landscape": "studies.landscape", "ensembles.runs": "ensembles.stochastic.runs",
    "systems.mean_square": "systems.sgd.mean_square", "systems.batch_measures": "systems.sgd.batch_measures",
    "analysis._special_points": "analysis._branch",
}  # fmt: skip
# The first files name no module: where the classes are that there were then.
EARLY = {
    "Orbit": "systems.orbit", "Minimum": "systems.minima", "Study": "studies.study", "Landscape": "studies.landscape",
    "Average": "analysis.averages", "Averages": "analysis.averages", "Bands": "analysis.bands", "Cascade": "analysis.cascade",
    "Regime": "analysis.classify", "Model": "analysis.compare", "Comparison": "analysis.compare", "Branch": "analysis._branch",
    "Bifurcation": "analysis._branch", "Cycle": "analysis.cycles", "Cycles": "analysis.cycles", "Edge": "analysis.edge",
    "NormalForm": "analysis.normal_form", "Oscillation": "analysis.oscillation", "Event": "integrate.trajectory",
    "Trajectory": "integrate.trajectory", "Complementarity": "integrate.complementarity", "ExactCycles": "symbolic.exact.record",
    "ExactMinimum": "symbolic.exact.record", "ExactEdge": "symbolic.exact.record",
    **{f"Exact{part}": "symbolic.exact.families" for part in ("Formula", "Root", "Condition", "Family", "Cycle", "Curves")},
}  # fmt: skip


def place(name: str, module: str) -> str:
    """The present module of a class that a file names.

    >>> place("Orbit", ""), place("Orbit", "cfdyn.orbits"), place("Bands", "cfdyn.analysis.bands")
    ('cfdyn.systems.orbit', 'cfdyn.systems.orbit', 'cfdyn.analysis.attractors.bands')
    """
    old = module.removeprefix("cfdyn.")
    now = MOVED.get(old, old) if module else EARLY.get(name, "")
    room, _, rest = now.partition(".")
    there = home(catalogue(room), rest.rpartition(".")[2]) if room == "analysis" else None  # in whichever folder it is today
    return there or (f"cfdyn.{now}" if now != old else module)


@cache
def hints(kind: Any) -> dict[str, Any]:
    """The type of each field that is saved."""
    types = get_type_hints(kind, include_extras=True)
    return {f.name: types[f.name] for f in dataclasses.fields(kind) if not f.name.startswith("_")}


@cache
def schema(kind: Any) -> str:
    """Eight digits that change when the class gets another field, or a field of another type or shape."""
    fields = ", ".join(f"{name}: {_spelled(hint)}" for name, hint in sorted(hints(kind).items()))
    return hashlib.sha256(fields.encode()).hexdigest()[:8]


def _spelled(hint: Any) -> str:
    """A text for a type that does not depend on the release of Python."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return f"{_spelled(inner[0])} {' '.join(getattr(one, '__name__', str(one)) for one in inner[1:])}"
    if kind in (Union, types.UnionType):
        return " | ".join(sorted(map(_spelled, inner)))
    if kind is not None:
        return f"{kind.__name__}[{', '.join(map(_spelled, inner))}]"
    return "..." if hint is Ellipsis else getattr(hint, "__name__", str(hint))


def apart(kind: Any, names: set[str]) -> str:
    """In words, the fields of the class that a file lacks, and its additional fields."""
    every = dataclasses.fields(kind)
    needed = {f.name for f in every if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING}
    both = {"lacks": needed - names, "has also": names - {f.name for f in every}}
    parts = [f"it {verb} {', '.join(sorted(fields))}" for verb, fields in both.items() if fields]
    return " and ".join(parts) or "its fields are of other types"
