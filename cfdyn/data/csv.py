"""Tables of your own."""

from __future__ import annotations

from cfdyn.data._columns import Columns
from cfdyn.data._data_set import DataSet
from cfdyn.data._subsets import Choice, numbers_of
from cfdyn.registry import spelled


def csv(
    path: str, target: str = "", missing: str = "refuse", labels: bool = False, without: str = "", n: int | None = None,
    seed: int = 0, standardise: bool = True, random_labels: float = 0.0, classes: int | str | None = None,
) -> DataSet:  # fmt: skip
    """The rows of your own CSV file, with a header line: numbers and texts, possibly with gaps.

    ``target``: the column to predict (default: the last). Its texts are classes, in alphabetical order; with ``labels`` its
    numbers are classes too, in increasing order, otherwise they are regression targets. Among the other columns, except those in
    ``without`` ("id" or "id;name"), each numeric column is one input, and a text column is one 0/1 input for each distinct text.

    ``missing``: the treatment of gaps (an empty cell, NA, NaN, null, none, ?, -): "refuse" them; "drop" their rows; "mean" of the
    column in place of a number and, for a text, 0 in all its inputs. "drop" and "mean" both omit a row without its target. The
    mean is over all rows with a target, including those that are not selected. ``seed`` selects the ``n`` rows. ``standardise``:
    each input, and numbers to predict, with mean 0 and standard deviation 1 over the selected rows; columns that are constant
    over them become 0. ``classes``: 2 for the first two, "0-2" for these. ``random_labels``: the fraction of labels drawn at
    random.

    Raises
    ------
    UsageError : no such file or column, no header line, a gap where none is allowed, numbers and texts in one column, numbers
        with a decimal comma, more than 20 texts in one column, a constant target, more than 1000 classes

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
