"""Linear regression on a CSV file."""

from cfdyn.losses._files import linear_model
from cfdyn.symbolic.loss import LossSpec


def least_squares(file: str, target: str = "", standardize: bool = True, intercept: bool = True) -> LossSpec:
    """Mean of (s − y)²/2 on a CSV file, with the prediction s = Σ wᵢ xᵢ + b.

    ``target`` names the column of y, by default the last one. The other columns are the features, scaled
    to mean 0 and variance 1 unless ``standardize`` is false; ``intercept=False`` omits b. The
    Hessian is the features' matrix of second moments everywhere, so the edge is 2 over its largest
    eigenvalue, and beyond it gradient descent diverges.

    Examples
    --------
    >>> import cfdyn as cf, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "four.csv")
    >>> _ = file.write_text("age,height\\n1,3\\n2,5\\n3,7\\n4,9\\n")
    >>> [m.w.round(9).tolist() for m in cf.minima(cf.losses.least_squares(str(file), standardize=False))]
    [[2.0, 1.0]]

    References
    ----------
    Gauss (1809), Theoria motus corporum coelestium, II 3.
    """
    return linear_model("least_squares", "({s} - y)**2/2", file, target, standardize, intercept, lambda y, _: (y, ""), 10.0)
