"""Runs that are killed at random moments and resumed: is anything lost, doubled or changed?

    python benchmarks/kills.py [--kills 20] [--seed 0] [--data DIR] [--sample 24]

In turn, pocket in one process, pocket in two workers, and a model behind a URL are started over the
data and killed with SIGKILL, their process alone, after a random part of the time that a whole run
took. Each is resumed once, and has to have each case once and the whole run's scores.json, byte for
byte. One that recorded nothing is started again. DIR is a data set with images, by default
FAKEBENCH_SAMPLES/modern.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CARD = """
backend = "openai"

[endpoint]
url = "http://127.0.0.1:{port}/v1"
model = "tiny"
concurrency = 8
"""


class Handler(BaseHTTPRequestHandler):
    """Answers fake or real by the prompt's length, after a while."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Reply to a chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(0.3)
        fake = len(body["messages"][-1]["content"][-1]["text"]) % 2
        message = {"role": "assistant", "content": "It is fake." if fake else "No."}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        data = json.dumps({"choices": choices}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Never tells of connections that were killed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other end is gone."""


def start(folder: Path, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """A run under way, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "fakebench_suite", "run", *arguments],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def check(run: Path, whole_run: Path) -> str:
    """What is wrong with a resumed run; empty if it is as the whole one."""
    ids = [json.loads(line)["case"]["id"] for line in (run / "records.jsonl").open("rb")]
    cases = [json.loads(line)["case"]["id"] for line in (whole_run / "records.jsonl").open("rb")]
    if sorted(ids) != sorted(cases):
        return f"{len(set(cases) - set(ids))} cases lost, {len(ids) - len(set(ids))} doubled"
    scores_are_equal = (run / "scores.json").read_bytes() == (
        whole_run / "scores.json"
    ).read_bytes()
    return "" if scores_are_equal else "scores.json differs"


def main() -> None:
    """Print a line for each kill; status 1 where one cost something."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    samples = os.environ.get("FAKEBENCH_SAMPLES")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=samples and Path(samples, "modern"))
    parser.add_argument("--sample", type=int, default=24, help="images")
    options = parser.parse_args()
    if options.data is None:
        parser.error("set FAKEBENCH_SAMPLES, or give --data")
    draw = random.Random(options.seed)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shared = [f"--data={options.data.resolve()}", f"--sample={options.sample}", "--gates=none"]
    modes = {
        "pocket -n0": ["--model=pocket", "-n0"],
        "pocket -n2": ["--model=pocket", "-n2"],
        "endpoint": ["--model=slow.toml", "-n0"],
    }
    broken = 0
    with TemporaryDirectory() as name:
        folder = Path(name)
        card = CARD.format(port=server.server_address[1])
        (folder / "slow.toml").write_text(card, encoding="utf-8")
        durations = {}
        for number, (mode, model) in enumerate(modes.items()):
            start_time = time.monotonic()
            if start(folder, [*model, *shared, f"--run=whole-{number}"]).wait() not in (0, 6):
                sys.exit(f"A whole run with {mode} failed.")
            durations[mode] = time.monotonic() - start_time
        for kill in range(options.kills):
            number = kill % len(modes)
            mode, model = list(modes.items())[number]
            run = folder / "reports" / f"killed-{kill}"
            delay = draw.uniform(0.2, 1.0) * durations[mode]
            process = start(folder, [*model, *shared, f"--run={run.name}"])
            time.sleep(delay)
            while (status := process.poll()) is not None:  # It was faster than the whole run.
                shutil.rmtree(run)
                delay *= 0.8
                process = start(folder, [*model, *shared, f"--run={run.name}"])
                time.sleep(delay)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            count = 0
            if (run / "records.jsonl").exists():
                count = (run / "records.jsonl").read_bytes().count(b"\n")
            if not count:
                shutil.rmtree(run, ignore_errors=True)
            options_again = [f"--resume={run}"] if count else [*model, *shared, f"--run={run.name}"]
            status = start(folder, options_again).wait()
            problem = check(run, folder / "reports" / f"whole-{number}")
            broken += bool(problem or status not in (0, 6))
            print(
                f"{kill + 1:>3} {mode:<11} killed after {delay:4.1f} s with {count:>4} records: "
                f"{problem or 'whole'}, status {status}",
                flush=True,
            )
    print(f"{options.kills - broken} of {options.kills} are as a run that was never broken")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
