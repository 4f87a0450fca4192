"""Every public function, given something else in each of its parameters: an answer or the package's own error."""

from __future__ import annotations

import functools
import inspect
import math
import signal
from fractions import Fraction

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.arguments import converted, number, vector
from cfdyn.errors import UsageError, shown

WRONG = {
    "None": None, "text": "abc", "bool": True, "short list": [1.0], "long list": [1.0] * 9, "nan": math.nan, "inf": math.inf,
    "complex": 1j, "object": object(), "huge": 10**400, "negative": -1, "list of objects": [object()], "dict": {"a": "b"},
    "empty": [], "bytes": b"x", "ragged": [[1.0], [1.0, 2.0]], "fraction": 1.5, "negative list": [-1.5, -2],
}  # fmt: skip
LOSS, WELL, GD = cf.Loss("(1 - x*y)**2/2"), cf.losses.double_well(), cf.optimizers.gd(lr=1.1)
STEP, LOGISTIC = cf.as_map(WELL, GD), cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
ROTATION = cf.Map.from_text("x + r", "x", {"r": 0.3}, periodic={"x": 1.0})
FLOW = cf.flows.gradient(LOSS, GD)


@functools.cache
def orbit():
    return cf.iterate(STEP, [0.5], 60)


@functools.cache
def flip():
    return cf.analysis.continue_cycle(STEP.at(lr=0.95), [1.0], bounds=(0.9, 1.2)).bifurcations[0]


@functools.cache
def path():
    return cf.solve(FLOW, [1.0, 0.5], 1.0)


@functools.cache
def comparison():
    return cf.compare(WELL, GD, ["gradient"], start=[1.2], steps=10)


def with_defaults(function, **given) -> tuple:
    """The function with what is given and its own defaults."""
    defaults = {p.name: p.default for p in inspect.signature(function).parameters.values() if p.default is not p.empty}
    defaults.pop("progress", None)
    return function, {**defaults, **given}


def of_points():
    w, u, v = [1.0, 0.5], [1.0, 0.0], [0.0, 1.0]
    for name in ("value", "gradient", "hessian", "third", "sharpness", "switching"):
        yield f"Loss.{name}", lambda name=name: (getattr(LOSS, name), {"w": w})
    yield "Loss.hvp", lambda: (LOSS.hvp, {"w": w, "v": v})
    yield "Loss.curvature_gradient", lambda: (LOSS.curvature_gradient, {"w": w, "u": u, "v": v})
    yield "Loss.rule", lambda: (LOSS.rule, {"what": "value"})
    yield "Loss.at", lambda: (WELL.at, {"a": 1.0})
    yield "Map.state", lambda: (LOGISTIC.state, {"start": [0.5]})
    yield "Map", lambda: (LOGISTIC.__call__, {"z": [0.5]})
    yield "Map.jacobian", lambda: (LOGISTIC.jacobian, {"z": [0.5]})
    yield "Map.derivative", lambda: (lambda z, u: LOGISTIC.derivative(z, u), {"z": [0.5], "u": [1.0]})
    yield "Map.taylor", lambda: (LOGISTIC.taylor, {"curve": [[0.0], [1.0]]})
    yield "Map.parameter_derivative", lambda: (LOGISTIC.parameter_derivative, {"z": [0.5], "name": "r"})
    yield "Map.extended", lambda: (lambda name: LOGISTIC.extended(name), {"name": "r"})
    yield "Map.precise", lambda: (LOGISTIC.precise, {"digits": 30})
    yield "Map.at", lambda: (LOGISTIC.at, {"r": 1.0})
    yield "Flow.drift", lambda: (FLOW.drift, {"z": [1.0, 0.5]})
    yield "Orbit.ema", lambda: (orbit().ema, {"decay": 0.5})
    yield "Trajectory", lambda: (path().__call__, {"t": 0.5})


