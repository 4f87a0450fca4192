"""The view of a watched run: its loss and its share of the edge over the same steps, the newest numbers, and its spikes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.cli.output.chart import Series, charts
from cfdyn.cli.output.layout import labelled, table, wrapped
from cfdyn.errors import visible
from cfdyn.words import how_many

if TYPE_CHECKING:
    from rich.text import Text

    from cfdyn.analysis.training.explain import Explanation
    from cfdyn.records.logs import Columns

SHARE, NEAR = "edge/share", 0.8
TALL, LEAST = (14, 9), (4, 4)  # rows of the two charts
WIDE = 3.0  # a share above which the axis is logarithmic
SPIKES = 5  # that are shown
LONGEST = 60  # letters of the file's name, of which the last say most
OLD = 50  # steps after which a number of the bounce is said to be old


@dataclass(frozen=True)
class Seen:
    """What is known of a run: its ``columns``, the name of its ``loss``, and ``found``, what explains it (None: ``why`` not)."""

    run: str
    columns: Columns
    loss: str
    found: Explanation | None
    why: str = ""

    def column(self, name: str) -> np.ndarray:
        """A series by its name; NaN where nothing was logged."""
        names = self.columns.names
        return self.columns.table[:, names.index(name)] if name in names else np.full(len(self.columns.at), np.nan)

    def newest(self) -> dict[str, tuple[float, float]]:
        """Of each name the last entry, and its step."""
        found = {}
        for name in self.columns.names:
            known = np.flatnonzero(~np.isnan(values := self.column(name)))
            if len(known):
                found[name] = float(values[known[-1]]), float(self.columns.at[known[-1]])
        return found

    @property
    def step(self) -> float:
        """The last step."""
        return float(self.columns.at[-1])


def view(seen: Seen, width: int, height: int | None = None, stars: bool = False) -> list[Text]:
    """All lines, at most ``height`` if there is one; ``stars``: charts without Braille."""
    from rich.text import Text

    newest = seen.newest()
    head = [Text(line, style="bold") for line in wrapped(visible(_headline(seen, newest)), width)]
    below = [Text(line) for line in labelled(_facts(newest, seen.step), width)]
    below += [Text(line, style="dim") for line in wrapped(_note(seen), width) if line] + _spikes(seen, width)
    shown = [*head, *_charts(seen, newest, width, None if height is None else height - len(head) - len(below), stars), *below]
    return shown if height is None else shown[:height]


def _headline(seen: Seen, newest: dict[str, tuple[float, float]]) -> str:
    name = seen.run if len(seen.run) <= LONGEST else f"…{seen.run[1 - LONGEST :]}"
    words = [f"{name}: step {seen.step:.10g}"]
    if seen.loss in newest:
        value, step = newest[seen.loss]
        words.append(f"{seen.loss} {_number(value)}" + (f" at step {step:.10g}" if step != seen.step else ""))
    if seen.found is not None and seen.found.end in ("diverged", "stays above"):
        words.append("it diverges" if seen.found.end == "diverged" else "it stays above its level")
    return ", ".join(words)


def _charts(seen: Seen, newest: dict[str, tuple[float, float]], width: int, room: int | None, stars: bool) -> list[Text]:
    """Both charts, as high as there is room, or one; the first alone where no share has been measured."""
    at, loss, share = seen.columns.at, seen.column(seen.loss), seen.column(SHARE)
    finite, measured = loss[np.isfinite(loss)], np.isfinite(share)
    marks = tuple(spike["since"] for spike in seen.found.spikes) if seen.found else ()
    two = bool(measured.any())
    rows = list(TALL)
    while room is not None and sum(rows[: 1 + two]) + 2 + two + bool(marks) > room and (rows[0] > LEAST[0] or rows[1] > LEAST[1]):
        rows[rows[1] > LEAST[1] and (rows[0] <= LEAST[0] or 2 * rows[0] < 3 * rows[1])] -= 1
    above = Series(f"{seen.loss}{' (▲ spikes)' if marks and not stars else ''}", at, loss, marks=marks,
                   log=bool(len(finite) and (finite > 0).all()))  # fmt: skip
    drawn = [(above, rows[0])]
    if two:
        ends = seen.column("edge/low"), seen.column("edge/high")
        low, high = (np.where(np.isfinite(one), one, share)[measured] for one in ends)
        values = share[measured]
        log = bool(values.min() > 0 and values.max() > WIDE)
        drawn.append((Series("share of the edge, 1 is the edge of stability", at[measured], values, log, low, high, 1.0,
                             floor=None if log else 0.0, ceiling=1.2, style=_colour(values[-1])), rows[1]))  # fmt: skip
    return charts(drawn, (float(at[0]), float(at[-1])), width, stars)


def _facts(newest: dict[str, tuple[float, float]], now: float) -> list[tuple[str, str]]:
    """The newest numbers, each with what it is."""
    rows = [("share", _share(newest, now)), ("growth", _growth(newest)), ("bounce", _bounce(newest, now)),
            ("gradient norm", _one(newest, "grad_norm")), ("learning rate", _one(newest, "lr")),
            ("forecast", _forecast(newest)), ("cost", _cost(newest))]  # fmt: skip
    return [(label, words) for label, words in rows if words]


def _share(newest: dict[str, tuple[float, float]], now: float) -> str:
    if SHARE not in newest:
        return "not measured yet"
    share, step = newest[SHARE]
    if not math.isfinite(share):
        return f"not finite at step {step:.10g}"
    side = "beyond the edge of stability" if share > 1 else "near the edge" if share > NEAR else "below the edge"
    low, high = (newest.get(name, (share, step)) for name in ("edge/low", "edge/high"))
    bracket = f" (bracket {low[0]:.4g} to {high[0]:.4g})" if low[1] == high[1] == step and low[0] < high[0] else ""
    square = newest.get("edge/mean_square", (0.0, -1.0))
    of_noise = f"; mean-square share {square[0]:.3g}" if square[1] == step else ""
    when = f", at step {step:.10g}" if step != now else ""
    return f"{share:.4g}{bracket}: {side}{when}{of_noise}"


def _growth(newest: dict[str, tuple[float, float]]) -> str:
    """Factors per step of the step along the leading direction: what the share predicts, and what was seen."""
    said = []
    if "edge/growth" in newest and math.isfinite(newest["edge/growth"][0]):
        said.append(f"× {_factor(newest['edge/growth'][0])} per step predicted by the share")
    if "bounce/growth" in newest and math.isfinite(newest["bounce/growth"][0]):
        value, step = newest["bounce/growth"]
        said.append(f"× {_factor(value)} seen over the 8 steps before {step:.10g}")
    return ", ".join(said)


def _bounce(newest: dict[str, tuple[float, float]], now: float) -> str:
    if "bounce/r1" not in newest:
        return ""
    r1, step = newest["bounce/r1"]
    said = [f"r₁ {r1:.2f}"]
    if newest.get("bounce/alternation", (0.0, -1.0))[1] == step:
        said.append(f"alternates in {100 * newest['bounce/alternation'][0]:.0f} % of the steps")
    if "bounce/period" in newest and now - newest["bounce/period"][1] <= OLD:
        said.append(f"period {newest['bounce/period'][0]:.3g}")
    return ", ".join(said) + (f" (at step {step:.10g})" if now - step > OLD else "")


def _forecast(newest: dict[str, tuple[float, float]]) -> str:
    """Only of the last measurement."""
    if "forecast/steps" not in newest or newest["forecast/steps"][1] != newest.get(SHARE, (0.0, -1.0))[1]:
        return ""
    steps, step = newest["forecast/steps"]
    return f"at the edge about {steps:.0e} steps after step {step:.10g}, an order of magnitude".replace("e+0", "e+")


def _cost(newest: dict[str, tuple[float, float]]) -> str:
    return f"{100 * newest['cost'][0]:.3g} % of the run's processor time" if "cost" in newest else ""


def _one(newest: dict[str, tuple[float, float]], name: str) -> str:
    return _number(newest[name][0]) if name in newest else ""


def _spikes(seen: Seen, width: int) -> list[Text]:
    """The newest spikes in a table, and what speaks for the cause of the last."""
    from rich.text import Text

    spikes: Sequence[dict[str, Any]] = seen.found.spikes if seen.found else ()
    if not spikes:
        return []
    rows = [[f"{one['since']:.10g}", f"{one['peak']:.10g}", "–" if one["times"] is None else f"{one['times']:.3g}", one["cause"]]
            for one in spikes[: -SPIKES - 1 : -1]]  # fmt: skip
    order = f", the newest {SPIKES}" if len(spikes) > SPIKES else ", the newest first" if len(spikes) > 1 else ""
    lines = [Text(how_many(len(spikes), "spike") + order, style="bold")]
    for head, body in table(("since", "peak", "× level", "cause"), rows, width):
        lines += [*(Text(line, style="dim") for line in head), *(Text(line) for line in body)]
    evidence = "; ".join(spikes[-1]["evidence"])
    return lines + [Text(line, style="dim") for line in wrapped(f"The newest: {evidence}." if evidence else "", width) if line]


def _note(seen: Seen) -> str:
    return "; ".join([*([seen.why] if seen.why else []), *seen.columns.notes])


def _colour(share: float) -> str:
    return "red" if share > 1 else "yellow" if share > NEAR else "green"


def _factor(rate: float) -> str:
    return f"{math.exp(rate):.3g}" if rate < 700 else "inf"


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "not finite"
