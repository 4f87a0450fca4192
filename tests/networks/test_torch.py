"""Modules of torch. The extra ``torch`` is not part of the extras that tests install: where it is missing these are skipped."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import cfdyn as cf
from tests.networks.test_products import extrapolated, near

torch = pytest.importorskip("torch", reason="torch is not installed: no network of torch was tested")
pytestmark = pytest.mark.slow
nn = torch.nn


def directions(dim: int) -> np.ndarray:
    found = np.random.default_rng(1).normal(size=(2, dim))
    return found / np.linalg.norm(found, axis=1)[:, None]


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_a_net_agrees_with_its_twin_in_jax(loss):
    """g, Hv, T and D⁴ to 1e-10: both have the weights of a layer row by row, then its biases."""
    data = cf.data.breast_cancer(n=40)
    module = nn.Sequential(nn.Linear(30, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
    criterion = nn.CrossEntropyLoss() if loss == "cross_entropy" else lambda f, y: ((f - y) ** 2).sum(1).mean() / 2
    net, twin = cf.networks.from_torch(module, data, criterion), cf.networks.mlp(data, widths="5-4", loss=loss)
    assert net.dim == twin.dim and net.remarks == ("weights in float32 were converted to float64",)
    assert net.start == pytest.approx(np.concatenate([p.detach().numpy().ravel() for p in module.parameters()]), abs=0)
    w, (u, v) = twin.start, directions(net.dim)
    assert net.value(w) == pytest.approx(twin.value(w), rel=1e-13)
    assert near(net.gradient(w), twin.gradient(w), 1e-12) and near(net.hvp(w, u), twin.hvp(w, u), 1e-11)
    assert near(net.curvature_gradient(w, u, v), twin.curvature_gradient(w, u, v), 1e-10)
    assert net.fourth(w, [u, v]) == pytest.approx(twin.fourth(w, [u, v]), rel=1e-9)
    assert net.gradient(w, rows=[1, 5]) == pytest.approx(twin.gradient(w, rows=[1, 5]), rel=1e-11, abs=1e-15)
    for mine, theirs in zip(net.rows_along(w, [u, v]), twin.rows_along(w, [u, v]), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-14)
    for mine, theirs in zip(net.row_squares(w, [u, v]), twin.row_squares(w, [u, v]), strict=True):
        assert near(mine, theirs, 1e-10)
    assert near(net.row_squares(w, [u, v])[0], np.mean([net.gradient(w, [i]) ** 2 for i in range(40)], axis=0), 1e-11)
    assert net.predict(w, data.inputs[:3]) == pytest.approx(twin.predict(w, data.inputs[:3]), rel=1e-12)
    assert [a == pytest.approx(b, rel=1e-9, abs=1e-12) for a, b in zip(net.jet(w, u), twin.jet(w, u), strict=True)] == [True] * 3


class Reader(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.embedding, self.inner, self.head = nn.Embedding(5, 8), inner, nn.Linear(8, 4)

    def forward(self, x):
        y = self.embedding(x)
        y = self.inner(y, y, y)[0] if isinstance(self.inner, nn.MultiheadAttention) else self.inner(y)
        return self.head((y[0] if isinstance(y, tuple) else y)[:, -3:]).flatten(0, 1)


class Fused(nn.Module):
    def forward(self, x):
        return nn.functional.layer_norm(nn.functional.scaled_dot_product_attention(x, x, x), (8,))


READERS = {
    "encoder": lambda: nn.TransformerEncoderLayer(8, 2, 8, 0.1, "gelu", batch_first=True), "fused": Fused,
    "attention": lambda: nn.MultiheadAttention(8, 2, batch_first=True), "lstm": lambda: nn.LSTM(8, 8, batch_first=True),
}  # fmt: skip


def pictures():
    norms = [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.BatchNorm2d(4).eval()]
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), *norms, nn.SiLU(), nn.AvgPool2d(2), nn.Flatten(), nn.LayerNorm(64),
                         nn.Linear(64, 2))  # fmt: skip


@pytest.mark.parametrize("kind", [*READERS, "pictures"])
def test_third_derivatives(kind):
    """T against differences of Hv, D⁴ against differences of T: torch's own of normalisation are wrong by a percent."""
    torch.manual_seed(0)
    if kind == "pictures":
        net = cf.networks.from_torch(pictures(), cf.data.digits(classes=2, n=10), nn.CrossEntropyLoss())
    else:
        rows = cf.data.sorting(n=8, length=3)
        criterion = lambda f, y: nn.functional.cross_entropy(f, y.flatten())  # noqa: E731
        net = cf.networks.from_torch(Reader(READERS[kind]()), (rows.inputs, rows.labels), criterion)
    w, (u, v) = net.start, directions(net.dim)
    assert near(net.hvp(w, u), extrapolated(lambda s: net.gradient(w + s * u)), 1e-8)
    assert near(net.curvature_gradient(w, u, v), extrapolated(lambda s: net.hvp(w + s * v, u)), 1e-8)
    assert net.fourth(w, [u])[0] == pytest.approx(extrapolated(lambda s: net.curvature_gradient(w + s * u, u, u) @ u), rel=1e-6)
    slopes, bends = net.rows_along(w, [u, v])
    np.testing.assert_allclose(slopes[1], np.array([u, v]) @ net.gradient(w, [1]), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(bends[1], net.hvps(w, [u, v], [1]) @ np.array([u, v]).T, rtol=1e-9, atol=1e-14)
    wanted = np.mean([(net.hvps(w, [u, v], [i]) ** 2).sum(axis=0) for i in range(net.n_rows)], axis=0)
    np.testing.assert_allclose(net.row_squares(w, [u, v])[1], wanted, rtol=1e-9, atol=1e-14)


def test_what_was_changed_is_said():
    said = " ".join(cf.networks.from_torch(Reader(READERS["encoder"]()), _tokens(), _flat).remarks)
    assert all(part in said for part in ("float32", "dropout is switched off: inner", "attention is written out",
                                         "normalisation is written out"))  # fmt: skip
    tied = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    tied[2].weight = tied[0].weight
    tied[0].bias.requires_grad_(False)
    net = cf.networks.from_torch(tied, (np.eye(4), np.eye(4)), nn.MSELoss())
    assert net.dim == 16 + 4 and "2.weight is 0.weight" in net.remarks[1] and "frozen parameters are no weights: 0.bias" in net.remarks[2]
    w, u = net.start, directions(net.dim)[0]
    assert net.gradient(w) @ u == pytest.approx(extrapolated(lambda s: net.value(w + s * u)), rel=1e-8)
    rough = cf.networks.from_torch(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 4)), (np.eye(4), np.eye(4)), nn.MSELoss())
    assert "kinks" in rough.remarks[1]


