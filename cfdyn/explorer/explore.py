"""`explore`: the page of a loss and optimizer, or of a map, as a widget of a notebook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from cfdyn.errors import UsageError
from cfdyn.explorer.document import NOTEBOOK, WIDGET, document, source
from cfdyn.explorer.live import asked
from cfdyn.explorer.subject import subject_of
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map

if TYPE_CHECKING:
    from anywidget import AnyWidget

HEIGHT = 680  # pixels; a page that is longer makes its frame longer


def explore(
    loss: Loss | Map, optimizer: Optimizer | None, start: Sequence[float] | None = None, landmarks: float = 0.0,
    progress: Callable[[str], None] | None = None, **ranges: Sequence[float],
) -> AnyWidget:  # fmt: skip
    """The page of `live` in a notebook: a widget whose parameters and start Python reads and sets.

    Its traits are ``values``, a dict of the parameters of the map (lr and those of the loss), ``start``, the state z₀ (d,), and
    ``verdict``, the sentence of the page on the orbit of z₀. They follow the page when the reader's hand rests; the page follows
    ``values`` and ``start``. A dict with some of the parameters leaves the others as they are. The page runs in a frame that
    reaches nothing of the notebook, and computes in the browser, as that of `live` does.

    Parameters
    ----------
    loss, optimizer, start, progress, ranges : as for `live`
    landmarks : most seconds for the study whose landmarks and proofs the page shows; 0: none

    Returns
    -------
    a widget of anywidget, shown where a cell ends on it

    Raises
    ------
    UsageError : as for `live`; anywidget is not installed; later, values or a start are set that the map does not have

    Examples
    --------
    It needs the extra ``notebook``. In a cell of a notebook::

        page = cf.explore(cf.Loss("(w**2 - 1)**2/4"), cf.optimizers.gd(lr=1.1))
        page

    and in a later one ``page.values = {"lr": 1.46}`` moves the slider; then ``page.verdict`` is "Stable 3-cycle, 1.46 × the edge
    of stability.", and ``page.observe(print, "values")`` prints what the reader does.

    >>> import cfdyn as cf
    >>> cf.explore(cf.Loss("x**2 + y**2 + z**2"), cf.optimizers.gd(lr=0.1))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cfdyn.errors.UsageError: a page shows one or two weights, and this loss has 3; ...
    """
    subject = subject_of(loss, optimizer, start)
    return widget_class()(subject.step, asked(subject, landmarks, progress, ranges))


@cache
def widget_class() -> Any:
    """The class of the widgets, made when the first one is."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise UsageError("a page in a notebook needs anywidget: pip install 'cfdyn[notebook]'; `cf.live` writes a page that "
                         "a browser opens") from None  # fmt: skip

    class Page(anywidget.AnyWidget):
        """The page of a map; `explore` describes its traits."""

        _esm = source(WIDGET)
        html = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int(HEIGHT).tag(sync=True)
        values = traitlets.Dict(value_trait=traitlets.Float(), key_trait=traitlets.Unicode()).tag(sync=True)
        start = traitlets.List(traitlets.Float()).tag(sync=True)
        verdict = traitlets.Unicode().tag(sync=True)

        def __init__(self, step: Map, scene: dict[str, Any]):
            self._step = step
            super().__init__(html=document(scene, NOTEBOOK), values=step.params, start=scene["start"])

        @traitlets.validate("values")
        def _known_values(self, proposal: Any) -> dict[str, float]:
            return dict(self._step.at(**{**self.values, **proposal["value"]}).params)

        @traitlets.validate("start")
        def _whole_state(self, proposal: Any) -> list[float]:
            return self._step.state(proposal["value"]).tolist()

    return Page