def of_makers():
    formulas = {"formulas": "r*x", "variables": "x", "params": {"r": 1.0}}
    angle = {"formulas": "x + r", "variables": "x", "params": {"r": 0.3}, "periodic": {"x": 1.0}}
    yield "Loss", lambda: (cf.Loss, {"formula": "a*x**2", "variables": "x", "params": {"a": 1.0}, "box": [(-1, 1)]})
    yield "Map.from_text", lambda: (cf.Map.from_text, formulas)
    yield "Map.from_text, an angle", lambda: (cf.Map.from_text, angle)
    yield "Flow.from_text", lambda: (cf.Flow.from_text, formulas)
    yield "Optimizer.from_text", lambda: with_defaults(cf.Optimizer.from_text, update={"w": "w - lr*g"}, params={"lr": 0.1})
    yield "as_map", lambda: (cf.as_map, {"loss": WELL, "optimizer": GD})
    yield "compose", lambda: (lambda a, b: cf.compose(a, b), {"a": STEP, "b": STEP})
    yield "epoch", lambda: with_defaults(cf.epoch, loss=cf.losses.cyclic_pair(), optimizer=GD)
    yield "schedule", lambda: (cf.schedule, {"step": STEP, "parameter": "lr", "values": [0.1, 0.2]})
    yield "lifts.edge_start", lambda: (cf.lifts.edge_start, {"step": STEP, "z0": [0.5]})
    yield "lifts.rod", lambda: (cf.lifts.rod, {"step": STEP})
    yield "load", lambda: (cf.load, {"path": "/absent"})
    yield "plot", lambda: (cf.plot, {"record": orbit(), "path": None})
    yield "animate", lambda: (cf.animate, {"record": comparison(), "path": None, "frames": 3, "fps": 20})


def of_catalogues():
    for name in cf.optimizers.names():
        yield f"optimizers.{name}", lambda name=name: with_defaults(getattr(cf.optimizers, name), lr=0.1)
    for name in cf.losses.names():
        if all(p.default is not p.empty for p in inspect.signature(getattr(cf.losses, name)).parameters.values()):
            yield f"losses.{name}", lambda name=name: with_defaults(getattr(cf.losses, name))
    suited = {"normalized_gd": cf.optimizers.normalized_gd(lr=0.1), "stationary": cf.optimizers.rmsprop(lr=0.1)}
    for name in cf.flows.names():
        yield f"flows.{name}", lambda name=name: with_defaults(getattr(cf.flows, name), loss=LOSS, optimizer=suited.get(name, GD))