class Functions(nn.Linear):
    """The same by functions, of which no part of the module tells."""

    def forward(self, x):
        y = nn.functional.layer_norm(super().forward(x), (4,)).unflatten(1, (2, 2))
        return torch.relu(nn.functional.scaled_dot_product_attention(y, y, y)).flatten(1)


def test_what_is_called_without_a_part_of_that_kind_is_said_too():
    rows = np.eye(4), np.eye(4)
    said = cf.networks.from_torch(Functions(4, 4), rows, nn.MSELoss()).remarks
    for kind, name in (("attention is written out", "scaled_dot_product_attention"), ("normalisation is written out", "layer_norm"),
                       ("there are kinks", "relu;")):  # fmt: skip
        assert [name in remark for remark in said if remark.startswith(kind)] == [True]
    assert "l1_loss" in cf.networks.from_torch(nn.Linear(4, 4), rows, nn.L1Loss()).remarks[-1]
    resting = cf.networks.from_torch(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).eval(), rows, nn.MSELoss())
    assert resting.remarks[-2].endswith("are wrong: 1") and "frozen means and variances" in resting.remarks[-1]
    assert cf.networks.from_torch(nn.Linear(4, 4).half(), rows, nn.MSELoss()).remarks == ("weights in float16 were converted to float64",)
    assert cf.networks.from_torch(nn.Linear(4, 4), rows, nn.CrossEntropyLoss()).remarks == ("weights in float32 were converted to float64",)


