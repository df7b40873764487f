#!/bin/sh
# What a GPU shows of the suite, in less than eight minutes and without downloads:
#   benchmarks/gpu.sh FOLDER
# runs the tests marked gpu, the embedded model as a user runs it, and benchmarks/gpu.py, and writes
# what they print to FOLDER. PYTHON names an interpreter that has what requirements.lock has.
# Exit status: 0 if all went well, 1 if something failed, 2 without a GPU.
set -u
if [ $# -ne 1 ]; then
    echo "usage: benchmarks/gpu.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1" || exit 2
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.." || exit 2
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    [ ! -x .venv/bin/python ] || PYTHON=.venv/bin/python
fi
PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
export PYTHONPATH
"$PYTHON" benchmarks/gpu.py --check >"$out/gpu.txt" 2>&1
status=$?
cat "$out/gpu.txt"
[ $status -eq 0 ] || exit $status
nvidia-smi >>"$out/gpu.txt" 2>&1

failed=0
# step NAME SECONDS COMMAND...: what it prints goes to FOLDER/NAME.txt, its status to FOLDER/steps.txt.
step() {
    name=$1 limit=$2
    shift 2
    began=$(date +%s)
    timeout -k 5 "$limit" "$@" >"$out/$name.txt" 2>&1
    ended=$?
    line="$name: exit status $ended after $(($(date +%s) - began)) s"
    echo "$line" | tee -a "$out/steps.txt"
    [ $ended -eq 0 ] || failed=1
}
: >"$out/steps.txt"
step tests 150 "$PYTHON" -m pytest tests/backends/transformers/test_gpu.py -m gpu -n 0 -rA -p no:logging
step pocket 60 "$PYTHON" -m fakebench_suite run --model=pocket --sample=20 --gates=none -n auto --reports="$out" --run=pocket
step tables 240 "$PYTHON" benchmarks/gpu.py
cat "$out/tables.txt"
exit $failed
