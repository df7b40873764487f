"""What is sent: the pixels and the question, nothing else, and each image encoded once."""

import base64
import threading
import time
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops

from fakebench_suite.backends.base import Capability, Request
from fakebench_suite.backends.cards import Card, Generation, PromptFormat
from fakebench_suite.backends.openai import images
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.types import Answer, Prompt, QuestionType
from tests.backends.openai.conftest import FEATURES, Load, get_text, list_errors, make_requests
from tests.endpoint_server import Endpoint, Reply


def decode(body: dict[str, Any]) -> Image.Image:
    """The image of a request."""
    url: str = body["messages"][-1]["content"][0]["image_url"]["url"]
    head, _, data = url.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return Image.open(BytesIO(base64.b64decode(data)))


def test_the_image_comes_first_and_keeps_every_pixel(endpoint: Endpoint, load: Load) -> None:
    """Without the metadata of its file, and without its name."""
    picture = Image.effect_noise((40, 30), 90).convert("RGB")
    picture.info = {"icc_profile": b"profile", "comment": "made by a model", "exif": b"Exif\0\0"}
    prompt = Prompt(case="a", image="glide-1.png", question_type=QuestionType.WHAT, text="Fake?")
    load().run([Request(prompt=prompt, images={"glide-1.png": picture})])
    (body,) = endpoint.asked
    assert [part["type"] for part in body["messages"][0]["content"]] == ["image_url", "text"]
    assert get_text(body) == "Fake?"
    shown = decode(body)
    assert shown.format == "PNG"
    assert shown.info == {}
    assert ImageChops.difference(shown, picture).getbbox() is None
    assert "glide" not in str(body)
    assert body | {"messages": []} == {
        "model": "tiny",
        "messages": [],
        "temperature": 0,
        "seed": 0,
        "max_tokens": 512,
    }


def test_two_images_come_before_the_text_in_order(endpoint: Endpoint, load: Load) -> None:
    """Each is encoded once, also where another request shows them the other way round."""
    pictures = {name: Image.new("RGB", (3, 2), (grey,) * 3) for name, grey in (("a", 9), ("b", 7))}
    which = QuestionType.WHICHFAKE
    requests = [
        Request(
            prompt=Prompt(case=a, image=a, second_image=b, question_type=which, text=f"{a}{b}?"),
            images=pictures,
        )
        for a, b in (("a", "b"), ("b", "a"))
    ]
    assert list_errors(load().run(requests)) == []
    sent = {get_text(body): body["messages"][0]["content"] for body in endpoint.asked}
    assert [part["type"] for part in sent["ab?"]] == ["image_url", "image_url", "text"]
    assert sent["ab?"][:2] == sent["ba?"][1::-1]
    assert sent["ab?"][0] != sent["ab?"][1]


def test_a_card_says_how_to_ask(endpoint: Endpoint, load: Load) -> None:
    """System prompt, detail, format, limit, seed, headers, and fields of its own."""
    settings = EndpointOptions(
        url=endpoint.url,
        model="org/tiny@2",
        detail="high",
        image_format="jpeg",
        jpeg_quality=90,
        seed=7,
        headers={"Authorization": "Bearer other"},
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
    )
    card = Card(
        backend="openai",
        endpoint=settings,
        prompt=PromptFormat(system="Be brief."),
        generation=Generation(max_new_tokens=64),
    )
    load(card=card).run(make_requests())
    (body,) = endpoint.asked
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["messages"][1]["content"][0]["image_url"]["detail"] == "high"
    assert decode(body).format == "JPEG"
    assert (body["model"], body["seed"], body["max_tokens"]) == ("org/tiny@2", 7, 64)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert endpoint.keys == ["Bearer other"]


def test_what_a_server_refuses_is_not_sent(endpoint: Endpoint, load: Load) -> None:
    """And the manifest says so."""
    features = {"refused": ["temperature", "seed"], "token_limit": "max_completion_tokens"}
    backend = load(features=features)
    backend.run(make_requests())
    assert endpoint.asked[0].keys() == {"model", "messages", "max_completion_tokens"}
    info = backend.describe()
    assert info.generation == {"max_completion_tokens": 512}
    assert info.details["refused_parameters"] == ["seed", "temperature"]
    assert info.details["endpoint"] == endpoint.url
    limits = {"top_logprobs": 5, "first_token_limit": 16}
    assert limits.keys().isdisjoint(info.details)
    assert limits.items() <= load(features=limits).describe().details.items()


