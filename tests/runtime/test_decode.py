# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of picture has one documented meaning, and every kind of damage one clear reason."""

import io
import os
import pickle
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from lepton_lab.runtime.decode import (
    ImageError,
    array_to_rgb,
    decode_image,
    describe_image,
    to_rgb,
)


def saved(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def refused(source, code, **options):
    with pytest.raises(ImageError) as caught:
        decode_image(source, **options)
    assert caught.value.code == code
    return str(caught.value)


def photo(height=24, width=36):
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], 2).astype(np.uint8)
    return Image.fromarray(pixels)


def png_header(width, height):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = [
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (body, data)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_rgb_pixels_come_back_as_they_are_and_may_be_written_to():
    found = decode_image(saved(photo()))
    np.testing.assert_array_equal(found, np.asarray(photo()))
    found[0, 0] = 1


def test_a_path_gives_the_same_as_its_bytes(tmp_path):
    path = tmp_path / "a photo é.png"
    path.write_bytes(saved(photo()))
    for source in (path, str(path)):
        np.testing.assert_array_equal(decode_image(source), decode_image(path.read_bytes()))


def test_cmyk_becomes_rgb():
    ink = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    assert decode_image(saved(ink, "TIFF")).tolist() == [[[255, 0, 0]] * 2] * 2


def test_an_adobe_cmyk_jpeg_is_not_shown_as_its_negative():
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = saved(ink, "JPEG", quality=100)
    assert b"Adobe" in data
    assert np.abs(decode_image(data).astype(int) - (255, 0, 0)).max() <= 3


def test_sixteen_bits_are_scaled_not_clipped():
    grey = Image.fromarray(np.array([[0, 257, 32768, 65535]], np.uint16))
    data = saved(grey)
    assert describe_image(data).bits == 16
    assert decode_image(data)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert decode_image(saved(grey, "TIFF"))[0, :, 2].tolist() == [0, 1, 128, 255]


def test_sixteen_bits_held_as_wide_integers_are_scaled_the_same_way():
    wide = Image.fromarray(np.array([[0, 257, 65535]], np.int32))
    assert to_rgb(wide)[0, :, 1].tolist() == [0, 1, 255]
    with pytest.raises(ImageError, match="70000") as caught:
        to_rgb(Image.fromarray(np.array([[70000]], np.int32)))
    assert caught.value.code == "unsupported"


def test_float_pictures_are_scaled_from_the_unit_range_or_refused():
    assert to_rgb(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)))[0, :, 0].tolist() == [
        0,
        128,
        255,
    ]
    with pytest.raises(ImageError, match=r"found 0 to 300"):
        to_rgb(Image.fromarray(np.array([[0, 300]], np.float32)))


def test_a_palette_is_looked_up():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    assert decode_image(saved(image)).tolist() == [[[10, 20, 30], [200, 100, 50]]]


def test_a_transparent_palette_color_is_laid_over_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    white = [255, 255, 255]
    assert decode_image(saved(image, transparency=1)).tolist() == [[[10, 20, 30], white]]
    assert decode_image(saved(image, "GIF", transparency=0)).tolist() == [[white, [200, 100, 50]]]


def test_a_palette_with_alpha_per_color_is_laid_over_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    found = decode_image(saved(image, transparency=bytes([255, 0])))
    assert found.tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_alpha_is_laid_over_white():
    image = Image.fromarray(np.array([[[255, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 51]]], np.uint8))
    assert decode_image(saved(image)).tolist() == [[[255, 255, 255], [255, 0, 0], [204, 204, 204]]]


def test_grey_alpha_is_laid_over_white():
    image = Image.fromarray(np.array([[[0, 0], [100, 255], [0, 51]]], np.uint8), "LA")
    assert decode_image(saved(image))[0, :, 1].tolist() == [255, 100, 204]


