"""The house rules on imports: from plugin down, never back, heavy packages in one place."""

import ast
import sys
from pathlib import Path

import pytest

import fakebench_suite

PACKAGE = Path(__file__).parents[1] / "fakebench_suite"
LEVELS = {
    "files": 0, "text": 0, "types": 0, "errors": 0, "deprecation": 0, "extras": 0,
    "entry_points": 0, "python_check": 0,
    "tasks": 1, "provenance": 1, "checkpoints": 1, "endpoints": 1,
    "datasets": 2, "backends": 2, "grading": 2, "runs": 2,
    "execution": 3,
    "metrics": 4,
    "gates": 5,
    "report": 6,
    "workflows": 7,
    "plugin": 8,
    "cli": 9,
    "__main__": 10, "__init__": 10,
}  # fmt: skip
"""The layer of each folder; a layer imports those below it only."""
SIBLINGS = {"datasets", "backends", "grading", "runs"}
"""Folders of one layer that do not import each other."""
HEAVY = {"torch", "transformers", "vllm", "ray", "openai", "sentence_transformers", "onnxruntime"}
HEAVY_PLACES = (
    "backends/classifier/", "backends/openai/", "backends/transformers/", "backends/vllm/",
    "checkpoints/linear_layers.py", "endpoints/", "execution/ray/", "grading/judges/",
    "grading/embeddings.py",
)  # fmt: skip
"""Where heavy packages may be imported."""


def list_imports(source: str) -> set[str]:
    """The modules a source imports, at the top and inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def find_offences(path: str, source: str) -> list[str]:
    """What a module at ``path`` (relative to the package) imports against the rules."""
    layer = path.partition("/")[0].removesuffix(".py")
    offences = []
    for name in sorted(list_imports(source)):
        package, _, submodule = name.partition(".")
        target = submodule.partition(".")[0]
        if package == "fakebench_suite" and target in LEVELS and target != layer:
            level, target_level = LEVELS.get(layer, 0), LEVELS[target]
            if target_level > level or {layer, target} <= SIBLINGS:
                offences.append(f"{path} imports {name}")
        if package == "fakebench_suite" and target in fakebench_suite.__all__:
            offences.append(f"{path} imports {target} not from the module that defines it")
        if package in HEAVY and not path.startswith(HEAVY_PLACES):
            offences.append(f"{path} imports {name}")
        if package == "pytest" and layer != "plugin":
            offences.append(f"{path} imports pytest")
        if path == "types.py" and package not in sys.stdlib_module_names:
            offences.append(f"types.py imports {name}")
    return offences


def test_every_module_keeps_the_rules() -> None:
    """No module of the package imports upwards, sideways or too heavily."""
    offences = [
        offence
        for path in sorted(PACKAGE.rglob("*.py"))
        for offence in find_offences(
            path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")
        )
    ]
    assert offences == []


def test_every_module_has_a_place() -> None:
    """A new module or package must be given its layer here."""
    modules = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    assert {path.parts[0].removesuffix(".py") for path in modules} == set(LEVELS)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("metrics/scores.py", "from fakebench_suite.plugin.options import Settings"),
        ("grading/labels/parser.py", "def f():\n    from fakebench_suite.datasets import probes"),
        ("plugin/session.py", "import torch.nn"),
        ("runs/store.py", "import pytest"),
        ("types.py", "import msgspec"),
        ("tasks/prompts.py", "from fakebench_suite import datasets"),
        ("metrics/scores.py", "from fakebench_suite import Score"),
    ],
)
def test_an_offence_is_found(path: str, source: str) -> None:
    """Each kind of forbidden import is noticed, also inside a function."""
    assert find_offences(path, source) != []
