"""The versions of Python and of the packages on which numbers depend."""

from functools import cache


@cache
def versions() -> dict[str, str]:
    """By name, read once."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    packages = {"python": platform.python_version()}
    for name in ("cfdyn", "numpy", "numba", "sympy"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return packages
