#!/bin/sh
# Makes the default model's data, trains it and runs it: tools/default-model/make.sh WORK, where WORK is a folder for a
# Python environment, labels and checkpoints (1 GB). Every step goes on where it was stopped. After `npm run build`.
set -eu
work=${1:?usage: make.sh WORK}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$work"
cd "$work"
[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/pip install --quiet --requirement "$here/requirements.txt" "$root/ase-calculator"
export MLTS_COMMAND="node $root/dist/cli/main.js"
python() { script=$1; shift; "$work/venv/bin/python" "$here/$script.py" "$@"; }
sample() { out=$1; shift; [ -f "$out" ] || { python sample "$out.part" "$@" && mv "$out.part" "$out"; }; }

sample train.structures.xyz
sample test.structures.xyz --seed 1 --scale 0.025
sample unseen.structures.xyz --seed 1 --scale 0.5 --kinds unseen
for set in train test unseen; do python label "$set.structures.xyz" "$set.extxyz"; done
resume=$([ -f default.checkpoint ] && echo --resume || true)
$MLTS_COMMAND train "$root/models/default.yaml" $resume
python errors default.mlts test.extxyz unseen.extxyz
python check default.mlts --out default.check.json
$MLTS_COMMAND md --input "$here/water.yaml"
$MLTS_COMMAND md --input "$here/ethanol.yaml"
echo "To replace the embedded model: cp $work/default.mlts $work/default.check.json $root/models/"
