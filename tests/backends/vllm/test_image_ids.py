"""Names of images."""

from unittest.mock import patch

import pytest
from PIL import Image

from fakebench_suite.backends.vllm.image_ids import ImageIds


def test_equal_pixels_have_one_name_and_others_another() -> None:
    """Whoever opened the image; mode and size count, too."""
    ids = ImageIds()
    first, again = (Image.new("RGB", (4, 2), (1, 2, 3)) for _ in range(2))
    others = [
        Image.new("RGB", (4, 2), (1, 2, 4)),
        Image.new("RGB", (2, 4), (1, 2, 3)),
        Image.new("L", (12, 2), 1),
        Image.new("L", (6, 4), 1),
    ]
    names = ids.list_ids([first, again, *others])
    assert names[0] == names[1]
    assert len(set(names)) == 5
    assert ids.list_ids([others[0], first]) == [names[2], names[0]]


def test_a_palette_is_part_of_the_pixels() -> None:
    """The same indices are other colours under another one."""
    red, blue = (Image.new("P", (2, 2)) for _ in range(2))
    red.putpalette([255, 0, 0])
    blue.putpalette([0, 0, 255])
    first, second = ImageIds().list_ids([red, blue])
    assert first != second


@pytest.mark.parametrize("shown", [1, 2])
def test_the_prompts_about_an_image_read_its_pixels_once(shown: int) -> None:
    """Also where each of them shows two."""
    images = [Image.new("RGB", (2, 2), (number, 0, 0)) for number in range(shown)]
    ids = ImageIds()
    with patch.object(
        Image.Image, "tobytes", autospec=True, side_effect=Image.Image.tobytes
    ) as read:
        names = [ids.list_ids(images) for _ in range(14)]
    assert read.call_count == shown
    assert names == [names[0]] * 14
