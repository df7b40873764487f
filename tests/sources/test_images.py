"""Image file -> bare pixels, whatever the file; one clear error where that cannot be."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fakebench_suite.errors import ImageError
from fakebench_suite.sources import images
from fakebench_suite.sources.images import open_image

RED = (200, 20, 30)


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
    turned = open_image(save(picture, tmp_path / "turned.jpg", exif=exif))
    assert turned.size == (4, 9)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("prompt", "a cat")
    noted = open_image(save(picture, tmp_path / "noted.png", pnginfo=notes))
    for bare in (turned, noted):
        assert bare.info == {}
        assert len(bare.getexif()) == 0
        assert not getattr(bare, "filename", "")


@pytest.mark.parametrize("size", [(1, 1), (20_000, 3), (3, 20_000)])
def test_awkward_sizes_open(tmp_path: Path, size: tuple[int, int]) -> None:
    """One pixel is a picture, and so is a strip of 20,000."""
    assert open_image(save(Image.new("RGB", size, RED), tmp_path / "odd.png")).size == size


def test_broken_files_are_one_clear_error(tmp_path: Path) -> None:
    """Missing, empty, truncated and foreign files each say what is wrong, in one line."""
    whole = save(Image.effect_noise((64, 64), 80), tmp_path / "whole.png").read_bytes()
    jpeg = save(Image.effect_noise((64, 64), 80), tmp_path / "whole.jpg").read_bytes()
    broken = {
        "empty.png": (b"", "is empty"),
        "cut.png": (whole[: len(whole) // 2], "cannot be decoded"),
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
        ("folder.png", "cannot be read"),
    ]:
        with pytest.raises(ImageError) as caught:
            open_image(tmp_path / name)
        message = str(caught.value)
        assert name in message
        assert reason in message or "cannot be" in message
        assert "\n" not in message


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
