"""Image file -> bare pixels, whatever the file; one clear error where that cannot be."""

import io
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from fakebench_suite.datasets import images
from fakebench_suite.datasets.images import ImageFolder, open_image, silence_decoder_warnings
from fakebench_suite.errors import ImageError

RED = (200, 20, 30)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Pictures are opened as everywhere else, without a word about their metadata."""
    with silence_decoder_warnings():
        yield


def save(picture: Image.Image, path: Path, **options: object) -> Path:
    """The picture, saved."""
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


def test_every_mode_becomes_rgb(tmp_path: Path) -> None:
    """Palette, grey, bitmap, CMYK and transparent pictures all open as 8-bit RGB."""
    red = Image.new("RGB", (5, 4), RED)
    clear = Image.new("RGBA", (5, 4), (0, 0, 0, 0))
    grey = save(Image.new("L", (5, 4), 77), tmp_path / "grey.png")
    assert open_image(grey).getpixel((0, 0)) == (77, 77, 77)
    palette = save(red.convert("P", palette=Image.Palette.ADAPTIVE), tmp_path / "palette.png")
    assert np.allclose(np.asarray(open_image(palette))[0, 0], RED, atol=2)
    assert open_image(save(clear, tmp_path / "clear.png")).getpixel((0, 0)) == (255, 255, 255)
    cmyk = save(red.convert("CMYK"), tmp_path / "cmyk.jpg", quality=95)
    assert np.allclose(np.asarray(open_image(cmyk))[0, 0], RED, atol=6)
    bits = save(Image.new("1", (5, 4), 1), tmp_path / "bits.png")
    assert open_image(bits).getpixel((0, 0)) == (255, 255, 255)
    for path in tmp_path.iterdir():
        assert (open_image(path).mode, open_image(path).size) == ("RGB", (5, 4))


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    """A 16-bit ramp keeps its middle in the middle."""
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256)
    path = save(Image.fromarray(ramp), tmp_path / "deep.png")
    values = np.asarray(open_image(path))[0, :, 0]
    assert (values[0], values[-1]) == (0, 255)
    assert abs(int(values[128]) - 128) <= 1


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animation_shows_its_first_frame(tmp_path: Path, suffix: str) -> None:
    """Only the first frame is taken."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, (0, 0, 255))]
    path = tmp_path / f"moving.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert np.allclose(np.asarray(open_image(path))[4, 4], RED, atol=12)


def test_exif_turns_the_picture_and_stays_behind(tmp_path: Path) -> None:
    """Orientation 6 is applied; neither EXIF nor text chunks nor a name survive."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "made by sd"
    picture = Image.new("RGB", (9, 4), RED)
    rotated = open_image(save(picture, tmp_path / "turned.jpg", exif=exif))
    assert rotated.size == (4, 9)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("prompt", "a cat")
    annotated = open_image(save(picture, tmp_path / "noted.png", pnginfo=notes))
    for bare in (rotated, annotated):
        assert bare.info == {}
        assert len(bare.getexif()) == 0
        assert not getattr(bare, "filename", "")


@pytest.mark.parametrize("size", [(1, 1), (20_000, 3), (3, 20_000)])
def test_awkward_sizes_open(tmp_path: Path, size: tuple[int, int]) -> None:
    """One pixel is a picture, and so is a strip of 20,000."""
    assert open_image(save(Image.new("RGB", size, RED), tmp_path / "odd.png")).size == size


def test_broken_files_are_one_clear_error(tmp_path: Path) -> None:
    """Missing, empty, truncated and foreign files each say what is wrong, in one line."""
    png = save(Image.effect_noise((64, 64), 80), tmp_path / "whole.png").read_bytes()
    jpeg = save(Image.effect_noise((64, 64), 80), tmp_path / "whole.jpg").read_bytes()
    broken = {
        "empty.png": (b"", "is empty"),
        "cut.png": (png[: len(png) // 2], "cannot be decoded"),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "cannot be"),
        "text.png": (b"hello", "is not an image"),
        "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not an image"),
    }
    for name, (content, _) in broken.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    for name, reason in [
        *((name, reason) for name, (_, reason) in broken.items()),
        ("missing.png", "is missing"),
        ("folder.png", "is not a regular file"),
    ]:
        with pytest.raises(ImageError) as exc_info:
            open_image(tmp_path / name)
        message = str(exc_info.value)
        assert name in message
        assert reason in message or "cannot be" in message
        assert "\n" not in message


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """A named pipe would keep the run waiting for ever; a directory has no pixels."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name in ("pipe.png", "folder.png"):
        with pytest.raises(ImageError, match="not a regular file"):
            open_image(tmp_path / name)


