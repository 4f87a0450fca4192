"""The versions of Python and of the packages on which numbers depend."""

from functools import cache


@cache
def versions() -> dict[str, str]:
    """By name, read once."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in ("cfdyn", "numpy", "numba", "sympy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
