"""Models are asked for boxes in the format and on the scale of their cards."""

from pathlib import Path

import pytest

from fakebench_suite.backends.cards import describe_card, find_card
from fakebench_suite.errors import CardError
from fakebench_suite.tasks.boxes import BoxFormat, BoxScale, BoxStyle
from fakebench_suite.tasks.prompts import POINTING, build_prompt
from fakebench_suite.types import Authenticity, Case, QuestionType, Task

CASE = Case(
    id="a:point", task=Task.POINTING, image="a", question=POINTING,
    question_type=QuestionType.POINT, label=Authenticity.FAKE,
)  # fmt: skip


@pytest.mark.parametrize(
    "style", [BoxStyle(format=f, scale=s) for f in BoxFormat for s in BoxScale]
)
def test_every_style_is_asked_for_in_its_own_words(style: BoxStyle) -> None:
    """The prompt ends in a request that no other style has."""
    text = build_prompt(CASE, boxes=style).text
    assert text.startswith(f"{POINTING} Answer with a JSON list of ")
    others = [BoxStyle(format=f, scale=s) for f in BoxFormat for s in BoxScale]
    assert sum(build_prompt(CASE, boxes=other).text == text for other in others) == 1


def write_card(folder: Path, prompt: str) -> str:
    """A card with these lines in [prompt]."""
    path = folder / "m.toml"
    path.write_text(f'repository = "a/b"\n[prompt]\n{prompt}\n', encoding="utf-8")
    return str(path)


def test_a_card_names_format_and_scale(tmp_path: Path) -> None:
    """Without them, left, top, right and bottom from 0 to 1; cards are described as before."""
    card = find_card(write_card(tmp_path, 'box_format = "yxyx"\nbox_scale = "thousand"'))
    assert card.boxes == BoxStyle(format=BoxFormat.YXYX, scale=BoxScale.THOUSAND)
    assert describe_card(card, identity=True)["prompt"]["box_scale"] == "thousand"
    plain = find_card(write_card(tmp_path, ""))
    assert plain.boxes == BoxStyle(format=BoxFormat.XYXY, scale=BoxScale.UNIT)
    assert not {"box_format", "box_scale"} & describe_card(plain)["prompt"].keys()


def test_another_format_is_a_sentence(tmp_path: Path) -> None:
    """It names what was wrong."""
    with pytest.raises(CardError, match="box_scale"):
        find_card(write_card(tmp_path, 'box_scale = "inches"'))
