"""``openai:MODEL@URL`` is taken apart, and shown without secrets."""

import pytest

from fakebench_suite.endpoints.names import parse_endpoint_name
from fakebench_suite.errors import UserError


@pytest.mark.parametrize(
    ("text", "model", "url"),
    [
        ("openai:gpt-4o@https://api.openai.com/v1", "gpt-4o", "https://api.openai.com/v1"),
        (" OpenAI:a/b@http://h:1/v1 ", "a/b", "http://h:1/v1"),
        ("openai:m@v1@http://h", "m@v1", "http://h"),
        ("openai:m@http://u:p@h", "m", "http://u:p@h"),
    ],
)
def test_model_and_url(text: str, model: str, url: str) -> None:
    """The model ends at the first @ that a URL follows."""
    name = parse_endpoint_name(text, option="--model")
    assert name is not None
    assert (name.model, name.url) == (model, url)


@pytest.mark.parametrize(
    "text", ["pocket", "Qwen/Qwen3-VL-8B-Instruct", "transformers:x", "", "./a"]
)
def test_other_texts_are_no_endpoint(text: str) -> None:
    """They are no names of an endpoint: a card or a judge may have them."""
    assert parse_endpoint_name(text, option="--model") is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("openai", "lacks a model or a URL"),
        ("openai:m@", "lacks a model or a URL"),
        ("openai:m@http://", "names no server"),
        ("openai:m@http://h:99999", "cannot be read"),
        ("openai:m@http://h:0", "port 0"),
        ("openai:m@http://a b", "blank"),
    ],
)
def test_a_wrong_name_is_a_sentence(text: str, fault: str) -> None:
    """Which names the option."""
    with pytest.raises(UserError, match=f"--model is .*{fault}"):
        parse_endpoint_name(text, option="--model")


def test_secrets_are_masked() -> None:
    """In the name, in its repr, and in errors."""
    name = parse_endpoint_name("openai:m@http://me:hunter2@h/v1?key=c0ffee", option="--model")
    assert name is not None
    assert name.shown == "m@http://***@h/v1?key=***"
    with pytest.raises(UserError) as caught:
        parse_endpoint_name("openai:m@http://me:hunter2@h:0/v1?key=c0ffee", option="--model")
    for secret in ("hunter2", "c0ffee"):
        assert secret not in f"{name!r} {caught.value}"