def of_analyses():
    a, swept = cf.analysis, {"step": STEP, "parameter": "lr"}
    yield "iterate", lambda: with_defaults(cf.iterate, step=STEP, z0=[0.5], n=5)
    yield "solve", lambda: with_defaults(cf.solve, flow=FLOW, w0=[1.0, 0.5], t=1.0)
    yield "minima", lambda: with_defaults(cf.minima, loss=WELL, box=[(-2, 2)], starts=3)
    yield "complementarity", lambda: (cf.complementarity, {"alpha": -1.0, "beta": 1.0})
    yield "classify", lambda: with_defaults(a.classify, step=STEP, z0=[0.5])
    yield "oscillation", lambda: with_defaults(a.oscillation, log=orbit())
    yield "cycles", lambda: with_defaults(a.cycles, step=STEP, period=2, box=[(0.5, 1.5)])
    yield "normal_form", lambda: with_defaults(a.normal_form, step=STEP.at(lr=1.0), points=[1.0])
    yield "continue_cycle", lambda: with_defaults(a.continue_cycle, cycle=[1.0], bounds=(0.9, 1.2), **swept)
    yield "branches", lambda: with_defaults(a.branches, bounds=(0.9, 1.2), starts=[(0.95, [1.0])], depth=0, **swept)
    yield "bands", lambda: with_defaults(a.bands, z0=[0.5], bounds=(0.5, 1.1), count=8, **swept)
    yield "cascade", lambda: with_defaults(a.cascade, cycle=[1.0], bounds=(0.9, 1.4), levels=2, **(swept | {"step": STEP.at(lr=0.95)}))
    yield "edge", lambda: with_defaults(a.edge, z=[1.0], scale=0.5, **swept)
    yield "windows", lambda: with_defaults(a.windows, period=2, bounds=(0.9, 1.1), box=[(0.5, 1.5)], samples=4, **swept)
    yield "bifurcation", lambda: (flip().switch, {"bounds": (0.9, 1.2), "max_steps": 50, "max_step": 0.05, "progress": None})
    yield "curve", lambda: with_defaults(a.bifurcation_curve, step=STEP, bifurcation=flip(), max_steps=20)
    yield "rotation_number", lambda: with_defaults(a.rotation_number, step=ROTATION, z0=[0.1], n=100)
    yield "symbolic.cycles", lambda: with_defaults(cf.symbolic.cycles, given=WELL, optimizer=GD, n=1, time_limit=2.0)
    yield "symbolic.edge", lambda: with_defaults(cf.symbolic.edge, loss=WELL, optimizer=GD, time_limit=2.0)
    yield "exact cycles", lambda: (lambda lr: cf.symbolic.cycles(WELL, GD, 1).at(lr=lr), {"lr": 1.0})
    yield "lyapunov", lambda: with_defaults(a.lyapunov, step=STEP, z0=[0.5], n=100)
    short = cf.as_map(LOSS, GD.at(lr=0.5))
    yield "analysis.compare", lambda: with_defaults(a.compare, orbit=cf.iterate(short, [1.2, 0.5], 4), paths=[path()])
    yield "compare", lambda: with_defaults(cf.compare, loss=WELL, optimizer=GD, models=["gradient"], start=[1.2], steps=10)
    yield "averages", lambda: with_defaults(cf.averages, loss=WELL, optimizer=GD, models=[], start=[1.2], steps=40)


CALLS = {**dict(of_points()), **dict(of_makers()), **dict(of_catalogues()), **dict(of_analyses())}


class Hangs(Exception):
    """A call that used a minute of processor time."""


def stop(*_):
    raise Hangs


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument(name):
    function, right = CALLS[name]()
    if name != "load":
        function(**right)
    previous = signal.signal(signal.SIGVTALRM, stop)
    refused = {parameter: [] for parameter in right}
    try:
        for parameter in right:
            for kind, value in WRONG.items():
                signal.setitimer(signal.ITIMER_VIRTUAL, 60)
                try:
                    function(**{**right, parameter: value})
                except cf.CfdynError as error:
                    said = str(error)
                    assert said and len(said) < 2000 and "Traceback" not in said
                    refused[parameter].append(kind)
                except Exception as error:
                    pytest.fail(f"{name}({parameter}={shown(value)}), {kind}: {type(error).__name__}: {error}")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
    assert any(refused.values()) or not right


