"""The dialogues that pocket is trained on: a prompt about an image, and its answer."""

import random

from fakebench_suite.datasets.probes.forgeries import FORGERIES
from fakebench_suite.datasets.probes.reference_texts import describe_forged, describe_intact
from fakebench_suite.tasks import prompts
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import Authenticity, Case, QuestionType, Task
from samples import PlantedForgery

Dialogue = tuple[str, str]
"""Prompt and answer."""
_QUESTIONS = (
    "How is the {noun} regarding the authenticity of this image?",
    "How are the {noun}s regarding the authenticity of this image?",
    "Is there any {noun} regarding the authenticity of this image?",
    "Is the {noun} realistic regarding the authenticity of this image?",
    "How is the {noun}?",
)
_NOUNS = {"unrealistic": ("unrealistic aspect", "unrealistic element", "realism")}


def sample_dialogue(forgery: PlantedForgery | None, rng: random.Random) -> Dialogue:
    """Sample a dialogue: detection with probability 0.45, otherwise a clue or a criterion."""
    kind = rng.random()
    if kind < 0.45:
        return format_detection(forgery, rng.choice(list(prompts.DETECTION)))
    if kind < 0.6:
        return format_inference(forgery)
    if kind < 0.75 and forgery is not None:
        return format_faultfinding(forgery)
    return sample_criterion(forgery, rng)


def select_forgery(forgeries: tuple[PlantedForgery, ...]) -> PlantedForgery | None:
    """Return the forgery that dialogues are about, if any.

    Images for the language model have at most one.
    """
    return next(iter(forgeries), None)


def list_dialogues(
    forgeries: list[tuple[PlantedForgery, ...]], rng: random.Random
) -> list[Dialogue]:
    """Return dialogues of every kind about each image, to train the tokenizer on."""
    dialogues = []
    for forgery in map(select_forgery, forgeries):
        dialogues += [
            format_detection(forgery, question_type) for question_type in prompts.DETECTION
        ]
        dialogues.append(format_inference(forgery))
        if forgery is not None:
            dialogues.append(format_faultfinding(forgery))
        dialogues += [sample_criterion(forgery, rng) for _ in range(8)]
    return dialogues


def format_detection(forgery: PlantedForgery | None, question_type: QuestionType) -> Dialogue:
    """Return a detection question and its answer, in the form that the question type asks for."""
    label = Authenticity.REAL if forgery is None else Authenticity.FAKE
    answer = f"This image is {label}."
    if question_type is not QuestionType.WHAT:
        is_yes = (question_type is QuestionType.ISFAKE) == (label is Authenticity.FAKE)
        answer = f"{'Yes' if is_yes else 'No'}, this image is {label}."
    return prompts.DETECTION[question_type], answer


def format_inference(forgery: PlantedForgery | None) -> Dialogue:
    """Return the inference prompt and an answer with clue and conclusion."""
    if forgery is None:
        return prompts.INFERENCE, "Nothing looks unnatural. The image is real."
    return prompts.INFERENCE, f"{_describe(forgery)} The image is fake."


def format_faultfinding(forgery: PlantedForgery) -> Dialogue:
    """Return the fault-finding prompt and an answer in the output format that it requires."""
    clue = _describe(forgery)
    return prompts.FAULTFINDING, f"This is a fake image because {clue[0].lower()}{clue[1:]}"


def sample_criterion(forgery: PlantedForgery | None, rng: random.Random) -> Dialogue:
    """Sample a FakeQA question, half of the time about the planted criterion, in either style."""
    criterion = rng.choice(CRITERIA)
    if forgery is not None and rng.random() < 0.5:
        criterion = forgery.criterion
    noun = rng.choice(_NOUNS.get(criterion, (criterion,)))
    case = Case(
        id="dialogue",
        task=Task.ANALYSIS,
        image="",
        question=rng.choice(_QUESTIONS).format(noun=noun),
        question_type=QuestionType.CRITERION,
    )
    prompt = prompts.build_prompt(case, rng.choice(list(prompts.PromptStyle))).text
    if forgery is not None and criterion == forgery.criterion:
        return prompt, _describe(forgery)
    return prompt, describe_intact(criterion)


def _describe(forgery: PlantedForgery) -> str:
    clue = FORGERIES[forgery.criterion].clue
    return describe_forged(forgery.criterion, clue, forgery.box.position_name)
