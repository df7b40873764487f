"""The vocabulary of the suite on one page: frozen data that walks from file to exit code.

``dataset file -> Case -> Prompt -> Answer -> Verdict -> Record -> Score -> exit code``

Standard library only. Every type turns to JSON and back through ``msgspec`` unchanged
(see :mod:`fakebench_suite.runs.store`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Task:
    """The names of the four tasks of FakeBench (arXiv 2404.13306, section III), and of others.

    A task is a text: packages can add more, see :mod:`fakebench_suite.tasks.registry`.
    """

    DETECTION: Final = "detection"
    INTERPRETATION: Final = "interpretation"
    REASONING: Final = "reasoning"
    ANALYSIS: Final = "analysis"
    COMPARISON: Final = "comparison"
    """Which of two images is fake, or real; of LOKI, not of FakeBench."""
    ROBUSTNESS: Final = "robustness"
    """Detection cases that are asked again perturbed (:mod:`fakebench_suite.tasks.robustness`)."""
    POINTING: Final = "pointing"
    """Where an image shows that it is fake, as boxes; of no benchmark."""


class Authenticity(StrEnum):
    """Whether an image was generated (``authenticity: 0`` in FakeClass) or photographed (``1``)."""

    FAKE = "fake"
    REAL = "real"


class QuestionType(StrEnum):
    """How a prompt asks, which fixes how its reply is read."""

    WHAT = "what"
    ISFAKE = "isfake"
    ISREAL = "isreal"
    FAULTFINDING = "faultfinding"
    INFERENCE = "inference"
    CRITERION = "criterion"
    WHICHFAKE = "whichfake"
    WHICHREAL = "whichreal"
    POINT = "point"


class Outcome(StrEnum):
    """What became of a case. The three errors are never mixed with the six verdicts."""

    is_error: bool
    """True when no answer could be judged: an error is never an answer."""
    is_miss: bool
    """True when there was an answer and it did not pass."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNPARSED = "unparsed"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    """Cut off at the token limit before it said anything that could be judged."""
    UNSCORED = "unscored"
    MODEL_ERROR = "model_error"
    JUDGE_ERROR = "judge_error"
    IMAGE_ERROR = "image_error"

    def __init__(self, value: str) -> None:
        self.is_error = value.endswith("_error")
        self.is_miss = not self.is_error and value not in {"correct", "unscored"}


WITHOUT_VERDICT = (Outcome.UNPARSED, Outcome.REFUSED, Outcome.TRUNCATED)
"""Outcomes of replies that assert nothing: wrong by the paper's rule, left out of the parsed."""


