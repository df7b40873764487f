"""Threads that wait do not keep a core busy."""

import os
import subprocess
import sys

import pytest

from fakebench_suite.checkpoints.openmp_wait_policy import wait_without_spinning

POLICY, SPINS = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"


@pytest.mark.parametrize(
    ("given", "policy"),
    [({}, "PASSIVE"), ({POLICY: "ACTIVE"}, "ACTIVE"), ({SPINS: "1000"}, None)],
    ids=["none", "policy", "spins"],
)
def test_a_setting_of_the_user_stays(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], policy: str | None
) -> None:
    """Threads sleep unless the environment says how they wait."""
    for name in (POLICY, SPINS):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    wait_without_spinning()
    assert os.environ.get(POLICY) == policy


@pytest.mark.process
@pytest.mark.parametrize(
    "package", ["backends.transformers", "backends.transformers.devices"], ids=["package", "torch"]
)
def test_it_is_set_before_torch_is_imported(package: str) -> None:
    """Whatever part of the backend is imported first."""
    code = f"""
import os, sys

class Watch:
    def find_spec(self, name, *rest):
        if name == "torch":
            print("torch")
            assert os.environ["{POLICY}"] == "PASSIVE"

sys.meta_path.insert(0, Watch())
import fakebench_suite.{package}
print(os.environ["{POLICY}"])
"""
    environment = {name: os.environ[name] for name in os.environ.keys() - {POLICY, SPINS}}
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert process.stdout.split() == (["torch"] if "devices" in package else []) + ["PASSIVE"]