def test_what_is_missing_or_too_much_is_told():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'n'"):
        cf.iterate(STEP, [0.5])
    with pytest.raises(UsageError, match="unknown option of iterate: 'steps'"):
        cf.iterate(STEP, [0.5], steps=3)
    with pytest.raises(TypeError, match="multiple values for argument 'n'"):
        cf.iterate(STEP, [0.5], 3, n=3)
    with pytest.raises(TypeError, match="positional argument"):
        cf.as_map(WELL, GD, None, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cf.iterate(STEP, [1.1], "5"), "`n` is a whole number, not '5'"),
        (lambda: cf.iterate(STEP, [1.1], 5.5), "`n` is a whole number, not 5.5"),
        (lambda: cf.Map.from_text("a*x", "x", params={"a": "abc"}), r"params\['a'\] is a number, not 'abc'"),
        (lambda: LOSS.gradient(None), "a point or a direction of this loss is a list of numbers, not None"),
        (lambda: cf.analysis.lyapunov(None, [0.5], 5), "lyapunov takes a map, cf.as_map"),
        (lambda: cf.analysis.bands(STEP, [0.5], "lr", (1.0,)), r"`bounds` is 2 values in a row, not \(1.0,\)"),
        (lambda: cf.flows.rod(WELL, GD, rods=1), "`rods` is a text, not 1"),
        (lambda: cf.analysis.continue_cycle(STEP, [1.0], "lr", bounds=0.5), r"`bounds` is a pair \(lo, hi\), not 0.5"),
        (lambda: cf.analysis.cycles(STEP, 2, box=1), r"`box` is a pair \(lo, hi\) for each variable, not 1"),
    ],
)
def test_what_is_said(call, words):
    with pytest.raises(UsageError, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "written"),
    [
        (lambda: cf.analysis.continue_cycle(STEP, [1.0], "lr", 0.5, 2), "bounds=(0.5, 2)"),
        (lambda: cf.analysis.cascade(STEP, [1.0], "lr", 0.5, 2), "bounds=(0.5, 2)"),
        (lambda: cf.analysis.bands(STEP, [0.5], "lr", 0.5, 2), "bounds=(0.5, 2)"),
        (lambda: cf.analysis.windows(STEP, 3, "lr", 0.5, 2.0), "bounds=(0.5, 2.0)"),
        (lambda: cf.analysis.branches(STEP, -1, 1), "box=(-1, 1)"),
        (lambda: cf.analysis.cycles(STEP, 2, -2, 2), "box=(-2, 2)"),
        (lambda: cf.analysis.cycles(STEP, 2, (-2, 2), (-1, 1)), "box=((-2, 2), (-1, 1))"),
        (lambda: cf.analysis.bifurcation_curve(STEP, [1.0], ("lr", "a"), (0, 1), (1, 2)), "bounds=((0, 1), (1, 2))"),
        (lambda: cf.analysis.chart(STEP, [1.0], ("lr", "a"), (0, 1), (1, 2)), "bounds=((0, 1), (1, 2))"),
        (lambda: cf.analysis.singer(STEP, -1, 1), "interval=(-1, 1)"),
        (lambda: cf.minima(WELL, -2, 2), "box=(-2, 2)"),
        (lambda: cf.certify.no_cycles(WELL, GD, 3, -2, 2), "box=(-2, 2)"),
        (lambda: cf.certify.trapping(WELL, GD, -1.5, 1.5), "box=(-1.5, 1.5)"),
        (lambda: cf.solve(FLOW, [0.5], 0, 10), "t=(0, 10)"),
        (lambda: cf.solve(FLOW, [0.5], 2.0, 10.0), "t=(2.0, 10.0)"),
        (lambda: cf.solve(FLOW, [0.5], 0, -0.5), "t=(0, -0.5)"),
    ],
)
def test_the_ends_of_an_interval_as_two_arguments(call, written):
    with pytest.raises(UsageError) as told:
        call()
    assert str(told.value) == f"`{written.partition('=')[0]}` is one argument: write {written}"


def test_a_tolerance_after_a_time_and_a_shape_after_a_box_are_none_of_their_ends():
    """dw/dt = −lr w(w² − 1) has w(t) = (1 + (w₀⁻² − 1)e^(−2 lr t))^(−1/2)."""
    lr = GD.params["lr"]
    for t in (2, -2):
        path = cf.solve(cf.flows.gradient(WELL, GD), [0.5], t, 1e-9)
        assert path.provenance["settings"]["rtol"] == 1e-9
        assert path.w[:, 0] == pytest.approx((1 + 3 * np.exp(-2 * lr * path.t)) ** -0.5, rel=1e-7)
        assert path.t[-1] == t
    assert cf.analysis.basins(STEP, [("w", (-2, 2, 3))]).first.tolist() == cf.analysis.basins(STEP, (-2, 2), 3).first.tolist()
    with pytest.raises(UsageError, match=r"the shape of the grid is one number, not \(50, 40\)"):
        cf.analysis.basins(STEP, (-2, 2), (50, 40))


