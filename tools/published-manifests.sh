#!/bin/sh
# Writes models/published/NAME.manifest — SHA-256, bytes and path of every file that `mlts model fetch` downloads —
# from a folder that holds the published sets at the commits of src/model/catalogue.ts.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
out=$(cd "$(dirname "$0")/.." && pwd)/models/published
mkdir -p "$out"
cd "$1"
while read -r name set; do
  find "$set.info" "$set" -maxdepth 3 \( -name '*.info' -o -path "$set/*.params" -o -path "$set/sae_linfit.dat" -o -path '*/networks/*' \) \
    -not -path "$set/train*/*.params" -not -path "$set/train*/sae_linfit.dat" -type f | LC_ALL=C sort | while read -r file; do
    printf '%s %s %s\n' "$(sha256sum "$file" | cut -d' ' -f1)" "$(wc -c < "$file")" "$file"
  done > "$out/$name.manifest"
done <<'SETS'
ani-1x ani-1x_8x
ani-1ccx ani-1ccx_8x
ani-2x ani-2x_8x
ani-al model-Al-75
ani-1xnr ani-1xnr
SETS
