"""Functions on a branch: zeros where closed forms have them, quantities over a cycle, and stops."""

import numpy as np
import pytest

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
WELL = cf.as_map(cf.Loss("w**4/4 - a*w**2/2", params={"a": 1.0}), cf.optimizers.gd(lr=0.2))


def zeros(branch):
    return {zero.function: zero.parameter for zero in branch.zeros}


def logistic(**options):
    return cf.analysis.continue_cycle(LOGISTIC, [0.6], "r", (1.2, 3.9), **options)


def two_cycles(functions=(), stop=()):
    """x± = (r + 1 ± √((r − 3)(r + 1)))/2r."""
    return logistic().bifurcations[0].switch(functions=functions, stop=stop)


def test_state_parameters_and_multipliers():
    """x = 1 − 1/r with the multiplier 2 − r."""
    found = logistic(functions={"half": "x = 0.5", "slope": "mu1 == -1/2", "size": "modulus1 - 0.3", "both": "x*r - 2"})
    assert [zero.function for zero in found.zeros] == ["size", "half", "size", "slope", "both"]
    assert [zero.parameter for zero in found.zeros] == pytest.approx([1.7, 2, 2.3, 2.5, 3], abs=1e-14)
    r = found.parameter
    assert found.quantity("half") == pytest.approx(0.5 - 1 / r, abs=1e-15) and found.quantity("both") == pytest.approx(r - 3, abs=1e-14)
    first, second = found.zeros[1], found.zeros[3]
    assert first.multipliers == pytest.approx([0], abs=1e-14) and second.points == pytest.approx(np.array([[0.6]]), abs=1e-15)
    assert second.step.params == {"r": second.parameter} and found.parameter[first.place] < 2 < found.parameter[first.place + 1]


def test_largest_smallest_and_mean_over_a_cycle():
    found = two_cycles(["max(x) - min(x) = 0.3", "mean(x) = 0.65", "Max(x*(1-x)) - 0.24 + 0*r", "min(x) - 0.5"])
    gap = (2 + np.sqrt(4 + 12 * 0.91)) / (2 * 0.91)
    expected = {"max(x) - min(x) = 0.3": gap, "mean(x) = 0.65": 10 / 3, "min(x) - 0.5": 1 + 5**0.5}
    assert {name: zeros(found)[name] for name in expected} == pytest.approx(expected, abs=1e-13)
    # x(1 − x) is largest at the point nearer to ½: x = 0.6, and later 0.4, whose image is 0.24 r.
    met = [(zero.parameter, zero.points.min()) for zero in found.zeros if "Max" in zero.function]
    assert [x for _, x in met] == pytest.approx([0.6, 0.4], abs=1e-14)
    assert [r * 0.24 * r * (1 - r * 0.24) for r, _ in met] == pytest.approx([0.6, 0.4], abs=1e-13)
    r = found.parameter
    assert found.quantity("mean(x) = 0.65") == pytest.approx((r + 1) / (2 * r) - 0.65, abs=1e-14)


def test_observables_of_the_loss_with_its_parameter():
    """At w = √a the loss is −a²/4, the sharpness 2a; on the 2-cycle about the minimum the gradient is not 0."""
    found = cf.analysis.continue_cycle(WELL, [1.0], "a", (0.1, 4), functions=["loss = -0.5", "sharpness = 3", "lr*sharpness - 1"])
    expected = {"loss = -0.5": 2**0.5, "sharpness = 3": 1.5, "lr*sharpness - 1": 2.5}
    assert zeros(found) == pytest.approx(expected, abs=1e-14)
    a = found.parameter
    assert found.quantity("loss = -0.5") == pytest.approx(0.5 - a**2 / 4, abs=1e-14)
    at_edge = cf.analysis.continue_cycle(WELL.at(lr=0.9), [1.0], "lr", (0.5, 1.2))
    swinging = at_edge.bifurcations[0].switch(functions={"force": "max(gradient_norm) - 0.3", "level": "mean(loss) + 0.24"})
    for zero in swinging.zeros:
        w, lr = zero.points[:, 0], zero.parameter
        value = {"force": np.abs(w**3 - w).max() - 0.3, "level": (w**4 / 4 - w**2 / 2).mean() + 0.24}[zero.function]
        assert abs(value) < 1e-14 and w[1] == pytest.approx(w[0] - lr * (w[0] ** 3 - w[0]), abs=1e-14)
    assert {zero.function for zero in swinging.zeros} == {"force", "level"}


