#!/usr/bin/env bash
# Times the import and export of Elyra's runtime images as whole processes beside
# Elyra's own tool on the same files, in one run, alternating; prints medians,
# ratios and peak memory, and the memory of a hundred times as many files. By hand
# only. Needs GNU time (Debian: time), and `elyra-metadata` (`pip install elyra`):
# without it, the figures stand alone.
#
#   bash benches/metadata.sh [ROUNDS] [FILES] [MANY FILES]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5}
files=${2:-1000}
many=${3:-100000}

cargo build --release --quiet
imgdex=$PWD/target/release/imgdex
folder=$(mktemp -d "${TMPDIR:-/tmp}/imgdex-bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME=$folder IMGDEX_AUTHOR=bench JUPYTER_DATA_DIR=$folder/jupyter
unset XDG_DATA_HOME XDG_CONFIG_HOME IMGDEX_CATALOG IMGDEX_CONFIG
peer=$(command -v elyra-metadata || true)

instances() { # folder, number
  mkdir -p "$1"
  awk -v folder="$1" -v n="$2" 'BEGIN {
    for (i = 0; i < n; i++) {
      file = sprintf("%s/image_%06d.json", folder, i)
      printf "{\n  \"display_name\": \"Data science image %d\",\n  \"metadata\": {\n", i >file
      printf "    \"description\": \"Python 3.%d with the packages of team %d\",\n", i % 12, i % 97 >file
      printf "    \"tags\": [\"python\", \"team-%d\"],\n", i % 97 >file
      printf "    \"image_name\": \"registry.example.com/team-%d/notebook-%d:v1.%d\",\n", i % 97, i, i % 50 >file
      printf "    \"pull_policy\": \"IfNotPresent\"\n  },\n  \"schema_name\": \"runtime-image\"\n}" >file
      close(file)
    }
  }'
}

seconds() {
  local began=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.5f\n", b - a }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

memory() { /usr/bin/time -f %M -o memory.txt "$@" >/dev/null; awk '{ printf "%.1f", $1 / 1024 }' memory.txt; }

report() { # title, file with our seconds, file with the peer's, our memory
  awk -v title="$1" -v a="$(median <"$2")" -v b="$([ -s "$3" ] && median <"$3")" -v m="$4" 'BEGIN {
    printf "%-44s %8.3f s %8s %8s  %s MiB\n", title, a, b == "" ? "-" : sprintf("%.3f s", b),
      b == "" ? "-" : sprintf("%.0f x", b / a), m }'
}

import_own() { "$imgdex" --catalog "$1" metadata import --directory "$2"; }
export_own() { "$imgdex" --catalog "$1" metadata export --directory "$2"; }
import_peer() { "$peer" import runtime-images --directory few; }
export_peer() { "$peer" export runtime-images --directory "$1"; }
: >import.peer && : >export.peer && : >again.peer

instances few "$files"
echo "medians of $rounds rounds on $(nproc) cores; ratio: how many times as fast"
printf '%-44s %10s %10s %8s  %s\n' '' imgdex elyra ratio 'peak memory'
# Each export has a folder of its own: ext4 does not use again for some time what was
# just deleted, and making a file then takes ten times as long, whoever makes it.
for round in $(seq "$rounds"); do
  rm -f own.db*
  seconds import_own own.db few >>import.own
  seconds export_own own.db "exported.$round" >>export.own
  seconds "$imgdex" --catalog own.db metadata import --directory few --overwrite >>again.own
  if [ -n "$peer" ]; then
    export JUPYTER_DATA_DIR=$folder/jupyter.$round
    seconds import_peer >>import.peer
    seconds export_peer "peer.$round" >>export.peer
    seconds "$peer" import runtime-images --directory few --overwrite >>again.peer
  fi
done
rm -f own.db*
few_import=$(memory "$imgdex" --catalog own.db metadata import --directory few)
few_again=$(memory "$imgdex" --catalog own.db metadata import --directory few --overwrite)
few_export=$(memory "$imgdex" --catalog own.db metadata export --directory exported)
report "$files files imported" import.own import.peer "$few_import"
report "$files files imported again, --overwrite" again.own again.peer "$few_again"
report "$files files exported" export.own export.peer "$few_export"

instances many "$many"
rm -f own.db*
: >none
seconds import_own own.db many >many.import
seconds export_own own.db exported.many >many.export
rm -f own.db*
many_import=$(memory "$imgdex" --catalog own.db metadata import --directory many)
many_export=$(memory "$imgdex" --catalog own.db metadata export --directory exported.again)
report "$many files imported" many.import none "$many_import"
report "$many files exported" many.export none "$many_export"
