"""^ as a common notation of powers."""

import warnings

from cfdyn.errors import shown


def powers(text: str) -> str:
    """The text with ** for each ^, which denotes a power elsewhere, and a warning that says so.

    >>> powers("w**2 + 1")
    'w**2 + 1'
    """
    if not isinstance(text, str) or "^" not in text:
        return text
    text = text.replace("^", "**")
    warnings.warn(f"^ is read as a power, which is written ** here: {shown(text)}", stacklevel=3)
    return text
