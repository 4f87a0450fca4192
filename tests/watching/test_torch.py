"""A watch of torch: edges against real steps, shares against dense Hessians, and a training that it does not change."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

torch = pytest.importorskip("torch", reason="torch is not installed: no watch of torch was tested")
from cfdyn.watching.of_torch.edges import names, rule_of  # noqa: E402

T = 400
CASES = [
    ("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.5}),
    ("SGD", {"momentum": 0.8, "nesterov": True}), ("Adam", {}), ("Adam", {"weight_decay": 0.5}), ("Adam", {"amsgrad": True}), ("AdamW", {"weight_decay": 0.7}),
    ("NAdam", {}), ("RAdam", {}), ("RMSprop", {}), ("RMSprop", {"momentum": 0.5}), ("RMSprop", {"centered": True}), ("Adagrad", {"lr_decay": 1e-3}),
    ("Adadelta", {}), ("Adamax", {}),
]  # fmt: skip


def frozen(kind, options):
    """An optimizer of one weight of size 1e-80 whose averages of squares do not change, late in its run."""
    w = torch.nn.Parameter(torch.tensor([1e-80], dtype=torch.float64))
    slow = {"betas": (0.9, 1 - 1e-9)} if kind in ("Adam", "AdamW", "NAdam", "RAdam") else {"alpha": 1 - 1e-9} if kind == "RMSprop" else {}
    slow |= {"betas": (0.9, 1 - 1e-9)} if kind == "Adamax" else {"rho": 1 - 1e-9} if kind == "Adadelta" else {}
    optimizer = getattr(torch.optim, kind)([w], lr=0.1, **slow, **options)
    w.grad = torch.zeros_like(w)
    optimizer.step()
    with torch.no_grad():
        w.fill_(1e-80)
    state = optimizer.state[w]
    late, b2 = 10**9, 1 - 1e-9
    values = {"step": late, "exp_avg_sq": 4.0 * (1 - b2**late), "max_exp_avg_sq": 4.0 * (1 - b2**late), "square_avg": 4.0, "exp_inf": 2.0,
              "acc_delta": 9.0, "mu_product": 0.0, "sum": 4.0}  # fmt: skip
    if kind == "Adagrad":
        values["step"] = 10**6
    for name, value in values.items():
        if name in state and state[name] is not None:
            state[name] = torch.full_like(state[name], value) if torch.is_tensor(state[name]) else value
    return w, optimizer


def grown(kind, options, curvature):
    """ln of the growth of the largest of the last 20 steps over 400 real steps with gradient λw."""
    w, optimizer = frozen(kind, options)
    sizes = []
    for _ in range(T):
        w.grad = (curvature * w).detach()
        optimizer.step()
        sizes.append(abs(float(w)))
    return math.log(max(sizes[-20:]) / max(sizes[60:80]))


@pytest.mark.parametrize(("kind", "options"), CASES, ids=lambda one: str(one))
def test_below_its_edge_the_real_step_decays_and_above_it_grows(kind, options):
    w, optimizer = frozen(kind, options)
    edge = rule_of(optimizer)(optimizer.param_groups[0], optimizer.state[w])
    threshold = float(edge.scale) - edge.decay
    assert grown(kind, options, 0.985 * threshold) < -0.5 and grown(kind, options, 1.015 * threshold) > 0.5


def test_every_file_of_an_edge_has_a_case():
    assert {kind.lower() for kind, _ in CASES} == set(names())


def digits(n=300):
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(n, 8)), dtype=torch.float32)
    return x, torch.tensor(rng.integers(0, 3, n))


def net(seed=0, *more):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(8, 10), torch.nn.Tanh(), *more, torch.nn.Linear(10, 3))


def trained(model, optimizer, rows, steps, watch=None, batch=None):
    x, y = rows
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        chosen = torch.randperm(len(x), generator=generator)[:batch] if batch else slice(None)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[chosen]), y[chosen])
        loss.backward()
        optimizer.step()
        if watch:
            watch.step(loss)


def dense_share(model, optimizer, rows):
    """By the whole Hessian in float64, and P from the optimizer's state by its formula in the paper."""
    double = copy.deepcopy(model).double().eval()
    parameters = dict(double.named_parameters())
    vector = torch.cat([p.reshape(-1) for p in parameters.values()])

    def value(flat):
        pieces = torch.split(flat, [p.numel() for p in parameters.values()])
        given = {name: piece.view_as(p) for (name, p), piece in zip(parameters.items(), pieces, strict=True)}
        return torch.nn.functional.cross_entropy(torch.func.functional_call(double, given, (rows[0].double(),)), rows[1])

    hessian = torch.func.hessian(value)(vector).detach().numpy()
    group = optimizer.param_groups[0]
    if isinstance(optimizer, torch.optim.SGD):
        scale = np.full(len(vector), 2 * (1 + group["momentum"]) / group["lr"])
    else:
        b1, b2 = group["betas"]
        t = float(optimizer.state[group["params"][0]]["step"])
        v = torch.cat([optimizer.state[p]["exp_avg_sq"].reshape(-1) for p in group["params"]]).double().numpy()
        scale = (np.sqrt(v / (1 - b2**t)) + group["eps"]) / group["lr"] * 2 * (1 + b1) / (1 - b1) * (1 - b1 ** (t + 1)) * (1 - group["lr"] * group["weight_decay"] / 2)
    return np.linalg.eigvalsh(hessian / np.sqrt(np.outer(scale, scale)))[-1]


