"""`live`: the page of a loss and optimizer, or of a map."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cfdyn.arguments import number
from cfdyn.errors import UsageError, unknown
from cfdyn.explorer.document import document
from cfdyn.explorer.findings import found_within
from cfdyn.explorer.map_scene import scene_of_map
from cfdyn.explorer.menu import others
from cfdyn.explorer.scene import scene_of
from cfdyn.explorer.subject import Subject, subject_of
from cfdyn.explorer.tour import tour_of
from cfdyn.plotting import check_folder, check_limits
from cfdyn.records.files import as_path, written_whole
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map

MOST = 1_000_000  # bytes of a page
SECONDS = 60.0


def live(
    loss: Loss | Map, optimizer: Optimizer | None, path: str | Path, start: Sequence[float] | None = None,
    landmarks: float = SECONDS, progress: Callable[[str], None] | None = None, also: Sequence[Optimizer] | None = None,
    **ranges: Sequence[float],
) -> Path:  # fmt: skip
    """A page on which a reader moves the start and the parameters and sees what the optimizer does: one file of HTML.

    The map w ← f(w), its Jacobian and the loss with its derivatives are compiled to WebAssembly and run in the reader's browser.
    The page needs no server and sends no request. Its numbers are those of this package to the last bit where the
    formulas are made of + − × ÷ √; elementary functions are the browser's. Landmarks over the learning rate, with their closed
    forms, and proofs are those of `cf.study`, and the branches over each parameter with their bifurcations those of
    `cf.analysis.branches`; both run in a process of their own.

    Parameters
    ----------
    loss : a formula of one or two weights, with parameters or data; or a `cf.Map` of one or two variables with a parameter
    optimizer : the optimizer, with its learning rate; None for a map
    path : the file, such as "figure.html"
    start : weights (d,) or the full state; near the lowest minimum if not given
    landmarks : most seconds for the study and the branches; 0: the page has no landmarks, no proofs and no branches
    progress : called with a few words at each stage of these
    also : other optimizers for the menu of the page; heavy ball, Nesterov's method, RMSProp, Adam and gradient descent if not
        given, each at 1.1 × its edge; [] for none
    ranges : (lo, hi) of parameters by name, as ``lr=(0.5, 2)``; the orbit diagram is drawn over the first of them, or over lr

    Returns
    -------
    the path

    Raises
    ------
    UsageError : the loss has three or more weights or is no formula, a range is none, a time is below 0, the page would have more
        than 1 MB, the file cannot be written, or wasmtime is not installed
    NumericsError : the disk is full

    Examples
    --------
    >>> import tempfile
    >>> import cfdyn as cf
    >>> path = tempfile.mkdtemp() + "/figure.html"
    >>> page = cf.live(cf.Loss("(w**2 - 1)**2/4"), cf.optimizers.gd(lr=1.46), path, landmarks=0, lr=(0.8, 2.0))
    >>> page.read_text().startswith("<!doctype html>"), page.stat().st_size < 200_000
    (True, True)
    """
    path = check_folder(as_path(path))
    subject = subject_of(loss, optimizer, start)
    scene = asked(subject, landmarks, progress, ranges)
    if subject.of:
        scene["others"] = others(*subject.of, scene, also)
        names = [scene["optimizer"], *(other["optimizer"] for other in scene["others"])]
        scene["tour"] = tour_of(*subject.of, names.index("heavy_ball") if "heavy_ball" in names else None)
    text = document(scene).encode()
    if len(text) > MOST:
        raise UsageError(f"the page would have {len(text) / 1e6:.1f} MB, and at most 1 MB is written; take fewer rows of data")
    with written_whole(path) as temporary:
        Path(temporary).write_bytes(text)
    return path


def asked(
    subject: Subject, landmarks: float, progress: Callable[[str], None] | None, ranges: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """The scene of a page, with what was found in so many seconds."""
    if not (seconds := number("landmarks", landmarks, finite=True)) >= 0:
        raise UsageError(f"landmarks is a number of seconds, 0 or more, not {seconds:g}")
    step, chosen = subject.step, {}
    for name, pair in ranges.items():
        if name not in step.params:
            raise unknown("parameter of the map", name, step.params)
        chosen[name] = check_limits(name, pair)
    scene = scene_of(step, *subject.of, subject.start, chosen) if subject.of else scene_of_map(step, subject.start, chosen)
    if seconds:
        subject = subject._replace(start=scene["start"])
        scene["findings"] = found_within(seconds, subject, scene["params"], progress or (lambda words: None))
    return scene
