"""log cosh of a product, whose limit sharpness is known to the next order."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def log_cosh_product() -> LossSpec:
    """log cosh(xy): the minima are the two axes; on x = 0 the sharpness is y².

    Gradient descent from beyond the edge follows the same curve from many starts and ends at sharpness
    2/η − η/|r″(0)| + O(η²) with r(s) = tanh(s)/s, r″(0) = −2/3. At η = 2/16 it ends at 15.8115800862 from
    (0.1, 4.5), and 2/η − 3η/2 = 15.8125.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.log_cosh_product(), cf.optimizers.gd(lr=2 / 16))
    >>> f"{cf.iterate(step, [0.1, 4.5], 20000).sharpness[-1]:.10f}"
    '15.8115800862'

    References
    ----------
    Song & Yun, arXiv 2307.04204.
    """
    return make_loss("logcosh(x*y)", "x y", {}, box=((-2.0, 2.0), (-6.0, 6.0)), name="log_cosh_product")
