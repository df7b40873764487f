"""``--shard K/N`` and ``merge``: parts made apart come to the same as the whole."""

import json
from pathlib import Path

import pytest

from tests.helpers import call, read_run
from tests.plugin.sandbox import FLOOR, MODES, Run


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_merged_shards_are_the_whole_run(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Scores, rulings and summary of the merged run equal those of a run in one piece."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.51), encoding="utf-8")
    folders = []
    for number in (1, 2):
        result = run(f"--data={data}", f"--shard={number}/2", f"--run=s{number}", *mode)
        assert result.ret == 0, "a shard is ruled by nobody"
        result.stdout.fnmatch_lines(
            [f"This is shard {number}/2: gates are evaluated over the merged run*"]
        )
        assert read_run(project, f"s{number}").manifest["partial"] == [f"shard {number}/2"]
        folders.append(f"reports/s{number}")
    assert run(f"--data={data}", "--run=whole").ret == 1
    merged = call("merge", *folders, "--into=reports/merged", cwd=project)
    assert merged.returncode == 1, merged.stderr
    assert "floor: accuracy is 0.500" in merged.stdout
    for name in ("scores.json", "gates.json", "summary.md", "badge.json"):
        whole, merged_lines = (
            [
                line
                for line in (project / "reports" / run / name).read_text("utf-8").splitlines()
                if not line.startswith(("| started |", "| command |"))
            ]
            for run in ("whole", "merged")
        )
        assert whole == merged_lines, name
    ids = [
        [line["case"]["id"] for line in read_run(project, r).records] for r in ("whole", "merged")
    ]
    assert sorted(ids[0]) == sorted(ids[1])
    manifest = read_run(project, "merged").manifest
    assert (manifest["partial"], manifest["status"]) == ([], "finished")
    assert [shard["shard"] for shard in manifest["merged"]] == ["1/2", "2/2"]
    pictures = list((project / "reports/merged/report/images").glob("*.png"))
    assert len(pictures) == 16, "thumbnails come along without the data"


def test_the_exit_status_of_a_merge_is_that_of_a_run(run: Run, data: Path, project: Path) -> None:
    """0 where the gates pass, 6 where a shard is missing, and 0 without gates."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.1), encoding="utf-8")
    for number in (1, 2, 3):
        assert run(f"--data={data}", f"--shard={number}/3", f"--run=s{number}").ret == 0
    shards = [f"reports/s{number}" for number in (1, 2, 3)]
    assert call("merge", *shards, "--into=reports/all", cwd=project).returncode == 0
    incomplete = call("merge", *shards[:2], "--into=reports/gap", cwd=project)
    assert incomplete.returncode == 6
    assert "the run is partial (no shard 3/3)" in incomplete.stdout.lower()
    assert (
        call("merge", *shards[:2], "--into=reports/a", "--gates=none", cwd=project).returncode == 0
    )
    remerged = call("merge", "reports/gap", "--into=reports/again", cwd=project)
    assert "the run is partial (no shard 3/3)" in remerged.stdout.lower()
    # What was put together too early can still be completed.
    completed = call("merge", "reports/gap", "reports/s3", "--into=reports/late", cwd=project)
    assert completed.returncode == 0
    scores = [(project / "reports" / run / "scores.json").read_bytes() for run in ("all", "late")]
    assert scores[0] == scores[1]


def test_a_merge_rules_by_the_gates_of_its_shards(
    run: Run, data: Path, project: Path, tmp_path: Path
) -> None:
    """From wherever it is called; other gates have to be named, and different ones are refused."""
    (project / "own.toml").write_text(FLOOR.format(bar=0.9), encoding="utf-8")
    (project / "gates.toml").write_text(FLOOR.format(bar=0.1), encoding="utf-8")
    for name, options in (
        ("a1", ["--shard=1/2", "--gates=own.toml"]),
        ("a2", ["--shard=2/2", "--gates=own.toml"]),
        ("b2", ["--shard=2/2"]),
    ):
        assert run(f"--data={data}", f"--run={name}", *options).ret == 0
    directory = tmp_path / "away"
    directory.mkdir()
    reports = project / "reports"
    merged = call("merge", str(reports / "a1"), str(reports / "a2"), "--into=m", cwd=directory)
    assert merged.returncode == 1, merged.stderr
    assert "required: at least 0.9" in merged.stdout
    arguments = ("merge", "reports/a1", "reports/b2")
    refused = call(*arguments, "--into=reports/x", cwd=project)
    assert refused.returncode == 2
    assert "and reports/a1 have different gates" in refused.stderr
    assert not (reports / "x").exists()
    result = call(*arguments, "--into=reports/y", "--gates=gates.toml", cwd=project)
    assert result.returncode == 0, result.stderr
    assert (
        "the gates are those of --gates=gates.toml, not those of the merged runs" in result.stdout
    )
    assert read_run(project, "y").manifest["gates"]["file"] == "gates.toml"


def test_shards_of_a_whole_task_are_whole(run: Run, data: Path, project: Path) -> None:
    """Merged they are all cases of that task; one alone is not, and is inconclusive."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.1), encoding="utf-8")
    for number in (1, 2):
        run(f"--data={data}", "-m", "detection", f"--shard={number}/2", f"--run=s{number}")
    result = call("merge", "reports/s1", "reports/s2", "--into=reports/whole", cwd=project)
    assert result.returncode == 0, result.stderr
    assert read_run(project, "whole").manifest["partial"] == []
    assert call("merge", "reports/s1", "--into=reports/half", cwd=project).returncode == 6
    assert read_run(project, "half").manifest["partial"] == ["no shard 2/2"]


def test_shards_of_several_engines_are_merged_and_named(
    run: Run, data: Path, project: Path
) -> None:
    """Where the model computed is no setting: the merged manifest lists each engine once."""
    nodes = {"one": 2, "two": 1}
    spread = {"name": "ray", "replica_engine": "vllm", "replicas": 3, "nodes": nodes, "lost": 1}
    for number in (1, 2, 3):
        assert run(f"--data={data}", f"--shard={number}/3", f"--run=s{number}").ret == 0
    path = project / "reports/s2/manifest.json"
    manifest = read_run(project, "s2").manifest
    assert manifest["engine"] == {"name": "local"}
    path.write_text(json.dumps(manifest | {"engine": spread}), encoding="utf-8")
    for parts, name in ((["s1", "s2"], "two"), (["two", "s3"], "all"), (["s1", "s3"], "plain")):
        folders = [f"reports/{shard}" for shard in parts]
        merged = call("merge", *folders, f"--into=reports/{name}", "--gates=none", cwd=project)
        assert merged.returncode == 0, merged.stderr
    mixed = {"name": "mixed", "mixed": [{"name": "local"}, spread]}
    assert read_run(project, "all").manifest["engine"] == mixed
    assert read_run(project, "plain").manifest["engine"] == {"name": "local"}
    page = (project / "reports/all/index.html").read_text(encoding="utf-8")
    assert "mixed (local; ray, 3 vLLM replicas on 2 nodes, 1 lost)" in page
    compared = call("compare", "reports/s1", "reports/two", cwd=project)
    assert compared.returncode == 0, compared.stderr
    assert "engine" not in compared.stdout
    path.write_text(json.dumps(manifest | {"engine": "ray"}), encoding="utf-8")
    broken = call("merge", "reports/s1", "reports/s2", "--into=reports/m", cwd=project)
    assert broken.returncode == 2
    assert "is not the manifest of a run: Expected `object | null`" in broken.stderr
    assert "$.engine" in broken.stderr


def test_an_interrupted_shard_makes_the_whole_fail(run: Run, data: Path, project: Path) -> None:
    """A shard that was killed is merged as far as it came: status 1, and said to be interrupted."""
    for number in (1, 2):
        assert run(f"--data={data}", f"--shard={number}/2", f"--run=s{number}").ret == 0
    folder = project / "reports" / "s2"
    lines = (folder / "records.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "records.jsonl").write_bytes(b"".join(lines[:-1]))
    truncated = call("merge", "reports/s1", "reports/s2", "--into=reports/short", cwd=project)
    assert truncated.returncode == 1, "a finished shard that lost a line"
    (folder / "records.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name in ("partial", "tasks", "selected", "recorded", "errors", "wall_seconds", "workers"):
        del manifest[name]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = call("merge", "reports/s1", "reports/s2", "--into=reports/m", cwd=project)
    assert result.returncode == 1
    assert "PARTIAL RUN (interrupted)" in result.stdout


def test_what_does_not_belong_together_is_refused(run: Run, data: Path, project: Path) -> None:
    """Other settings are named, a case in two runs is named, and nothing is written."""
    assert run(f"--data={data}", "--shard=1/2", "--run=one").ret == 0
    assert run(f"--data={data}", "--shard=2/2", "--run=two", "--seed=1").ret == 0
    assert run("--shard=1/20", "--run=probes").ret == 0
    for options, message in (
        (["reports/two"], "they differ in seed."),
        (["reports/probes"], "rows of the data"),
        (["reports/one"], "is given twice"),
        (["reports/absent"], "is not a run directory"),
        (["reports/two", "--gates=absent.toml"], "cannot be read"),
        (["--baseline=reports/probes"], "whose digest differs"),
        (["--into=reports/one/inner"], "is inside"),
        ([f"--data={project / 'absent'}"], "There is no"),
    ):
        result = call("merge", "reports/one", "--into=reports/m", *options, cwd=project)
        assert result.returncode == 2, message
        assert message in result.stderr
        assert "Traceback" not in result.stderr
        assert not (project / "reports/m").exists()
    repeated = call("merge", "reports/one", "--into=reports/two", cwd=project)
    assert repeated.returncode == 2
    assert "not empty. Choose another directory" in repeated.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shard=3/2"], "K counts from 1 to N"),
        (["--shard=0/2"], "K counts from 1 to N"),
        (["--shard=half"], "is not K/N, such as 2/8"),
        (["--sample=1", "--shard=1/5000"], "Use fewer shards"),
    ],
)
def test_mistakes_with_shards_are_usage_errors(run: Run, options: list[str], message: str) -> None:
    """One sentence, and pytest's usage status."""
    result = run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
