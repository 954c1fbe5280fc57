#!/bin/sh
# From GFN2-xTB to ωB97X/6-31G*, with few labels of the latter: tools/transfer-learning/make.sh WORK [FRAMES]. WORK is a folder
# for a Python environment, labels and models; FRAMES are labelled frames of tools/default-model (WORK/train.extxyz there), and are
# sampled and labelled here where none are given. Every step goes on where it was stopped. After `npm run build`.
set -eu
work=${1:?usage: make.sh WORK [FRAMES]}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$work"
frames=${2:+$(cd "$(dirname "$2")" && pwd)/$(basename "$2")}
cd "$work"
[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/pip install --quiet --requirement "$here/requirements.txt" "$root/ase-calculator"
export MLTS_COMMAND="node $root/dist/cli/main.js"
if [ -z "$frames" ]; then
  frames=molecules.extxyz
  [ -f molecules.xyz ] || { venv/bin/python "$root/tools/default-model/sample.py" molecules.part --kinds molecule --scale 0.3 && mv molecules.part molecules.xyz; }
  venv/bin/python "$root/tools/default-model/label.py" molecules.xyz molecules.extxyz
fi
[ -f test.xyz ] || venv/bin/python "$here/select_frames.py" "$frames" .
for set in test train; do venv/bin/python "$here/label_dft.py" $set.xyz high-$set.extxyz; done

trained() { # CONFIG NAME
  [ -f "$2.mlts" ] || $MLTS_COMMAND train "$1" $([ -f "$2.checkpoint" ] && echo --resume)
}
trained "$here/low.yaml" low
for count in 50 100 200 400; do
  awk -v most=$count 'left == 0 { left = $1 + 2; n++ } n > most { exit } { print; left-- }' high-train.extxyz > "high-$count.extxyz"
  for how in scratch transfer; do
    sed "s/COUNT/$count/g" "$here/$how.yaml" > "$how-$count.yaml"
    trained "$how-$count.yaml" "$how-$count"
  done
done
node "$here/compare.mjs" .