class FinishReason(StrEnum):
    """Why a reply ended, in the words of the OpenAI API and of vLLM."""

    STOP = "stop"
    """The model ended it."""
    LENGTH = "length"
    """It reached the token limit and was cut off."""
    CONTENT_FILTER = "content_filter"
    """The server refused to answer or withheld the reply: by a filter of contents, or in the field
    for refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """A sentence that says what reveals the image as fake, and the criterion it belongs to."""

    text: str
    criterion: str | None = None


Point = tuple[float, float]
"""x and y in pixels from the upper left corner."""


BoundingBox = tuple[float, float, float, float]
"""Left, top, right and bottom (exclusive) in pixels from the upper left corner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where in an image something shows that it is fake, in pixels of the image as it is shown."""

    box: BoundingBox
    """The smallest box around the region: left, top, right, bottom (exclusive)."""
    polygons: tuple[tuple[Point, ...], ...] = ()
    """Outlines of the region's parts, at least three points each; none where it is the box."""
    criterion: str | None = None
    """Of the 14, where the data set says or its category means one."""
    category: str | None = None
    """What the data set calls the kind of flaw, in its own words."""
    description: str | None = None
    """What is wrong there, in a sentence of the data set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One prompt on one image; ``expected`` is None where the reference text is withheld."""

    id: str
    """Unique in its dataset, ``<image>:<what is asked>``; also the pytest parameter id."""
    task: str
    image: str
    """Name of the image in its dataset; cases that share it form an image group."""
    question: str
    question_type: QuestionType
    label: Authenticity | None = None
    generator: str | None = None
    criterion: str | None = None
    """The criterion asked about (analysis) or planted (probes)."""
    content_categories: str | None = None
    """Content categories of the image as the data set gives them (FakeClue), parted by commas."""
    slot: int | None = None
    """The number of the question in its row (FakeQA, ``Q1`` to ``Q14``)."""
    expected: tuple[Clue, ...] | None = None
    paired_image: str | None = None
    """Of a forged probe, the name of the untouched image; of an untouched one, of the forged."""
    regions: tuple[Region, ...] = ()
    """Where the image shows that it is fake; empty where that is not known, or nowhere."""
    intact_criteria: tuple[str, ...] = ()
    """Criteria that are known to be as in a photograph, though the image is fake."""
    strength: float | None = None
    """Of a graded probe, how far the forgery was carried out, above 0 to 1; 0 where it was not."""
    second_image: str | None = None
    """Name of the image that is shown after ``image``, where a prompt is about two."""
    choices: tuple[str, ...] = ()
    """The options of a multiple-choice question, of which the first is A."""
    expected_choice: str | None = None
    """The letter of the right option; None where it is withheld."""
    perturbation: str | None = None
    """What robustness changed, such as ``jpeg:70``; None for a case of the data set itself."""
    original_case: str | None = None
    """Of a perturbed case, the id of the data set's case that it was made of."""
    original_image: str | None = None
    """Of a perturbed case, the name of the data set's image; ``image`` names the perturbed one."""

    @property
    def image_names(self) -> tuple[str, ...]:
        """The images that the prompt is about, in the order in which they are shown."""
        return _list_names(self.image, self.second_image)

    @property
    def base_image(self) -> str:
        """The data set's image that the case is about."""
        return self.image if self.original_image is None else self.original_image

    @property
    def pair(self) -> str:
        """One name for an image and the one it is paired with, which show the same photograph.

        They are drawn, and drawn again for intervals, together.
        """
        return min(self.base_image, self.paired_image or self.base_image)


