"""`cf.data.csv`: tables as users have them, with texts and gaps, against arrays that were put together by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.networks._written import make_data

TABLE = """height,site,dose,state
160,north,1,well
NA,south,2,ill
172,,5,ill
181,east,2,
169,south,,mild
175,north,1,ill
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(TABLE)
    return str(path)


def test_rows_without_gaps(file):
    rows = cf.data.csv(file, missing="drop", standardise=False)
    assert rows.inputs.tolist() == [[160, 1, 1], [175, 1, 1]] and rows.labels.tolist() == [1, 0]  # ill, well by the alphabet
    assert rows.title == f"csv:path={file},missing=drop,standardise=false"


def test_gaps_are_filled_with_the_mean_of_the_rows_that_have_a_target(file):
    rows = cf.data.csv(file, missing="mean", standardise=False)
    mean = (160 + 172 + 169 + 175) / 4  # the fourth row has no target
    assert rows.inputs.tolist() == [[160, 1, 0, 1], [mean, 0, 1, 2], [172, 0, 0, 5], [169, 0, 1, 9 / 4], [175, 1, 0, 1]]
    assert rows.labels.tolist() == [2, 0, 0, 1, 0] and rows.n_outputs == 3


def test_numbers_are_predicted_or_are_classes(file):
    plain = cf.data.csv(file, target="dose", missing="mean", without="state;site", standardise=False)
    assert plain.targets.ravel().tolist() == [1, 2, 5, 2, 1] and plain.labels is None
    assert cf.data.csv(file, target="dose", missing="mean", labels=True).labels.tolist() == [0, 1, 2, 1, 0]
    scaled = cf.data.csv(file, target="dose", missing="mean")
    assert scaled.targets.mean() == pytest.approx(0, abs=1e-15) and scaled.targets.std() == pytest.approx(1)
    for options in ({"classes": 2}, {"random_labels": 0.5}):
        with pytest.raises(cf.CfdynError, match=r"belong to classes.*labels=true"):
            cf.data.csv(file, target="dose", missing="mean", **options)


def test_the_title_makes_the_rows_again(file):
    rows = cf.data.csv(file, target="state", missing="mean", without="site", n=4, seed=3)
    again = make_data(rows.title)
    assert (again.inputs == rows.inputs).all() and (again.labels == rows.labels).all() and len(again) == 4
    short = make_data(f"csv:{file},missing=mean,without=site,n=4,seed=3")
    assert (short.inputs == rows.inputs).all()


def test_inputs_are_standardised(file):
    rows = cf.data.csv(file, missing="mean")
    assert np.abs(rows.inputs.mean(axis=0)).max() < 1e-12 and rows.inputs.std(axis=0) == pytest.approx(1)


