"""``cfdyn branch`` and ``cfdyn cascade``."""

import json

import pytest

import cfdyn as cf
from tests.cli.terminal import run


def test_branches_of_the_double_well(capsys, tmp_path):
    figure = tmp_path / "branches.png"
    code, out, _ = run(capsys, "branch", "double_well", "--vary", "lr=0.1:1.29", "--switch", "--depth", "2", "--json",
                       "--out", str(tmp_path), "--plot", str(figure))  # fmt: skip
    found = json.loads(out)
    assert code == 0 and [b["period"] for b in found["branches"]] == [1, 1, 2, 2, 4, 4]
    flips = sorted({round(s["parameter"], 9) for b in found["branches"] for s in b["bifurcations"] if s["kind"] == "flip"})
    assert flips == [1.0, 1.236067977, 1.288031754]
    first = found["branches"][0]
    assert set(first) >= {"parameter", "points", "bifurcations"} and len(first["parameter"]) == len(first["points"])
    special = first["bifurcations"][0]
    assert (special["kind"], special["supercritical"]) == ("flip", True) and special["coefficient"] == pytest.approx(8, rel=1e-9)
    assert figure.stat().st_size > 10_000
    assert [b.period for b in cf.load(found["record"])] == [1, 1, 2, 2, 4, 4]


def test_saved_branches_go_on(capsys, tmp_path):
    """The fixed points 0 and 1 − 1/r: short pieces of them become one each, with their flip and where they cross."""
    words = ["branch", "--map", "r*x*(1-x)", "--vary", "r=0.5:3.6", "--box", "-0.5:1", "--steps", "4", "--json"]
    code, out, _ = run(capsys, *words, "--out", str(tmp_path))
    short = json.loads(out)
    assert code == 0 and len(short["branches"]) > 2 and "cfdyn branch FILE.npz" in short["branches"][0]["ends"][1]
    code, out, _ = run(capsys, "branch", short["record"], "--json", "--out", str(tmp_path))
    whole = json.loads(out)
    assert code == 0 and [b["ends"] for b in whole["branches"]] == [["r = 0.5", "r = 3.6"]] * 2
    found = sorted((s["kind"], round(s["parameter"], 9)) for b in whole["branches"] for s in b["bifurcations"])
    assert found == [("branch point", 1.0), ("branch point", 1.0), ("flip", 3.0)]
    code, out, err = run(capsys, "branch", whole["record"], "--json")
    assert code == 0 and json.loads(out)["branches"] == whole["branches"] and "had not reached its maximal number of steps" in err
    code, _, err = run(capsys, "branch", short["record"], "--switch")
    assert code == 2 and "was saved with its options" in err
    code, _, err = run(capsys, "branch", short["record"], "--vary", "q=0:1")
    assert code == 2 and "the saved branch varies r, not q" in err
    code, out, _ = run(capsys, "branch", whole["record"], "--vary", "r=0.5:4", "--json")
    assert code == 0 and [b["ends"] for b in json.loads(out)["branches"]] == [["r = 0.5", "r = 4"]] * 2
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.0})
    one = cf.analysis.continue_cycle(step, [0.5], "r", (0.5, 3.6), max_steps=4).save(tmp_path / "one.npz")
    code, out, _ = run(capsys, "branch", str(one))
    assert code == 0 and "r = 3.6" in out and "flip" in out


def test_the_three_cycle_of_a_map(capsys):
    code, out, _ = run(capsys, "branch", "--map", "r*x*(1-x)", "--vary", "r=3.7:4", "--period", "3", "--json")
    (branch,) = json.loads(out)["branches"]
    kinds = {s["kind"]: s["parameter"] for s in branch["bifurcations"]}
    assert code == 0 and kinds["fold"] == pytest.approx(1 + 8**0.5, rel=1e-12)
    assert kinds["flip"] == pytest.approx(3.841499007543507846, rel=1e-12)