@pytest.mark.parametrize(("kind", "options"), [("SGD", {"lr": 0.5}), ("SGD", {"lr": 0.2, "momentum": 0.9}), ("AdamW", {"lr": 0.01, "betas": (0.9, 0.99)})], ids=str)
def test_the_share_is_that_of_the_dense_hessian(kind, options):
    rows, model = digits(), net()
    optimizer = getattr(torch.optim, kind)(model.parameters(), **options)
    watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), rows, every=1, budget=0)
    errors = []
    for _ in range(12):
        trained(model, optimizer, rows, 7, watch)
        if "edge/share" in watch.log:
            errors.append(abs(watch.log["edge/share"] / dense_share(model, optimizer, rows) - 1))
    assert len(errors) >= 8 and np.quantile(errors, 0.9) < 0.01
    assert watch.notes[0] == "products by second derivatives, in mode 'eval'"
    assert watch.suggest()["edge_rate"] == pytest.approx(options["lr"] / watch.log["edge/share"])


def test_the_training_is_the_same_bit_by_bit():
    """Dropout, BatchNorm, AdamW, mini-batches: weights, buffers, states and random numbers."""
    def run(watched):
        rows, model = digits(), net(3, torch.nn.BatchNorm1d(10), torch.nn.Dropout(0.3))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
        watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), rows, fresh=rows, every=5, budget=0.5) if watched else None
        trained(model, optimizer, rows, 60, watch, batch=32)
        if watch:
            assert np.isfinite(watch.columns()["edge/low"]).sum() >= 8
        return [*model.state_dict().values(), *(one for state in optimizer.state.values() for one in state.values()), torch.get_rng_state(), *(p.grad for p in model.parameters())], model.training

    (seen, mode), (alone, usual) = run(True), run(False)
    assert len(seen) == len(alone) > 10 and all(torch.equal(a, b) for a, b in zip(seen, alone, strict=True)) and mode is usual is True


def test_descent_beyond_the_edge_spikes_and_the_cause_is_named():
    """A valley whose sharpness rises along it: descent crosses 2/η and the loss spikes."""
    class Valley(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor([0.02, 0.0]))

        def forward(self, rows):
            x, y = self.w
            return 1e-3 + 0.5 * (1.5 + y) * x**2 + 0.005 * (3 - y) + 0 * rows.sum()

    model = Valley()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    watch = cf.watch(model, optimizer, lambda model, rows: model(rows), torch.zeros(1), every=1, budget=0)
    for _ in range(400):
        optimizer.zero_grad()
        loss = model(torch.zeros(1))
        loss.backward()
        optimizer.step()
        watch.step(loss)
    columns = watch.columns()
    assert columns["edge/share"][0] < 1 < np.nanmax(columns["edge/share"])
    spikes = watch.explain().spikes
    assert spikes and spikes[0]["cause"] == "crossed the edge"
    first = np.argmax(columns["edge/share"] > 1)
    assert first + 5 < spikes[0]["since"]


def test_without_second_derivatives_differences_are_taken_and_the_weights_come_back():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tanh(x)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, slope):
            return slope * (1 - torch.tanh(ctx.saved_tensors[0]) ** 2)

    class Layer(torch.nn.Module):
        def forward(self, x):
            return Once.apply(x)

    rows, model = digits(), net()
    model[1] = Layer()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), rows, every=1, budget=0)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(rows[0]), rows[1]).backward()
    watch.step()
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    model[1] = torch.nn.Tanh()
    assert watch.log["edge/share"] == pytest.approx(dense_share(model, optimizer, rows), rel=0.03)
    assert "differences" in watch.notes[0]


