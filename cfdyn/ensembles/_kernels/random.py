"""Random numbers that are counted: each is a function of its place in a stream and needs none before it (Philox 4x32-10).

A stream has a seed of 64 bits, a number (a run) and a kind (what it is for), both of 32 bits; its words, of 32 bits, are
counted from 0. Salmon, Moraes, Dror & Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.
"""

import numpy as np

from cfdyn.machine.jit import inline_kernel

WORD = 0xFFFFFFFF
ROWS, LABELS, GRADIENTS = 0, 1, 2  # kinds of streams
HELD = 9  # whole numbers that a stream is: seed (2), run, kind, where its last four words are, and these


@inline_kernel
def philox(c0, c1, c2, c3, k0, k1) -> tuple[int, int, int, int]:
    """Four words from a counter of four words and a key of two."""
    for _ in range(10):
        # Signed products wrap beyond 2⁶³, but their 64 bits are those of the unsigned ones.
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = ((b >> 32) & WORD) ^ c1 ^ k0, b & WORD, ((a >> 32) & WORD) ^ c3 ^ k1, a & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


@inline_kernel
def begin_stream(stream, seed, run, kind) -> None:
    """Let ``stream`` (HELD,) be the one of this seed, run and kind."""
    stream[0], stream[1], stream[2], stream[3], stream[4] = seed & WORD, (seed >> 32) & WORD, run, kind, -1


@inline_kernel
def words_at(stream, block) -> None:
    """Let the stream hold its words 4 ``block``…4 ``block`` + 3."""
    if stream[4] != block:
        # Whole numbers without a bound where nothing is compiled.
        run, kind, low, high = int(stream[2]), int(stream[3]), int(stream[0]), int(stream[1])
        made = philox(int(block) & WORD, (int(block) >> 32) & WORD, run, kind, low, high)
        stream[4], stream[5], stream[6], stream[7], stream[8] = block, made[0], made[1], made[2], made[3]


@inline_kernel
def below(stream, place, n) -> int:
    """A whole number in [0, n) from one word; n < 2³¹. The chances are equal up to n/2³²."""
    words_at(stream, place >> 2)
    return (int(stream[5 + (place & 3)]) * n) >> 32


@inline_kernel
def normal(stream, place) -> float:
    """A normal number of mean 0 and variance 1 from two words in four (Box & Muller)."""
    words_at(stream, place >> 1)
    u = (((stream[5] << 21) | (stream[6] >> 11)) + 0.5) * 2.0**-53
    angle = 2.0 * np.pi * (((stream[7] << 21) | (stream[8] >> 11)) + 0.5) * 2.0**-53
    return np.sqrt(-2.0 * np.log(u)) * (np.cos(angle) if place & 1 == 0 else np.sin(angle))
