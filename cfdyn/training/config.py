"""`Config`: the settings of a training, as keys of a TOML file, options of the command line or arguments; validated at once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfdyn import outside
from cfdyn.arguments import converted, number, whole_number
from cfdyn.errors import RecordError, UsageError, of_torch, shown, unknown
from cfdyn.records.files import as_path, check_leads_nowhere, written_whole
from cfdyn.training.own_optimizer import read_formulas

VERSION, READ = 4, (2, 3, 4)  # of what is in a run's folder, and those that can be read
DISCRETE = "discrete"  # the optimizer itself
MODELS = ("central", "stable", "gradient", "edge", "rod")
LEAST = 4  # steps of a training
ROWS = 100  # of measurements, about, where no interval is given
FILE = "config.toml"
FOUND = ("own", "formulas", "chosen", "begun", "where")  # fields that nobody gives as a setting
DONE = "done"  # the status of a run


@dataclasses.dataclass(frozen=True)
class Config:
    """A training: ``network`` on ``data`` by an ``optimizer``, each NAME:option=value,…; see `cfdyn.train`."""

    network: str = "mlp"
    data: str = "digits:classes=4,n=200"
    optimizer: str = "gd"
    runs: tuple[str, ...] = (DISCRETE, "central", "stable")
    steps: int = 300
    warm_start: int = 10
    every: int | None = None
    batch: int | None = None
    seed: int = 0
    tol: float | None = None
    cut: float | None = None
    exponents: int | None = None
    vectors: bool | None = None  # kept at each measurement; None: if they are few enough
    out: str | None = None
    own: bool = False  # the network is the caller's, which no text makes
    formulas: str | None = None  # of an optimizer that is the caller's
    chosen: str = ""  # how the learning rate was, where it was not given
    begun: int = VERSION  # by a cfdyn of this version
    where: str | None = None  # the folder from which a relative path of data counts

    def __post_init__(self) -> None:
        for name in ("network", "data", "optimizer"):
            if not isinstance(value := getattr(self, name), str) or not value.strip():
                given = f"{type(value).__name__}{words}" if (words := of_torch(value)) else f"{value!r:.60}"
                raise UsageError(f"`{name}` of a training is a text such as {getattr(Config, name)}, not {given}")
        asked: Any = self.runs
        if not isinstance(asked, str | list | tuple):
            raise UsageError(f"`runs` is a list such as {', '.join(Config.runs)}, not {asked!r:.60}")
        runs = [run.strip() for run in asked.split(",")] if isinstance(asked, str) else list(asked)
        for run in runs:
            if run not in (DISCRETE, *MODELS):
                raise unknown("run", str(run), (DISCRETE, *MODELS))
        if len(set(runs)) < len(runs):
            raise UsageError("`runs` names one of them twice")
        object.__setattr__(self, "runs", (DISCRETE, *(run for run in runs if run != DISCRETE)))
        steps = whole_number("`steps` of a training", self.steps, LEAST, 10**9)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "warm_start", whole_number("`warm_start`", self.warm_start, 1, steps - 2))
        every = max(1, steps // ROWS) if self.every is None else whole_number("`every`", self.every, 1, steps)
        object.__setattr__(self, "every", every)
        object.__setattr__(self, "seed", whole_number("`seed`", self.seed, 0, 2**63 - 1))
        if self.tol is not None and not 0 < number("`tol`", self.tol, finite=True) < 1:
            raise UsageError(f"`tol` is a number between 0 and 1, not {self.tol}")
        self._check_batches()
        if self.formulas is not None:
            read_formulas(self.formulas)
        if self.exponents is not None:
            object.__setattr__(self, "exponents", whole_number("`exponents`", self.exponents, 1))
        converted("`out`", self.out, str | None)
        converted("`where`", self.where, str | None)
        if self.vectors not in (None, True, False):
            raise UsageError(f"`vectors` is true or false, not {self.vectors!r:.60}")

    def _check_batches(self) -> None:
        if self.batch is not None:
            object.__setattr__(self, "batch", whole_number("`batch`", self.batch, 1))
        if self.cut is not None:
            object.__setattr__(self, "cut", number("`cut`", self.cut, finite=True))
            if self.batch is None:
                raise UsageError("`cut` is of the central flow of mini-batches: give `batch`, too, or leave it out")

    @property
    def subject(self) -> str:
        """The network and its data, in words; of one that was given as an object its own title."""
        return self.network if self.own else f"{self.network} on {self.data}"

    @property
    def models(self) -> tuple[str, ...]:
        """The flows among the runs."""
        return tuple(run for run in self.runs if run != DISCRETE)

    def with_(self, **changes: Any) -> Config:
        """The same with some values changed."""
        return dataclasses.replace(self, **changes)


def make_config(given: Any, more: Mapping[str, Any]) -> Config:
    """A Config from a mapping, the path of a TOML file, or nothing, with ``more`` on top; a UsageError for unknown names.

    The file may be that of a run, which is then done again.
    """
    kept: dict[str, Any] = {}
    if given is None or isinstance(given, Mapping):
        given = dict(given or {})
    else:
        path = as_path(given)
        if path.suffix.lower() != ".toml" and not path.exists():
            what = shown(given)
            raise UsageError(f"settings are a dict or a TOML file, not {what}; a network has a name: network={what}")
        given = read_toml(path, UsageError)
        if "version" in given:
            given, kept = _again(given, path, more)
    known = [field.name for field in dataclasses.fields(Config) if field.name not in FOUND]
    for name in (*given, *(name for name in more if name != "own")):
        if name not in known:
            raise unknown("setting of a training", str(name), known)
    settings = {**given, **more}
    if settings.get("own") and "data" in settings:
        raise UsageError("a network that is given as an object has data of its own: leave `data` out")
    if isinstance(settings.get("steps"), int) and "warm_start" not in settings:
        settings["warm_start"] = max(1, min(Config.warm_start, settings["steps"] - 2))
    return Config(**settings, **kept)


def _again(values: dict[str, Any], path: Path, more: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings in the file of a run, and what belongs to its data and its optimizer where ``more`` has no others."""
    if values.get("own") and not more.get("own"):
        raise UsageError(f"the network of the run of {path} was given as an object: give it again, network=…")
    gone = ("version", *FOUND, *(("data",) if values.get("own") else ()))
    kept = {name: values.get(name) for name, of in (("where", "data"), ("formulas", "optimizer")) if of not in more}
    return {name: value for name, value in values.items() if name not in gone}, kept


