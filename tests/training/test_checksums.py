"""A bit that is another one in the arrays of a run is told; runs of earlier versions, without checksums, are read as before."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
import zarr

import cfdyn as cf
from cfdyn.errors import RecordError
from cfdyn.training.files import frames
from tests.training import toy
from tests.training.runs import same


def test_a_flipped_bit_in_a_chunk_is_a_sentence(train):
    run = train()
    path = run.folder / "run.zarr" / "steps" / "swing" / "c" / "0"
    whole = path.read_bytes()
    assert np.isfinite(cf.load(run.folder).swing[1:-1]).all() and len(whole) > 500
    for place in range(0, 8 * len(whole), 8 * len(whole) // 40):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(RecordError, match="the array steps/swing in .* is damaged"):
            print(cf.load(run.folder).swing)
    path.write_bytes(whole)
    assert len(cf.load(run.folder).swing) == run.steps + 1


@pytest.mark.parametrize("change", [('"rows": ', '"rows": 1'), ('"steps": 1', '"steps": '), ('"done"', '"dond"'), ('"rows/step": 1', '"rows/step": 0')])
def test_a_change_in_what_the_arrays_say_of_themselves_is_told(change, train):
    run = train()
    group = run.folder / "run.zarr" / "zarr.json"
    text = group.read_text()
    assert change[0] in text and cf.load(run.folder).status == "done"
    group.write_text(text.replace(*change))
    with pytest.raises(RecordError, match="cannot be read .what they say of themselves was changed"):
        cf.load(run.folder)


def test_arrays_without_checksums_are_read_and_gone_on_with(train, tmp_path):
    whole, run = train(), train()
    group = zarr.open_group(str(run.folder / "run.zarr"), mode="r+")
    for room in ("steps", "rows"):
        for name, array in list(group[room].arrays()):
            old, shape, pieces = array[:], array.shape, array.chunks
            group[room].create_array(name, shape=shape, chunks=pieces, dtype="float64", fill_value=np.nan, overwrite=True)[:] = old
    plain = json.loads((run.folder / "run.zarr" / "steps" / "loss" / "zarr.json").read_text())
    assert [codec["name"] for codec in plain["codecs"]] == ["bytes", "zstd"]
    same(whole.folder, run.folder)
    longer = cf.train(resume=run.folder, network=toy.Toy(), steps=170)
    assert longer.status == "done" and longer.loss[: len(whole.loss)].tobytes() == whole.loss.tobytes()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_791, 65_792, 10**6])
def test_how_much_a_frame_unpacks_to(size):
    """As zstd itself writes it, whatever the length of the field."""
    from numcodecs.zstd import Zstd

    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    assert frames.frame_size(Zstd(level=1).encode(data)[:18]) == size
    assert frames.frame_size(zlib.compress(data)[:18]) is None
