"""The tables that come in scikit-learn's wheel, read from its folder: importing scikit-learn would take longer."""

from importlib.util import find_spec
from pathlib import Path

from cfdyn.errors import UsageError


def table(name: str, what: str) -> Path:
    """The path of one of its files; a UsageError that says how to get it."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise UsageError(f"{what} needs scikit-learn: pip install 'cfdyn[data]'")
    path = Path(package.origin).parent / "datasets" / "data" / name
    if not path.is_file():
        raise UsageError(f"{what}: this scikit-learn has no file {name}")
    return path