def test_grids_as_the_interface_promised_them_are_the_same():
    """Two (name, values) in a row, and a box with (rows, columns): one `vary`."""
    lr, a = ("lr", [0.5, 1.1]), ("a", [1.0, 1.5])
    np.testing.assert_array_equal(cf.analysis.regimes(STEP, lr, a, z0=[0.5]).labels, cf.analysis.regimes(STEP, [lr, a], [0.5]).labels)
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.3, "b": 0.3})
    old, new = cf.analysis.basins(henon, [(-1, 1), (-2, 2)], (3, 4)), cf.analysis.basins(henon, [("x", (-1, 1, 4)), ("y", (-2, 2, 3))])
    assert old.to_json() == new.to_json() and new.labels.shape == (3, 4)
    across = cf.analysis.basins(henon, [(-2, 2), (-1, 1)], shape=(4, 3), plane=("y", "x"))
    np.testing.assert_array_equal(across.labels.T, new.labels)
    named = cf.analysis.regimes(STEP, first=lr, second=a, z0=[0.5])
    np.testing.assert_array_equal(named.labels, cf.analysis.regimes(STEP, [lr, a], [0.5]).labels)
    with pytest.raises(UsageError, match="as many names in `plane`"):
        cf.analysis.basins(henon, [(-2, 2), (-1, 1)], (4, 3), plane=("y", "x", "q"))
    for box in ((-2, 2), [(-2, 2)] * 2):
        with pytest.raises(UsageError, match="a box of 2 sides|the shape of the grid is one number"):
            cf.analysis.basins(STEP, box, (50, 40) if box == (-2, 2) else 10)


def test_progress_true_shows_a_line_and_takes_it_away(capsys, monkeypatch):
    """Whatever the function calls it with: a count, a message, boxes with the time left. Nothing is left on stdout."""
    monkeypatch.setattr("cfdyn.telling.FIRST", 0.0)
    monkeypatch.setattr("cfdyn.telling.PACE", 0.0)
    for words, call in {
        "basins [0 s] 30 done": lambda told: cf.analysis.basins(STEP, [("w", (-2, 2, 30))], progress=told),
        "no_cycles [": lambda told: cf.certify.no_cycles(WELL, cf.optimizers.gd(lr=0.5), 2, box=(-2, 2), progress=told),
        "windows [": lambda told: cf.analysis.windows(LOGISTIC, 3, "r", (3.82, 3.85), (0, 1), samples=3, progress=told),
        "cf.study"[3:]: lambda told: cf.study(WELL, GD, progress=told),
    }.items():
        call(True)
        out, err = capsys.readouterr()
        assert out == "" and words in err and err.endswith("\r\x1b[2K") and "\n" not in err
        call(False)
        assert capsys.readouterr() == ("", "")


def test_pairs_that_follow_each_other_are_taken_as_they_are_meant():
    found = cf.analysis.crises(cf.Map.from_text("r*x*(1-x)", params={"r": 3.9}), "r", (3.6, 3.7), (0.0, 1.0))
    assert found.bounds == (3.6, 3.7) and [crisis.parameter for crisis in found] == pytest.approx([3.678573510], abs=1e-8)


def test_what_is_meant_is_taken():
    """Numbers of NumPy, fractions, and whole numbers written as floats."""
    expected = cf.iterate(STEP, [0.5], 5).z
    for n in (np.int64(5), np.uint8(5), 5.0, np.float64(5)):
        np.testing.assert_array_equal(cf.iterate(STEP, (Fraction(1, 2),), n).z, expected)
    np.testing.assert_array_equal(cf.iterate(step=STEP, z0=np.float32(0.5), n=5).z, expected)
    assert number("x", Fraction(1, 4)) == number("x", np.float32(0.25)) == 0.25
    assert converted("x", np.array([1, 2]), tuple[float, float]) == (1.0, 2.0)
    assert converted("x", None, float | None) is None and converted("x", [], list[int]) == []
    assert vector("x", [Fraction(1, 2), 1]).tolist() == [0.5, 1.0] and vector("x", []).shape == (0,)