def test_premultiplied_alpha_and_palette_alpha_modes_are_understood():
    image = Image.fromarray(np.array([[[0, 0], [100, 255]]], np.uint8), "LA")
    modes = [image.convert("La"), image.convert("RGBA").convert("RGBa")]
    for converted in [*modes, image.convert("RGBA").convert("PA")]:
        assert to_rgb(converted)[0, :, 0].tolist() == [255, 100], converted.mode


def test_a_transparent_color_of_an_rgb_file_is_laid_over_white():
    image = Image.fromarray(np.array([[[9, 8, 7], [1, 2, 3]]], np.uint8))
    assert decode_image(saved(image, transparency=(9, 8, 7))).tolist() == [[[255] * 3, [1, 2, 3]]]


def test_one_bit_and_grey_get_three_equal_channels():
    bits = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert decode_image(saved(bits)).tolist() == [[[0] * 3, [255] * 3]]
    assert describe_image(saved(bits)).bits == 1
    assert decode_image(saved(Image.new("L", (1, 1), 77))).tolist() == [[[77] * 3]]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation_counts(kind):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert describe_image(data).frames == 3
    assert decode_image(data)[4, 4].tolist() == [255, 0, 0]


def test_an_opened_animation_gives_its_first_frame_and_stays_where_it_was():
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    opened = Image.open(
        io.BytesIO(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    )
    opened.seek(2)
    assert to_rgb(opened)[4, 4].tolist() == [255, 0, 0]
    assert opened.tell() == 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("flag", range(1, 9))
def test_every_exif_orientation_is_shown_upright(flag, kind):
    upright = photo()
    turns = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, 3),
    }  # fmt: skip  # how a camera stores the upright picture under each flag
    stored = Image.fromarray(np.ascontiguousarray(turns[flag](np.asarray(upright))))
    exif = Image.Exif()
    exif[0x0112] = flag
    options = (
        {"quality": 100, "subsampling": 0}
        if kind == "JPEG"
        else {"lossless": True}
        if kind == "WEBP"
        else {}
    )
    data = saved(stored, kind, exif=exif, **options)
    facts = describe_image(data)
    assert (facts.orientation, facts.width, facts.height) == (flag, 36, 24)
    found = decode_image(data).astype(int)
    assert found.shape == (24, 36, 3)
    assert np.abs(found - np.asarray(upright)).max() <= (4 if kind == "JPEG" else 0)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_damaged_exif_record_counts_as_upright():
    data = saved(photo(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01" * 30)
    assert decode_image(data).shape == (24, 36, 3)
    assert describe_image(data).orientation == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_file_is_called_truncated(kind):
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    data = saved(image, kind)
    reason = refused(data[: len(data) // 2], "truncated")
    assert "cut short or damaged" in reason


def test_no_bytes_are_called_empty(tmp_path):
    (tmp_path / "zero.jpg").write_bytes(b"")
    assert refused(tmp_path / "zero.jpg", "empty").endswith("zero.jpg: the file is empty (0 bytes)")
    refused(b"", "empty")


def test_missing_files_folders_and_devices_are_told_apart(tmp_path):
    assert "no such file" in refused(tmp_path / "cat.jpg", "missing")
    assert "folder" in refused(tmp_path, "missing")
    refused("nul\0byte.jpg", "missing")
    os.mkfifo(tmp_path / "pipe.jpg")
    refused(tmp_path / "pipe.jpg", "missing")


def test_web_pages_and_other_files_named_jpg_are_named_for_what_they_are(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"\n<!DOCTYPE html><html><body>404</body></html>")
    assert "HTML" in refused(tmp_path / "x.jpg", "not-an-image")
    assert "PDF" in refused(b"%PDF-1.7 ...", "not-an-image")
    assert "Git LFS" in refused(b"version https://git-lfs.github.com/spec/v1\noid", "not-an-image")
    assert "JPEG" in refused(b"just some text", "not-an-image")
    assert "HEIC" in refused(b"\0\0\0\x18ftypheic" + bytes(50), "unsupported")


def test_formats_that_start_other_programs_are_not_opened():
    refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not-an-image")


def test_a_bomb_is_refused_from_its_header_without_a_warning():
    data = png_header(11_000, 10_000)
    assert len(data) < 200
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "11000 x 10000" in refused(data, "too-large")
        with pytest.raises(ImageError, match="at most 50 million"):
            describe_image(data)
        refused(png_header(60_000, 60_000), "too-large")


def test_the_limit_is_the_callers():
    data = saved(photo())
    refused(data, "too-large", max_pixels=24 * 36 - 1)
    assert decode_image(data, max_pixels=24 * 36).shape == (24, 36, 3)


def test_describing_reads_no_pixels():
    data = saved(Image.effect_noise((200, 200), 90))
    facts = describe_image(data[:200])
    assert (facts.width, facts.height, facts.mode, facts.format, facts.frames) == (
        200,
        200,
        "L",
        "PNG",
        1,
    )


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_flipped_bits_never_raise_anything_but_an_image_error():
    generator = np.random.Generator(np.random.Philox(7))
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"):
        whole = np.frombuffer(saved(photo(), kind), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            places = generator.integers(0, min(len(whole), 200), 3)
            damaged[places] ^= generator.integers(1, 256, 3, dtype=np.uint8)
            try:
                pixels = decode_image(damaged.tobytes(), max_pixels=1_000_000)
            except ImageError:
                continue
            assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3


def test_an_error_survives_the_way_back_from_a_worker():
    error = pickle.loads(pickle.dumps(ImageError("empty", "no bytes", "a.jpg")))
    assert (error.code, error.reason, str(error)) == ("empty", "no bytes", "a.jpg: no bytes")


def test_arrays_of_pixels_are_taken():
    grey = np.array([[1, 2]], np.uint8)
    assert array_to_rgb(grey).tolist() == [[[1] * 3, [2] * 3]]
    assert array_to_rgb(grey[:, :, None]).shape == (1, 2, 3)
    assert array_to_rgb([[0.0, 0.5]])[0, :, 0].tolist() == [0, 128]
    clear = np.array([[[255, 0, 0, 0], [9, 9, 9, 255]]], np.uint8)
    assert array_to_rgb(clear).tolist() == [[[255] * 3, [9] * 3]]


@pytest.mark.parametrize(
    ("array", "code", "reason"),
    [
        (np.zeros((3, 8, 8), np.uint8), "unsupported", "transpose"),
        (np.zeros((8, 8, 2), np.uint8), "unsupported", "8 x 8 x 2"),
        (np.zeros((0, 8, 3), np.uint8), "empty", "no pixels"),
        (np.zeros((8, 8, 3), np.int64), "unsupported", "int64"),
        (np.full((8, 8, 3), 255.0), "unsupported", "found 255"),
        (np.full((8, 8, 3), np.nan), "unsupported", "nan"),
        (np.array(["a"]), "unsupported", "channels"),
    ],
)
def test_arrays_whose_meaning_is_a_guess_are_refused(array, code, reason):
    with pytest.raises(ImageError, match=reason) as caught:
        array_to_rgb(array)
    assert caught.value.code == code


@pytest.mark.shared
def test_the_shared_awkward_files_load_or_are_named(shared_data):
    folder = shared_data / "dirty-images"
    codes = {"truncated_half.jpg": "truncated", "zero.jpg": "empty", "text.jpg": "not-an-image"}
    for path in sorted(folder.rglob("*.*")):
        if path.suffix.lower() not in (".jpg", ".png", ".gif", ".webp") or path.name.startswith(
            "."
        ):
            continue
        if path.name in codes:
            refused(path, codes[path.name])
        else:
            facts = describe_image(path)
            assert decode_image(path).shape == (facts.height, facts.width, 3), path.name
