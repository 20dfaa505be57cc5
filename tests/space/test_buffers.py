"""Memory comes back only when nobody can see it any more."""

import gc

import numpy as np

from pdekit.space import buffers


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_it_is_free():
    a = buffers.empty((128, 256), np.float64)
    assert (a.shape, a.dtype, a.flags.c_contiguous, a.flags.writeable) == ((128, 256), np.float64, True, True)
    at = address(a)
    b = buffers.empty((128, 256), np.float64)
    assert address(b) != at
    del a
    c = buffers.empty((256, 256), np.float32)  # as many bytes
    assert address(c) == at


def test_views_keep_it():
    a = buffers.zeros((128, 256), np.float64)
    at, view = address(a), a.T[3:5].reshape(-1)[::2]
    inner = memoryview(a)
    del a
    assert address(buffers.empty((128, 256), np.float64)) != at
    del view
    assert address(buffers.empty((128, 256), np.float64)) != at
    del inner
    gc.collect()
    free = [buffers.empty((128, 256), np.float64) for _ in range(4)]
    assert at in [address(f) for f in free]


def test_no_two_living_arrays_share_memory():
    rng, living = np.random.default_rng(0), []
    for k in range(300):
        if living and rng.random() < 0.5:
            array, value = living.pop(rng.integers(len(living)))
            assert (array == value).all()
            del array
        fresh = buffers.empty((int(rng.integers(1, 4)) * 100, 100), [np.float32, np.float64][int(rng.integers(2))])
        fresh.fill(k)
        living.append((fresh, k))
    assert all((array == value).all() for array, value in living)


def test_zeros_are_zeros_and_what_is_kept_is_bounded():
    buffers.empty((200, 200), np.float64).fill(np.nan)
    assert (buffers.zeros((200, 200), np.float64) == 0).all()
    large = [buffers.empty((1024, 1024), np.float64) for _ in range(20)]
    assert sum(b.size for b in buffers._store.blocks) <= buffers.KEPT
    assert len({address(a) for a in large}) == 20
    assert buffers.empty((3, 4), np.float32).base is None  # small ones are left to the allocator
