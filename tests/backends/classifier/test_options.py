"""``[classifier]`` of a card: wrong settings are one sentence."""

from pathlib import Path

import pytest

from fakebench_suite.backends.cards import read_card
from fakebench_suite.backends.classifier.options import ClassifierOptions
from fakebench_suite.errors import CardError
from tests.backends.classifier.detectors import write_card

OWN = ("image_mean = [0.5, 0.5, 0.5]", "image_std = [0.5, 0.5, 0.5]")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (('fake_label = "x"',), "fake_label"),
        (("fake_labels = [true]",), "fake_labels"),
        (('output = "odds"',), "output"),
        (("size = 9",), "size in [classifier] needs image_mean and image_std"),
        (("image_mean = [0, 0, 0]",), "image_mean and image_std in [classifier] go together"),
        ((OWN[0], "image_std = [1, 1]"), "image_std in [classifier] needs one number for each"),
        ((OWN[0], "image_std = [1, nan, 1]"), "image_std in [classifier] needs one number for"),
        ((OWN[0], "image_std = [1, 0, 1]"), "is not above 0"),
        ((*OWN, "size = [1, 2, 3]"), "needs one number, or height and width"),
        ((*OWN, "shortest_edge = 9"), 'shortest_edge and resize = "shortest_edge" go together'),
        (('resize = "none"',), "resize in [classifier] needs image_mean and image_std"),
    ],
)
def test_a_wrong_setting_is_one_clear_error(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    """Unknown ones and wrong values; those of images fit together, and can be computed with."""
    with pytest.raises(CardError) as exc_info:
        read_card(write_card(tmp_path / "a.toml", Path("d.onnx"), *lines), name="a")
    assert message in str(exc_info.value)


def test_the_settings_of_images_that_are_given_are_listed() -> None:
    """Those at their defaults are not, nor those of outputs."""
    options = ClassifierOptions(fake_labels=[1], output="logits", resize="stretch")
    assert options.list_image_settings() == []
    options = ClassifierOptions(
        size=9, resample="bicubic", image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.5, 0.5]
    )
    assert options.list_image_settings() == ["size", "resample", "image_mean", "image_std"]