def test_complex_multipliers():
    """x → y, y → b x + c y + x³ at 0: μ² = c μ + b; a pair with the argument 1 where c = 2√(−b) cos 1."""
    step = cf.Map.from_text(["y", "b*x + c*y + x**3"], "x y", {"b": -0.81, "c": 0.2})
    found = cf.analysis.continue_cycle(step, [0.0, 0.0], "c", (-1.7, 2.5), functions=["angle1 = 1", "modulus2 = 0.8", "mu1 = 1.2", "mu2"])
    expected = {"angle1 = 1": 1.8 * np.cos(1), "modulus2 = 0.8": 0.8 + 0.81 / 0.8, "mu1 = 1.2": 1.2 + 0.81 / 1.2}
    assert zeros(found) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(found.quantity("mu2")).sum() == (np.abs(found.multipliers.imag).max(axis=1) > 0).sum() > 10


def test_a_stop_ends_the_branch_in_both_directions():
    found = logistic(stop=["x = 0.7", "r = 2"])
    assert found.ends == ("stop: r - (2) = 0 at r = 2", "stop: x - (0.7) = 0 at r = 3.333333333")
    assert found.parameter[[0, -1]] == pytest.approx([2, 10 / 3], abs=1e-14) and found.parameter.min() >= 2 - 1e-14
    assert [b.kind for b in found.bifurcations] == ["flip"] and found.bifurcations[0].parameter == pytest.approx(3, abs=1e-13)
    assert found.parameter[found.start] == 2.5 and found.parameter.max() <= 10 / 3 + 1e-14
    assert zeros(found) == pytest.approx({"x = 0.7": 10 / 3, "r = 2": 2}, abs=1e-14)
    place = found.bifurcations[0].place
    assert found.parameter[place] <= 3 <= found.parameter[place + 1]


def test_a_start_on_a_stop_is_none():
    assert logistic(stop="r = 2.5").ends == ("r = 1.2", "r = 3.9")


def test_a_stop_may_be_the_name_of_a_function_and_goes_on_after_loading(tmp_path):
    short = logistic(functions={"high": "x - 0.7", "half": "x - 0.5"}, stop="high", max_steps=5)
    assert short.zeros == [] and short.paces[1] > 0
    whole = cf.load(short.save(tmp_path / "short.npz")).extended()
    assert whole.ends[1].startswith("stop: x - 0.7 = 0") and zeros(whole) == pytest.approx({"high": 10 / 3, "half": 2}, abs=1e-14)
    assert whole.quantities.shape == (len(whole), 2) and whole.quantity("high")[-1] == 0
    again = cf.load(whole.save(tmp_path / "whole.npz"))
    assert zeros(again) == zeros(whole) and again.stops == ["high"] and again.zeros[0].step.params == whole.zeros[0].step.params


def test_stops_of_the_doubled_cycles():
    found = two_cycles(stop="mu1 = -1")
    assert found.ends[0].startswith("flip at r = 3") and found.parameter[-1] == pytest.approx(1 + 6**0.5, abs=1e-13)
    every = cf.analysis.branches(LOGISTIC, None, "r", (1.2, 3.9), starts=[(2.5, [0.6])], depth=2, stop="r = 3.5", functions=["mean(x) = 0.64"])
    assert [b.parameter[-1] for b in every] == pytest.approx([3.5] * 3, abs=1e-14) and [b.period for b in every] == [1, 2, 4]
    assert [len(b.zeros) for b in every] == [2, 1, 1]


def test_two_zeros_within_a_step_are_found():
    found = logistic(functions=["(x - 0.6123)**2 - 1e-8"], max_step=0.05)
    assert [1 - 1 / zero.parameter for zero in found.zeros] == pytest.approx([0.6122, 0.6124], abs=1e-12)
    assert len({zero.place for zero in found.zeros}) == 1


