"""Everything public can be pickled, copied and sent to another process, and computes the same there."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.machine.jit import DISABLED
from cfdyn.machine.portable import Portable
from cfdyn.records.record import Record

LOSS, GD = cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8)
FOR_FLOWS = {"normalized_gd": cf.optimizers.normalized_gd(lr=0.1), "sqrt_loss": GD, "stationary": cf.optimizers.rmsprop(lr=0.1)}
MAPS = {
    "text": lambda: cf.Map.from_text("r*x*(1-x)", params={"r": 3.8}),
    "gd": lambda: cf.as_map(LOSS, GD),
    "adam": lambda: cf.as_map(LOSS, cf.optimizers.adam(lr=0.1)),
    "muon": lambda: cf.as_map(cf.losses.matrix_factorization(), cf.optimizers.muon(lr=0.1)),
    "shampoo": lambda: cf.as_map(cf.losses.matrix_factorization(), cf.optimizers.shampoo(lr=0.1)),
    "custom": lambda: cf.as_map(LOSS, cf.Optimizer.from_text({"w": "w - lr*v", "v": "mu*v + g"}, {"lr": 0.1, "mu": 0.9})),
    "data": lambda: cf.as_map(cf.losses.linear_network(), GD),
    "composed": lambda: cf.compose(cf.as_map(LOSS, GD), cf.as_map(LOSS, GD.at(lr=0.1))),
    "extended": lambda: cf.Map.from_text("r*x*(1-x)", params={"r": 3.8}).extended("r"),
    "lifted": lambda: cf.lifts.edge(cf.as_map(LOSS, GD)),
    "expression": lambda: cf.as_map(from_sympy(), GD),
}


def from_sympy():
    import sympy as sp

    x, y = sp.symbols("x y")
    return cf.Loss(sp.Abs(x) ** 3 + y**2 * sp.exp(x))


def flows():
    for name in cf.flows.names():
        yield name, lambda name=name: getattr(cf.flows, name)(LOSS, FOR_FLOWS.get(name, GD))
    for variant in ("constrained", "generalised", "reduced"):
        yield f"self_stabilization {variant}", lambda v=variant: cf.flows.self_stabilization(LOSS, GD, variant=v)
    yield "text", lambda: cf.Flow.from_text("x*(1 - x)")
    yield "timed", lambda: cf.Flow.from_text("cos(t) - x", "x")
    yield "backward", lambda: cf.Flow.from_text("x*(1 - x)").backward()


FLOWS = dict(flows())


def of_a_map(step) -> list:
    z = np.linspace(0.3, 0.7, step.dim)
    return [step(z), step.jacobian(z), step.derivative(z, z), *cf.iterate(step, z, 5).z]


def of_a_flow(flow) -> list:
    return [flow.drift(np.linspace(0.3, 0.7, flow.dim)), cf.solve(flow, [1.5, 0.3][: flow.n_weights], 2.0).z[-1]]


def of_a_loss(loss) -> list:
    w = np.linspace(0.3, 0.7, loss.dim)
    return [np.array(loss.value(w)), loss.gradient(w), loss.hessian(w)]


def numbers(thing) -> list[np.ndarray]:
    """What it computes: enough to have every part of it compiled."""
    kind = {cf.Map: of_a_map, cf.Flow: of_a_flow, cf.Loss: of_a_loss, cf.Network: of_a_network}
    return [np.asarray(a) for a in kind.get(type(thing), of_a_section)(thing)]


def of_a_section(step) -> list:
    x = np.linspace(0.3, 0.7, step.dim)
    return [step(x), step.jacobian(x), step.parameter_derivative(x, "mu")]


def of_a_network(net) -> list:
    return [np.array(net.value(net.start)), net.gradient(net.start)]


def ways(thing) -> dict:
    return {"pickle": pickle.loads(pickle.dumps(thing)), "copy": copy.copy(thing), "deepcopy": copy.deepcopy(thing)}


def assert_same(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


MADE = {f"map {k}": v for k, v in MAPS.items()} | {f"flow {k}": v for k, v in FLOWS.items()}
MADE |= {"loss": lambda: cf.Loss("(1 - x*y)**2 / 2"), "loss expression": from_sympy, "loss data": cf.losses.linear_network}
VAN_DER_POL = cf.Flow.from_text("y; mu*(1 - x**2)*y - x", "x y", {"mu": 1.0})
MADE |= {"poincare": lambda: cf.poincare_map(VAN_DER_POL, "y"), "stroboscopic": lambda: cf.stroboscopic_map(VAN_DER_POL, 1.0)}
MADE |= {"network": lambda: cf.networks.mlp(cf.data.iris(n=12), widths=2, seed=3)}


@pytest.mark.parametrize("name", MADE)
def test_a_copy_computes_the_same_before_and_after_use(name):
    thing = MADE[name]()
    before = ways(thing)
    expected = numbers(thing)
    assert len(before) == 3
    for found in (*before.values(), *ways(thing).values()):
        assert repr(found) == repr(thing)
        assert_same(numbers(found), expected)


def test_a_fresh_process_computes_the_same(tmp_path):
    """Used here, so that there are addresses that could travel; loaded where none of them is valid."""
    things = {name: make() for name, make in MADE.items()}
    expected = {name: numbers(thing) for name, thing in things.items()}
    (tmp_path / "things").write_bytes(pickle.dumps((things, __file__)))
    code = """