REFUSED = {
    "a gap": ({}, TABLE, r"missing in column 'height', line 3 of .*; gaps are in 4 of 6 rows: missing=drop .* missing=mean"),
    "another way": ({"missing": "median"}, TABLE, "missing is refuse, drop or mean, not 'median'"),
    "no such column": ({"target": "stat"}, TABLE, "did you mean 'state'"),
    "left out what is not there": ({"without": "sites"}, TABLE, "did you mean 'site'"),
    "no input": ({"without": "height;site;dose"}, TABLE, "no column for an input beside the target 'state'"),
    "both kinds": ({}, "a,b\n1,x\n2,y\nthree,x\n", r"numbers and texts, such as 'three' in line 4: .* without=a"),
    "an empty column": ({"missing": "mean"}, "a,c,b\n1,,x\n2,,y\n", "column 'c' of .* is empty; leave it out: without=c"),
    "names of persons": ({}, "a,b\n" + "".join(f"p{k},{k}\n" for k in range(30)), r"has 30 different texts.*without=a"),
    "one class": ({}, "a,b\n1,x\n2,x\n", "holds one class only, x"),
    "too few rows": ({"missing": "drop"}, "a,b\n1,x\n,y\n", "1 row without gaps; two are the least; missing=mean keeps"),
    "decimal commas": ({}, "a;b\n1,5;x\n2,5;y\n", "written otherwise, such as '1,5' in line 2: decimals take a point"),
    "decimal commas, some": ({}, "a;b\n1,5;x\n2;y\n", "written otherwise, such as '1,5' in line 2"),
    "a target with decimal commas": ({}, "a;b\n1;2,5\n2;3,5\n", "column 'b' .* written otherwise"),
    "units": ({}, "a,b\n12 %,x\n13 %,y\n", "written otherwise, such as '12 %'"),
    "the first row is no line of names": ({}, "5.1,3.5,setosa\n4.9,3.0,virginica\n5,3,setosa\n", "put a line above it"),
    "numbers of rows": ({}, ",a,b\n0,1.5,x\n1,2.5,y\n", "counts the rows; leave it out: without=c1"),
    "nothing to predict": ({}, "a,b\n1,.1\n2,.1\n3,.1\n", "column 'b' is constant, 0.1 in each row"),
    "as many classes as rows": ({}, "a,b\n" + "".join(f"{k},n{k}\n" for k in range(1001)), "1001 different entries, and 1000 classes are"),
    "classes beyond floats": ({"labels": True}, "a,b\n1,9007199254740993\n2,9007199254740992\n", "beyond 2.53"),
    "too large": ({"standardise": False}, "a,b\n1e200,x\n-1e200,y\n", "column 'a' of .* too large or too small"),
    "too small": ({}, "a,b\n1e-320,x\n3e-320,y\n", "too large or too small"),
    "a sum that overflows": ({"missing": "mean"}, "a,b\n1e308,x\n1.7e308,y\n,x\n", "too large or too small"),
    "a quote": ({}, 'a,b\n"1,x\n2,y\n', "line 2 of .*: a quote is not closed in it"),
    "infinite": ({}, "a,b\ninf,x\n2,y\n", "not finite"),
    "no names": ({}, "1,2\n3,4\n", "put a line above it"),
    "a short row": ({}, "a,b\n1\n", "line 2 of .* has 1 entry, and the first line has 2"),
    "empty": ({}, "", "is empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_says_what_to_do(case, tmp_path):
    options, text, words = REFUSED[case]
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(cf.CfdynError, match=words):
        cf.data.csv(str(path), **options)


@pytest.mark.parametrize("gap", [False, True])
def test_a_constant_input_is_0_whatever_its_mean_is_rounded_to(gap, tmp_path):
    """The mean of 0.1, 0.1, 0.1 is 0.10000000000000002: spread and distance to it are equal, and the quotient is ±1."""
    path = tmp_path / "own.csv"
    path.write_text("a,c,b\n1,0.1,x\n2,0.1,y\n4,0.1,x\n" + ("5,,y\n" if gap else ""))
    assert np.mean([0.1] * 3) != 0.1
    assert (cf.data.csv(str(path), missing="mean").inputs[:, 1] == 0).all()


@pytest.mark.parametrize("text", ["a;b\r\n1;x\r\n2;y\r\n", "\ufeffa,b\n1,x\n\n2,y", 'a\t"b"\n1\t"x"\n2\t"y"\n', "# a , b\n 1 , x \n２,y\n"])
def test_one_table_as_many_programs_write_it(text, tmp_path):
    path = tmp_path / "of mine=2.csv"
    path.write_bytes(text.encode())
    rows = cf.data.csv(str(path), target=" b", standardise=False)
    assert rows.inputs.tolist() == [[1], [2]] and rows.labels.tolist() == [0, 1]
    assert (make_data(rows.title).inputs == rows.inputs).all()


def test_one_long_text_takes_no_more_memory_than_it_has(tmp_path):
    """Fixed widths would be 10⁴ × 100 kB × 4. A file is read into 256 MB."""
    path = tmp_path / "own.csv"
    path.write_text("a,b\n" + "x" * 100_000 + ",p\n" + "y,q\n" * 10_000)
    tracemalloc.start()
    rows = cf.data.csv(str(path), standardise=False)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.inputs.sum(axis=0).tolist() == [1, 10_000] and most < 400e6


def test_a_network_is_trained_on_it(file, tmp_path):
    run = cf.train(network="mlp:widths=2", data=f"csv:{file},missing=mean", optimizer="gd:lr=0.2", steps=20, runs="discrete",
                   out=str(tmp_path / "run"))  # fmt: skip
    rows = cf.data.csv(file, missing="mean")
    net = cf.networks.mlp(rows, widths="2")
    assert run.status == "done" and run.loss[0] == pytest.approx(net.value(net.start), rel=1e-12)
