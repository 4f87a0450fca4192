"""The tables that come in scikit-learn's wheel, read from its folder: importing scikit-learn would take longer."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cfdyn import outside
from cfdyn.errors import UsageError


def table(name: str, what: str, head: str = "", delimiter: str | None = ",") -> np.ndarray:
    """The numbers of one of its files, (rows, columns), below a first line that must be ``head``; or a UsageError.

    The error says that the line differs, or that the file is missing and how to get it.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise UsageError(f"{what} needs scikit-learn: pip install 'cfdyn[data]'")
    path = Path(package.origin).parent / "datasets" / "data" / name
    if not path.is_file():
        raise UsageError(f"{what}: this scikit-learn has no file {name}")
    with io.TextIOWrapper(outside.unpacked(path), encoding="utf-8") as file:
        if head and file.readline().strip() != head:
            raise UsageError(f"{what}: {path} is not the table that cfdyn knows")
        return np.loadtxt(file, delimiter=delimiter, ndmin=2)