@pytest.mark.parametrize("b", [0.3, -0.3])
def test_cycles_in_the_plane_need_no_start(capsys, b):
    """The 3-cycles of the Hénon map are born at a = (7 + 10 b + 7 b²)/4 (7/4 for b = 0, the logistic map)."""
    birth = (7 + 10 * b + 7 * b * b) / 4
    code, out, _ = run(capsys, "branch", "--map", "1-a*x**2+y; b*x", "--variables", "x,y", "--set", f"b={b}", "--vary",
                       f"a={birth - 0.5}:{birth + 1}", "--period", "3", "--json")  # fmt: skip
    (branch,) = json.loads(out)["branches"]
    folds = [s["parameter"] for s in branch["bifurcations"] if s["kind"] == "fold"]
    assert code == 0 and folds == [pytest.approx(birth, rel=1e-12)]


def test_cycles_of_adam_need_no_start(capsys):
    """P12: 3-cycles on w²/2, lr 1, β₁ .5, β₂ .2, ε 1e-8 within the root: stable, multipliers −.92307, −.09297, .01165."""
    adam = "adam:beta1=0.5,beta2=0.2,eps=1e-8,eps_inside=true,bias_correction=false"
    code, out, _ = run(capsys, "branch", "w**2/2", "--optimizer", adam, "--vary", "lr=0.5:1", "--period", "3", "--json")
    found = [b for b in json.loads(out)["branches"] if b["stable"][-1] or b["stable"][0]]
    rows = [(b, k) for b in found for k in range(len(b["parameter"])) if b["parameter"][k] == 1.0]
    assert code == 0 and len(rows) == 2
    for branch, k in rows:
        assert sorted(abs(p[0]) for p in branch["points"][k]) == pytest.approx(
            [0.0983618809519996, 0.16114418261193642, 0.31154620264185634], rel=1e-8)  # fmt: skip
        assert [m if isinstance(m, float) else m[0] for m in branch["multipliers"][k]] == pytest.approx(
            [-0.92307, -0.09297, 0.01165], abs=1e-5)  # fmt: skip


def test_where_to_look_and_how_far(capsys):
    henon = ["branch", "--map", "1-a*x**2+y; b*x", "--variables", "x,y", "--set", "b=0.3", "--vary", "a=0.4:0.8", "--period", "2"]
    code, _, err = run(capsys, *henon, "--box", "20:30,20:30")
    assert code == 1 and "in the box 20:30, 20:30" in err and "--box" in err and "--start" in err
    code, out, _ = run(capsys, *henon, "--box=-2:2,-2:2", "--steps", "3", "--json")
    for branch in json.loads(out)["branches"]:
        out_of_steps = sum("--steps" in end or "`max_steps`" in end for end in branch["ends"])
        assert out_of_steps > 0 and len(branch["parameter"]) <= 7
    assert code == 0


def test_the_two_cycles_of_a_linear_map(capsys):
    code, out, _ = run(capsys, "branch", "w**2/2", "--vary", "lr=0.5:3", "--switch")
    assert code == 0 and "vertical: these 2-cycles exist at lr = 2 alone" in " ".join(out.split())
    code, out, _ = run(capsys, "cascade", "w**2/2", "--vary", "lr=0.5:3")
    assert code == 0 and "the branch of 2-cycles from lr = 2 on is vertical" in " ".join(out.split())


def test_the_rotation_of_a_neimark_sacker_point(capsys):
    """The delayed logistic map: at a = 2 its multipliers are e^(±iπ/3), a sixth of a turn."""
    words = ["branch", "--map", "y; a*y*(1-x)", "--variables", "x,y", "--vary", "a=1.5:2.2", "--start", "0.4,0.4"]
    code, out, _ = run(capsys, *words)
    assert code == 0 and "Neimark–Sacker, 0.166667 turns per step" in out


def test_branches_in_words(capsys):
    code, out, _ = run(capsys, "branch", "--map", "r*x*(1-x)", "--vary", "r=0.5:3.5", "--switch", "--start", "0.6")
    assert code == 0 and "stable on [1, 3]" in out and "supercritical" in out and "2-cycles" in out
    assert "3.44948974278" in out and "branch point" in out


def test_a_cascade(capsys, tmp_path):
    figure = tmp_path / "cascade.pdf"
    code, out, _ = run(capsys, "cascade", "double_well", "--vary", "lr=0.1:2", "--levels", "9", "--json", "--plot", str(figure))
    found = json.loads(out)
    assert code == 0 and len(found["flips"]) == 9 and figure.stat().st_size > 5000
    assert found["accumulation"] == pytest.approx(1.30228346270071, abs=1e-11)
    assert found["delta"] == pytest.approx(4.669201609, abs=1e-6)
    code, out, _ = run(capsys, "cascade", "--map", "r*x*(1-x)", "--vary", "r=1.5:4", "--levels", "2", "--json")
    found = json.loads(out)
    assert found["accumulation"] is None and found["delta"] is None and found["flips"][1] == pytest.approx(1 + 6**0.5, rel=1e-13)
    code, out, _ = run(capsys, "cascade", "--map", "r*x*(1-x)", "--vary", "r=1.5:4", "--levels", "6")
    assert code == 0 and "accumulation" in out and "delta" in out


