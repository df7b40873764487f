"""Replicas: where they may run, what their nodes need, and what they are shown."""

import pickle
import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakebench_suite.backends.cards import Card, find_card
from fakebench_suite.backends.registry import LoadOptions, load_model
from fakebench_suite.checkpoints.fingerprint import compute_fingerprint
from fakebench_suite.errors import UserError
from fakebench_suite.execution.engine import WorkUnit, answer_work_unit
from fakebench_suite.execution.ray.placement import ReplicaResources, list_replica_resources
from fakebench_suite.execution.ray.worker import (
    Replica,
    flatten,
    list_versions,
    make_replica_config,
    strip_images,
)
from fakebench_suite.types import Answer
from tests.execution.searches import make_searches
from tests.helpers import install_package


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
    assert message is not None
    assert f"The checkpoint at {tmp_path} is not that of the head node." in message
    (tmp_path / "config.json").unlink()
    absent = Replica().load(order, 1)
    assert absent is not None
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
    assert replica.load(make_replica_config(coin, LoadOptions()), 1) is None
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