def list_image_cases(cases: Iterable[Case]) -> Iterator[Case]:
    """Every case, and where it has a second image, a case on that alone.

    ``open_image`` and ``find_image`` of a data set take the case whose ``image`` they are about, so
    the second image is opened as the image of another case is.
    """
    for case in cases:
        yield case
        if case.second_image is not None:
            yield replace(case, image=case.second_image, second_image=None, label=None, regions=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The text sent to the model after the image named ``image``, and after the second one."""

    case: str
    image: str
    question_type: QuestionType
    text: str
    second_image: str | None = None

    @property
    def image_names(self) -> tuple[str, ...]:
        """The images that the text is about, in the order in which they are shown."""
        return _list_names(self.image, self.second_image)


def _list_names(first: str, second: str | None) -> tuple[str, ...]:
    return (first,) if second is None else (first, second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a server says about one reply: who gave it, and what it took. None: it does not say."""

    model: str | None = None
    """The model that answered, by the server's name."""
    provider: str | None = None
    """Who served the model, where the server passes requests on."""
    system_fingerprint: str | None = None
    """The server's word for its configuration: replies may differ where it differs."""
    prompt_tokens: int | None = None
    """Tokens of the prompt, the image's among them."""
    cached_tokens: int | None = None
    """Of the prompt's tokens, those that the server had computed before."""
    completion_tokens: int | None = None
    """Tokens of the reply, those of its reasoning among them."""
    reasoning_tokens: int | None = None
    cost: float | None = None
    """By the prices of the card, in their currency; without prices, what the server says."""
    attempts: int = 1
    """Requests that were sent until one was answered."""
    first_token_seconds: float | None = None
    """From the request to the first token of its reply, where that arrived in pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipSearch:
    """How the smallest perturbation was searched that changes a verdict, and what was found."""

    prompts: int
    """Prompts that were asked, the original's among them."""
    rounds: int
    """Batches in which they were asked, together with those of other cases."""
    flip: str | None
    """The smallest chain of perturbations that changes the verdict; None if none was found."""
    is_minimal: bool
    """Whether the search came to its end before its prompts did, and none of them failed: nothing
    smaller flips, as far as it can tell, or nothing flips among all that was drawn."""
    original_text: str
    """The reply to the unperturbed picture."""
    original_label: str | None
    """What that asserts, ``fake`` or ``real``; None if nothing, so that nothing can flip."""
    failed: int = 0
    """Prompts that ended in an error; whether they flip is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model said: generated tokens, and its share of the batch's wall time in seconds."""

    text: str
    tokens: int
    seconds: float
    batch_size: int
    p_fake: float | None = None
    """P(fake) of the two options, where they were weighed instead of a reply being written."""
    option_probability_mass: float | None = None
    """Probability that the next token is either option; near 0, ``p_fake`` means little."""
    finish_reason: FinishReason | None = None
    """Why the reply ended; None where the backend does not say."""
    rendered: str | None = None
    """Digest of the tokens that the prompt was turned into, the chat template's among them."""
    reasoning: str | None = None
    """What the model thought, where a server keeps it apart from the text; never judged."""
    usage: Usage | None = None
    """What the server says about the reply; None where the model computes in this process."""
    search: FlipSearch | None = None
    """Of a search, what it found; the text is then the reply to the flip, or else the original's,
    and tokens, seconds and usage are those of all prompts together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelDigest:
    """A picture as it was shown, by digest of mode, size and bytes; ``flat``: of one colour."""

    digest: str
    size: tuple[int, int]
    flat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One round of a text judge: three marks of 0, 1 or 2 (the paper's section V), and why."""

    completeness: int
    preciseness: int
    relevance: int
    reason: str

    @property
    def total(self) -> int:
        """The sum of the three marks, 0-6."""
        return self.completeness + self.preciseness + self.relevance

    @property
    def mean(self) -> float:
        """The mean of the three marks, 0-2."""
        return self.total / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The grade of one answer."""

    outcome: Outcome
    reason: str
    label: str | None = None
    """What the reply asserts: ``fake`` or ``real``, or what was parsed from a graded text."""
    score: float | None = None
    """0 to 2, where a text was scored."""
    followed_format: bool | None = None
    """Whether the reply has the format the prompt asked for; None where it asked for none."""
    judge: str | None = None
    """What gave the score: ``exact``, or a judge's name."""
    ratings: tuple[Rating, ...] = ()
    """The rounds of the text judge that gave marks."""
    failed_rounds: int = 0
    """Rounds that gave none, after every retry; they are in no mean."""
    boxes: tuple[BoundingBox, ...] = ()
    """The boxes that the reply gives, in pixels of the image; a point is a box without size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything about one finished case: one JSON line of ``records.jsonl``."""

    case: Case
    prompt: str
    answer: Answer | None
    verdict: Verdict
    worker: str
    pixels: PixelDigest | None = None
    """Of the picture shown; None where it could not be opened, or is not known."""
    second_pixels: PixelDigest | None = None
    """Of the second picture, where the case has one; None as above."""
    reused: bool = False
    """Whether the answer was taken over from an earlier run (``--reuse``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A value with its 95 % interval over ``n`` cases; None where it is undefined (n = 0)."""

    metric: str
    task: str
    subgroup: str
    """``all``, or a field and its value such as ``generator=dalle3``."""
    value: float | None
    low: float | None
    high: float | None
    n: int
    judge: str | None = None
    """Whose grades these are, where texts were graded; part of the column, never left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyTiming:
    """Rounds of one latency benchmark."""

    name: str
    """``load``, ``first token``, ``prompt``, ``group`` or ``work unit``."""
    state: str
    """``cold``: a model's first answer after loading; ``warm``: any later one."""
    seconds: tuple[float, ...]
    """One round each."""
    prompts: int
    """Answered in a round."""
    tokens: int
    """New tokens of a round."""
    input_digest: str
    """Digest of the prompts; only timings with the same digest are comparable."""


class GateOutcome(StrEnum):
    """The outcome of one gate, or of all gates of a run together."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_EVALUATED = "not evaluated"
    """There is no gate, or the run did not ask all the cases that the gate is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate's outcome for one run, with its reason in a sentence and its figures."""

    gate: str
    outcome: GateOutcome
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    p: float | None = None
    """The p-value of a test, after Holm's correction over all gates with a test."""
    needed: int | None = None
    """Cases that would settle an inconclusive outcome, if the value stays the same."""
