"""Replies are read into what they claim of each criterion, and where."""

import time

import pytest

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.grading.claims.context import Polarity
from fakebench_suite.grading.claims.readings import read_claims
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import Task

ANOMALIES = (
    ("The edges are blurred.", {"edge", "clarity"}),
    ("The edges are blurred and the texture is unnatural.", {"edge", "clarity", "texture"}),
    ("The texture is unnatural: one small tile repeats.", {"texture"}),
    ("The edge is unnatural: halos run along the outlines.", {"edge"}),
    ("The image is unrealistic: the colours are those of a negative.", {"unrealistic"}),
    ("The lighting looks unrealistic.", {"light & shadow"}),
    ("The symmetry is fine; the perspective is far from natural.", {"perspective"}),
    ("The image is sharp without blur, and the shadows are inconsistent.", {"light & shadow"}),
    ("**Texture**: inconsistent. **Edges**: natural", {"texture"}),
    ("1. Texture: The skin looks waxy.", {"texture"}),
    ("The texture is smooth but looks artificial.", {"texture"}),
    ("Not only are the shadows inconsistent, but the reflections do not match the scene.",
     {"light & shadow", "reflection"}),
    ("The shadows do not align with the light source.", {"light & shadow"}),
    ("This is a fake image because the lighting and shadows are inconsistent, the edges are "
     "jagged, and the reflection is wrong.", {"light & shadow", "edge", "reflection"}),
    ("This is fake because of the lighting.", {"light & shadow"}),
    ("The texture of the grass appears natural, however the edges of the flower look cut out.",
     {"edge"}),
    ("While the perspective is correct, the proportions of the building are off.", {"shape"}),
    ("The scene lacks shadows beneath the car.", {"light & shadow"}),
    ("The image lacks texture.", {"texture"}),
    ("The reflection is missing.", {"reflection"}),
    ("Parts of the rocket are missing.", {"content deficiency"}),
    ("The left hand has six fingers.", {"shape"}),
    ("The symmetry of the face is too perfect.", {"symmetry"}),
    ("The clarity is good except in the middle, where it is blurred.", {"clarity"}),
    ("- **Distortion:** visible in the upper left", {"distortion"}),
    ("The picture is free from blur but not free of distortion.", {"distortion"}),
    ("In the centre there is an area where the colours are inverted.", {"unrealistic"}),
    ("There's nothing odd with the reflections, but the hands have extra fingers.", {"shape"}),
    ("There's a strange rainbow of colours.", {"overall tone"}),
    ("Is the lighting consistent? No.", {"light & shadow"}),
    ("Are the edges sharp? No, they are smeared.", {"edge"}),
    ("Are the shadows realistic? No, none of them.", {"light & shadow"}),
    ("Is the texture unnatural? Yes.", {"texture"}),
    ("Natural texture: no", {"texture"}),
    ("Blurred edges: yes", {"edge", "clarity"}),
    ("Correct perspective? No", {"perspective"}),
    ("Is the lighting in this image consistent? No.", {"light & shadow"}),
)  # fmt: skip
NO_ANOMALIES = (
    ("Is the texture unnatural? No.", {"texture"}),
    ("Is the lighting consistent? Yes.", {"light & shadow"}),
    ("Is the lighting consistent? No issues.", {"light & shadow"}),
    ("Natural texture: yes", {"texture"}),
    ("Blurred edges: no", {"edge", "clarity"}),
    ("Any distortion? No.", {"distortion"}),
    ("The lighting looks natural, so is the image fake? No.", {"light & shadow"}),
    ("Is the natural lighting a sign of a fake? No.", {"light & shadow"}),
    ("If the lighting is consistent, is it real? No.", {"light & shadow"}),
    ("The shadows are not inconsistent.", {"light & shadow"}),
    ("There is no visible distortion.", {"distortion"}),
    ("No distortions, warping or blur are visible.", {"distortion", "clarity"}),
    ("Neither the edges nor the texture look unnatural.", {"edge", "texture"}),
    ("Nothing about the layout seems wrong.", {"layout"}),
    ("The edges, textures and lighting are natural.", {"edge", "texture", "light & shadow"}),
    ("I cannot find any evidence of inconsistent shadows or unnatural textures.",
     {"light & shadow", "texture"}),
    ("The image does not show any signs of blur or distortion.", {"clarity", "distortion"}),
    ("There are no artifacts such as blur or warping.", {"clarity", "distortion"}),
    ("Upon closer inspection, no anomalies in lighting, texture or perspective can be found.",
     {"light & shadow", "texture", "perspective"}),
    ("Edges: sharp, no halos. Texture: natural. Distortion: none.",
     {"edge", "texture", "distortion"}),
    ("The distortion is natural.", {"distortion"}),
    ("The theme is a cat. It is realistic.", {"theme"}),
    ("The texture is free of flaws.", {"texture"}),
)  # fmt: skip
NOTHING = (
    "",
    "Fake.",
    "The image looks natural.",
    "The overall tone is warm.",
    "Is the lighting inconsistent?",
    "If the image were fake, the edges would be blurred.",
    "AI-generated images often have distorted hands.",
    "If it were fake, the edges would blur.",
    "Common signs of fakes are warped edges.",
    "I will look at the shadows.",
    "A twisted tree stands on the tiles.",
    "The noise and blur are typical of a phone camera.",
    "Both horses have four legs, and each hand has four fingers and a thumb.",
    "It is not clear whether the reflection is correct.",
    "The background is blurred by a shallow depth of field.",
    "A cat sits at the edge of the image.",
    "In light of this, the image is fake.",
)