def test_batch_norm_and_kinks_keep_second_derivatives_and_the_probes_means():
    """Against the dense Hessian of the loss with the means and variances of the probe."""
    torch.manual_seed(2)
    model = torch.nn.Sequential(
        torch.nn.Conv1d(1, 3, 3), torch.nn.BatchNorm1d(3), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Flatten(), torch.nn.Linear(18, 3)
    )
    x, y = digits(256)
    rows = (x[:, None, :], y)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), rows, every=1, budget=0)
    trained(model, optimizer, rows, 3, watch)
    kept = [one.clone() for one in model.buffers()]
    double = copy.deepcopy(model).double().eval()
    double[1].train()
    parameters = dict(double.named_parameters())

    def value(flat):
        pieces = torch.split(flat, [p.numel() for p in parameters.values()])
        hidden = torch.nn.functional.conv1d(rows[0].double(), pieces[0].view(3, 1, 3), pieces[1])
        hidden = torch.nn.functional.batch_norm(hidden, None, None, pieces[2], pieces[3], training=True)
        out = torch.relu(hidden).flatten(1) @ pieces[4].view(3, 18).T + pieces[5]
        return torch.nn.functional.cross_entropy(out, y)

    hessian = torch.func.hessian(value)(torch.cat([p.detach().reshape(-1) for p in parameters.values()]))
    assert watch.log["edge/share"] == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]) * 0.1 / 2, rel=0.01)
    assert "second derivatives" in watch.notes[0] and model.training
    assert all(torch.equal(a, b) for a, b in zip(kept, model.buffers(), strict=True))


def test_a_watch_that_fails_says_so_once_and_the_training_goes_on(tmp_path):
    rows, model, calls = digits(), net(), []

    def loss(model, rows):
        calls.append(1)
        raise MemoryError("no room")

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = cf.watch(model, optimizer, loss, rows, every=1, budget=0)
    trained(model, optimizer, rows, 5, watch)
    assert len(calls) == 1 and [note for note in watch.notes if "no room" in note] == ["measurements ended at step 1: MemoryError: no room"]
    with pytest.raises(UsageError, match="no positive share was measured"):
        watch.suggest()


def test_its_files_are_read_by_explain(tmp_path):
    rows, model = digits(), net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), rows, every=1, budget=0, out=tmp_path / "run.jsonl")
    trained(model, optimizer, rows, 30, watch)
    watch.save(tmp_path / "run.csv")
    for name in ("run.jsonl", "run.csv"):
        found = cf.analysis.explain(tmp_path / name, loss="loss")
        assert found.steps.tolist() == list(range(1, 31)) and found.values == pytest.approx(watch.columns()["loss"])


def test_tied_and_frozen_weights_groups_and_two_optimizers():
    rows, model = digits(), net()
    model[0].bias.requires_grad_(False)
    pair = [torch.optim.SGD(model[0].parameters(), lr=0.5), torch.optim.SGD([{"params": [model[2].weight], "lr": 0.1}, {"params": [model[2].bias]}], lr=0.2)]
    watch = cf.watch(model, pair, torch.nn.CrossEntropyLoss(), rows, every=1, budget=0)
    torch.nn.functional.cross_entropy(model(rows[0]), rows[1]).backward()
    for one in pair:
        one.step()
    watch.step()
    assert set(watch.layers) == {"0.weight", "2.weight", "2.bias"} and sum(watch.layers.values()) == pytest.approx(1.0, abs=1e-5)
    assert watch.log["edge/residual"] < 0.03


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"budget": 2}, "a budget is a fraction"), ({"mode": "test"}, "mode is one of"), ({"probe": 3}, "a pair"), ({"loss": 3}, "the loss is"), ({"optimizer": []}, "takes an optimizer"),
     ({"model": 3}, "torch.nn.Module")],
)  # fmt: skip
def test_wrong_arguments(change, reason):
    model = net()
    given = {"model": model, "optimizer": torch.optim.SGD(model.parameters(), lr=0.1), "loss": torch.nn.CrossEntropyLoss(), "probe": digits()} | change
    with pytest.raises(UsageError, match=reason):
        cf.watch(**given)
    unknown = type("Mine", (torch.optim.Optimizer,), {})(net().parameters(), {"lr": 0.1})
    with pytest.raises(UsageError, match="the edge of Mine is unknown"):
        cf.watch(model, unknown, torch.nn.CrossEntropyLoss(), digits())


@pytest.mark.slow
@pytest.mark.parametrize(("width", "batch", "steps"), [(32, 64, 20_000), (256, 128, 8000), (1024, 256, 1500)])
def test_the_budget_holds_within_a_fifth(width, batch, steps):
    """Processor time of all that the watch does over that of the rest, by the watch's own clock, on nets of 3,500 to 1,100,000 weights."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, width), torch.nn.Tanh(), torch.nn.Linear(width, width), torch.nn.Tanh(), torch.nn.Linear(width, 10))
    rows = torch.randn(4096, 64), torch.randint(0, 10, (4096,))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), (rows[0][:512], rows[1][:512]))
    trained(model, optimizer, rows, steps, watch, batch)
    assert watch.cadence.cost <= 1.2 * 0.05
    assert np.isfinite(watch.columns()["edge/share"]).sum() >= 1
