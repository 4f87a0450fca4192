"""Counted random numbers: the published vectors of the generator, and what is made of its words."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cfdyn.ensembles._kernels.random import HELD, begin_stream, below, normal, philox
from cfdyn.machine.jit import kernel

# D. E. Shaw Research, Random123, file kat_vectors: "philox4x32 10", counter, key, output.
PUBLISHED = [
    ((0x00000000,) * 4, (0x00000000,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]  # fmt: skip


@kernel
def compiled(counter, key):
    return philox(int(counter[0]), int(counter[1]), int(counter[2]), int(counter[3]), int(key[0]), int(key[1]))


@kernel
def drawn(seed, run, kind, n, whole, normals):
    """Numbers in [0, n), then normal ones, of one stream."""
    stream = np.empty(HELD, np.int64)
    begin_stream(stream, seed, run, kind)
    for k in range(whole.size):
        whole[k] = below(stream, k, n)
    for k in range(normals.size):
        normals[k] = normal(stream, k)


def numbers(seed=0, run=0, kind=0, n=12, count=100_000):
    whole, normals = np.empty(count, np.int64), np.empty(count)
    drawn(seed, run, kind, n, whole, normals)
    return whole, normals


@pytest.mark.parametrize(("counter", "key", "output"), PUBLISHED)
def test_the_generator_is_the_published_one(counter, key, output):
    assert compiled(np.array(counter), np.array(key)) == output
    assert philox(*counter, *key) == output


def test_whole_numbers_are_equally_likely():
    found = np.bincount(numbers()[0], minlength=12)
    assert len(found) == 12
    assert stats.chisquare(found).pvalue > 1e-3


def test_pairs_of_successive_numbers_are_independent():
    whole = numbers(seed=3)[0]
    table = np.bincount(12 * whole[:-1] + whole[1:], minlength=144)
    assert stats.chisquare(table).pvalue > 1e-3


def test_normal_numbers_are_normal():
    found = numbers(seed=1)[1]
    assert stats.kstest(found, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 4 / np.sqrt(len(found))


@pytest.mark.parametrize("other", [{"seed": 1}, {"run": 1}, {"kind": 1}, {"seed": 2**32}, {"run": 2**32 - 1}])
def test_streams_have_nothing_in_common(other):
    (whole, normals), (wholes, others) = numbers(), numbers(**other)
    assert abs(np.corrcoef(normals, others)[0, 1]) < 4 / np.sqrt(len(normals))
    assert abs((whole == wholes).mean() - 1 / 12) < 4 * np.sqrt(11 / 144 / len(whole))
