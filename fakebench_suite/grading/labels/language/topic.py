"""Whether "it" is the image, or something else that a reply has introduced."""

import re
from collections.abc import Sequence

from fakebench_suite.grading.labels.language import grammar
from fakebench_suite.grading.labels.language.lexicon import LABELS, LETTER, Sentence, compile_parts
from fakebench_suite.grading.labels.language.polarity import Match

_ASPECTS = re.compile(
    r"anatomy|blending|blur(?:riness)?|brightness|clarity|colou?r(?:s|ation|ing)?|composition|"
    r"(?:in)?consistenc(?:y|ies)|contrast|definition|depth|details?|distortions?|edges?|exposure|"
    r"focus|geometry|grain|highlights|illumination|imperfections|irregularities|layout|light|"
    r"lighting|noise|outlines?|palette|perspective|proportions?|quality|reflections?|resolution|"
    r"saturation|shading|shadows?|shapes?|sharpness|style|symmetry|textures?|tones?"
)
"""What images have, and nothing in them: after "its texture is odd", "it" is still the image."""
_PREPOSITIONS = re.compile(
    "about|across|along|among|around|at|behind|below|between|for|from|in|near|of|on|over|"
    "throughout|to|under|with|within"
)
_MAX_ASPECT_WORDS = 4
"""Words after "there is" among which the aspect is."""
_INTRODUCED_OBJECT = re.compile(
    r"\b(?:see|there (?:is|was)|holds?|holding|wears?|wearing|contains?|shows?|showing|features?|"
    r"featuring|depicts?|depicting) an? [a-z]"
)
_PLURAL_VERBS = frozenset({"are", "were"})
_ON_TOPIC = compile_parts("SO|HENCE|STATES|SUGGESTS|OPINION|IMAGE")


class Topic:
    """Whether "it" is the image at the start of a sentence; computed backwards on demand."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._sentences = sentences
        self._known: dict[int, bool] = {-1: True}

    def mention(self, index: int) -> None:
        """Record that a sentence is about the image."""
        self._known[index] = True

    def is_image(self, index: int) -> bool:
        """Return whether "it" is the image in sentence ``index``."""
        position = index - 1
        while position not in self._known:
            keeps_topic = _keeps_topic(self._sentences[position])
            if keeps_topic is not None:
                self._known[position] = keeps_topic
                break
            position -= 1
        on_topic = self._known[position]
        self._known.update(dict.fromkeys(range(position, index), on_topic))
        return on_topic


def refers_elsewhere(sentence: Sentence, position: int) -> bool:
    """Return whether "it" may refer to another subject of the sentence."""
    tags = sentence.tags[:position]
    if _ON_TOPIC.search(tags):
        return False
    starts = [0, *(match.end() for match in grammar.CLAUSE_START.finditer(tags))]
    subjects = (grammar.OTHER_SUBJECT.match(tags, start) for start in starts)
    return any(
        subject
        and sentence.words[subject.end() - 1] not in _PLURAL_VERBS
        and not _is_aspect(sentence, subject)
        for subject in subjects
    )


def _is_aspect(sentence: Sentence, subject: Match) -> bool:
    """Return whether a clause is about what an image has: "the texture of the wall is odd"."""
    words: Sequence[str] = sentence.words[subject.start() : subject.end() - 1]
    if words and words[-1] == "there":
        words = sentence.words[subject.end() : subject.end() + _MAX_ASPECT_WORDS]
    noun = ""
    for word in words:
        if _PREPOSITIONS.fullmatch(word):
            break
        noun = word
    return _ASPECTS.fullmatch(noun) is not None


def _keeps_topic(sentence: Sentence) -> bool | None:
    """Return whether "it" is the image in the next sentence; None if it depends on earlier ones."""
    if sentence.asks or grammar.CONDITIONAL.match(sentence.tags):
        return None
    other = grammar.OTHER_SUBJECT.match(sentence.tags)
    aspect = other is not None and _is_aspect(sentence, other)
    if other and not aspect and sentence.words[other.end() - 1] not in _PLURAL_VERBS:
        return False
    tags = (
        grammar.IMAGE_CLASS.sub("", sentence.tags)
        if grammar.IMAGE_SUBJECT.match(sentence.tags)
        else (sentence.tags)
    )
    if LABELS.search(tags) or _INTRODUCED_OBJECT.search(sentence.text):
        return False
    return True if aspect or LETTER["IMAGE"] in sentence.tags else None
