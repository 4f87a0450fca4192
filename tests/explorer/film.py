"""The film of the README: the page of the double well while its learning rate is dragged. ``python -m tests.explorer.film``."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import cfdyn as cf
from tests.explorer.browser import browser

FILE, SIZE, SMALL = Path(__file__).parents[2] / "README.webp", (1100, 720), (880, 576)
STOPS = (1.05, 1.1, 1.24, 1.29, 1.4, 1.46)  # rests in between, in frames:
REST, MOVE, FRAME = 8, 9, 110  # and frames from one to the next; milliseconds


def rates() -> list[float]:
    """The learning rate of each frame."""
    found = []
    for here, there in zip(STOPS, [*STOPS[1:], STOPS[-1]], strict=True):
        found += [here] * REST + np.linspace(here, there, MOVE + 2)[1:-1].tolist() * (there != here)
    return found + [STOPS[-1]] * REST


def main() -> None:
    """Take the pictures in Chromium and write the film."""
    pictures = []
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder, "profile")) as tab:
        page = cf.live(cf.Loss("(w**2-1)**2/4"), cf.optimizers.gd(lr=STOPS[0]), Path(folder, "page.html"), [1.107], lr=(0.8, 2.0))
        tab.open(page.as_uri(), *SIZE)
        for k, rate in enumerate(rates()):
            tab.evaluate(f"{{ const field = document.querySelector('#value-lr'); field.value = {rate:.4f}; "
                         "field.dispatchEvent(new Event('input', { bubbles: true })); } 0")  # fmt: skip
            tab.quiet()
            tab.picture(Path(folder, f"{k}.png"))
            pictures.append(
                Image.open(io.BytesIO(Path(folder, f"{k}.png").read_bytes()))
                .convert("RGB")
                .resize(SMALL, Image.Resampling.LANCZOS)
            )
    pictures[0].save(FILE, save_all=True, append_images=pictures[1:], duration=FRAME, loop=0, quality=55, method=4)
    print(FILE, FILE.stat().st_size)


if __name__ == "__main__":
    main()
