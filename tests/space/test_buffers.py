"""Memory comes back only when nobody can see it any more."""

import gc

import numpy as np

from pdekit.space import buffers

SHAPE = (137, 263)  # of a size that no other test leaves free blocks of


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_it_is_free():
    a = buffers.empty(SHAPE, np.float64)
    assert (a.shape, a.dtype, a.flags.c_contiguous, a.flags.writeable) == (SHAPE, np.float64, True, True)
    at = address(a)
    b = buffers.empty(SHAPE, np.float64)
    assert address(b) != at
    del a
    c = buffers.empty((2 * SHAPE[0], SHAPE[1]), np.float32)  # as many bytes
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
    kept = [b for blocks in buffers._store.sizes.values() for b in blocks]
    assert sum(b.size for b in kept) == buffers._store.total <= buffers.KEPT
    assert len({address(a) for a in large}) == 20
    assert buffers.empty((3, 4), np.float32).base is None  # small ones are left to the allocator


def test_living_arrays_do_not_make_it_slow(monkeypatch):
    """Each call looks at a bounded number of blocks, however many answers a program keeps."""
    monkeypatch.setattr(buffers, "_store", buffers._Store())
    looks = []
    monkeypatch.setattr(buffers, "_free", lambda blocks, free=buffers._free: looks.append(len(blocks)) or free(blocks))
    living = [buffers.empty((128, 64), np.float64) for _ in range(1000)]
    assert len({address(a) for a in living}) == 1000
    assert max(looks) == buffers.EACH


def test_a_size_that_is_used_outlives_those_that_are_not(monkeypatch):
    monkeypatch.setattr(buffers, "_store", buffers._Store())
    at = address(buffers.empty((1000, 1000), np.float64))
    for k in range(60):
        buffers.empty((1000, 1001 + k), np.float64)
        assert address(buffers.empty((1000, 1000), np.float64)) == at
    assert buffers.KEPT - 9_000_000 < buffers._store.total <= buffers.KEPT


def test_an_interpreter_that_counts_otherwise_gets_fresh_memory(monkeypatch):
    assert buffers.COUNTED
    for wrong in (1, 3):
        monkeypatch.setattr(buffers.sys, "getrefcount", lambda array, wrong=wrong: wrong)
        assert not buffers._counts()
    monkeypatch.setattr(buffers.sys, "getrefcount", lambda array: 2)
    assert not buffers._counts()
    monkeypatch.setattr(buffers, "COUNTED", False)
    assert buffers.empty((128, 256), np.float64).base is None