@pytest.mark.parametrize("function", ["1/(x - 0.5)", "sign(x - 0.5)", "x - 1 + 1/r", "Piecewise((1, x < 0.55), (-2 - x, True))", "x**2 + 1"])
def test_no_zero_where_there_is_none(function):
    """Poles, jumps, and what vanishes everywhere but for rounding."""
    found = logistic(functions=[function], stop=[function])
    assert found.zeros == [] and found.ends == ("r = 1.2", "r = 3.9")


def test_a_loss_with_data_and_many_weights():
    rows = {"x": [0.0, 1.0, 3.0], "y": [1.0, 2.0, 2.5]}
    loss = cf.Loss("(a*u*x + v - y)**2/2", ["u", "v"], {"a": 1.0}, data=rows)
    step = cf.as_map(loss, cf.optimizers.gd(lr=0.1))
    slope, level = np.polyfit(rows["x"], rows["y"], 1)
    found = cf.analysis.continue_cycle(step, [slope, level], "a", (0.5, 2.5), functions=["sharpness - 4", "loss"])
    least = np.mean((slope * np.array(rows["x"]) + level - rows["y"]) ** 2) / 2
    assert found.quantity("loss") == pytest.approx(np.full(len(found), least), rel=1e-12)
    a = zeros(found)["sharpness - 4"]
    table = np.column_stack([a * np.array(rows["x"]), np.ones(3)])
    assert np.linalg.eigvalsh(table.T @ table / 3)[-1] == pytest.approx(4, abs=1e-13)
    n = 20
    chain = " + ".join([f"(w{i}**2/2 + w{i}**4/4)*c" for i in range(1, n + 1)] + [f"(w{i} - w{i + 1})**2/8" for i in range(1, n)])
    many = cf.as_map(cf.Loss(chain, [f"w{i}" for i in range(1, n + 1)], {"c": 1.0}), cf.optimizers.gd(lr=0.1))
    found = cf.analysis.continue_cycle(many, [0.0] * n, "c", (0.5, 2), functions=["sharpness - 2"])
    assert zeros(found) == pytest.approx({"sharpness - 2": 2 - (1 - np.cos(np.pi * (n - 1) / n)) / 2}, abs=1e-13)


def test_a_curve_of_the_condition_starts_from_a_zero():
    loss = cf.Loss("w**4/4 - a*w**2/2 + b*w", params={"a": 1.0, "b": 0.1})
    branch = cf.analysis.continue_cycle(cf.as_map(loss, cf.optimizers.gd(lr=0.2)), [0.9], "a", (0.1, 4), functions=["sharpness = 3", "loss + 1", "modulus1 - 0.5"])
    assert [zero.function for zero in branch.zeros] == ["modulus1 - 0.5", "sharpness = 3", "loss + 1", "modulus1 - 0.5"]
    for zero in branch.zeros[1:3]:
        curve = cf.analysis.bifurcation_curve(zero.step, zero, ("a", "b"), ((0.1, 4), (-0.5, 0.5)))
        (a, b), w = curve.parameters.T, curve.points[:, 0, 0]
        left = {"sharpness = 3": 3 * w**2 - a - 3, "loss + 1": w**4 / 4 - a * w**2 / 2 + b * w + 1}
        assert zero.function in left and np.abs(left[zero.function]).max() < 1e-13 and np.ptp(b) == 1
        assert np.abs(w**3 - a * w + b).max() < 1e-13
    two = cf.as_map(cf.Loss("a*x**2/2 + y**2/2 + x*y/2 + x**4", params={"a": 1.0}), cf.optimizers.gd(lr=0.1))
    start = cf.analysis.continue_cycle(two, [0.0, 0.0], "a", (0.5, 3), functions=["sharpness - 2"]).zeros[0]
    assert start.parameter == pytest.approx(2 - 0.25, abs=1e-13)
    curve = cf.analysis.bifurcation_curve(start.step, start, ("a", "lr"), ((0.5, 3), (0.01, 1)))
    assert curve.parameters[:, 0] == pytest.approx(np.full(len(curve), 1.75), abs=1e-12)


