"""Records as tables, CSV, LaTeX and arrays with named dimensions."""

import base64
import csv
import dataclasses
import json
import re
from typing import Annotated
from xml.etree import ElementTree

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.records.axes import dimensions
from cfdyn.records.record import Record
from tests.records.samples import RECORDS, made


@pytest.fixture(scope="module")
def runs():
    return made("runs")


def test_columns_carry_the_names_of_the_weights(runs):
    table = runs.table()
    names = list(runs.names[: runs.n_weights])
    assert [name for name in table if name in names] == names
    assert table[names[1]] == runs.mean[:, 1].tolist()  # the first array of weights has their names alone
    assert table[f"averaged.{names[1]}"] == runs.averaged[:, 1].tolist()
    assert {len(column) for column in table.values()} == {len(runs.t)}


def test_a_file_has_the_numbers_with_all_their_digits(tmp_path):
    orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [0.5], 10)
    with open(orbit.to_csv(tmp_path / "orbit.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["w"]) for row in rows] == orbit.z[:, 0].tolist()


FORMULAS = ("=cmd|'/c calc'!A0", "=1+1", "+1+1", "-x", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1")
NO_FORMULAS = ("-1.5", "+2", "-1e-05", "-inf", ".5", "x = 0.6", "flip", "", "3 - x")


def test_a_text_is_no_formula_for_a_spreadsheet(tmp_path):
    """In a cell and in the line of names; what looks like a number and a text that begins otherwise stay as they are."""

    @dataclasses.dataclass(frozen=True)
    class Named(Record):
        names: Annotated[tuple[str, ...], "k"]
        texts: Annotated[np.ndarray, "m", str]
        numbers: Annotated[np.ndarray, "m k"]

    texts = (*FORMULAS, *NO_FORMULAS)
    numbers = np.linspace(-1, 1, 3 * len(texts)).reshape(-1, 3)
    record = Named(("=1+1", "-x", "x"), np.array(texts), numbers)
    with open(record.to_csv(tmp_path / "x.csv"), newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    assert names == ["texts", "'=1+1", "'-x", "x"]
    assert [row[0] for row in rows] == [f"'{text}".replace("\r", " ") for text in FORMULAS] + list(NO_FORMULAS)
    assert [[float(number) for number in row[1:]] for row in rows] == numbers.tolist()
    lines = record.to_latex().splitlines()
    assert lines[2].startswith("texts & '=1+1 & '-x & x") and lines[5].startswith("'=1+1 & ")
    assert all(line[:1] not in "=+-@" for line in lines[4 : 4 + len(FORMULAS)])
    del Record.kinds["Named"]


def test_axes_are_named_by_the_class(runs):
    found = dimensions(runs)
    assert found["covariance"][0] == ("m", "d", "d2")
    assert found["quantiles"][0] == ("m", "q", "d")
    assert found["t"][1] is runs.t


@pytest.mark.parametrize("name", ["branch", "cycles", "comparison"])
def test_latex_is_one_row_for_a_row_with_no_bare_signs(name):
    record = next(made(key) for key in RECORDS if key.startswith(name) and hasattr(made(key), "to_latex") and is_table(made(key)))
    text = record.to_latex(rows=3)
    body = text.split("\\midrule\n")[1].split("\n\\bottomrule")[0]
    size = len(next(iter(record.table().values())))
    assert len(body.splitlines()) == min(size, 3) + (size > 3)
    assert {line.count("&") - line.count("\\&") for line in body.splitlines()[: min(size, 3)]} == {len(record.table()) - 1}
    assert not re.search(r"(?<![\\$\d{^])[_#%]", body)


def is_table(record):
    try:
        return bool(record.table())
    except UsageError:
        return False


def test_what_is_no_table_says_so():
    with pytest.raises(UsageError, match="a Regime is not a table"):
        made("regime").table()
    with pytest.raises(UsageError, match="unknown column 'losss'; did you mean 'loss'"):
        made("runs").to_latex(["losss"])


def test_a_notebook_shows_the_table_and_the_figure():
    orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [0.5], 30)
    page = ElementTree.fromstring(orbit._repr_html_())
    assert [cell.text for cell in page.iterfind(".//td")] == [f"{w:.6g}" for w in orbit.w[:6, 0]]
    assert page.find(".//caption").text == "25 more rows: to_pandas()"
    picture = base64.b64decode(page.find(".//img").get("src").partition("base64,")[2])
    assert picture.startswith(b"\x89PNG")


def test_what_stands_in_a_record_is_text_and_no_page():
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
    found = cf.analysis.classify(step, [0.3])
    hostile = dataclasses.replace(found, reason="<script>alert(1)</script>")
    assert "<script>" not in hostile._repr_html_()


def test_a_notebook_shows_a_study_as_its_headline_and_a_list():
    found = cf.study(cf.losses.double_well(), cf.optimizers.gd(lr=0.9))
    page = ElementTree.fromstring(found._repr_html_())
    assert page.find("p/strong").text == found.headline
    assert [item.text for item in page.findall("ul/li")] == found.bullets
    assert page.find("img") is not None and page.find("details/table") is not None


@pytest.mark.parametrize("name", list(RECORDS))
def test_every_record_is_a_dataset(name):
    import xarray

    record = made(name)
    found = record.to_xarray()
    assert isinstance(found, xarray.Dataset)
    for key, (_, array) in dimensions(record).items():
        np.testing.assert_array_equal(found[key], array)
    assert isinstance(json.loads(found.attrs["provenance"]), dict)


def test_what_varies_is_a_coordinate_with_its_name():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))
    grid = made("regimes").to_xarray()
    assert grid.labels.dims == ("a", "lr") and grid.looked.dims == ("a", "lr")
    assert grid.labels.sel(lr=1.1, a=1.0).item() == cf.analysis.classify(step.at(lr=1.1, a=1.0), [0.5]).period == 2
    bands = made("bands").to_xarray()
    assert bands.exponents.dims == ("lr",) and bands.coords["lr"].values.tolist() == made("bands").values.tolist()
    branch = made("branch").to_xarray()
    assert branch.stable.dims == ("lr",) and branch.points.dims == ("lr", "n", "D") and branch.D.values.tolist() == ["w"]


def test_a_notebook_shows_formulas_and_proofs():
    loss, gd = cf.losses.double_well(), cf.optimizers.gd(lr=1.1)
    assert loss._repr_latex_() == rf"$\displaystyle L = {loss.latex()},\quad a = 1$"
    assert f"$$L = {loss.latex()}$$" in cf.as_map(loss, gd)._repr_markdown_()
    assert r"$$\frac{dx}{dt} = v$$" in cf.Flow.from_text("v; x - x**3", "x v")._repr_markdown_()
    proof = cf.certify.cycle(loss, gd, [1.116, 0.815])
    page = ElementTree.fromstring(proof._repr_html_())
    assert page.find("b").text == "Proved" and proof.statement in "".join(page.itertext())


def test_a_table_is_a_frame(runs):
    import pandas

    frame = runs.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["loss"].tolist() == runs.loss.tolist()