def test_messages_are_short():
    assert len(shown("x" * 10**6)) == len(shown(list(range(10**5)))) == 60
    assert shown(10**5000) == "int that cannot be shown" and "\n" not in shown("a\nb")


@pytest.mark.parametrize("name", ["lr", "learning_rate", "momentum"])
def test_parts_of_the_optimizer_are_no_options_of_a_study(name):
    with pytest.raises(UsageError, match=f"{name} is a part of the optimizer, as in cf.optimizers.gd"):
        cf.study("w**2", **{name: 0.1})


@pytest.mark.parametrize(("name", "there"), [("classify", "analysis"), ("gd", "optimizers"), ("double_well", "losses"), ("central", "flows")])
def test_a_name_of_a_room_is_found(name, there):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; there is cf.{there}.{name}$"):
        getattr(cf, name)
    assert callable(getattr(getattr(cf, there), name)) and not hasattr(cf, "__init__x") and not hasattr(cf, "_pyi")


class Table:
    """What a data frame of pandas has of a mapping: names in order, and a column for each."""

    def __init__(self, columns):
        self.columns = columns

    def keys(self):
        return list(self.columns)

    def __iter__(self):
        return iter(self.columns)

    def __getitem__(self, name):
        return np.array(self.columns[name])


def test_data_may_be_a_table():
    columns = {"x": [1.0, -2.0, 0.5], "y": [1.0, 0.0, 1.0]}
    of_table, of_dict = (cf.Loss("(a*x - y)**2", data=data) for data in (Table(columns), columns))
    assert of_table.value([0.3]) == of_dict.value([0.3]) == pytest.approx((0.7**2 + 0.6**2 + 0.85**2) / 3)


def test_what_is_wrong_in_an_array_is_told_by_its_place():
    """A row and a column, not the array, however large it is."""
    table = np.ones((500, 3))
    table[77, 2] = np.nan
    cases = (
        (lambda: cf.DataSet(table, np.ones(500), title="mine"), "inputs of mine are finite numbers: row 77, column 2 .counted from 0. is nan"),
        (lambda: cf.DataSet(np.ones((5, 2)), np.ones(4), title="mine"), r"not inputs \(5, 2\), targets \(4, 1\); row 4 .counted from 0. is not in all"),
        (lambda: cf.DataSet([[1, 2], [3]], [1, 2], title="mine"), "inputs of mine are finite numbers: row 1 .counted from 0. has 1 entries, and row 0 has 2"),
        (lambda: cf.DataSet([[1, 2], [3, "x"]], [1, 2], title="mine"), "row 1, entry 1 .counted from 0. is 'x'"),
        (lambda: cf.DataSet(np.ones((3, 1)), labels=[0, 0.5, 1], title="mine"), "whole numbers, and row 1 .counted from 0. has 0.5"),
        (lambda: cf.analysis.zero_one_test(table), "row 77, column 2 .counted from 0. is nan"),
        (lambda: cf.analysis.permutation_entropy(table[:, 2]), "entry 77 .counted from 0. is nan"),
        (lambda: cf.analysis.oscillation([[1.0, 2.0]] * 20 + [[1.0]]), "row 20 .counted from 0. has 1 entries, and row 0 has 2"),
        (lambda: cf.iterate(cf.Map.from_text("x/2"), [np.inf], 3), "a start needs finite numbers: entry 0 .counted from 0. is inf"),
    )  # fmt: skip
    for call, words in cases:
        with pytest.raises(UsageError, match=words) as told:
            call()
        assert "array(" not in str(told.value) and len(str(told.value)) < 200