@pytest.mark.parametrize(("functions", "problem"), [
    (["loss - 1"], "unknown name 'loss'"), (["mu2"], "unknown name 'mu2'"), (["x +* 2"], "missing before it"), (["2"], "is constant"),
    (["max(x"], "never closed"), (["mean(x, r)"], "takes one formula, whose mean"), ([3], "is a text"), (7, "texts by name"), ({"": "x"}, "its name"),
    ({"x": "x - 1"}, "is a name of the map"), (["__import__('os')"], "'"), (["max(loss)"], "unknown name 'loss'"), ([""], "is a text"),
])  # fmt: skip
def test_bad_functions(functions, problem):
    for options in ({"functions": functions}, {"stop": functions}):
        with pytest.raises(cf.CfdynError, match=problem.replace("(", r"\(")) as error:
            logistic(**options)
        assert error.value.exit_status == 2 and len(str(error.value)) < 400


def test_over_a_period_no_curve_is_followed():
    step = cf.Map.from_text("r*x*(1-x) + e", "x", {"r": 2.5, "e": 0.0})
    flip = cf.analysis.continue_cycle(step, [0.6], "r", (1.2, 3.9)).bifurcations[0]
    for function in ("max(x) - 0.8", "mu1 - 0.5"):
        (zero,) = flip.switch(functions=[function]).zeros
        with pytest.raises(cf.CfdynError, match="on the cycle's first point|unknown name 'mu1'"):
            cf.analysis.bifurcation_curve(zero.step, zero, ("r", "e"), ((1, 4), (-1, 1)))


def test_hundreds_of_weights_and_a_loss_that_is_no_formula(tmp_path):
    """descent on Σ(c wᵢ²/2 + wᵢ⁴/4) + Σ(wᵢ − wᵢ₊₁)²/8: at w = 0 the largest curvature is c + (1 − cos π(n − 1)/n)/2."""
    n = 110
    parts = [f"c*w{i}**2/2 + w{i}**4/4" for i in range(1, n + 1)] + [f"(w{i} - w{i + 1})**2/8" for i in range(1, n)]
    loss = cf.Loss(" + ".join(parts), [f"w{i}" for i in range(1, n + 1)], {"c": 1.0})
    step = cf.as_map(loss, cf.optimizers.gd(lr=0.5))
    top, bend = 1 + (1 - np.cos(np.pi * (n - 1) / n)) / 2, -1.4
    options = {"functions": {"low": "mu1 = 0.6", "rest": "loss"}, "stop": f"lr = {-bend / top + 1 / top}"}
    found = cf.analysis.continue_cycle(step, np.zeros(n), "lr", (0.3, 2.1), **options)
    assert found.parameter[-1] == pytest.approx((1 - bend) / top, abs=1e-12) and found.ends[1].startswith("stop: lr - (")
    low = [zero for zero in found.zeros if zero.function == "low"]
    assert [zero.parameter for zero in low] == pytest.approx([0.4], abs=1e-11)  # of the curvature 1
    assert [s.kind for s in found.bifurcations].count("flip") == sum(2 / (1 + (1 - np.cos(np.pi * k / n)) / 2) < (1 - bend) / top for k in range(n))
    assert found.quantity("rest") == pytest.approx(np.zeros(len(found)), abs=1e-25)
    assert zeros(cf.load(found.save(tmp_path / "many.npz"))) == zeros(found)

    class Bowl:
        dim = 300
        shift = np.linspace(1, 2, 300)
        value = staticmethod(lambda w: float(np.sum(np.cosh(w - Bowl.shift) - 1)) + 0.5)
        gradient = staticmethod(lambda w: np.sinh(w - Bowl.shift))
        hvp = staticmethod(lambda w, v: np.cosh(w - Bowl.shift) * v)

    step = cf.as_map(Bowl(), cf.optimizers.gd(lr=0.5))
    found = cf.analysis.continue_cycle(step, Bowl.shift, "lr", (0.3, 1.9), functions=["mu1 + 0.5", "loss - lr", "w300 - 2"])
    assert zeros(found) == pytest.approx({"mu1 + 0.5": 1.5, "loss - lr": 0.5}, abs=1e-12)
    with pytest.raises(cf.CfdynError, match="multipliers are computed here"):
        cf.analysis.continue_cycle(step, Bowl.shift, "lr", (0.3, 1.9), multipliers=4, functions=["mu99"])
