"""``[endpoint]`` of a card: wrong settings are one sentence, and no secret is described."""

from pathlib import Path

import pytest

from fakebench_suite.backends.cards import read_card
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.errors import CardError

ENDPOINT = '[endpoint]\nurl = "http://localhost:8000/v1"\nmodel = "m"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[endpoint]\nmodel = "m"', "url"),
        ('[endpoint]\nmodel = "m"\nurl = "ftp://a"', "http://"),
        ('[endpoint]\nmodel = "m"\nurl = "http://a:0"', "port 0"),
        ('[endpoint]\nmodel = ""\nurl = "http://a"', "model in [endpoint]"),
        (f"{ENDPOINT}\njpeg_quality = 90", "go together"),
        (f'{ENDPOINT}\nimage_format = "webp"', "webp"),
        (f"{ENDPOINT}\nconcurrency = 0", "concurrency"),
        (f'{ENDPOINT}\nheaders = {{ "X-A" = "ä" }}', "'X-A', which is no header"),
        (f'{ENDPOINT}\nheaders = {{ "X-A" = "a\\nb" }}', "'X-A', which is no"),
        (f'{ENDPOINT}\nheaders = {{ "X A" = "b" }}', "'X A', which is no header"),
        (f"{ENDPOINT}\nextra_body = {{ n = 2 }}", "extra_body sets n"),
        (f"{ENDPOINT}\nprices = {{ input = inf, output = 1 }}", "input is inf"),
        (f"{ENDPOINT}\nprices = {{ input = 1, output = nan }}", "prices.output"),
        (f"{ENDPOINT}\nprices = {{ input = -1, output = 1 }}", ">= 0"),
    ],
)
def test_a_wrong_setting_is_one_clear_error(tmp_path: Path, content: str, message: str) -> None:
    """URL, headers, prices and fields of requests, with the card and the reason."""
    path = tmp_path / "odd.toml"
    path.write_text(f'backend = "openai"\n{content}', encoding="utf-8")
    with pytest.raises(CardError) as exc_info:
        read_card(path, name="odd")
    assert "odd.toml" in str(exc_info.value)
    assert message in str(exc_info.value)


def test_options_are_described_without_secrets() -> None:
    """Neither those of its URL, nor those of its headers; nor what no answer depends on."""
    options = EndpointOptions(
        url="http://me:hunter2@host/v1?api_key=c0ffee&v=1",
        model="m",
        headers={"x-api-key": "marked", "X-Route": "marked", "x-title": "fakebench"},
        extra_body={
            "api_key": "marked",
            "top_k": 1,
            "provider": {"api_key": "marked", "order": ["a"]},
            "upstream": {"header": "Bearer sk-marked-0123456789", "tries": 2, "wait": True},
            "aws": [{"secret_access_key": "marked"}],
        },
        concurrency=4,
    )
    described = options.describe()
    assert described["url"] == "http://***@host/v1?api_key=***&v=1"
    assert described["headers"] == {"x-api-key": "***", "X-Route": "***", "x-title": "fakebench"}
    assert described["extra_body"] == {
        "api_key": "***",
        "top_k": 1,
        "provider": {"api_key": "***", "order": ["a"]},
        "upstream": {"header": "Bearer ***", "tries": 2, "wait": True},
        "aws": [{"secret_access_key": "***"}],
    }
    identity = options.describe(identity=True)
    assert described.keys() - identity.keys() == {
        "key_env", "prices", "concurrency", "stream", "timeout",
    }  # fmt: skip


def test_settings_with_names_like_secrets_tell_models_apart() -> None:
    """A number is no secret; of a text, enough is told to see that another one was sent."""

    def describe(extra_body: dict[str, object]) -> tuple[object, object]:
        options = EndpointOptions(url="http://host/v1", model="m", extra_body=extra_body)
        shown, identity = options.describe(), options.describe(identity=True)
        return shown["extra_body"], identity["extra_body"]

    numbers: dict[str, object] = {
        "thinking_token_budget": 10,
        "stop_token_ids": [10, 2],
        "session": None,
        "key": True,
    }
    assert describe(numbers) == (numbers, numbers)
    shown, identity = describe({"stop_token": "###", "secrets": {"eos_token": ["a", 1]}})
    assert shown == {"stop_token": "***", "secrets": {"eos_token": ["***", 1]}}
    assert "###" not in str(identity)
    assert identity == describe({"stop_token": "###", "secrets": {"eos_token": ["a", 1]}})[1]
    assert identity != describe({"stop_token": "##", "secrets": {"eos_token": ["a", 1]}})[1]
    assert identity != describe({"stop_token": "###", "secrets": {"eos_token": ["b", 1]}})[1]
