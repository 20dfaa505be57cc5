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
    n = words.size
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        plain, weighted = np.uint32(0), np.uint32(0)
        for i in range(start, stop):
            word = np.uint32(words[i])
            plain += word
            weighted += np.uint32(stop - i) * word
        any_set = any_set or plain > 0
        sum2 = (sum2 + np.uint64(stop - start) * sum1 + np.uint64(weighted)) % np.uint64(65535)
        sum1 = (sum1 + np.uint64(plain)) % np.uint64(65535)
    sum1 = sum1 * np.uint64(256) % np.uint64(65535)
    sum2 = sum2 * np.uint64(256) % np.uint64(65535)
    if any_set:
        sum1 = np.uint64(65535) if sum1 == 0 else sum1
        sum2 = np.uint64(65535) if sum2 == 0 else sum2
    return (sum2 << np.uint64(16)) | sum1
