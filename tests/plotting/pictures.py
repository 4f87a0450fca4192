"""Pictures of records that never change, to be held against: ``python -m tests.plotting.pictures`` writes them anew.

They hold for the release of matplotlib in constraints.txt; when that changes, or a figure is meant to look different, look at
what `git diff` shows of the folder ``baselines``, and keep it.
"""

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import cfdyn as cf

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORDS, BASELINES = [HERE / "records", ROOT / "tests" / "records" / "before"], HERE / "baselines"
DPI, BITS = 60, 4  # small files: of a dot more or less nothing is seen
COLUMN = {"style": "paper", "figsize": (3.15, None)}
# The record and how it is drawn, by the name of the picture.
PICTURES = {
    **{name: (name, {}) for name in (
        "Averages", "Bands", "BasinFractions", "Basins", "BifurcationCurve", "Branch", "Branches", "Cascade", "Chart", "Comparison",
        "Crises", "Cycles", "ExactCycles", "Hovering", "InvariantDensity", "LyapunovSpectra", "LyapunovSpectrum", "NoiseInduced",
        "Orbit", "OrbitDiagram", "Oscillation", "PeriodDiagram", "RegimeMap", "Runs", "RunsComparison", "SettlingTimes", "Study",
        "Studies", "Trajectory",
    )},
    "Study, a column": ("Study", COLUMN),
    "Comparison, a column": ("Comparison", COLUMN),
    "Basins, a column": ("Basins", COLUMN),
    "OrbitDiagram, dark": ("OrbitDiagram", {"style": "dark"}),
    "Chart, dark": ("Chart", {"style": "dark"}),
    "Study, dark": ("Study", {"style": "dark"}),
}  # fmt: skip


def release() -> str:
    """Of matplotlib, for which the baselines hold."""
    [found] = re.findall(r"^matplotlib==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    return found


def drawn(name: str) -> Image.Image:
    """The picture as it is drawn now."""
    record, options = PICTURES[name]
    [path] = [folder / f"{record}.npz" for folder in RECORDS if (folder / f"{record}.npz").exists()]
    file = io.BytesIO()
    cf.plot(cf.load(path), **options).savefig(file, format="png", dpi=DPI)
    return ImageOps.posterize(Image.open(file).convert("RGB"), BITS)


def difference(name: str) -> float:
    """The root mean square, of 255, between the picture and its baseline; ∞ if one of them is larger."""
    with Image.open(baseline(name)) as kept:
        old, new = (np.asarray(picture.convert("RGB"), float) for picture in (kept, drawn(name)))
    return float(np.sqrt(np.mean((old - new) ** 2))) if old.shape == new.shape else float("inf")


def baseline(name: str) -> Path:
    """The file of a picture."""
    return BASELINES / f"{name.replace(', ', '-').replace(' ', '-')}.png"


def write() -> None:
    """All of them."""
    BASELINES.mkdir(exist_ok=True)
    for name in PICTURES:
        drawn(name).save(baseline(name), optimize=True)


if __name__ == "__main__":
    write()