def _tokens():
    rows = cf.data.sorting(n=8, length=3)
    return rows.inputs, rows.labels


def _flat(f, y):
    return nn.functional.cross_entropy(f, y.flatten())


class Random(nn.Linear):
    def forward(self, x):
        return nn.functional.dropout(super().forward(x), 0.5)


class Short(nn.Linear):
    def forward(self, x):
        return super().forward(x).float()


class WrongThird(torch.autograd.Function):
    """x³ whose second derivative is right and whose third is 8, not 6."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (3 * x * x + (x - x.detach()) ** 2)


class Wrong(nn.Linear):
    def forward(self, x):
        return WrongThird.apply(super().forward(x))


BAD = {
    "batch norm": (lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), "1 is BatchNorm in training mode"),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)), "forward pass changes"),
    "frozen": (lambda: nn.Linear(4, 4).requires_grad_(False), "no parameters that are trained"),
    "random": (lambda: Random(4, 4), "another loss at each call"),
    "short": (lambda: Short(4, 4), "goes back to torch.float32"),
    "shape": (lambda: nn.Linear(3, 4), "cannot be called"),
    "complex": (lambda: nn.Linear(4, 4, dtype=torch.complex64), "complex64 parameters"),
    "tuple": (lambda: nn.LSTM(4, 4), "cannot be called"),
    "no module": (lambda: abs, "takes a torch.nn.Module"),
    "third": (lambda: Wrong(4, 4), "third derivatives are"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case):
    make, words = BAD[case]
    with pytest.raises(cf.CfdynError, match=words):
        cf.networks.from_torch(make(), (np.eye(4), np.eye(4)), nn.MSELoss())


def test_criteria_and_data_that_are_refused():
    module = nn.Linear(4, 4)
    for criterion, words in ((nn.MSELoss(reduction="sum"), "reduction='sum'"), (lambda f, y: f - y, "a single number")):
        with pytest.raises(cf.CfdynError, match=words):
            cf.networks.from_torch(module, (np.eye(4), np.eye(4)), criterion)
    with pytest.raises(cf.CfdynError, match="data are not finite"):
        cf.networks.from_torch(module, (np.full((4, 4), np.nan), np.eye(4)), nn.MSELoss())
    with pytest.raises(cf.CfdynError, match="inputs and targets"):
        cf.networks.from_torch(module, np.eye(4)[0], nn.MSELoss())
    with pytest.raises(cf.CfdynError, match="4 inputs and 3 targets|cannot be called"):
        cf.networks.from_torch(module, (np.eye(4), np.eye(4)[:3]), nn.MSELoss())


def ratio(net, w, weights, smooth):
    """Σ w_y l / Σ w_y and n w_y l / Σ w_y, from the outputs alone; smoothed, with a part for each class by its weight."""
    x, y = net.rows
    logits = net.predict(w, x).reshape(len(y), -1, y[0].size).transpose(0, 2, 1)
    y = y.reshape(len(y), -1)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    each = -(1 - smooth) * weights[y] * np.take_along_axis(log_p, y[..., None], -1)[..., 0] - smooth * (log_p * weights).mean(-1)
    return each.sum() / weights[y].sum(), len(y) * each.sum(1) / weights[y].sum()


@pytest.mark.parametrize("kind", ["classes", "smoothed", "likelihood", "several targets a row"])
def test_weighted_classes_are_a_mean_over_rows(kind):
    weights, rng = np.array([1.0, 9.0, 0.2]), np.random.default_rng(0)
    given = torch.tensor(weights, dtype=torch.float32)
    y = rng.integers(3, size=(40, 2) if "several" in kind else 40)
    criterion = nn.NLLLoss(given) if kind == "likelihood" else nn.CrossEntropyLoss(given, label_smoothing=0.1 * (kind == "smoothed"))
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3 * y[0].size))
    module.append(nn.LogSoftmax(1) if kind == "likelihood" else nn.Unflatten(1, (3, 2)) if "several" in kind else nn.Identity())
    net = cf.networks.from_torch(module, (rng.normal(size=(40, 5)), y), criterion)
    w, (u, v) = net.start, directions(net.dim)
    assert criterion.reduction == "mean" and "classes are weighted" in net.remarks[-1]
    whole, rows = ratio(net, w, given.double().numpy(), smooth=0.1 * (kind == "smoothed"))
    assert net.value(w) == pytest.approx(whole, rel=1e-12) and rows.mean() == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose([net.value(w, [i]) for i in range(40)], rows, rtol=1e-11)
    assert net.value(w, [3, 5, 5]) == pytest.approx(rows[[3, 5, 5]].mean(), rel=1e-12)
    slopes, bends = net.rows_along(w, [u, v])
    np.testing.assert_allclose(slopes.mean(0), [u @ net.gradient(w), v @ net.gradient(w)], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(bends.mean(0), net.hvps(w, [u, v]) @ np.array([u, v]).T, rtol=1e-9, atol=1e-13)


class Beside(nn.Linear):
    """Each row less the mean of all."""

    def forward(self, x):
        return super().forward(x - x.mean(0))


def weighed(f, y):
    return nn.functional.cross_entropy(f, y, weight=torch.tensor([1.0, 9.0], dtype=f.dtype))


def summed(f, y):
    return ((f - nn.functional.one_hot(y, 2)) ** 2).sum()


NO_MEAN = {
    "ignored": (nn.Linear, nn.CrossEntropyLoss(ignore_index=1), "ignore_index=1 leaves 24 of 48 targets out"),
    "ignored in a function": (nn.Linear, lambda f, y: nn.functional.cross_entropy(f, y, ignore_index=1), "where the mean of those"),
    "weighed in a function": (nn.Linear, weighed, "where the mean of those of its rows"),
    "a weight for each row": (nn.Linear, lambda f, y: nn.BCEWithLogitsLoss(torch.arange(48.0).double())(f[:, 0], y.double()),
                              "single row|where the mean"),
    "summed": (nn.Linear, summed, "where the mean of those of its rows"), "beside": (Beside, nn.CrossEntropyLoss(), "where the mean of those"),
    "no weight": (nn.Linear, nn.CrossEntropyLoss(torch.zeros(2)), "have the weight 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_MEAN)
def test_what_is_no_mean_over_rows_is_refused(case):
    kind, criterion, words = NO_MEAN[case]
    rows = np.random.default_rng(0).normal(size=(48, 4)), np.arange(48) % 2
    with pytest.raises(cf.CfdynError, match=words):
        cf.networks.from_torch(kind(4, 2), rows, criterion)


def test_means_that_torch_divides_by_rows_are_taken():
    x, targets = np.random.default_rng(0).normal(size=(2, 48, 4))
    shares = np.exp(targets) / np.exp(targets).sum(1, keepdims=True)
    for criterion in (nn.BCEWithLogitsLoss(pos_weight=torch.arange(1.0, 5.0)), nn.CrossEntropyLoss(weight=torch.arange(1.0, 5.0))):
        net = cf.networks.from_torch(nn.Linear(4, 4), (x, shares), criterion)
        assert net.value(net.start) == pytest.approx(np.mean([net.value(net.start, [i]) for i in range(48)]), rel=1e-12)
    net = cf.networks.from_torch(nn.Sequential(nn.Linear(4, 4), nn.LogSoftmax(1)), (x, shares), nn.KLDivLoss(reduction="batchmean"))
    log_p = net.predict(net.start, x)
    assert net.value(net.start) == pytest.approx((shares * (np.log(shares) - log_p)).sum() / 48, rel=1e-12)


def test_the_callers_module_stays_as_it_was_and_the_network_travels():
    module = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.Linear(3, 4))
    net = cf.networks.from_torch(module, (np.eye(4), np.eye(4)), nn.MSELoss())
    assert module[1].p == 0.5 and module[0].weight.dtype == torch.float32 and torch.backends.mha.get_fastpath_enabled()
    for found in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert repr(found) == repr(net) and (found.gradient(net.start) == net.gradient(net.start)).all()
