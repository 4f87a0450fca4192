"""Tables of the user's."""

from __future__ import annotations

from cfdyn.data._columns import Columns
from cfdyn.data._data_set import DataSet
from cfdyn.data._subsets import Choice, numbers_of
from cfdyn.registry import spelled


def csv(
    path: str, target: str = "", missing: str = "refuse", labels: bool = False, without: str = "", n: int | None = None,
    seed: int = 0, standardise: bool = True, random_labels: float = 0.0, classes: int | str | None = None,
) -> DataSet:  # fmt: skip
    """The rows of a CSV file of yours, with a line of names: numbers and texts, also with gaps.

    ``target``: the column to predict, the last one if not given. Texts there are classes, in the order of the alphabet; so
    are its numbers, in their order, with ``labels``, else they are to be predicted themselves. Of the other columns, but those
    ``without`` ("id" or "id;name"), numbers are an input each, and texts an input of 0 and 1 for each different text.

    ``missing``: what becomes of gaps (an empty cell, NA, NaN, null, none, ?, -): "refuse" them; "drop" their rows; "mean" of
    the column in place of a number and, of a text, 0 in all its inputs. A row without its target is left out by both. The
    mean is that of all rows with a target, also of those that are not picked. ``n`` rows are picked by the ``seed``.
    ``standardise``: each input, and numbers to predict, with mean 0 and standard deviation 1 over the rows picked; what is
    constant there becomes 0. ``classes``: 2 for the first two, "0-2" for these. ``random_labels``: the share of
    labels drawn anew.

    Raises
    ------
    UsageError : no such file or column, no line of names, a gap where none may be, numbers and texts in one column, numbers
        with a decimal comma, more than 20 texts in one, a constant target, more than 1000 classes

    Examples
    --------
    >>> import cfdyn as cf, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "four.csv")
    >>> _ = file.write_text("dose,site,state\\n1,north,well\\n2,south,ill\\nNA,north,ill\\n3,south,well\\n")
    >>> rows = cf.data.csv(str(file), missing="drop", standardise=False)
    >>> rows.inputs.tolist(), rows.labels.tolist()
    ([[1.0, 1.0, 0.0], [2.0, 0.0, 1.0], [3.0, 0.0, 1.0]], [1, 0, 1])

    References
    ----------
    Shafranovich (2005), Common format and MIME type for comma-separated values (CSV) files, RFC 4180.
    """
    choice = Choice(classes, n, seed, standardise, random_labels)
    more = {"path": path, "target": target, "missing": missing, "labels": labels, "without": without}
    table = Columns(path, missing).table(target, without)
    if table.texts or labels:
        return choice.of(csv, table.inputs, table.classes(), 1.0, **more)
    choice.no_classes("csv", f"column {table.target!r}")
    title = spelled(csv, **more, n=n, seed=seed, standardise=standardise)
    return numbers_of(title, table.inputs, table.numbers(), n, seed, standardise)
