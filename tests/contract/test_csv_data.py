"""`cf.data.csv`: tables as users have them, with texts and gaps, against arrays that were put together by hand."""

from __future__ import annotations

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
    assert rows.title == f"csv:file={file},missing=drop,standardise=false"


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


def test_a_network_is_trained_on_it(file, tmp_path):
    run = cf.train(network="mlp:widths=2", data=f"csv:{file},missing=mean", optimizer="gd:lr=0.2", steps=20, runs="discrete",
                   out=str(tmp_path / "run"))  # fmt: skip
    rows = cf.data.csv(file, missing="mean")
    net = cf.networks.mlp(rows, widths="2")
    assert run.status == "done" and run.loss[0] == pytest.approx(net.value(net.start), rel=1e-12)
