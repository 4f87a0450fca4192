"""Colours and sizes shared by all figures."""

import colorsys
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

INK, FAINT, PALE, ACCENT, WARN = "#222222", "#b8bec6", "#8a939f", "#1f5fa8", "#c2412d"
PALETTE = (ACCENT, WARN, "#2e8b6f", "#8a5fb0", "#b8862b", "#c2528b", "#3f7fbf", "#7a7a2a")
DASHED = (0, (4, 2))
ON_COLOUR = "on colour"  # the gid of letters on an area that keeps its colour on a dark ground: they keep theirs
PAPER = "paper"  # the gid of what is drawn on a light ground that means nothing: a dark style inverts it
ROUNDED = 1e-9  # relative to their size: closer values are identified
FLATTENED = 8.0  # times the bulk of values: their range, if it is wider
MOST_DOTS = 4000  # points of a series: more would merge
# Any two are at least 15 apart (CIEDE2000) for all readers, red-blind and green-blind ones too; without those of the periods 5 to
# 10, 8 apart in lightness, for print in grey.
REGIMES = {
    "fixed point": "#50c8e6", "period 2": "#648cff", "period 3": "#008c64", "period 4": "#280078", "period 5": "#6400e6",
    "period 6": "#ffffb4", "period 7": "#8c5078", "period 8": "#f5a0a0", "period 9": "#64a028", "period 10": "#c878a0",
    "period": "#503c3c", "quasi-periodic": "#d4dc00", "chaotic": "#a03c00", "divergent": "#ececec", "undecided": "#ffffff",
    "unresolved": "#ffffff",
}  # fmt: skip
LONGEST = 10  # period with a colour of its own everywhere
HATCHES = {"undecided": "......", "unresolved": "......"}
# Names of parameters of optimizers next to their letter, and letters that are spelled out.
AXES = {
    "lr": r"learning rate $\eta$", "momentum": r"momentum $\beta$", "weight_decay": "weight decay", "beta1": r"$\beta_1$",
    "beta2": r"$\beta_2$", "eps": r"$\varepsilon$",
}  # fmt: skip
GREEK = ("alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "kappa", "mu", "nu", "rho", "sigma", "tau", "phi", "psi",
         "omega")  # fmt: skip
_LETTER = re.compile(rf"([A-Za-z]|{'|'.join(GREEK)})(\d*)(?:_(\w+))?")
BEHIND, HATCHING = 0.5, "#9a9a9a"  # the opacity of regimes behind states, and what hatches these


def letters_on(colour: Any) -> dict[str, Any]:
    """The colour of letters on this colour, readable in all styles: black or white, with a contrast of 4.5 or more (WCAG 2.1).

    >>> letters_on("#88ceff")["color"], letters_on("#081897")["color"]
    ('black', 'white')
    """
    light = _luminance(colour)
    return {"color": "black" if (light + 0.05) ** 2 > 0.05 * 1.05 else "white", "gid": ON_COLOUR}


def line_colour(colour: str) -> str:
    """A colour dark enough for lines and letters on white, with a contrast of 4.5 or more: the same hue.

    >>> line_colour(REGIMES["period 6"]), line_colour("#222222")
    ('#7a7a11', '#222222')
    """
    hue, light, colourful = colorsys.rgb_to_hls(*to_rgb(colour))
    for part in np.linspace(1, 0, 101):
        darker = to_hex(colorsys.hls_to_rgb(hue, part * light, min(colourful, 0.75 if part < 1 else 1)))
        if 1.05 / (_luminance(darker) + 0.05) >= 4.5:
            break
    return darker


def _luminance(colour: Any) -> float:
    c = np.array(to_rgb(colour))
    return float(np.dot([0.2126, 0.7152, 0.0722], np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)))


def axis_label(name: str) -> str:
    """The label of an axis that shows a parameter or an entry of a state.

    >>> axis_label("lr"), axis_label("w1"), axis_label("rows")
    ('learning rate $\\\\eta$', '$w_{1}$', 'rows')
    """
    return AXES.get(name) or symbol(name)


def symbol(name: str) -> str:
    """A parameter or an entry of a state as mathematics; longer names are unchanged.

    >>> symbol("lr"), symbol("v_w1"), symbol("W3_21"), symbol("decay1")
    ('$\\\\eta$', '$v_{w_{1}}$', '$W_{3,21}$', 'decay1')
    """
    if name in AXES:
        return AXES[name][AXES[name].find("$") :] if "$" in AXES[name] else AXES[name]
    match = _LETTER.fullmatch(name)
    if match is None or (match[3] and not (match[3].isdigit() or _LETTER.fullmatch(match[3]))):
        return name
    letter = rf"\{match[1]}" if match[1] in GREEK else match[1]
    below = ",".join(part for part in (match[2], symbol(match[3]).strip("$") if match[3] else "") if part)
    return f"${letter}_{{{below}}}$" if below else f"${letter}$"