def read(text: str, asked: str | None = None) -> dict[Polarity, set[str]]:
    """The criteria of the claims by what they say."""
    reading = read_claims(text, asked)
    assert reading.is_read
    return {
        polarity: {claim.criterion for claim in reading.claims if claim.polarity is polarity}
        for polarity in Polarity
    }


@pytest.mark.parametrize(("text", "criteria"), ANOMALIES)
def test_anomalies_are_claimed(text: str, criteria: set[str]) -> None:
    """These sentences call these criteria into question, and no others."""
    assert read(text)[Polarity.ANOMALY] == criteria
    assert read_claims(text).anomalies == criteria


@pytest.mark.parametrize(("text", "criteria"), NO_ANOMALIES)
def test_absence_is_claimed(text: str, criteria: set[str]) -> None:
    """These sentences say that nothing is wrong with these criteria."""
    assert read(text) == {Polarity.ANOMALY: set(), Polarity.ABSENCE: criteria}


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_claimed(text: str) -> None:
    """Mentions, questions, conditions and general remarks claim nothing."""
    assert read(text) == {Polarity.ANOMALY: set(), Polarity.ABSENCE: set()}


@pytest.mark.parametrize("noun", ["texture", "edges", "lighting", "layout", "perspective", "theme"])
@pytest.mark.parametrize(
    ("words", "polarity"),
    [
        ("is unnatural", Polarity.ANOMALY), ("is not natural", Polarity.ANOMALY),
        ("does not look realistic", Polarity.ANOMALY), ("seems slightly odd", Polarity.ANOMALY),
        ("is natural", Polarity.ABSENCE), ("is not unnatural", Polarity.ABSENCE),
        ("shows no anomalies", Polarity.ABSENCE), ("is free of artifacts", Polarity.ABSENCE),
    ],
)  # fmt: skip
def test_a_subject_is_assessed(noun: str, words: str, polarity: Polarity) -> None:
    """Whatever the subject, the words after it and their negation decide."""
    (claim,) = read_claims(f"The {noun} {words}.").claims
    assert claim.polarity is polarity


def test_the_asked_criterion_is_what_a_reply_without_one_is_about() -> None:
    """To a question about one criterion, "it looks natural" is an answer."""
    asked = "symmetry"
    assert read("It looks natural.", asked)[Polarity.ABSENCE] == {asked}
    assert read("The left eye is strange.", asked)[Polarity.ANOMALY] == {asked}
    assert read("The edges are jagged.", asked)[Polarity.ANOMALY] == {"edge"}


@pytest.mark.parametrize(
    "text",
    [
        "La texture est incohérente et les ombres ne sont pas naturelles.",
        "Die Kanten sind unscharf und die Textur ist nicht natürlich.",
        "图像的阴影不一致。",
        "Текстура выглядит неестественно.",
        "Las sombras son incoherentes y la textura no es natural.",
    ],
)
def test_other_languages_are_left_unread(text: str) -> None:
    """What is not English has no claims, and says that it was not read."""
    reading = read_claims(text)
    assert not reading.is_read
    assert reading.claims == ()


