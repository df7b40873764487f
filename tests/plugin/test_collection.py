"""What a run is planned from, where no session is needed to say what is wrong with it."""

from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.execution.plan import choose_card
from fakebench_suite.types import Outcome
from tests.factories import make_record, write_run
from tests.fuzz.samples import make_settings


@pytest.mark.parametrize("card", [{"adapter": "scripted"}, {"name": 1, "path": "."}, {}], ids=str)
def test_a_card_of_an_earlier_run_is_checked(tmp_path: Path, card: dict[str, object]) -> None:
    """With ``--answers`` its card is read from its manifest, which may be anybody's."""
    model = {"name": "m", "card": card}
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)], model=model)
    with pytest.raises(UserError, match="a card that this version cannot read"):
        choose_card(make_settings(tmp_path, answers=run))


def test_a_card_of_an_earlier_run_may_be_named_by_its_path(tmp_path: Path) -> None:
    """As it was when the run was made."""
    path = tmp_path / "mine.toml"
    path.write_text('repository = "a/b"\n', encoding="utf-8")
    model = {"name": "mine", "card": {"name": "mine", "repository": "a/b"}}
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)], model=model)
    assert choose_card(make_settings(tmp_path, answers=run, model=str(path))).name == "mine"
    with pytest.raises(UserError, match="holds answers of mine, not of coin"):
        choose_card(make_settings(tmp_path, answers=run, model="coin"))


@pytest.mark.parametrize("name", ["other/mine.toml", "gone/mine.toml", "org/name", "openai:gpt-5"])
def test_another_model_of_the_name_is_not_that_of_an_earlier_run(tmp_path: Path, name: str) -> None:
    """Whether it is here or not."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.toml").write_text('repository = "c/d"\n', encoding="utf-8")
    model = {"name": "mine", "card": {"name": "mine", "repository": "a/b"}}
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)], model=model)
    named = str(tmp_path / name) if name.endswith(".toml") else name
    with pytest.raises(UserError, match=r"holds answers of mine, not of .*Leave --model out"):
        choose_card(make_settings(tmp_path, answers=run, model=named))
