"""Chinese replies, and the reading a careful person would give each."""

import pytest

from fakebench_suite.grading.labels.language.chinese import gloss_chinese
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import QuestionType

REPLIES = [
    ("what", "假的", "fake"),
    ("what", "真的。", "real"),
    ("what", "这是一张假图片。", "fake"),
    ("what", "这张图片是假的。", "fake"),
    ("what", "这张图片是真实的。", "real"),
    ("what", "这是一张真实的照片。", "real"),
    ("what", "这张图片是由AI生成的。", "fake"),
    ("what", "这张图片看起来是假的，因为手指有六根。", "fake"),
    ("what", "这张图片看起来不像真实照片。", "fake"),
    ("what", "我认为这张图像是真的", "real"),
    ("what", "无法判断这张图片的真假。", "refused"),
    ("what", "抱歉，我无法判断。", "refused"),
    ("what", "这张图片可能是假的，也可能是真的。", "unparsed"),
    ("what", "图片中的植物是假的。", "unparsed"),
    ("what", "这不是一张假图片，而是真实照片。", "real"),
    ("what", "这不是假的", "real"),
    ("isfake", "是的，这是假的。", "fake"),
    ("isfake", "是", "fake"),
    ("isfake", "不是。", "real"),
    ("isfake", "否", "real"),
    ("isfake", "不，这是一张真实的照片。", "real"),
    ("isreal", "是的", "real"),
    ("isreal", "不是，这是AI生成的图像。", "fake"),
    ("isfake", "是的，这是真实的照片。", "unparsed"),
    ("inference", "光影不一致，手指扭曲。因此，这张图片是假的。", "fake"),
    ("what", "答案：假", "fake"),
    ("what", "答案是真实", "real"),
    ("what", "没有迹象表明这张图片是假的。", "unparsed"),
    ("what", "如果这张图片是假的，手应该有问题。", "unparsed"),
    ("what", "假如", "unparsed"),
    ("what", "这张图片是合成的", "fake"),
    ("what", "真实", "real"),
    ("what", "这是一张由人工智能生成的图片", "fake"),
    ("what", "这张照片很可能是伪造的。", "fake"),
    ("what", "真假难辨", "unparsed"),
    ("what", "这张图片显示了一只真正的猫", "unparsed"),
    ("isreal", "并非真实图片，是伪造的", "fake"),
    ("what", "**假**", "fake"),
    ("what", "结论：这张图像是真实拍摄的照片。", "real"),
]


@pytest.mark.parametrize(("question_type", "reply", "expected"), REPLIES)
def test_chinese_replies_are_read(question_type: str, reply: str, expected: str) -> None:
    """Negation, hedges, questions and objects called fake are told apart in Chinese too."""
    reading = parse_label(reply, QuestionType(question_type))
    assert str(reading.label) == expected, reading.reason


def test_other_text_is_not_glossed() -> None:
    """Text without Chinese is left to the letter."""
    assert gloss_chinese("it is real. \u3042") == "it is real. \u3042"
