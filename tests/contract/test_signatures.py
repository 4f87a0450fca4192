"""Arguments that are handed on without a look, since they are what the signature says."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cfdyn.arguments import converted
from cfdyn.errors import UsageError
from cfdyn.signatures import checked

HINTS = [float, int, bool, str, Any, float | None, int | None, str | None, float | int, int | float, bool | float, str | float,
         tuple[float, float] | float, list[float] | str, Sequence[float] | None, dict[str, float] | str, str | os.PathLike | None]  # fmt: skip
VALUES = [0, 3, 3.0, 0.5, -math.inf, math.nan, True, "", "a", None, [1, 2.0], (0, 1), {"a": 1}, np.float64(2.0), np.int64(2), 2**70]


@pytest.mark.parametrize("hint", HINTS, ids=str)
def test_what_is_handed_on_as_it_is_is_what_the_annotation_makes_of_it(hint):
    def given(x):
        return x

    given.__annotations__["x"] = hint
    function = checked(given)

    def found(make):
        try:
            made = make()
        except UsageError as error:
            return str(error)
        return type(made), made

    for value in VALUES:
        assert found(lambda value=value: function(value)) == found(lambda value=value: converted("`x`", value, hint)), value
