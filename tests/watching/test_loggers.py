"""The adapters of a watch to loggers and trainers, with the real packages: what they keep is read back."""

from __future__ import annotations

import csv
import struct
import sys

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.watching import loggers

torch = pytest.importorskip("torch", reason="torch is not installed: no logger of a watch was tested")
WHY = "is not installed: the watch's adapter to it was not tested"
OFTEN = {"every": 1, "budget": 0}


def rows(n=60):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(size=(n, 8)), dtype=torch.float32), torch.tensor(rng.integers(0, 3, n))


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 10), torch.nn.Tanh(), torch.nn.Linear(10, 3))


def watched(out, steps=20, after=lambda k: None):
    """A watch after some steps, with what is called after each."""
    (x, y), model = rows(), net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    watch = cf.watch(model, optimizer, torch.nn.CrossEntropyLoss(), (x, y), out=out, **OFTEN)
    for k in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        watch.step(loss)
        after(k)
    watch.close()
    return watch


def test_event_files_of_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason=f"tensorboard {WHY}")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        watch = watched(loggers.tensorboard(writer))
    events = EventAccumulator(str(tmp_path)).Reload()
    columns = watch.columns()
    assert set(events.Tags()["scalars"]) == {name for name, column in columns.items() if np.isfinite(column).any()}
    for name in ("loss", "edge/share"):
        kept = {one.step: one.value for one in events.Scalars(name)}
        known = {k: x for k, x in enumerate(columns[name].astype(np.float32), 1) if np.isfinite(x)}
        assert kept == known and len(known) >= 19
    found = cf.analysis.explain(tmp_path, loss="loss")
    assert found.steps.tolist() == list(range(1, 21)) and found.values == pytest.approx(columns["loss"])


def history(folder):
    """The rows in the file of an offline run by their steps: records of 7 bytes of head, the third the kind, in blocks of 32 KiB."""
    import json

    from wandb.proto.wandb_internal_pb2 import Record

    [path] = folder.glob("wandb/offline-run-*/*.wandb")
    data, at, found, whole = path.read_bytes(), 7, {}, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        whole, at = (b"" if kind in (1, 2) else whole) + data[at + 7 : at + 7 + length], at + 7 + length
        if kind in (1, 4) and (record := Record.FromString(whole)).HasField("history"):
            row = {one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in record.history.item}
            found[record.history.step.num] = row
    return found


@pytest.fixture
def run(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason=f"wandb {WHY}")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(mode="offline", dir=tmp_path, project="cfdyn", settings=wandb.Settings(console="off"))
    yield run
    run.finish()


@pytest.mark.parametrize("own", ["nothing", "no step", "its step", "twice"])
def test_runs_of_wandb_and_what_else_is_logged(own, run, tmp_path):
    """Neither the watch's rows nor the user's are lost, whatever counter the user has."""
    calls = {
        "nothing": lambda k: None, "no step": lambda k: run.log({"mine": k}), "its step": lambda k: run.log({"mine": k}, step=k),
        "twice": lambda k: (run.log({"mine": k}), run.log({"again": k})),
    }  # fmt: skip
    watch = watched(loggers.wandb(run), after=calls[own])
    run.finish()
    found = history(tmp_path)
    for name in ("loss", "edge/share"):
        column = watch.columns()[name]
        assert [row[name] for row in found.values() if name in row] == column[np.isfinite(column)].tolist()
    if own != "nothing":
        assert [row["mine"] for row in found.values() if "mine" in row] == list(range(20))
    if own != "twice":
        assert list(found) == list(range(20)) and all("loss" in row for row in found.values())


def test_a_resumed_run_of_wandb_goes_on(run, tmp_path):
    run.log({"before": 1.0}, step=50)
    run.log({"before": 2.0}, commit=True)
    watch = watched(loggers.wandb(run))
    run.finish()
    found = history(tmp_path)
    assert [step for step, row in found.items() if "loss" in row] == list(range(51, 71)) and found[50]["before"] == 2.0
    assert [row["loss"] for row in found.values() if "loss" in row] == watch.columns()["loss"].tolist()


def module(pl, manual=None):
    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net, self.steps, self.losses = net(), 0, []
            self.automatic_optimization = manual is None

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, k):
            loss = torch.nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.losses.append(float(loss))
            return loss if manual is None else manual(self, loss, k)

        def configure_optimizers(self):
            halves = [self.net[:1], self.net[1:]] if manual and manual.__name__ == "rounds" else [self.net]
            made = [torch.optim.SGD(half.parameters(), lr=0.3) for half in halves]
            for one in made:
                one.register_step_post_hook(lambda *_: setattr(self, "steps", self.steps + 1))
            return made

    return Module()


def fitted(tmp_path, manual=None, steps=6, **options):
    pl = pytest.importorskip("lightning.pytorch", reason=f"lightning {WHY}")
    from lightning.pytorch.loggers import CSVLogger

    made, callback = module(pl, manual), loggers.lightning(rows(), torch.nn.functional.cross_entropy, **OFTEN)
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*rows(240)), batch_size=10)
    logger = CSVLogger(tmp_path, flush_logs_every_n_steps=1)
    trainer = pl.Trainer(max_steps=steps, max_epochs=1, accelerator="cpu", devices=1, logger=logger, callbacks=[callback], enable_progress_bar=False,
                         enable_model_summary=False, enable_checkpointing=False, **options)  # fmt: skip
    trainer.fit(made, batches)
    with open(f"{logger.log_dir}/metrics.csv") as file:
        kept = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file) if row.get("loss")]
    return made, callback.watch, kept


