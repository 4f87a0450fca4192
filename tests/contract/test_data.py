"""What every data set in the folder must do, each found by its file; those that read local files find small ones here."""

from __future__ import annotations

import gzip
import inspect
import math
import pickle

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.networks._written import make_data
from cfdyn.registry import describe

NAMES = [name for name in cf.data.names() if name != "csv"]  # it needs a file, and has tests of its own
LOCAL = [name for name in NAMES if "path" in inspect.signature(getattr(cf.data, name)).parameters]


def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes, as its format is published: 0, 0, 8 for bytes, the number of dimensions, these, the bytes."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture(scope="module", autouse=True)
def files(tmp_path_factory):
    """Thirty pictures of ten classes for each data set that reads files."""
    home, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name in LOCAL:
        (home / name).mkdir()
    labels = np.arange(30) % 10
    for name in ("mnist", "fashion_mnist"):
        pictures = rng.integers(256, size=(30, 28, 28))
        (home / name / "train-images-idx3-ubyte").write_bytes(idx(pictures))
        with gzip.open(home / name / "train-labels-idx1-ubyte.gz", "wb") as file:
            file.write(idx(labels))
    records = np.column_stack([labels[:6], rng.integers(256, size=(6, 3072))]).astype(np.uint8)
    for k in range(1, 6):
        records[:, 0] = labels[6 * (k - 1) : 6 * k]
        (home / "cifar10" / f"data_batch_{k}.bin").write_bytes(records.tobytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFDYN_DATA_DIR", str(home))
        yield home


def test_the_folder_is_not_empty():
    assert set(NAMES) >= {"digits", "breast_cancer", "wine", "iris", "diabetes", "mnist", "fashion_mnist", "cifar10", "sorting",
                          "copying", "moons", "circles", "parity", "chebyshev"}  # fmt: skip
    assert LOCAL == ["cifar10", "fashion_mnist", "mnist"]


@pytest.mark.parametrize("name", NAMES)
def test_docstring(name):
    entry = getattr(cf.data, name)
    found = describe(entry)
    assert found["summary"].endswith(".") and len(found["reference"]) > 10 and ">>>" in inspect.getdoc(entry)


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_fit_and_the_title_makes_them_again(name):
    rows = getattr(cf.data, name)()
    assert isinstance(rows, cf.DataSet) and len(rows) == len(rows.inputs) == len(rows.targets) > 1
    assert rows.inputs.dtype == (np.int64 if rows.symbols else np.float64) and rows.targets.dtype == np.float64
    assert np.isfinite(rows.inputs).all() and np.isfinite(rows.targets).all()
    again = make_data(rows.title)
    assert again.title == rows.title == name
    for found in (again, pickle.loads(pickle.dumps(rows))):
        assert (found.inputs == rows.inputs).all() and (found.targets == rows.targets).all()


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_the_targets(name):
    rows = getattr(cf.data, name)()
    assert (name in ("diabetes", "chebyshev")) == (rows.labels is None)
    classes = np.zeros(0) if rows.labels is None else rows.labels
    assert (rows.targets.argmax(axis=-1) == classes).all() if rows.labels is not None else rows.n_outputs == 1


SEEDED = [name for name in NAMES if "seed" in inspect.signature(getattr(cf.data, name)).parameters]
COUNTED = [name for name in NAMES if "n" in inspect.signature(getattr(cf.data, name)).parameters]


@pytest.mark.parametrize("name", SEEDED)
def test_the_seed_decides(name):
    first, same, other = (getattr(cf.data, name)(n=20, seed=seed) for seed in (1, 1, 2))
    assert (first.inputs == same.inputs).all() and not (first.inputs == other.inputs).all()
    for seed in (math.nan, -1, 0.5, "x"):
        with pytest.raises(cf.CfdynError, match="seed"):
            getattr(cf.data, name)(seed=seed)


@pytest.mark.parametrize("name", COUNTED)
def test_the_number_of_rows(name):
    assert len(getattr(cf.data, name)(n=14)) == 14
    for n in (math.nan, 0, 10**12, 2.5, "x"):
        with pytest.raises(cf.CfdynError, match=r"n`? is a whole number"):
            getattr(cf.data, name)(n=n)


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options(name):
    with pytest.raises(cf.CfdynError, match=f"data set {name}"):
        make_data(f"{name}:nonsense=1")
    with pytest.raises(cf.CfdynError, match=f"unknown option of {name}: 'nonsense'"):
        getattr(cf.data, name)(nonsense=1)


WITH_CLASSES = [name for name in NAMES if "classes" in inspect.signature(getattr(cf.data, name)).parameters]


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_classes_by_number_and_by_name(name):
    entry = getattr(cf.data, name)
    all_rows, two = entry(standardise=False), entry(classes=2, standardise=False)
    assert (two.inputs == all_rows.inputs[all_rows.labels < 2]).all() and two.n_outputs == 2
    turned = make_data(f"{name}:classes=1-0,standardise=false")
    assert (turned.inputs == two.inputs).all() and (turned.labels == 1 - two.labels).all()
    assert turned.title == f"{name}:classes=1-0,standardise=false" == entry(classes=[1, 0], standardise=False).title
    for classes in (1, 99, "0-0", "a-b", "0-99", math.nan, [0]):
        with pytest.raises(cf.CfdynError, match="class"):
            entry(classes=classes)


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_standardised_over_the_rows_that_were_picked(name):
    rows = getattr(cf.data, name)(classes=2)
    spread = rows.inputs.std(axis=0)
    assert np.abs(rows.inputs.mean(axis=0)).max() < 1e-12 and (np.isclose(spread, 1, atol=1e-12) | (spread == 0)).all()


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_a_share_of_the_labels_is_drawn_anew(name):
    entry = getattr(cf.data, name)
    plain, half, all_of = (entry(random_labels=share) for share in (0.0, 0.5, 1.0))
    changed = [(plain.labels != rows.labels).mean() for rows in (half, all_of)]
    kinds = plain.n_outputs
    assert 0 < changed[0] <= 0.5 and abs(changed[1] - (1 - 1 / kinds)) < 0.35 and (half.inputs == plain.inputs).all()
    for share in (math.nan, -0.1, 1.5):
        with pytest.raises(cf.CfdynError, match="random_labels"):
            entry(random_labels=share)


def test_the_nearest_name_is_told():
    with pytest.raises(cf.CfdynError, match="unknown data set 'fashon_mnist'; did you mean 'fashion_mnist'"):
        cf.data.get("fashon_mnist")


# -- local files --------------------------------------------------------------------------------------


def test_pictures_are_the_bytes_of_the_file(files):
    rows = cf.data.mnist(standardise=False)
    raw = (files / "mnist" / "train-images-idx3-ubyte").read_bytes()[16:]
    assert rows.inputs.shape == (30, 1, 28, 28) and (rows.inputs.ravel() * 255).round().tolist() == list(raw)
    assert rows.labels.tolist() == [k % 10 for k in range(30)]
    record = (files / "cifar10" / "data_batch_2.bin").read_bytes()[:3073]
    photos = cf.data.cifar10(standardise=False)
    assert photos.inputs.shape == (30, 3, 32, 32) and photos.labels[6] == record[0]
    assert (photos.inputs[6].ravel() * 255).round().tolist() == list(record[1:])


@pytest.mark.parametrize("name", LOCAL)
def test_what_is_absent_is_told_with_where_to_put_it(name, tmp_path):
    for options in ({"path": str(tmp_path)}, {"part": "test"}):
        with pytest.raises(cf.CfdynError, match=f"{name}: there is no .* put the file of {name} there, or name its folder"):
            getattr(cf.data, name)(**options)
    with pytest.raises(cf.CfdynError, match="part is train or test"):
        getattr(cf.data, name)(part="all")


DAMAGED = {
    "cut off": (lambda raw: raw[:-5], "cut off"), "head alone": (lambda raw: raw[:7], "cut off"), "empty": (lambda raw: b"", "not an IDX"),
    "too long": (lambda raw: raw + b"0", "too long"), "labels": (lambda raw: idx(np.zeros(30)), "magic number 2049, not 2051"),
    "a pickle": (lambda raw: pickle.dumps([1]), "magic number"),
    "huge": (lambda raw: raw[:4] + b"\xff" * 12 + raw[16:], "cut off"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_idx_files(damage, files, tmp_path):
    change, words = DAMAGED[damage]
    (tmp_path / "train-images-idx3-ubyte").write_bytes(change((files / "mnist" / "train-images-idx3-ubyte").read_bytes()))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(30)))
    with pytest.raises(cf.CfdynError, match=words):
        cf.data.mnist(path=str(tmp_path))


def test_damaged_archives_labels_and_records(files, tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((3, 2, 2))))
    packed = gzip.compress(idx(np.arange(3)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(packed[:-6])
    with pytest.raises(cf.CfdynError, match="cannot be read"):
        cf.data.mnist(path=str(tmp_path))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(4))))
    with pytest.raises(cf.CfdynError, match="3 pictures, and train-labels has 4 labels"):
        cf.data.mnist(path=str(tmp_path))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([0, 1, 10]))))
    with pytest.raises(cf.CfdynError, match="a label is 10"):
        cf.data.mnist(path=str(tmp_path))
    (tmp_path / "data_batch_1.bin").write_bytes((files / "cifar10" / "data_batch_1.bin").read_bytes()[:-1])
    with pytest.raises(cf.CfdynError, match="data_batch_1.bin is cut off, or not of the binary version"):
        cf.data.cifar10(path=str(tmp_path))