def test_each_image_is_encoded_once(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many prompts are about it, and however often one of them is sent."""
    encoded: list[Image.Image] = []
    encode = images.encode_image

    def count(image: Image.Image, options: EndpointOptions) -> bytes:
        encoded.append(image)
        return encode(image, options)

    monkeypatch.setattr(images, "encode_image", count)
    endpoint.behave = lambda _body, number: (500, "") if number % 5 == 0 else (200, "fake")
    requests = make_requests(56, images=4)
    assert list_errors(load(concurrency=8).run(requests)) == []
    assert len(encoded) == 4
    assert len(endpoint.asked) > 56
    shown = {get_text(body): decode(body).getpixel((0, 0)) for body in endpoint.asked}
    for request in requests:
        assert shown[request.prompt.text] == request.image.getpixel((0, 0))


def test_an_image_that_cannot_be_opened_again_fails_the_unit(load: Load) -> None:
    """The runner then asks case by case, as it does of any backend."""

    class Gone(dict[str, Image.Image]):
        def __getitem__(self, name: str) -> Image.Image:
            raise OSError(f"{name} is gone")

    (request,) = make_requests()
    with pytest.raises(OSError, match="is gone"):
        load().run([Request(prompt=request.prompt, images=Gone())])


def test_half_a_surrogate_pair_is_sent_as_text(endpoint: Endpoint, load: Load) -> None:
    """A question may hold anything."""
    picture = {"a": Image.new("RGB", (8, 8))}
    prompt = Prompt(case="a", image="a", question_type=QuestionType.WHAT, text="\ud800 fake?")
    (reply,) = load().run([Request(prompt=prompt, images=picture)])
    assert isinstance(reply, Answer)
    assert get_text(endpoint.asked[0]) == "\ufffd fake?"


def linger(_body: dict[str, Any], _number: int) -> Reply:
    """A reply, a little late."""
    time.sleep(0.25)
    return 200, "fake"


@pytest.mark.parametrize(("workers", "most"), [(1, 12), (2, 6), (40, 1)])
def test_requests_are_in_flight_together(
    endpoint: Endpoint, load: Load, workers: int, most: int
) -> None:
    """As many as the card allows, divided by the processes of the run."""
    endpoint.behave = linger
    backend = load(concurrency=12, workers=workers)
    backend.run(make_requests(2 * most))
    assert endpoint.together == most


def test_units_share_the_slots(endpoint: Endpoint, load: Load) -> None:
    """Two units at once have no more requests in flight than one."""
    endpoint.behave = linger
    backend = load(concurrency=8)
    assert backend.max_in_flight == 2
    assert load(concurrency=65).max_in_flight == 3
    units = [threading.Thread(target=backend.run, args=(make_requests(8),)) for _ in range(2)]
    for unit in units:
        unit.start()
    for unit in units:
        unit.join()
    assert endpoint.together == 8
    assert len(endpoint.asked) == 16


def test_capabilities_are_those_of_a_model_that_is_loaded(load: Load) -> None:
    """Texts, first tokens and probabilities; the test request says what a server lacks."""
    assert load(features=FEATURES).capabilities == frozenset(Capability)


def test_headers_of_the_environment_are_not_sent(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The official client would send them to any host, and no manifest would say so."""
    monkeypatch.setenv("OPENAI_ORG_ID", "marked")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "marked")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Foo: marked\nX-Bar: marked")
    received: list[str] = []

    def note(handler: BaseHTTPRequestHandler) -> bool:
        received.append(str(handler.headers))
        return False

    endpoint.serve_raw = note
    assert list_errors(load().run(make_requests(1))) == []
    headers = {"OpenAI-Organization": "org-card"}
    assert list_errors(load(headers=headers).run(make_requests(1))) == []
    assert "marked" not in str(received)
    assert ["org-card" in text for text in received] == [False, True]
