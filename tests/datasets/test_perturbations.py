"""What is done to pixels: the same every time, always RGB, and stronger from level to level."""

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.datasets.perturbations import SIDE, normalize, perturb
from fakebench_suite.tasks.robustness import FAMILIES, list_ladder, parse_chain

PICTURES = [name for name, family in FAMILIES.items() if not family.changes_prompt]


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """A picture with edges, colours and fine structure; its sides are odd numbers."""
    y, x = np.mgrid[0:97, 0:131]
    bands = (128 + 60 * np.sin(x / 3) + 40 * np.sin(y / 2), 2 * y, 255 - x)
    pixels = np.stack([np.clip(band, 0, 255) for band in bands], axis=-1).astype(np.uint8)
    return Image.fromarray(pixels)


def to_array(image: Image.Image) -> NDArray[np.float64]:
    """The pixels as numbers."""
    return np.asarray(image, dtype=np.float64)


@pytest.mark.parametrize("perturbation", list(map(str, list_ladder(PICTURES))))
def test_every_level_gives_the_same_rgb_picture_again(
    picture: Image.Image, perturbation: str
) -> None:
    """It differs from the original, which it leaves alone."""
    before = picture.tobytes()
    first, second = (perturb(picture, parse_chain(perturbation)) for _ in range(2))
    assert first.mode == "RGB"
    assert first.tobytes() == second.tobytes() != before
    assert picture.tobytes() == before


@pytest.mark.parametrize("family", ["jpeg", "webp", "blur", "noise", "gamma"])
def test_a_stronger_level_changes_pixels_more(picture: Image.Image, family: str) -> None:
    """Of the families that keep the size."""
    changes = [
        np.abs(to_array(perturb(picture, (level,))) - to_array(picture)).mean()
        for level in list_ladder([family])
    ]
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_strengths_have_the_units_that_are_documented(picture: Image.Image) -> None:
    """Factors of sides, shares of sides, steps of 256, and exponents."""

    def apply(text: str) -> Image.Image:
        return perturb(picture, parse_chain(text))

    assert apply("resize-down:0.5").size == (66, 48)
    assert apply("resize-up:2").size == (262, 194)
    assert apply("crop:0.5").size == (66, 48)
    assert apply("screenshot-border:0.1").size == (131 + 2 * 13, 97 + 4 * 13)
    assert apply("social-media:64").size == (64, 47)
    assert apply("social-media:1600").size == picture.size
    grey = Image.new("RGB", (200, 200), (128, 128, 128))
    noisy = to_array(perturb(grey, parse_chain("noise:8")))
    assert noisy.std() == pytest.approx(8, rel=0.02)
    darker = perturb(grey, parse_chain("gamma:2"))
    assert darker.getpixel((0, 0)) == (64, 64, 64)
    assert apply("flip+flip").tobytes() == picture.tobytes()
    assert apply("paraphrase:1+language:zh").tobytes() == picture.tobytes()


def test_the_quality_is_that_of_pillows_encoder(picture: Image.Image) -> None:
    """The pixels are those of a file that is written with this quality and read again."""
    content = BytesIO()
    picture.save(content, "JPEG", quality=70, subsampling=2)
    with Image.open(content) as decoded:
        expected = decoded.convert("RGB").tobytes()
    assert perturb(picture, parse_chain("jpeg:70")).tobytes() == expected


def test_noise_depends_on_picture_and_strength_alone(picture: Image.Image) -> None:
    """Another picture or strength gets other noise, whatever was asked before."""
    other = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    here, there = (
        to_array(perturb(image, parse_chain("noise:8"))) - to_array(image)
        for image in (picture, other)
    )
    assert not np.array_equal(here, there)
    weak, strong = (to_array(perturb(picture, parse_chain(f"noise:{n}"))) for n in (8, 8.5))
    assert not np.array_equal(weak, strong)


@pytest.mark.parametrize("size", [(512, 512), (640, 480), (300, 1000), (30, 20)])
def test_all_pictures_come_to_one_size(size: tuple[int, int]) -> None:
    """Larger and smaller ones, wide and tall ones, in any mode."""
    assert normalize(Image.new("RGB", size)).size == (SIDE, SIDE)
    grey = normalize(Image.new("L", size, 90), 128)
    assert (grey.size, grey.mode) == ((128, 128), "RGB")


def test_the_last_coding_is_the_same_for_all(picture: Image.Image) -> None:
    """A picture that was a JPEG and one that was not both have the one JPEG's quantised blocks.

    Coding the normalised picture once more as it was coded changes next to nothing.
    """
    coded = perturb(picture, parse_chain("jpeg:60"))
    for image in (picture, coded):
        normalized = normalize(image)
        content = BytesIO()
        normalized.save(content, "JPEG", quality=95, subsampling=0)
        with Image.open(content) as again:
            difference = np.abs(to_array(again.convert("RGB")) - to_array(normalized))
        assert difference.max() <= 4
        assert difference.mean() < 0.2
