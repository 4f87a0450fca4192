"""CSV files: what is read, what is refused, and the losses on them against plain numpy and closed forms."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.records import tables
from cfdyn.records.tables import read_csv


@pytest.fixture
def write(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


NUMBERS = [[1.0, -2.5], [3.0, 4e3]]
LAYOUTS = {
    "names": "x,y\n1,-2.5\n3,4e3\n",
    "no names": "1,-2.5\n3,4e3\n",
    "no newline at the end": "x,y\n1,-2.5\n3,4e3",
    "semicolons": "x;y\n1;-2.5\n3;4e3\n",
    "tabs": "x\ty\n1\t-2.5\n3\t4e3\n",
    "spaces": "x , y\n 1 , -2.5\n3, 4e3 \n",
    "Windows, with a byte order mark": "\ufeffx,y\r\n1,-2.5\r\n3,4e3\r\n",
    "old Macs": "x,y\r1,-2.5\r3,4e3\r",
    "empty lines": "\nx,y\n\n1,-2.5\n   \n3,4e3\n\n",
    "quotes": '"x","y"\n"1","-2.5"\n3,4e3\n',
    "numpy's own": "# x,y\n1,-2.5\n3,4e3\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, write):
    found = read_csv(write(LAYOUTS[layout]))
    assert found.names == (("c1", "c2") if layout == "no names" else ("x", "y"))
    assert found.values.tolist() == NUMBERS


def test_names_that_are_hard(write):
    assert read_csv(write('year,2019,2020\n1,2,3\n4,5,6\n')).names == ("year", "2019", "2020")
    assert read_csv(write('"a;b, c",d\n1,2\n4,5\n')).names == ("a;b, c", "d")
    assert read_csv(write("größe,y\n1,2\n4,5\n".encode("latin-1"))).names == ("größe", "y")
    assert read_csv(write(",y\n1,2\n4,5\n")).names == ("c1", "y")
    assert read_csv(write("loss\n1\n2\n")).values.shape == (2, 1)


def test_what_numpy_writes_is_read_back_to_the_last_bit(write, tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 3)) * 10.0 ** np.arange(-200, 300, 10)[:, None]
    np.savetxt(tmp_path / "written.csv", values, delimiter=",", fmt="%.17g")
    assert (read_csv(tmp_path / "written.csv").values == values).all()


WRONG = {
    "empty": ("", "is empty"),
    "blank": ("\n\n  \n", "is empty"),
    "only names": ("x,y\n", "has 0 rows"),
    "one row": ("x,y\n1,2\n", "has 1 row of numbers"),
    "ragged": ("x,y\n1,2\n\n1,2,3\n", "line 4 of .* has 3 entries, and the first line has 2"),
    "ragged first line": ("x,y\n1,2,3\n1,2,3\n", "line 2"),
    "text": ("x,y\n1,2\n1,cat\n", "'cat' in column 'y', line 3 of .* is not a number .classes are numbers too"),
    "a column of texts": ("1,cat\n2,dog\n", "'cat' in column 'c2', line 1"),
    "texts below names": ("x,kind\n1,cat\n2,dog\n", "'cat' in column 'kind', line 2"),
    "decimal commas": ("x;y\n1;2,5\n3;4\n", "'2,5' .* is not a number .decimals take a point"),
    "underscores": ("x,y\n1,2_0\n3,4\n", "'2_0'"),
    "missing": ("x,y\n1,2\n,3\n", "a number is missing in column 'x', line 3"),
    "NA": ("x,y\n1,NA\n2,3\n", "a number is missing in column 'y', line 2 of .*: 'NA'"),
    "nan": ("x,y\n1,2\n1,nan\n", "'nan' in column 'y', line 3 of .* is not a finite number"),
    "infinite": ("x,y\n1,2\n-inf,1\n", "'-inf' in column 'x', line 3"),
    "overflow": ("x,y\n1,2\n1e999,1\n", "'1e999' in column 'x', line 3"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "is not a text"),
    "UTF-16": ("x,y\n1,2\n".encode("utf-16"), "is not a text"),
    "one name twice": ("x,x\n1,2\n3,4\n", "two columns of .* are called 'x'"),
    "one enormous cell": ("x,y\n1," + "2" * 200_000 + "\n3,4\n", "line 2"),
    "a quote that never ends": ('x,y\n1,"2\n3,4\n', "line 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(case, write):
    content, words = WRONG[case]
    with pytest.raises(cf.CfdynError, match=words) as error:
        read_csv(write(content))
    assert error.value.exit_status == 2 and "\n" not in str(error.value) and len(str(error.value)) < 500


def test_random_bytes_end_in_a_table_or_in_a_sentence(write):
    rng = np.random.default_rng(1)
    alphabet = np.frombuffer(b"0123456789.,;\t\n\r -+eEnaNif_\"'#xy\xff\xc3", dtype=np.uint8)
    for _ in range(400):
        try:
            found = read_csv(write(rng.choice(alphabet, rng.integers(1, 60)).tobytes()))
        except cf.CfdynError as error:
            assert "\n" not in str(error)
        else:
            assert np.isfinite(found.values).all() and found.values.shape[1] == len(found.names)


def test_places_that_are_no_file(tmp_path):
    with pytest.raises(cf.CfdynError, match="there is no file '.*missing.csv'"):
        read_csv(tmp_path / "missing.csv")
    with pytest.raises(cf.CfdynError, match="is a folder"):
        read_csv(tmp_path)
    for place in ("/dev/zero", "a\0b", "x" * 5000):
        with pytest.raises(cf.CfdynError, match="not a file|cannot be read"):
            read_csv(place)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "large.csv"
    with open(path, "wb") as file:
        file.truncate(300_000_000)  # takes no place on the disk
    tracemalloc.start()
    with pytest.raises(cf.CfdynError, match="has 300 MB, and at most 256 MB are read"):
        read_csv(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_standardized_columns(write):
    table = read_csv(write("a,b,c\n1,5,0.1\n2,5,0.1\n6,5,0.1\n"))
    scaled = table.standardized([0])
    assert scaled.mean() == pytest.approx(0, abs=1e-15) and (scaled**2).mean() == pytest.approx(1)
    with pytest.raises(cf.CfdynError, match="column 'b' of .* is constant, 5 in each row"):
        table.standardized([0, 1])
    with pytest.raises(cf.CfdynError, match="column 'a' of .* too large"):
        tables.Table(("a",), np.array([[1e300], [-1e300]]), "t").standardized([0])


# -- the losses ----------------------------------------------------------------------------------------------------

ROWS = "dose,ill,age\n0.5,0,3\n1.5,1,1\n2.5,0,4\n3.5,1,1\n4.5,1,5\n"
PLAIN = {  # the loss of one row, written with what numpy has
    "logistic": lambda s, y: np.logaddexp(0, s) - y * s,
    "poisson": lambda s, y: np.exp(s) - y * s,
    "least_squares": lambda s, y: (s - y) ** 2 / 2,
}
SLOPE = {"logistic": lambda s: 1 / (1 + np.exp(-s)), "poisson": np.exp, "least_squares": lambda s: s}


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("name", PLAIN)
def test_linear_models_against_numpy(name, standardize, intercept, write):
    loss = getattr(cf.losses, name)(write(ROWS), "ill", standardize, intercept)
    x, y = np.array([[0.5, 3], [1.5, 1], [2.5, 4], [3.5, 1], [4.5, 5]]), np.array([0, 1, 0, 1, 1])
    if standardize:
        x = (x - x.mean(axis=0)) / x.std(axis=0)
    if intercept:
        x = np.column_stack([x, np.ones(5)])
    assert loss.variables == ("w1", "w2", "b")[: x.shape[1]]
    for w in np.random.default_rng(3).normal(size=(5, loss.dim)):
        s = x @ w
        assert loss.value(w) == pytest.approx(PLAIN[name](s, y).mean(), rel=1e-13)
        assert loss.gradient(w) == pytest.approx(x.T @ (SLOPE[name](s) - y) / 5, rel=1e-12, abs=1e-14)


def test_minima_in_closed_form(write):
    """Of two rows for each x: the logit of the share, the logarithm of the mean, the line through the means."""
    counts = write("x,y\n-1,1\n-1,3\n1,6\n1,10\n")
    (m,) = cf.minima(cf.losses.poisson(counts))
    assert m.w == pytest.approx([np.log(4) / 2, np.log(16) / 2])
    (m,) = cf.minima(cf.losses.least_squares(counts))
    assert m.w == pytest.approx([3, 5]) and m.edge == pytest.approx(2)
    (m,) = cf.minima(cf.losses.logistic(write("x,y\n-1,0\n-1,0\n-1,0\n-1,1\n1,1\n1,0\n", "l.csv"), standardize=False))
    assert m.w == pytest.approx([np.log(3) / 2, -np.log(3) / 2])


def test_the_ricker_map_from_a_file(write):
    """One feature that is always 1, mean count 1: e^w − w."""
    loss = cf.losses.poisson(write("one,count\n1,0\n1,2\n"), standardize=False, intercept=False)
    assert loss.value([0.3]) == pytest.approx(np.exp(0.3) - 0.3)
    assert cf.analysis.classify(cf.as_map(loss, cf.optimizers.gd(lr=3.12)), [0.1]).period == 3


def test_any_two_labels(write):
    plain = cf.losses.logistic(write(ROWS, "a.csv"), "ill")
    other = cf.losses.logistic(write(ROWS.replace(",0,", ",-3,").replace(",1,", ",7,"), "b.csv"), "ill")
    assert other.value([0.1, 0.2, 0.3]) == plain.value([0.1, 0.2, 0.3])
    assert "-3 counts as 0, 7 as 1" in other.spec.name and "counts" not in plain.spec.name


def test_many_rows_are_a_loop_not_a_formula(write):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(20_000, 3)), rng.integers(0, 2, 20_000)
    lines = "\n".join(",".join(map(repr, row)) + f",{label}" for row, label in zip(x.tolist(), y))
    loss = cf.losses.logistic(write(lines), standardize=False)
    small = cf.losses.logistic(write("\n".join(lines.split("\n")[:50]), "small.csv"), standardize=False)
    assert loss.spec.key == small.spec.key
    w = np.array([0.3, -0.2, 0.5, 0.1])
    s = x @ w[:3] + w[3]
    assert loss.value(w) == pytest.approx((np.logaddexp(0, s) - y * s).mean(), rel=1e-12)


def test_networks_on_a_file(write):
    file = write(ROWS)
    x = np.array([[0.5, 0], [1.5, 1], [2.5, 0], [3.5, 1], [4.5, 1]])
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), np.array([3, 1, 4, 1, 5])
    w = np.random.default_rng(5).normal(size=13)
    net = cf.losses.tanh_network(3, file)
    expected = np.tanh(x @ w[:6].reshape(3, 2).T + w[6:9]) @ w[9:12] + w[12] - y
    assert net.value(w) == pytest.approx((expected**2).mean() / 2)
    linear = cf.losses.linear_network(hidden=3, file=file)
    expected = x @ w[:6].reshape(3, 2).T @ w[6:9] - y
    assert linear.value(w[:9]) == pytest.approx((expected**2).mean() / 2)
    with pytest.raises(cf.CfdynError, match="2 columns beside the targets, not inputs=3"):
        cf.losses.linear_network(inputs=3, file=file)
    with pytest.raises(cf.CfdynError, match="has 3 columns"):
        cf.losses.linear_network(outputs=3, file=file)
