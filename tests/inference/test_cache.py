"""A store with a budget in bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from latentseg_gui.inference.cache import ByteCache


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 50)), max_size=30))
def test_the_budget_holds_unless_one_entry_alone_exceeds_it(entries):
    cache = ByteCache(max_bytes=100)
    for key, size in entries:
        cache.put(key, key * 10, size)
        assert cache.get(key) == key * 10
        assert cache.nbytes <= 100 or len(cache) == 1
    sizes = {}
    for key, size in entries:
        sizes[key] = size
    assert cache.nbytes == sum(sizes[key] for key in sizes if key in cache)


def test_what_was_used_last_stays():
    cache = ByteCache(max_bytes=30)
    for key in "abc":
        cache.put(key, key.upper(), 10)
    assert cache.get("a") == "A"
    cache.put("d", "D", 10)
    assert "b" not in cache
    assert [key for key in "acd" if key in cache] == ["a", "c", "d"]


def test_an_entry_larger_than_the_budget_is_kept_alone():
    cache = ByteCache(max_bytes=30)
    cache.put("a", 1, 10)
    cache.put("b", 2, 100)
    assert cache.get("b") == 2
    assert "a" not in cache


def test_entries_can_be_dropped_by_what_their_key_says():
    cache = ByteCache(max_bytes=100)
    for key in (("x", 1), ("y", 1), ("x", 2)):
        cache.put(key, None, 10)
    cache.drop_where(lambda key: key[0] == "x")
    assert (len(cache), cache.nbytes) == (1, 10)
    cache.drop(("nobody", 0))
    assert len(cache) == 1