@pytest.mark.parametrize(
    "text",
    [
        "Texture: Good. Edge: Bad. Clarity: Good. Light: Bad.",
        "Odd shadows, waxy skin, jagged edges, white van, Los Angeles, warped hands.",
        "Fake. Six fingers.",
        "??? 123",
    ],
)
def test_telegraphic_english_is_read(text: str) -> None:
    """It lacks function words, as no other language has them in it."""
    assert read_claims(text).is_read


def test_blur_of_what_is_taken_to_be_real_is_no_anomaly() -> None:
    """Photographs are blurred in places, too; it is one where it is called unnatural."""
    assert not read_claims("The ball is blurred. The image is real.").anomalies
    assert read_claims("The ball is blurred. The image is fake.").anomalies == {"clarity"}
    odd = "The ball is unnaturally blurred. The image is real."
    assert read_claims(odd).anomalies == {"clarity"}
    moving = "The ball is blurred by its movement. The image is fake."
    assert not read_claims(moving).anomalies


def test_a_line_with_a_criterion_is_a_title() -> None:
    """What the next line assesses is that criterion, and no later one."""
    text = "Texture\nLooks unnatural.\n\nEdges\nAs expected.\n\nIt looks strange."
    assert read(text) == {Polarity.ANOMALY: {"texture"}, Polarity.ABSENCE: {"edge"}}


def test_every_reference_clue_of_the_probes_is_read() -> None:
    """Of the planted criterion, at a place in which the planted region's centre lies."""
    count = 0
    for case in load_probes().cases:
        if case.task != Task.INTERPRETATION:
            continue
        assert case.expected is not None
        (region,) = case.regions
        claims = read_claims(case.expected[0].text).claims
        assert {claim.criterion for claim in claims} == {region.criterion}
        left, top, right, bottom = region.box
        (place,) = claims[0].places
        assert place.contains((left + right) / 256, (top + bottom) / 256)
        assert place.is_whole == (region.criterion == "overall tone")
        count += 1
    assert count == 120


def test_every_reference_answer_about_an_intact_criterion_is_read() -> None:
    """It claims no anomaly, and of the criterion that was asked, that nothing is wrong."""
    for case in load_probes(8).cases:
        if case.task == Task.ANALYSIS and case.expected and case.expected[0].criterion is None:
            reading = read_claims(case.expected[0].text, case.criterion)
            assert not reading.anomalies
            assert [claim.criterion for claim in reading.claims] == [case.criterion]


def test_all_criteria_can_be_claimed() -> None:
    """A babbler that calls every criterion unnatural claims all fourteen."""
    text = " ".join(
        f"There is {name}." if name in ("distortion", "content deficiency")
        else "The image is unrealistic." if name == "unrealistic"
        else f"The {name} is unnatural."
        for name in CRITERIA
    )  # fmt: skip
    assert read_claims(text).anomalies == set(CRITERIA)


@pytest.mark.parametrize(
    "unit",
    ["no ", "not ", "the edges are ", "blurred and ", "lack of ", ", ", "the ", "is ", "if ", ": ",
     "unnatural ", "upper left ", "top of ", "in the ", "and the ", "a", "é", "假", "missing ",
     "light and shadow ", "texture: ", "never blurred or ", ";", "- ", "parts of the ",
     "except for the ", "an ai image ", "unlike a, which b, ", '{"a": "b", ', "| a ", "edges\n",
     "texture - odd, ", "there is no sign that the ", "(a) A ", "south "],
    ids=repr,
)  # fmt: skip
def test_a_long_reply_is_read_at_once(unit: str) -> None:
    """The time grows with the reply and no faster."""
    text = unit * (100_000 // len(unit))
    start = time.process_time()
    read_claims(text)
    assert time.process_time() - start < 1.0


def test_a_place_belongs_to_its_own_clause() -> None:
    """Another claim of the sentence does not take it over, and what claims nothing gives it."""
    text = "The texture is odd in the upper left and the edges are jagged."
    places = {c.criterion: [place.name for place in c.places] for c in read_claims(text).claims}
    assert places == {"texture": ["upper left"], "edge": []}
    (claim,) = read_claims("The texture is unnatural, but only in the centre.").claims
    assert [place.name for place in claim.places] == ["centre"]
