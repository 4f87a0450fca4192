"""`animate`: a film of the optimizer and its models on the loss landscape, with their sharpness below."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import FuncAnimation

from cfdyn.analysis.training.compare import Comparison
from cfdyn.errors import UsageError
from cfdyn.plotting import check_folder
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.comparison import draw_edge, label, limit_to_bulk, styles
from cfdyn.plotting.plane import contours, plane_of
from cfdyn.plotting.style import INK, PALE, axis_label, clip_range
from cfdyn.records.files import FULL, as_path, written_whole
from cfdyn.systems.loss import Loss

ENDINGS = (".gif", ".mp4")
MOST_FRAMES, TRAIL, DPI = 2000, 60, 120


def animate(
    record: Comparison,
    path: str | Path | None = None,
    frames: int = 150,
    fps: int = 20,
    loss: Loss | None = None,
    progress: Callable[[int], None] | None = None,
) -> FuncAnimation | Path:
    """Animate a `Comparison`: iterates and models over contours of the loss, with their sharpness below.

    Parameters
    ----------
    record : the result of `cfdyn.compare`
    path : a file ending in .gif or .mp4 (which needs ffmpeg); without a path the animation itself is returned
    frames : number of frames, spread evenly over the steps
    fps : frames per second
    loss : for contours, if the record was loaded from a file
    progress : called with the number of frames drawn

    Raises
    ------
    UsageError : another record or ending, no ffmpeg, or a file that cannot be written
    NumericsError : the disk is full

    Examples
    --------
    >>> import cfdyn as cf, tempfile, os
    >>> loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    >>> comparison = cf.compare(loss, gd, ["gradient", "central"], start=[0.05, 6.4], steps=300)
    >>> file = cf.animate(comparison, os.path.join(tempfile.mkdtemp(), "film.gif"), frames=3)
    >>> file.name, file.stat().st_size > 1000
    ('film.gif', True)
    """
    if not isinstance(record, Comparison):
        raise UsageError(f"animate takes a Comparison, which cf.compare makes, not {type(record).__name__}")
    if not 2 <= frames <= MOST_FRAMES or not 1 <= fps <= 240:
        raise UsageError(f"a film has 2 to {MOST_FRAMES} frames and 1 to 240 a second, not {frames} and {fps}")
    target = None if path is None else check_film(path)
    with house_style():
        film = _Film(record, record._loss if loss is None else loss)
        rows = np.unique(np.linspace(0, len(record.t) - 1, frames).round().astype(int))
        if target is None:
            return FuncAnimation(film.figure, film.show, frames=rows, interval=1000 / fps, blit=True)
        return _write(film.pictures(rows, progress), target, fps)


def check_film(path: str | Path) -> Path:
    """The path, if a film can be written there, else a UsageError, as for .mp4 without ffmpeg."""
    path = as_path(path)
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"a film cannot be written as {path.name!r}; end it in .gif or .mp4")
    if path.suffix.lower() == ".mp4" and shutil.which("ffmpeg") is None:
        raise UsageError("an .mp4 needs the program ffmpeg, which was not found; install it, or write a .gif")
    return check_folder(path)


def _write(pictures: Iterator[np.ndarray], path: Path, fps: int) -> Path:
    """Write the whole film or nothing."""
    with written_whole(path) as temporary:
        (_write_mp4 if path.suffix.lower() == ".mp4" else _write_gif)(pictures, temporary, fps)
    return path


def _write_gif(pictures: Iterator[np.ndarray], file: str, fps: int) -> None:
    from PIL import Image

    images = [Image.fromarray(picture).quantize(128) for picture in pictures]
    images[0].save(file, save_all=True, append_images=images[1:], duration=round(1000 / fps), loop=0)


def _write_mp4(pictures: Iterator[np.ndarray], file: str, fps: int) -> None:
    first = next(pictures)
    size = f"{first.shape[1]}x{first.shape[0]}"
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(fps), "-i", "-",
               "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", file]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        with suppress(BrokenPipeError):  # it has ended, and says why
            for picture in (first, *pictures):
                process.stdin.write(picture.tobytes())
        with suppress(BrokenPipeError):
            process.stdin.close()
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        for code in FULL:
            if os.strerror(code) in words:
                raise OSError(code, os.strerror(code))
        raise OSError(f"ffmpeg failed: {words[:200]}")


class _Film:
    """A figure whose lines grow with the row."""

    def __init__(self, comparison: Comparison, loss: Loss | None):
        self.comparison, self.plane, self.figure = comparison, plane_of(comparison), new_figure(5.6, 6.4)
        self.top, self.below = self.figure.subplots(2, 1, height_ratios=[2.2, 1])
        # One weight: its value against time in place of a plane.
        self.points = {"": self._at(comparison.iterates), **{m.name: self._at(m.w) for m in comparison.models}}
        self._draw_ground(loss)
        self._draw_sharpness()
        (self.trail,) = self.top.plot([], [], ".", color=PALE, markersize=3, zorder=1)
        (self.now,) = self.top.plot([], [], "o", color=INK, markersize=4.5, zorder=6, label="iterates")
        self.lines, self.heads, self.marks = {}, {}, {}
        for model in comparison.models:
            name, colour = model.name, styles(comparison)[model.name]["color"]
            (self.lines[name],) = self.top.plot([], [], color=colour, linewidth=1.5, zorder=3, label=label(model))
            (self.heads[name],) = self.top.plot([], [], "o", color=colour, markersize=4.5, markeredgecolor="white", zorder=5)
            (self.marks[name],) = self.below.plot([], [], "o", color=colour, markersize=4)
        (self.mark,) = self.below.plot([], [], "o", color=INK, markersize=4)
        self.top.legend(loc="upper right", fontsize=7, framealpha=0.8, frameon=True, edgecolor="none")
        self.step = self.top.text(0.02, 0.98, "", transform=self.top.transAxes, va="top", fontsize=9)
        of_models = (artist for group in (self.lines, self.heads, self.marks) for artist in group.values())
        self.moving = [self.trail, *of_models, self.now, self.mark, self.step]
        for artist in self.moving:
            artist.set_animated(True)

    def _at(self, w: np.ndarray) -> np.ndarray:
        if self.plane.flat:
            return np.stack([self.comparison.t[: len(w)], w[:, 0]], axis=1)
        return self.plane.project(w)

    def _draw_ground(self, loss: Loss | None) -> None:
        comparison, axes = self.comparison, self.top
        if self.plane.flat:
            axes.set(xlim=(0, comparison.t[-1]), xlabel="time (steps)", ylabel=axis_label(comparison.names[0]))
            clip_range(axes, comparison.iterates, margin=0.15)
            return
        limits = self.plane.limits([comparison.averaged, comparison.iterates])
        if loss is not None:
            contours(axes, loss, self.plane, limits)
        axes.set(xlim=limits[:, 0], ylim=limits[:, 1], xlabel=self.plane.labels[0], ylabel=self.plane.labels[1])

    def _draw_sharpness(self) -> None:
        comparison, axes = self.comparison, self.below
        axes.plot(comparison.t, comparison.sharpness, color=INK, linewidth=0.9)
        for model in comparison.models:
            axes.plot(comparison.t[: len(model.w)], model.sharpness, color=styles(comparison)[model.name]["color"], linewidth=1.1)
        shown = [comparison.sharpness, *(model.sharpness for model in comparison.models), draw_edge(axes, comparison)]
        limit_to_bulk(axes, shown, np.append(comparison.sharpness, comparison.edge))
        axes.set(xlim=(0, comparison.t[-1]), xlabel="time (steps)", ylabel="sharpness λ₁(H)")

    def show(self, row: int) -> list:
        """Show the film at a row of the comparison; returns the artists that move."""
        comparison, points = self.comparison, self.points[""]
        self.trail.set_data(*points[max(0, row - TRAIL) : row + 1].T)
        self.now.set_data(*points[row : row + 1].T)
        self.mark.set_data([comparison.t[row]], [comparison.sharpness[row]])
        for model in comparison.models:
            path, last = self.points[model.name], min(row, len(model.w) - 1)
            self.lines[model.name].set_data(*path[: last + 1].T)
            self.heads[model.name].set_data(*path[max(last, 0) : last + 1].T)
            self.marks[model.name].set_data(comparison.t[max(last, 0) : last + 1], model.sharpness[max(last, 0) : last + 1])
        self.step.set_text(f"step {comparison.t[row]}")
        return self.moving

    def pictures(self, rows: np.ndarray, progress: Callable[[int], None] | None) -> Iterator[np.ndarray]:
        """(height, width, 3) bytes for each row: the background is drawn once, and only moving artists again."""
        canvas: Any = self.figure.canvas
        self.figure.set_dpi(DPI)
        canvas.draw()
        ground = canvas.copy_from_bbox(self.figure.bbox)
        for number, row in enumerate(rows, 1):
            canvas.restore_region(ground)
            for artist in self.show(int(row)):
                artist.axes.draw_artist(artist)
            yield np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
            if progress is not None:
                progress(number)
