"""The suite asks vLLM itself: a whole run, the same answers as here, and hits in its caches."""

import random
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.questions import list_prompts
from fakebench_suite.backends.base import Request
from fakebench_suite.backends.cards import Card, Generation
from fakebench_suite.backends.openai.bodies import ServerFeatures
from fakebench_suite.backends.openai.model import EndpointBackend
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.endpoints.address import parse_address
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import Answer, Prompt
from tests.helpers import call_apart, read_run
from tests.vllm.server import MODEL, Counters, VllmServer

GREEDY = Generation(max_new_tokens=16)
IMAGE_TOKENS = 256
"""Of the pictures, which are 448 x 448: Qwen2-VL makes a token of 2 x 2 patches of 14 x 14."""
Images = Mapping[str, Image.Image]


def ask(
    server: VllmServer,
    prompts: Sequence[Prompt],
    images: Images,
    *,
    concurrency: int = 32,
    generation: Generation = GREEDY,
) -> list[Answer]:
    """The server's answers, one per prompt."""
    endpoint = EndpointOptions(url=server.url, model=MODEL)
    card = Card(backend="openai", endpoint=endpoint, generation=generation)
    address = parse_address(server.url)
    backend = EndpointBackend(card, address, ServerFeatures(), concurrency=concurrency)
    with closing(backend):
        replies = backend.run([Request(prompt=prompt, images=images) for prompt in prompts])
    assert [reply for reply in replies if not isinstance(reply, Answer)] == []
    return [reply for reply in replies if isinstance(reply, Answer)]


def test_a_run_over_the_probes_is_answered(server: VllmServer, tmp_path: Path) -> None:
    """The test request is answered, and so is every case; the server tells its cached tokens."""
    model = f"--model=openai:{MODEL}@{server.url}"
    called = call_apart(
        "run", model, "--sample=2", "--gates=none", "-n0", "--run=run", cwd=tmp_path
    )
    assert called.returncode == 0, called.stdout
    run = read_run(tmp_path)
    assert len(run.records) >= 2
    assert [record for record in run.records if not record["answer"]] == []
    assert run.manifest["usage"]["answers"] == len(run.records)
    assert run.manifest["usage"]["cached_tokens"] > 0
    assert [info for info in run.manifest["inference"] if "refused_parameters" in str(info)] == []


def normalize(text: str) -> str:
    """A reply without what depends on the reader of its tokens, and not on the tokens.

    transformers' backend strips white space, and half a character at the end is U+FFFD to one
    reader and nothing to the other.
    """
    return text.rstrip("\ufffd").strip()


def test_greedy_answers_are_those_of_transformers(server: VllmServer, checkpoint: Path) -> None:
    """All of them, in float32: both see the same pixels and tokens, and no two are equally likely.

    The weights are spread wide, so that the likeliest token is likelier than the next by far more
    than the 1e-5 or so that the order of additions is worth.
    """
    from benchmarks.pictures import draw_pictures
    from fakebench_suite.backends.transformers.model import TransformersBackend

    images = draw_pictures(4)
    prompts = list_prompts(list(images))
    answers = ask(server, prompts, images)
    card = Card(name="random", path=str(checkpoint), dtype="float32", generation=GREEDY)
    local = TransformersBackend(card, checkpoint, device="cpu", remote_code=False)
    replies = local.run([Request(prompt=prompt, images=images) for prompt in prompts])
    expected = [reply for reply in replies if isinstance(reply, Answer)]
    assert len({normalize(answer.text) for answer in expected}) > len(prompts) / 4
    pairs = list(zip(answers, expected, strict=True))
    assert [normalize(answer.text) for answer, _ in pairs] == [
        normalize(reference.text) for _, reference in pairs
    ]
    assert [answer.tokens for answer, _ in pairs] == [reference.tokens for _, reference in pairs]


def measure_hits(server: VllmServer, prompts: Sequence[Prompt], images: Images) -> Counters:
    """What the server counts while it answers the prompts, four at a time."""
    before = server.read_counters()
    ask(server, prompts, images, concurrency=4, generation=Generation(max_new_tokens=1))
    return server.read_counters() - before


def test_prompts_of_an_image_hit_the_cache_together(server: VllmServer) -> None:
    """Image by image, as the suite asks, all but the first find the image's keys and values.

    Shuffled, many do not, for the cache holds fewer images than there are. The prepared image is
    found in either order, and without a ``uuid``: vLLM knows an image by the bytes of its file.
    """
    from benchmarks.pictures import draw_pictures

    images = {name: turn(image) for name, image in draw_pictures(12).items()}
    prompts = list_prompts(list(images))
    in_order = measure_hits(server, prompts, images)
    images = {name: turn(image) for name, image in images.items()}
    shuffled = measure_hits(server, random.Random(0).sample(prompts, len(prompts)), images)
    rates = [
        counters.prefix_cache_hits / counters.prefix_cache_queries
        for counters in (in_order, shuffled)
    ]
    followers = len(images) * (len(CRITERIA) - 1)
    assert in_order.prefix_cache_hits >= 0.9 * followers * IMAGE_TOKENS
    assert rates[0] > 1.5 * rates[1]
    for counted in (in_order, shuffled):
        assert counted.mm_cache_queries == len(prompts)
        assert counted.mm_cache_hits == pytest.approx(followers, rel=0.05)


def turn(image: Image.Image) -> Image.Image:
    """Another image, which no cache knows."""
    return image.transpose(Image.Transpose.ROTATE_90)
