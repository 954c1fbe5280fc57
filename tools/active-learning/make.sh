#!/bin/sh
# Aluminium from nothing, active against random sampling: tools/active-learning/make.sh WORK. Every step goes on where it was
# stopped. After `npm run setup`; about ten minutes on two cores.
set -eu
work=${1:?usage: make.sh WORK}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$work"
cd "$work"
export LD_LIBRARY_PATH="$root/.venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -f liquid-1000K.extxyz ] || "$root/.venv/bin/python" "$here/truth.py" .
for arm in active random; do
  resume=$([ -f "aluminium-$arm/journal.jsonl" ] && echo --resume || true)
  node "$root/dist/cli/main.js" learn "$here/aluminium-$arm.yaml" $resume
done
node "$here/compare.mjs" .
model=aluminium-active/round-0007/model.mlts
node "$root/dist/cli/main.js" analyze eos --model "$model" --element Al --lattices fcc,bcc,hcp
node "$root/dist/cli/main.js" analyze rdf liquid-1000K.extxyz --cutoff 6 --out rdf-truth.csv
[ -f liquid-md.extxyz ] || node "$root/dist/cli/main.js" md liquid.extxyz --index 0 --model "$model" --ensemble nvt \
  --temperature 1000 --thermostat langevin --timestep 2 --time 15ps --every 20 --output liquid-md
node "$root/dist/cli/main.js" analyze rdf liquid-md.extxyz --index 75: --cutoff 6 --out rdf-model.csv