def test_a_decompression_bomb_is_refused_unopened(tmp_path: Path) -> None:
    """A few bytes that claim 60,000 x 60,000 pixels are refused by their header alone."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))
    (tmp_path / "bomb.png").write_bytes(content)
    with pytest.raises(ImageError, match="refused as a decompression bomb"):
        open_image(tmp_path / "bomb.png")


def test_the_limit_is_a_number_of_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of exactly the limit passes; one pixel more does not."""
    monkeypatch.setattr(images, "MAX_PIXELS", 12)
    assert open_image(save(Image.new("L", (4, 3)), tmp_path / "a.png")).size == (4, 3)
    with pytest.raises(ImageError, match="13 x 1 pixels"):
        open_image(save(Image.new("L", (13, 1)), tmp_path / "b.png"))


def encode_png(size: tuple[int, int], depth: int, kind: int, body: bytes, clear: bytes) -> bytes:
    """A PNG file of the given bit depth and colour type, with an optional tRNS chunk."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"tRNS", clear) if clear else b""]
    chunks += [chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("kind", "samples", "clear", "pixels"),
    [
        (2, (65535, 32768, 0, 0, 0, 0), (), ((255, 128, 0), (0, 0, 0))),
        (2, (65535, 32768, 0, 0, 0, 0), (0, 0, 0), ((255, 128, 0), (255, 255, 255))),
        (6, (65535, 32768, 0, 65535, 0, 0, 0, 0), (), ((255, 128, 0), (255, 255, 255))),
        (4, (32768, 65535, 0, 0), (), ((128, 128, 128), (255, 255, 255))),
        (0, (200, 100), (), ((1, 1, 1), (0, 0, 0))),
    ],
    ids=["rgb", "rgb-clear", "rgba", "grey-alpha", "dark-grey"],
)
def test_sixteen_bit_samples_keep_their_share_of_white(
    tmp_path: Path,
    kind: int,
    samples: tuple[int, ...],
    clear: tuple[int, ...],
    pixels: tuple[tuple[int, ...], ...],
) -> None:
    """Colour, alpha and darkness of 16-bit files come out as the same picture in 8 bits."""
    body = b"\0" + struct.pack(f">{len(samples)}H", *samples)
    content = encode_png((2, 1), 16, kind, body, struct.pack(f">{len(clear)}H", *clear))
    (tmp_path / "deep.png").write_bytes(content)
    image = open_image(tmp_path / "deep.png")
    assert (image.getpixel((0, 0)), image.getpixel((1, 0))) == pixels


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ((0.0, 0.5, 1.0), (0, 128, 255)),
        ((0.0, 128.0, 255.0), (0, 128, 255)),
        ((0.0, float("nan"), 65535.0), (0, 0, 255)),
        ((-5.0, 0.0, 1e9), (0, 0, 255)),
    ],
)
def test_floats_are_scaled_to_the_range_they_fill(
    tmp_path: Path, samples: tuple[float, ...], expected: tuple[int, ...]
) -> None:
    """A float TIFF is no black square, and what is no number is black."""
    picture = Image.fromarray(np.array([samples], dtype=np.float32))
    pixels = np.asarray(open_image(save(picture, tmp_path / "float.tif")))
    assert tuple(pixels[0, :, 0]) == expected


def test_transparency_of_every_kind_shows_white(tmp_path: Path) -> None:
    """Grey with alpha, palettes with one clear colour and with a table of alphas lie on white."""
    indexed = Image.new("P", (5, 4), 1)
    indexed.putpalette([0, 0, 0, *RED])
    paths = [
        save(Image.new("LA", (5, 4), (0, 0)), tmp_path / "la.png"),
        save(indexed, tmp_path / "one.png", transparency=1),
        save(indexed, tmp_path / "table.png", transparency=b"\xff\x00"),
        save(indexed, tmp_path / "one.gif", transparency=1),
        save(Image.new("RGBA", (5, 4), (0, 0, 0, 0)), tmp_path / "rgba.webp", lossless=True),
    ]
    for path in paths:
        assert open_image(path).getpixel((2, 2)) == (255, 255, 255), path.name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_all_orientations_are_pillows(tmp_path: Path, orientation: int, suffix: str) -> None:
    """Every EXIF orientation is undone as Pillow undoes it, whatever the format."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), tmp_path / f"turned.{suffix}", exif=exif)
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    assert (np.asarray(open_image(path)) == expected).all()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_broken_exif_does_not_cost_the_picture(tmp_path: Path, suffix: str) -> None:
    """Metadata that cannot be read is no reason to refuse sound pixels."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x011A] = 6, "made by sd", 72.0
    exif_bytes = exif.tobytes()
    picture = Image.new("RGB", (9, 4), RED)
    for offset in range(6, len(exif_bytes)):
        broken = exif_bytes[:offset] + b"\xff" + exif_bytes[offset + 1 :]
        path = save(picture, tmp_path / f"broken.{suffix}", exif=broken)
        assert sorted(open_image(path).size) == [4, 9]


def test_a_colour_profile_stays_behind(tmp_path: Path) -> None:
    """An embedded ICC profile does not travel with the pixels."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.new("RGB", (5, 4), RED)
    image = open_image(save(picture, tmp_path / "profile.png", icc_profile=profile))
    assert (image.info, image.getpixel((0, 0))) == ({}, RED)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]), st.data())
