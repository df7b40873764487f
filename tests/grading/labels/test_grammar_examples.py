"""The examples in the grammar's and the lexicon's documentation are examples of what they name."""

import re
import tomllib
from importlib.resources import files

import pytest

from fakebench_suite.grading.labels.language import grammar
from fakebench_suite.grading.labels.language.lexicon import LETTER, Sentence
from fakebench_suite.grading.labels.language.normalize import clean_text

EXAMPLES = dict(re.findall(r"^    ([A-Z_]+) +(\S.*)$", grammar.__doc__ or "", re.MULTILINE))
LEXICON = tomllib.loads((files(grammar.__package__) / "lexicon.toml").read_text(encoding="utf-8"))


def tag(text: str) -> str:
    """The parts of a sentence, one letter per token."""
    return Sentence(clean_text(text), 0, 0, opens=True).tags


def test_every_pattern_has_an_example() -> None:
    """The table lists all public patterns of the grammar, and nothing else."""
    patterns = {name for name, value in vars(grammar).items() if isinstance(value, re.Pattern)}
    assert patterns == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_pattern_matches_the_words_in_brackets(name: str) -> None:
    """The match begins at the opening bracket and ends at the closing one."""
    before, words, after = re.split(r"[\[\]]", EXAMPLES[name])
    tags, start = tag(before + words + after), len(tag(before))
    end = start + len(tag(words))
    pattern = getattr(grammar, name)
    match = pattern.match(tags, start)
    assert tag(before) + tag(words) == tags[:end]
    assert pattern.fullmatch(tags, start, end) or (match is not None and match.end() == end)


@pytest.mark.parametrize("entry", LEXICON["part"], ids=lambda entry: str(entry["name"]))
def test_the_example_of_a_part_has_a_word_of_it(entry: dict[str, str]) -> None:
    """The example of each part holds that part."""
    assert LETTER[entry["name"]] in tag(entry["example"])
