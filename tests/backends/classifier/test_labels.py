"""Which outputs mean fake: by what labels are called, or by a card."""

from collections.abc import Sequence

import pytest

from fakebench_suite.backends.classifier.labels import (
    OutputLabels,
    check_outputs,
    classify_label,
    find_labels,
)
from fakebench_suite.backends.classifier.options import ClassifierOptions
from fakebench_suite.errors import CardError


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        *((name, "fake") for name in ("Fake", "AI", "artificial", "Deepfake", "AiArtData")),
        *((name, "fake") for name in ("ai-generated", "synthetic_image", "AI_GENERATED", "1_fake")),
        *((name, "real") for name in ("REAL", "human", "hum", "Realism", "RealArt", "nature")),
        *((name, None) for name in ("LABEL_0", "cat", "not fake", "non-AI", "fake or real", "")),
        *((name, None) for name in ("unreal", "airplane", "surreal", "humanoid", "real_fake")),
    ],
)
def test_a_label_means_what_its_words_say(name: str, meaning: str | None) -> None:
    """Whole words only, in any case; negations and both kinds at once say nothing."""
    assert classify_label(name) == meaning


@pytest.mark.parametrize(
    ("names", "options", "fake"),
    [
        (("human", "artificial"), {}, (1,)),
        (("ai", "hum"), {}, (0,)),
        (("Artificial", "Deepfake", "Real"), {}, (0, 1)),
        (("fake",), {}, (0,)),
        (("real",), {}, ()),
        (("cat", "dog"), {"fake_labels": ["dog"]}, (1,)),
        (("cat", "dog"), {"fake_labels": ["DOG"]}, (1,)),
        (("cat", "dog", "emu"), {"fake_labels": [2, "cat"]}, (0, 2)),
        (("LABEL_0", "LABEL_1"), {"labels": ["real", "fake"]}, (1,)),
        (None, {"fake_labels": [1]}, (1,)),
        (None, {"labels": ["fake", "real"]}, (0,)),
        (("human", "artificial"), {"fake_labels": ["human"]}, (0,)),
    ],
)
def test_outputs_that_mean_fake_are_found(
    names: Sequence[str] | None, options: dict[str, list[str | int]], fake: tuple[int, ...]
) -> None:
    """A card goes before the names."""
    found = find_labels(names, ClassifierOptions(**options), place="det")  # type: ignore[arg-type]
    assert found.fake == fake


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (("cat", "dog"), {}, 'det has the labels cat, dog, and .* fake_labels = ["dog"] (or'),
        (("LABEL_0", "LABEL_1"), {}, "and fake_labels = [1] (or others) in [classifier]"),
        (("artificial", "other"), {}, "nothing says which of them mean fake"),
        (("fake", "deepfake"), {}, "nothing says which of them mean fake"),
        (("LABEL_0",), {}, "and fake_labels = [0]"),
        (tuple(map(str, range(1000))), {}, "0, 1, 2, 3, 4, 5 and 994 more"),
        (None, {}, "det does not name its outputs"),
        (None, {"fake_labels": ["fake"]}, "does not name its outputs, and fake_labels in"),
        (None, {"fake_labels": [-1]}, "does not name its outputs, and fake_labels in"),
        (("cat", "dog"), {"fake_labels": ["emu"]}, "has the labels cat, dog, and fake_labels"),
        (("cat", "dog"), {"fake_labels": [2]}, "a number from 0 to 1"),
        (("a", "A"), {"fake_labels": ["Å"]}, "Give one of these names"),
        (("cat", "dog"), {"fake_labels": [0, 1]}, "All outputs of det (cat, dog) mean fake"),
        (("cat", "dog"), {"labels": ["fake"]}, "has 2 labels (cat, dog), and its card 1: give"),
    ],
)
def test_what_is_not_clear_is_refused(
    names: Sequence[str] | None, options: dict[str, list[str | int]], message: str
) -> None:
    """With the labels and the line to write."""
    with pytest.raises(CardError) as exc_info:
        find_labels(names, ClassifierOptions(**options), place="det")  # type: ignore[arg-type]
    for part in message.split(" .* "):
        assert part in str(exc_info.value)


@pytest.mark.parametrize(
    ("labels", "outputs", "message"),
    [
        (OutputLabels(names=("a", "b"), fake=(1,)), 3, "has 3 outputs and 2 labels (a, b)"),
        (OutputLabels(names=None, fake=(2,)), 2, "has 2 outputs, and its card calls number 2 fake"),
        (OutputLabels(names=None, fake=(0, 1)), 2, "All outputs of det (0, 1) mean fake"),
    ],
)
def test_another_number_of_outputs_is_refused(
    labels: OutputLabels, outputs: int, message: str
) -> None:
    """Once the model has shown how many it has."""
    with pytest.raises(CardError) as exc_info:
        check_outputs(labels, outputs, place="det")
    assert message in str(exc_info.value)


def test_a_fitting_number_of_outputs_is_fine() -> None:
    """Also of one output, whatever it means."""
    check_outputs(OutputLabels(names=("a", "b"), fake=(1,)), 2, place="det")
    check_outputs(OutputLabels(names=None, fake=(0,)), 1, place="det")
    check_outputs(OutputLabels(names=("real",), fake=()), 1, place="det")