def test_no_bytes_bring_the_run_down(kind: str, data: st.DataObject) -> None:
    """A damaged file opens or is an ImageError of one line; nothing else is ever raised."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((9, 7)).save(stream, format=kind)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged.png")
        path.write_bytes(content)
        try:
            assert open_image(path).mode == "RGB"
        except ImageError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert folder not in str(error)  # noqa: PT017


def test_folders_are_searched_by_the_whole_name(tmp_path: Path) -> None:
    """A name with a folder never matches a file in another; two matches are said to be two."""
    for folder in ("deep/photos", "deep/other"):
        (tmp_path / folder).mkdir(parents=True)
        save(Image.new("L", (2, 2)), tmp_path / folder / "a.png")
    save(Image.new("L", (2, 2)), tmp_path / "deep/other/b.png")
    image_folder = ImageFolder(tmp_path)
    assert image_folder.find("photos/a.png") == tmp_path / "deep/photos/a.png"
    assert image_folder.find("a.png", prefer="other") == tmp_path / "deep/other/a.png"
    with pytest.raises(ImageError, match=r"^photos/b.png is missing: no file of that name below"):
        image_folder.find("photos/b.png")
    with pytest.raises(ImageError, match=r"^a.png is ambiguous: .* both match\. Keep one\.$"):
        image_folder.find("a.png")
    with pytest.raises(ImageError, match="is missing"):
        image_folder.find("x" * 300 + ".png")


def test_the_directorys_own_name_settles_nothing(tmp_path: Path) -> None:
    """Only folders below the data set's directory count, whatever lies above is called."""
    root = tmp_path / "real_images" / "data"
    for folder in ("fake_images", "real_images"):
        (root / folder).mkdir(parents=True)
        save(Image.new("L", (2, 2)), root / folder / "a.png")
    image_folder = ImageFolder(root)
    for folder in ("fake_images", "real_images"):
        assert image_folder.find("a.png", prefer=folder) == root / folder / "a.png"


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    """Images behind a symbolic link are found, and a link back to the start is no maze."""
    store, root = tmp_path / "store", tmp_path / "data"
    store.mkdir()
    root.mkdir()
    save(Image.new("L", (2, 2)), store / "a.png")
    (root / "linked").symlink_to(store, target_is_directory=True)
    (store / "back").symlink_to(root, target_is_directory=True)
    image_folder = ImageFolder(root)
    assert image_folder
    assert image_folder.find("a.png") == root / "linked" / "a.png"


def test_accents_meet_however_they_are_spelt(tmp_path: Path) -> None:
    """A name in NFC finds a file in NFD and the other way round; two such files are two."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for stored, requested in ((composed, decomposed), (decomposed, composed)):
        root = tmp_path / f"{len(stored)}"
        (root / "deep" / stored).mkdir(parents=True)
        file = save(Image.new("L", (2, 2)), root / "deep" / stored / f"{stored}.png")
        for name in (
            f"{requested}.png",
            f"{requested}/{requested}.png",
            f"deep/{requested}/{stored}.png",
        ):
            assert ImageFolder(root).find(name) == file
    for name in (composed, decomposed):
        (tmp_path / "both" / name).mkdir(parents=True)
        save(Image.new("L", (2, 2)), tmp_path / "both" / name / f"{name}.png")
    with pytest.raises(ImageError, match="is ambiguous"):
        ImageFolder(tmp_path / "both").find(f"{composed}.png")
    exact = f"{decomposed}/{decomposed}.png"
    assert ImageFolder(tmp_path / "both").find(exact) == tmp_path / "both" / exact
