"""Reference clues and FakeQA answers of the probes."""

_FORGED_CLAIMS = {
    "content deficiency": "There is a content deficiency",
    "distortion": "There is distortion",
    "unrealistic": "The image is unrealistic",
}
_INTACT_CLAIMS = {
    "content deficiency": "There is no content deficiency.",
    "distortion": "There is no distortion.",
    "unrealistic": "The image is realistic.",
}


def describe_forged(criterion: str, clue: str, position: str) -> str:
    """Return a sentence with the violated criterion, what is visible, and where."""
    claim = _FORGED_CLAIMS.get(criterion, f"The {criterion} is unnatural")
    return f"{claim}: {clue} in the {position}."


def describe_intact(criterion: str) -> str:
    """Return a sentence that states that a criterion is as in a photograph."""
    return _INTACT_CLAIMS.get(criterion, f"The {criterion} is natural.")
