"""Perturbations as texts and back, and the ladder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.tasks.robustness import (
    FAMILIES,
    IDENTITY,
    ORIGINAL,
    Perturbation,
    format_chain,
    list_ladder,
    name_image,
    parse_chain,
    parse_image_name,
    parse_perturbation,
)


@st.composite
def perturbations(draw: st.DrawFn) -> Perturbation:
    """Any perturbation of any family, at its levels or between them."""
    name = draw(st.sampled_from(list(FAMILIES)))
    family = FAMILIES[name]
    levels = st.sampled_from(family.levels)
    if family.lowest is None or family.highest is None:
        return Perturbation(family=name, strength=draw(levels))
    between = st.floats(family.lowest, family.highest, allow_nan=False)
    return Perturbation(family=name, strength=draw(st.one_of(levels, between)))


@given(st.lists(perturbations(), max_size=4).map(tuple))
def test_a_chain_is_read_back_as_it_was(chain: tuple[Perturbation, ...]) -> None:
    """Its text names it and nothing else, also as part of an image's name."""
    text = format_chain(chain)
    assert parse_chain(text) == chain
    assert parse_image_name(name_image("a@b/c.png", text)) == ("a@b/c.png", chain)


def test_texts_are_short() -> None:
    """Whole numbers have no point, and what has no strength no colon."""
    texts = ["jpeg:70", "resize-down:0.5", "flip", "language:zh", "blur:1+jpeg:70", "original"]
    assert [format_chain(parse_chain(text)) for text in texts] == texts
    assert parse_chain(IDENTITY) == parse_chain(ORIGINAL) == ()
    assert parse_image_name("a.png") is None
    assert parse_image_name("a@b.png") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jpg:70", "there is no perturbation 'jpg'; allowed: jpeg, webp"),
        (
            "jpeg",
            "there is no perturbation jpeg; jpeg takes a number from 1 to 100, such as jpeg:90",
        ),
        ("jpeg:0", "jpeg takes a number from 1 to 100"),
        ("jpeg:nan", "jpeg takes a number from 1 to 100"),
        ("jpeg:high", "there is no perturbation jpeg:high; jpeg takes a number"),
        ("flip:2", "there is no perturbation flip:2; allowed: flip"),
        ("language:tlh", "allowed: language:zh"),
        ("paraphrase:1.5", "allowed: paraphrase:1, paraphrase:2, paraphrase:3"),
        ("blur:1+", "there is no perturbation ''"),
    ],
)
def test_what_is_no_perturbation_is_named_with_what_is(text: str, sentence: str) -> None:
    """One clause, for a sentence about where the text stands."""
    with pytest.raises(ValueError, match="no perturbation") as caught:
        parse_chain(text)
    assert sentence in str(caught.value)


def test_the_ladder_goes_from_weak_to_strong() -> None:
    """Every level is in the range of its family, and of the families that are asked for alone."""
    ladder = list(list_ladder())
    assert {perturbation.family for perturbation in ladder} == set(FAMILIES)
    assert [str(level) for level in list_ladder(["flip", "jpeg"])] == [
        "jpeg:90", "jpeg:70", "jpeg:50", "jpeg:30", "jpeg:10", "flip",
    ]  # fmt: skip
    for name, family in FAMILIES.items():
        for strength in family.searched:
            assert str(parse_perturbation(str(Perturbation(family=name, strength=strength))))
        assert bool(family.searched) is not family.changes_prompt