@pytest.mark.filterwarnings("ignore")
def test_a_fit_of_lightning(tmp_path):
    made, watch, kept = fitted(tmp_path)
    columns = watch.columns()
    assert made.steps == 6 and columns["loss"] == pytest.approx(made.losses[:6]) and np.isfinite(columns["edge/share"]).sum() >= 5
    assert [step for step, _ in kept] == list(range(6)) and [x for _, x in kept] == pytest.approx(columns["loss"])
    before = columns["loss"].size
    for optimizer in watch.subject.optimizers:
        optimizer.step()
        optimizer.step()
    assert watch.columns()["loss"].size == before, "the hooks are gone after the fit"


@pytest.mark.filterwarnings("ignore")
def test_an_accumulation_of_lightning_is_one_step(tmp_path):
    made, watch, kept = fitted(tmp_path, accumulate_grad_batches=4)
    assert made.steps == 6 and watch.columns()["loss"] == pytest.approx(np.reshape(made.losses[:24], (6, 4)).mean(1))
    assert len(kept) == 6


@pytest.mark.filterwarnings("ignore")
def test_steps_by_hand_in_lightning(tmp_path):
    """One optimizer each second batch, two in each batch as a round, one twice in a batch: rows as the steps are."""
    def seldom(self, loss, k):
        self.manual_backward(loss)
        if k % 2:
            self.optimizers().step()
            self.optimizers().zero_grad()
        return loss

    def rounds(self, loss, k):
        self.manual_backward(loss)
        for one in self.optimizers():
            one.step()
            one.zero_grad()
        return loss

    def twice(self, loss, k):
        self.manual_backward(loss)
        self.optimizers().step()
        self.optimizers().step()
        self.optimizers().zero_grad()

    made, watch, _ = fitted(tmp_path / "1", seldom)
    assert made.steps == 6 and watch.columns()["loss"] == pytest.approx(made.losses[1:12:2])
    made, watch, _ = fitted(tmp_path / "2", rounds)
    assert made.steps == 6 and watch.columns()["loss"] == pytest.approx(made.losses[:3])
    made, watch, kept = fitted(tmp_path / "3", twice)
    assert made.steps == 6 and watch.columns()["probe/loss"].size == 6 and kept == []


def trained(tmp_path, logging_steps, **options):
    transformers = pytest.importorskip("transformers", reason=f"transformers {WHY}")
    pytest.importorskip("accelerate", reason=f"accelerate {WHY}")
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=11, n_positions=8, n_embd=8, n_layer=1, n_head=2, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=0,
                                     eos_token_id=0)  # fmt: skip
    ids = torch.randint(0, 11, (32, 6), generator=torch.Generator().manual_seed(0))
    callback = loggers.transformers({"input_ids": ids, "labels": ids}, out=tmp_path / "run.jsonl", **OFTEN)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"), max_steps=20, logging_steps=logging_steps, per_device_train_batch_size=4, use_cpu=True, report_to=[],
        disable_tqdm=True, save_steps=20, optim="adamw_torch", lr_scheduler_type="constant", learning_rate=0.01, **options)  # fmt: skip
    trainer = transformers.Trainer(transformers.GPT2LMHeadModel(config), arguments, train_dataset=[{"input_ids": one, "labels": one} for one in ids],
                                   callbacks=[callback])  # fmt: skip
    trainer.train()
    return trainer, callback


@pytest.mark.filterwarnings("ignore")
def test_a_trainer_of_hugging_face(tmp_path):
    trainer, callback = trained(tmp_path, 1)
    watch, columns = callback.watch, callback.watch.columns()
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert [entry["step"] for entry in logged] == list(range(1, 21))
    assert columns["loss"].tolist() == [entry["loss"] for entry in logged]
    assert type(watch.subject.optimizers[0]) is torch.optim.AdamW and watch.suggest()["edge_rate"] == pytest.approx(0.01 / watch.log["edge/share"])
    shares = [entry.get("edge/share", np.nan) for entry in logged]
    np.testing.assert_array_equal(shares, columns["edge/share"])
    assert np.isfinite(shares).any()
    for file in (tmp_path / "run.jsonl", tmp_path / "out" / "checkpoint-20" / "trainer_state.json"):
        found = cf.analysis.explain(file, loss="loss")
        assert found.steps.tolist() == list(range(1, 21)) and found.values == pytest.approx(columns["loss"])


@pytest.mark.filterwarnings("ignore")
def test_a_trainer_that_logs_seldom_and_accumulates(tmp_path):
    trainer, callback = trained(tmp_path, 5, gradient_accumulation_steps=2)
    columns = callback.watch.columns()
    assert columns["grad_norm"].size == 20 and (np.flatnonzero(np.isfinite(columns["loss"])) + 1).tolist() == [5, 10, 15, 20]
    assert np.isfinite(columns["probe/loss"]).any()


@pytest.mark.parametrize(("call", "reason"), [
    (lambda: loggers.tensorboard("runs/one"), "a SummaryWriter is wanted, not str"), (lambda: loggers.tensorboard(type("Writer", (), {"add_scalar": print})), "not the class Writer"),
    (lambda: loggers.wandb({}), "a run, what wandb.init"), (lambda: loggers.wandb(torch), "a run, what wandb.init"),
])  # fmt: skip
def test_what_is_no_logger(call, reason):
    with pytest.raises(UsageError, match=reason):
        call()


@pytest.mark.parametrize(("name", "needs"), [("lightning", "lightning.pytorch"), ("transformers", "transformers")])
def test_a_library_that_is_missing(name, needs, monkeypatch):
    monkeypatch.setitem(sys.modules, needs, None)
    with pytest.raises(UsageError, match=rf"{name} is not installed: pip install 'cfdyn\[trainers\]'"):
        getattr(loggers, name)((), torch.nn.functional.mse_loss)