def read_toml(path: Path, kind: type[UsageError] | type[RecordError]) -> dict[str, Any]:
    """What a TOML file says; an error of that kind where it cannot be read."""
    try:
        return outside.parsed_toml(outside.content(path, outside.MOST_TOML))
    except FileNotFoundError:
        raise kind(f"there is no file {path}") from None
    except (OSError, outside.Unfit) as error:
        raise kind(f"{path} {outside.why(error)}") from None


def write_config(config: Config, folder: Path) -> None:
    """Into the folder of a run, whole or not at all."""
    values = {"version": VERSION, **{name: value for name, value in dataclasses.asdict(config).items() if name != "out"}}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items() if value is not None]
    with written_whole(folder / FILE, follow=False) as temporary:
        Path(temporary).write_text("".join(lines), encoding="utf-8")


def read_config(folder: Path) -> Config:
    """Of the run in a folder.

    Raises
    ------
    RecordError : there is no run, or it is of another version, or its settings are damaged, or it leads out of its folder
    """
    if folder.is_dir():
        check_leads_nowhere(folder)
    if not (folder / FILE).exists():
        where = "is no folder" if not folder.is_dir() else f"is unreadable: it is a folder, and no run of cfdyn train ({FILE})"
        raise RecordError(f"{folder} {where}")
    values = read_toml(folder / FILE, RecordError)
    version = values.pop("version", None)
    if version not in READ:
        raise RecordError(f"{folder} holds a run of the version {version!r}, and this cfdyn continues runs of version {VERSION}; "
                          "nothing was changed")  # fmt: skip
    known = [field.name for field in dataclasses.fields(Config)]
    try:
        for name in values:
            if name not in known:
                raise unknown("setting of a run", name, known)
        if "runs" not in values:
            raise UsageError("it does not say `runs`")
        return Config(**{"begun": version, **values})
    except UsageError as error:
        raise RecordError(f"{folder / FILE} is damaged: {error}") from None


def settings_of(config: Config) -> dict[str, Any]:
    """What stays the same when a run goes on, as JSON has it."""
    settings = {
        name: value for name, value in dataclasses.asdict(config).items() if name not in ("steps", "out", "begun", "where")
    }
    return {**settings, "runs": list(config.runs)}


def check_unchanged(config: Config, before: Mapping[str, Any], folder: Path) -> None:
    """A RecordError where the settings in a folder are others than those ``before`` of its checkpoint."""
    for name, now in settings_of(config).items():
        if name in before and before[name] != now:
            said, own = (json.dumps(value, ensure_ascii=False) for value in (now, before[name]))
            raise RecordError(f"{folder / FILE} was changed: it says {name} = {said}, and the run has {own}; put that back, or "
                              "begin another run in another folder")  # fmt: skip