import importlib.util, pickle, sys
things, here = pickle.load(open(sys.argv[1], "rb"))
spec = importlib.util.spec_from_file_location("made", here)
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
pickle.dump({name: made.numbers(thing) for name, thing in things.items()}, open(sys.argv[2], "wb"))
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "things", tmp_path / "found"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = pickle.loads((tmp_path / "found").read_bytes())
    assert found.keys() == expected.keys()
    for name in expected:
        assert_same(found[name], expected[name])



@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_of_processes(method):
    """2.5·0.6·0.4 = 0.6 and 0.64·0.36·4 = 0.9216: bound methods travel with their map."""
    step = cf.Map.from_text("4*x*(1-x)")
    step([0.5])
    cf.iterate(step, [0.3], 3)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert np.allclose(pool.map(step, [[0.64], [0.5], [0.25]], chunksize=1), [[0.9216], [1.0], [0.75]])
        orbits = [pool.apply_async(cf.iterate, (step, [x], 2)) for x in (0.25, 0.5)]
        assert [orbit.get(120).z[:, 0].tolist() for orbit in orbits] == [[0.25, 0.75, 0.75], [0.5, 1.0, 0.0]]
        losses = pool.map(cf.losses.double_well, [1.0, 2.0])
    assert [loss.value([0.0]) for loss in losses] == [0.25, 0.5]


def test_joblib_sends_functions_that_mention_the_package():
    step = cf.Map.from_text("4*x*(1-x)")
    step([0.5])
    done = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(lambda x: cf.iterate(step, [x], 2).z[-1, 0])(x) for x in (0.25, 0.5))
    assert done == [0.75, 0.0]


def test_the_package_and_its_catalogues_are_pickled_by_name():
    for module in (cf, cf.losses, cf.optimizers, cf.flows, cf.analysis, cf.networks, cf.data):
        for dump in (cloudpickle.dumps, pickle.dumps):
            assert pickle.loads(dump(module)) is module
    value = pickle.loads(cloudpickle.dumps(lambda: cf.Loss("w**2/2").value([3.0])))()
    assert value == 4.5
    for package in (cf.losses, cf.optimizers, cf.flows, cf.analysis, cf.networks, cf.data):
        for name in package.names():
            entry = getattr(package, name)
            assert pickle.loads(pickle.dumps(entry)) is entry
    for name in set(cf.__all__) - {"lifts", "symbolic", "claims", "__version__"}:
        assert pickle.loads(pickle.dumps(getattr(cf, name))) is getattr(cf, name)


def test_optimizers_and_precise_maps_travel():
    for name in cf.optimizers.names():
        optimizer = getattr(cf.optimizers, name)(lr=0.1)
        for found in ways(optimizer).values():
            assert str(found) == str(optimizer) and found.key == optimizer.key
    precise = cf.Map.from_text("r*x*(1-x)", params={"r": 3.5}).precise(40)
    z = precise([precise.number(1) / 3])
    for found in ways(precise).values():
        assert found([found.number(1) / 3]) == z
    for number in (pickle.loads(pickle.dumps(z[0])), copy.deepcopy(z[0])):
        assert number == z[0] and type(number) is type(z[0])


def test_machine_code_itself_stays():
    rule = cf.Map.from_text("4*x*(1-x)").rule("step")
    for native in (rule,) if DISABLED else (rule, rule.compiled):
        assert copy.deepcopy(native) is native and copy.copy(native) is native
        with pytest.raises(cf.CfdynError, match="pickle the map"):
            pickle.dumps(native)


def test_every_class_that_compiles_is_portable():
    """Whatever public class is not a record has a base that says how it travels, is made of plain data, or says so itself."""
    classes = {name for name in cf.__all__ if inspect.isclass(getattr(cf, name))}
    portable = {name for name in classes if issubclass(getattr(cf, name), Portable)}
    records = {name for name in classes if issubclass(getattr(cf, name), Record)}
    assert portable == {"Loss", "Map", "Flow"}
    assert classes - portable - records <= {"Optimizer", "CfdynError", "Interrupted", "Network", "DataSet", "Run"}


def test_an_interrupt_travels_with_its_record():
    path = cf.solve(cf.Flow.from_text("-x"), [1.0], t=1)
    assert (pickle.loads(pickle.dumps(cf.Interrupted(path))).record.w == path.w).all()