def test_a_pole_in_the_range(capsys):
    code, out, _ = run(capsys, "branch", "--map", "x/2 + 1/(l-1)", "--vary", "l=-1:2", "--start", "-1.6", "--json")
    (branch,) = json.loads(out)["branches"]
    assert code == 0 and any("infinity" in end for end in branch["ends"])


def test_stable_parts_end_at_the_flip_also_where_a_row_lies_on_it(capsys):
    code, out, _ = run(capsys, "branch", "double_well", "--optimizer", "heavy_ball:momentum=0.5", "--vary", "lr=0.5:3")
    assert code == 0 and out.count("stable on [0.5, 1.5]") == 2
    code, out, _ = run(capsys, "branch", "double_well", "--vary", "lr=0.5:2", "--switch")
    assert code == 0 and out.count("stable on [0.5, 1]") == 2 and out.count("stable on [1, 1.236068]") == 2


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["branch", "double_well"], 2, "--vary NAME=LO:HI"),
        (["branch", "double_well", "--vary", "lr=2:1"], 2, "LO < HI"),
        (["branch", "double_well", "--vary", "lr=nan:1"], 2, ""),
        (["branch", "double_well", "--vary", "lrr=0.1:2"], 2, "did you mean 'lr'"),
        (["branch", "duble_well", "--vary", "lr=0.1:2"], 2, "did you mean 'double_well'"),
        (["branch", "double_well", "--vary", "lr=-1:1"], 2, "must be greater than 0"),
        (["branch", "--vary", "lr=0.1:2"], 2, "or --map FORMULA"),
        (["branch", "double_well", "--vary", "lr=0.1:2", "--period", "0"], 2, "period"),
        (["branch", "double_well", "--vary", "lr=0.1:2", "--start", "1", "--period", "1000000"], 2, "GiB"),
        (["branch", "double_well", "--vary", "lr=0.1:2", "--period", "1000000"], 2, "give a point of one with --start"),
        (["branch", "double_well", "--vary", "lr=0.1:0.5", "--period", "7"], 1, "no cycle of period 7"),
        (["branch", "(1-x*y)**2/2", "--vary", "lr=0.1:0.5"], 1, "not isolated"),
        (["branch", "double_well", "--vary", "lr=0.1:2", "--plot", "x.xyz"], 2, "cannot be written"),
        (["cascade", "double_well", "--vary", "lr=0.1:0.5"], 1, "does not flip"),
        (["cascade", "double_well", "--vary", "lr=0.1:2", "--levels", "0"], 2, "levels"),
    ],
)
def test_mistakes_get_a_sentence(capsys, arguments, status, words):
    code, out, err = run(capsys, *arguments)
    assert code == status and words in err and "Traceback" not in err and len(err.strip().splitlines()) == 1


def test_resonances_along_a_conservative_family_are_named(capsys):
    code, out, _ = run(capsys, "branch", "--map", "1 - a*x**2 + y; -x", "--variables", "x,y", "--vary", "a=-1.5:4",
                       "--start", "0.73,-0.73")  # fmt: skip
    assert code == 0
    assert "resonance 1:1 along a conservative family" in out and "resonance 1:2 along a conservative family" in out


def test_all_arms_are_switched_to(capsys):
    """m x − x³: ±√(m − 1) leave 0 on either side of it."""
    code, out, _ = run(capsys, "branch", "--map", "m*x - x**3", "--vary", "m=0.2:1.9", "--start", "0", "--switch", "--json")
    found = json.loads(out)["branches"]
    assert code == 0 and len(found) == 2
    xs = [points[0][0] for points in found[1]["points"]]
    assert min(xs) == pytest.approx(-(0.9**0.5), rel=1e-9) and max(xs) == pytest.approx(0.9**0.5, rel=1e-9)
