"""The Fletcher-32 checksum that HDF5 puts behind a chunk, compiled.

HDF5's H5_checksum_fletcher32 sums big-endian 16-bit words w_1 ... w_n modulo 65535: sum1 = sum w_i and
sum2 = sum (n + 1 - i) w_i. Swapping the bytes of a word multiplies it by 256 modulo 65535, so the words are summed as this
machine holds them and the sums are multiplied once. A remainder of 0 is written as 65535 unless all words are 0, which
is what HDF5's folding of carries gives.
"""

from __future__ import annotations

import numba
import numpy as np

BLOCK = 256  # words; sum i w_i over a block is below 256 * 257 / 2 * 65535 < 2^32


@numba.njit(cache=True)
def fletcher32(words):
    """The checksum of little-endian `words` (n,) uint16, as an integer; n >= 1, an even number of bytes."""
    sum1, sum2, any_set = np.uint64(0), np.uint64(0), False
    whole = words.size // BLOCK * BLOCK
    for start in range(0, words.size, BLOCK):
        size = BLOCK if start < whole else words.size - whole
        plain, weighted = _block(words[start : start + BLOCK]) if start < whole else _rest(words[whole:])
        any_set = any_set or plain > 0
        sum2 = (sum2 + np.uint64(size) * sum1 + np.uint64(weighted)) % np.uint64(65535)
        sum1 = (sum1 + np.uint64(plain)) % np.uint64(65535)
    sum1 = sum1 * np.uint64(256) % np.uint64(65535)
    sum2 = sum2 * np.uint64(256) % np.uint64(65535)
    if any_set:
        sum1 = np.uint64(65535) if sum1 == 0 else sum1
        sum2 = np.uint64(65535) if sum2 == 0 else sum2
    return (sum2 << np.uint64(16)) | sum1


@numba.njit(cache=True, inline="always")
def _block(words):
    """sum w_i and sum (BLOCK + 1 - i) w_i of BLOCK words, in 32 bits: a loop of known length that becomes vector code."""
    plain, weighted = np.uint32(0), np.uint32(0)
    for i in range(BLOCK):
        word = np.uint32(words[i])
        plain = np.uint32(plain + word)
        weighted = np.uint32(weighted + np.uint32(np.uint32(BLOCK - i) * word))
    return plain, weighted


@numba.njit(cache=True)
def _rest(words):
    plain, weighted = np.uint32(0), np.uint32(0)
    for i in range(words.size):
        plain = np.uint32(plain + words[i])
        weighted = np.uint32(weighted + np.uint32(np.uint32(words.size - i) * words[i]))
    return plain, weighted
