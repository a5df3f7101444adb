# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
from PIL import Image

from lepton_lab.datasets import ImageDataset, Sample, Split
from lepton_lab.datasets.cache import PixelCache
from lepton_lab.errors import DataError
from lepton_lab.runtime.decode import decode_image
from tests.datasets.trees import encoded, folder, picture, save, three_lines

NOTHING = 0


def split(payloads, cache=None):
    samples = [Sample(f"{i:02d}", payload, i % 2) for i, payload in enumerate(payloads)]
    return Split("train", samples, ("even", "odd"), cache)


def test_a_split_is_a_sequence_of_samples():
    one = split([encoded(i) for i in range(5)])
    assert len(one) == 5 and one[4].id == "04" and [s.id for s in one][-1] == "04"
    assert one.targets.tolist() == [0, 1, 0, 1, 0] and one.targets.dtype == np.int64
    assert one.counts().tolist() == [3, 2]
    with pytest.raises(IndexError):
        one[5]


def test_a_sample_without_a_label_counts_nowhere():
    one = Split("test", [Sample("a", b"", None), Sample("b", b"", 1)], ("x", "y"))
    assert one.targets.tolist() == [-1, 1] and one.counts().tolist() == [0, 1]


def test_subsets_and_slices_keep_the_order_asked_for_and_share_the_cache():
    one = split([encoded(i) for i in range(6)])
    part = one.subset([4, 1])
    assert [s.id for s in part] == ["04", "01"] and part.targets.tolist() == [0, 1]
    assert [s.id for s in one[1:6:2]] == ["01", "03", "05"]
    part.read(0)
    assert one.cache is part.cache and len(one.cache) == 1


def test_reading_is_what_an_artifact_decodes(tmp_path):
    path = save(tmp_path / "a.jpg", 3, (700, 500))
    one = split([path, path.read_bytes(), picture(4), np.asarray(picture(5))])
    np.testing.assert_array_equal(one.read(0), decode_image(path))
    np.testing.assert_array_equal(one.read(1), decode_image(path))
    np.testing.assert_array_equal(one.read(2), np.asarray(picture(4)))
    np.testing.assert_array_equal(one.read(3), np.asarray(picture(5)))


def test_the_bytes_are_the_files_own_or_a_png_of_the_pixels(tmp_path):
    path = save(tmp_path / "a.jpg", 3)
    one = split([path, path.read_bytes(), np.asarray(picture(5))])
    assert one.read_bytes(0) == one.read_bytes(1) == path.read_bytes()
    assert one.read_bytes(2).startswith(b"\x89PNG")
    np.testing.assert_array_equal(decode_image(one.read_bytes(2)), np.asarray(picture(5)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(640, 480), (480, 641), (1600, 300), (70, 60), (20, 500)])
def test_training_pixels_are_the_same_cached_or_not_and_small(kind, size):
    data = encoded(6, kind, size)
    cached, not_cached = split([data], PixelCache(10**8)), split([data], PixelCache(NOTHING))
    first, again = (cached.read_for_training(0, 64) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, not_cached.read_for_training(0, 64))
    assert len(not_cached.cache) == 0 and len(cached.cache) == 1
    assert min(first.shape[:2]) == min(80, *size)
    assert first.shape[1] / first.shape[0] == pytest.approx(size[0] / size[1], rel=0.05)


def test_a_reduced_photo_looks_like_the_photo():
    data = encoded(7, "JPEG", (1200, 900), quality=95)
    found = split([data]).read_for_training(0, 64).astype(float)
    expected = Image.fromarray(decode_image(data)).resize(
        found.shape[1::-1], Image.Resampling.BICUBIC
    )
    assert np.abs(found - np.asarray(expected, float)).mean() < 2


def test_reduced_photos_are_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    found = split([encoded(8, "JPEG", (1200, 600), exif=exif)]).read_for_training(0, 64)
    assert found.shape[0] > found.shape[1]


def test_whole_pictures_never_take_the_room_of_training_pictures():
    one = split([encoded(i, "PNG", (40, 40)) for i in range(8)], PixelCache(8 * 4800))
    for index in range(8):
        one.read(index)
    assert len(one.cache) == 4


def test_what_is_read_can_not_be_written_to():
    one = split([encoded(1)])
    for image in (one.read(0), one.read_for_training(0, 16)):
        with pytest.raises(ValueError, match="read-only"):
            image[0, 0] = 0


def test_many_threads_read_the_same_pixels():
    one = split([encoded(i) for i in range(10)], PixelCache(30_000))
    expected = [decode_image(encoded(i)) for i in range(10)]
    wrong = []

    def read():
        for index in list(range(10)) * 5:
            if not np.array_equal(one.read(index), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=read) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert wrong == []


def test_a_split_travels_to_a_worker_without_its_cache(tmp_path):
    ds = ImageDataset.load_from_folder(folder(tmp_path, a=6, b=6))
    for index in range(len(ds.train)):
        ds.train.read(index)
    small = len(pickle.dumps(ds.train))
    copy = pickle.loads(pickle.dumps(ds.train))
    assert small < 20_000 and len(copy.cache) == 0
    np.testing.assert_array_equal(copy.read(0), ds.train.read(0))


def test_a_file_that_vanished_is_named(tmp_path):
    ds = ImageDataset.load_from_folder(folder(tmp_path, a=6, b=6))
    sample = ds.train[2]
    sample.payload.unlink()
    for read in (ds.train.read, ds.train.read_bytes, lambda i: ds.train.read_for_training(i, 32)):
        with pytest.raises(DataError, match="cannot be read any more") as caught:
            read(2)
        assert sample.id in three_lines(caught.value)[0]
