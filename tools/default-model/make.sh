#!/bin/sh
# Makes the default model from nothing: tools/default-model/make.sh WORK, where WORK is a folder for the Python
# environment, labels and checkpoints (1 GB). About two hours on two free cores. Needs Python 3.11 and g++.
set -eu
work=${1:?usage: make.sh WORK}
here=$(cd "$(dirname "$0")" && pwd)
models=$here/../../models
mkdir -p "$work"
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
python() { script=$1; shift; "$work/venv/bin/python" "$here/$script.py" "$@"; }
export JAX_COMPILATION_CACHE_DIR="$work/compiled"
cd "$work"

python labels --out 0.npz
python train 0.npz --epochs 14 --out 0.ensemble
python explore --ensemble 0.ensemble --round 1 --out 1.structures.npz
python labels --explored 1.structures.npz --out 1.npz
python train 0.npz 1.npz --start 0.ensemble --epochs 20 --out 1.ensemble
python labels --seed 1 --scale 0.1 --out test0.npz
python explore --ensemble 1.ensemble --round 2 --out test1.structures.npz
python labels --explored test1.structures.npz --out test1.npz
python export --train 0.npz 1.npz --test test0.npz test1.npz --ensemble 1.ensemble --out "$models/default.mlts"
python check "$models/default.mlts" --out "$models/default.check.json"
python stability --ensemble 1.ensemble