def every(count: int, most: int) -> slice:
    """Which of the given number of rows are drawn: an odd stride keeps a 2-cycle visible."""
    stride = max(1, count // most)
    return slice(None, None, stride + 1 - stride % 2)


def dots(axes: Axes, t: np.ndarray, values: np.ndarray, **style: Any) -> None:
    """Dots in the background, limited in number."""
    kept = every(len(t), MOST_DOTS)
    axes.plot(t[kept], values[kept], ".", **{"color": PALE, "markersize": 2.4, "zorder": 1, "rasterized": True, **style})


def specks(axes: Axes, x: np.ndarray, y: np.ndarray, **style: Any) -> None:
    """States, at the same small size at any resolution."""
    axes.plot(x, y, ".", **{"color": INK, "alpha": 0.5, "markersize": 1.2, "markeredgewidth": 0, "rasterized": True, **style})


def evenly(values: np.ndarray, most: int) -> np.ndarray:
    """Indices of increasing values of which none are closer than a fraction of the range: a refined scan shows no stripes.

    >>> evenly(np.array([0.0, 0.5, 0.51, 0.52, 1.0]), 10)
    array([0, 1, 4])
    """
    apart, kept = (values[-1] - values[0]) / most, [0]
    for k, value in enumerate(values):
        if value - values[kept[-1]] >= apart * (1 - 1e-9) and k:
            kept.append(k)
    return np.array(kept)


def tinted(colour: str) -> tuple[float, float, float]:
    """A colour as it appears behind states."""
    red, green, blue = (1 - BEHIND * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def regime_name(name: str) -> str:
    """The regime as which a name is drawn; all periods above 10 are one, "period"."""
    return name if name in REGIMES else "period"


def regime_words(name: str) -> str:
    """The name of a regime in a legend."""
    return {"period": "longer period", "divergent": "diverges"}.get(name, name)


def attractor_regime(kind: str, period: int | None) -> str:
    """The regime in whose colour an attractor is drawn; a limit cycle of a flow is a closed curve, as in quasi-periodicity."""
    if kind == "limit cycle":
        return "quasi-periodic"
    return regime_name(f"period {period}") if period and period > 1 else "fixed point" if "fixed point" in kind else kind


def attractor_colours(regimes: Sequence[str]) -> list[str | None]:
    """A colour for each attractor: that of its regime for the first, free ones for others, None when these are used up.

    >>> attractor_colours(["chaotic", "chaotic", "period 2"])
    ['#a03c00', '#6400e6', '#648cff']
    """
    spare = iter([REGIMES[name] for name in free_colours(regimes)])
    return [REGIMES[regime] if regime not in regimes[:k] else next(spare, None) for k, regime in enumerate(regimes)]


def free_colours(used: Sequence[str]) -> list[str]:
    """The regimes whose colours are free for others, of long periods first."""
    return [name for name in (f"period {n}" for n in (*range(5, LONGEST + 1), 4, 3)) if name not in used]


def clip_range(axes: Axes, values: object, margin: float = 0.08, core: object = ()) -> None:
    """Limit the y axis to the bulk of the values if all of them would flatten it, and print how many are beyond.

    ``core``: values, such as those of cycles, that others must not flatten either.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if len(finite) < 2:
        return
    lo, hi = np.quantile(finite, [0.005, 0.995])
    inner = np.asarray(core, dtype=float)
    inner = inner[np.isfinite(inner)]
    ends = np.quantile(inner, [0.03, 0.97]) if len(inner) else np.zeros(2)
    beside = 0 < FLATTENED / 2 * np.ptp(ends) < hi - lo
    if beside:
        lo, hi = ends + np.array([-0.5, 0.5]) * np.ptp(ends)
    if np.ptp(finite) <= ROUNDED * max(abs(finite.min()), abs(finite.max())):
        lo = hi = float(finite.mean())
    elif not beside and np.ptp(finite) <= FLATTENED * max(hi - lo, 0.05 * max(abs(lo), abs(hi))):
        lo, hi = finite.min(), finite.max()
    elif (beyond := float(((finite < lo) | (finite > hi)).mean())) > 0:
        axes.annotate(f"{100 * beyond:.2g} % are beyond", (0.01, 0.98), xycoords="axes fraction", fontsize=6.5, va="top")
    pad = margin * (hi - lo) or margin * max(1.0, abs(hi))
    axes.set_ylim(lo - pad, hi + pad)
