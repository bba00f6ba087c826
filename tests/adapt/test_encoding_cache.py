import gc
import weakref
from threading import Thread

import torch

from segviz.adapt.encoding_cache import EncodingCache, tensor_bytes
from segviz.adapt.photo_views import EncodedView
from segviz.network.tiled import TiledEncoding

KIB = torch.zeros(256).nbytes


def view(kib):
    return EncodedView(torch.zeros(1), (torch.zeros(256 * kib - 1),), None, 0.0, {})


def test_the_least_recently_used_are_evicted():
    cache = EncodingCache(3 * KIB)
    for name in "abc":
        cache.add(name, view(1))
    assert cache.bytes == 3 * KIB and cache.find("a") is not None
    cache.add("d", view(1))
    assert [name for name in "abcd" if cache.find(name) is not None] == ["a", "c", "d"]
    cache.add("e", view(2))
    assert [name for name in "acde" if cache.find(name) is not None] == ["d", "e"]


def test_what_is_too_large_costs_nothing_else():
    cache = EncodingCache(2 * KIB)
    cache.add("a", view(2))
    cache.add("b", view(3))
    assert cache.find("b") is None and cache.find("a") is not None
    cache.add("a", view(3))
    assert cache.bytes == 0


def test_an_evicted_view_is_let_go():
    cache, found = EncodingCache(2 * KIB), view(2)
    tensor = weakref.ref(found.encoding[0])
    cache.add("a", found)
    del found
    cache.clear()
    gc.collect()
    assert tensor() is None and cache.bytes == 0


def test_bytes_of_whatever_networks_return():
    tensor = torch.zeros(256)
    tiles = TiledEncoding((), (tensor, (tensor, {"a": tensor})), (1, 1), (None, None))
    assert tensor_bytes([tensor, {"b": [tensor]}, None, "text", 1.5]) == 2 * KIB
    assert tensor_bytes(tiles) == 3 * KIB


def test_threads_keep_within_the_limit():
    cache = EncodingCache(8 * KIB)

    def work(first):
        for key in range(first, first + 200):
            cache.add(key, view(1))
            cache.find(key - 3)

    threads = [Thread(target=work, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.bytes == 8 * KIB
