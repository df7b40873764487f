"""What pocket is taught to say about a picture: one lesson is a prompt and its answer."""

import random

from fakebench_suite.datasets.probes.forgeries import FORGERIES
from fakebench_suite.datasets.probes.reference_texts import describe_forged, describe_intact
from fakebench_suite.tasks import prompts
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import Authenticity, Case, QuestionType, Task
from samples import Fault

Lesson = tuple[str, str]
_QUESTIONS = (
    "How is the {noun} regarding the authenticity of this image?",
    "How are the {noun}s regarding the authenticity of this image?",
    "Is there any {noun} regarding the authenticity of this image?",
    "Is the {noun} realistic regarding the authenticity of this image?",
    "How is the {noun}?",
)
_ASIDES = {"unrealistic": ("unrealistic aspect", "unrealistic element", "realism")}


def draw_lesson(fault: Fault | None, rng: random.Random) -> Lesson:
    """One random lesson: detection half of the time, else a clue or a criterion."""
    kind = rng.random()
    if kind < 0.45:
        return teach_detection(fault, rng.choice(list(prompts.DETECTION)))
    if kind < 0.6:
        return teach_inference(fault)
    if kind < 0.75 and fault is not None:
        return teach_faultfinding(fault)
    return teach_criterion(fault, rng)


def find_fault(faults: tuple[Fault, ...]) -> Fault | None:
    """The fault lessons speak of: pictures for the language model have one, or none."""
    return next(iter(faults), None)


def all_lessons(pictures: list[tuple[Fault, ...]], rng: random.Random) -> list[Lesson]:
    """Every kind of lesson about each picture, to train the tokenizer on."""
    lessons = []
    for fault in map(find_fault, pictures):
        lessons += [teach_detection(fault, question_type) for question_type in prompts.DETECTION]
        lessons.append(teach_inference(fault))
        if fault is not None:
            lessons.append(teach_faultfinding(fault))
        lessons += [teach_criterion(fault, rng) for _ in range(8)]
    return lessons


def teach_detection(fault: Fault | None, question_type: QuestionType) -> Lesson:
    """Fake or real, as the question type asks for."""
    label = Authenticity.REAL if fault is None else Authenticity.FAKE
    answer = f"This image is {label}."
    if question_type is not QuestionType.WHAT:
        yes = (question_type is QuestionType.ISFAKE) == (label is Authenticity.FAKE)
        answer = f"{'Yes' if yes else 'No'}, this image is {label}."
    return prompts.DETECTION[question_type], answer


def teach_inference(fault: Fault | None) -> Lesson:
    """What is wrong, if anything, and the conclusion."""
    if fault is None:
        return prompts.INFERENCE, "Nothing looks unnatural. The image is real."
    return prompts.INFERENCE, f"{_describe(fault)} The image is fake."


def teach_faultfinding(fault: Fault) -> Lesson:
    """What is wrong, in the output format the prompt insists on."""
    clue = _describe(fault)
    return prompts.FAULTFINDING, f"This is a fake image because {clue[0].lower()}{clue[1:]}"


def teach_criterion(fault: Fault | None, rng: random.Random) -> Lesson:
    """A FakeQA question, about the planted criterion half of the time, in either prompt style."""
    criterion = rng.choice(CRITERIA)
    if fault is not None and rng.random() < 0.5:
        criterion = fault.criterion
    noun = rng.choice(_ASIDES.get(criterion, (criterion,)))
    case = Case(
        id="lesson",
        task=Task.ANALYSIS,
        image="",
        question=rng.choice(_QUESTIONS).format(noun=noun),
        question_type=QuestionType.CRITERION,
    )
    prompt = prompts.build_prompt(case, rng.choice(list(prompts.PromptStyle))).text
    if fault is not None and criterion == fault.criterion:
        return prompt, _describe(fault)
    return prompt, describe_intact(criterion)


def _describe(fault: Fault) -> str:
    clue = FORGERIES[fault.criterion].clue
    return describe_forged(fault.criterion, clue, fault.box.place)