# -- tasks that are made ------------------------------------------------------------------------------


def test_sequences():
    rows = cf.data.sorting(n=40, length=5, symbols=3, seed=4)
    assert (np.sort(rows.inputs[:, :5] - 1) == rows.labels).all() and not rows.inputs[:, 5:].any() and rows.symbols == 4
    rows = cf.data.copying(n=40, length=5, symbols=3, delay=4)
    assert (rows.inputs[:, :5] - 1 == rows.labels).all() and rows.inputs.shape == (40, 14) and rows.targets.shape == (40, 5, 3)


def test_points_in_the_plane():
    rows = cf.data.moons(n=101, noise=0.0)
    upper, lower = (rows.inputs[rows.labels == k] for k in (0, 1))
    assert np.hypot(*upper.T) == pytest.approx(1) and np.hypot(*(lower - [1, 0.5]).T) == pytest.approx(1)
    assert (upper[:, 1] >= -1e-12).all() and (lower[:, 1] <= 0.5 + 1e-12).all()
    for make in (cf.data.moons, cf.data.circles):
        spread = (make(n=4000, noise=0.2).inputs - make(n=4000, noise=0.0).inputs).std()
        assert spread == pytest.approx(0.2, rel=0.03)
        for noise in (math.nan, -1.0):
            with pytest.raises(cf.CfdynError, match="noise"):
                make(noise=noise)


def test_parities():
    rows = cf.data.parity(bits=5, of=3)
    assert rows.inputs.shape == (32, 5) and (rows.labels == (rows.inputs[:, :3].prod(axis=1) < 0)).all()
    for bits in (10, 40):
        many = cf.data.parity(bits=bits, n=500)
        assert len(np.unique(many.inputs, axis=0)) == 500 and (many.labels == (many.inputs.prod(axis=1) < 0)).all()


def test_polynomials():
    rows = cf.data.chebyshev(degree=5, n=33)
    assert rows.targets[:, 0] == pytest.approx(np.cos(5 * np.arccos(rows.inputs[:, 0])), abs=1e-14)
