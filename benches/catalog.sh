#!/usr/bin/env bash
# Times whole imgdex commands beside the sqlite3 shell on the same rows, in one
# run, alternating; prints medians, ratios and peak memory. By hand only: it
# takes a few minutes. Needs sqlite3 and GNU time (Debian: sqlite3, time).
#
#   bash benches/catalog.sh [ROUNDS] [ROWS OF THE LARGE CATALOG]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5}
large=${2:-1000000}
rows=100000

cargo build --release --quiet
imgdex=$PWD/target/release/imgdex
folder=$(mktemp -d "${TMPDIR:-/tmp}/imgdex-bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME=$folder IMGDEX_AUTHOR=bench
unset XDG_DATA_HOME XDG_CONFIG_HOME IMGDEX_CATALOG IMGDEX_CONFIG

# One object a line; every image is another one, as in a catalog of many teams.
objects() {
  awk -v n="$1" 'BEGIN {
    split("cpu gpu both", type, " ")
    for (i = 0; i < n; i++) {
      url = sprintf("registry.example.com/team-%d/notebook-%d:v1.%d", i % 97, i, i % 50)
      printf "{\"name\":\"image-%07d\",\"displayName\":\"Data science image number %d\",", i, i
      printf "\"description\":\"A notebook with python 3.%d and a set of packages for team %d\",", i % 12, i % 97
      printf "\"type\":\"%s\",\"url\":\"%s\",\"urlForGpu\":\"%s-gpu\",", type[i % 3 + 1], url, url
      printf "\"global\":true,\"tags\":[\"python\",\"t%d\"]}\n", i % 13
    }
  }'
}

# wall seconds of a command whose output goes nowhere
seconds() {
  local began=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.5f\n", b - a }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# peak memory in MiB of a command whose output goes nowhere
memory() { /usr/bin/time -f %M -o memory.txt "$@" >/dev/null; awk '{ printf "%.1f", $1 / 1024 }' memory.txt; }

compare() { # title, target, then files with the seconds of both
  awk -v title="$1" -v target="$2" -v a="$(median <"$3")" -v b="$(median <"$4")" -v m="$5" 'BEGIN {
    printf "%-44s %8.3f s %8.3f s   %5.2f x  (at most %s)   %s MiB\n", title, a, b, a / b, target, m }'
}

objects $rows >rows.jsonl
{ echo '['; sed '$!s/$/,/' rows.jsonl; echo ']'; } >rows.json
cat >import.sql <<'SQL'
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE images (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, display_name TEXT,
  description TEXT, type TEXT, url TEXT, url_for_gpu TEXT, global INTEGER, tags TEXT);
BEGIN IMMEDIATE;
INSERT INTO images (name, display_name, description, type, url, url_for_gpu, global, tags)
  SELECT value ->> 'name', value ->> 'displayName', value ->> 'description', value ->> 'type',
    value ->> 'url', value ->> 'urlForGpu', value ->> 'global', value ->> 'tags'
  FROM json_each(readfile('rows.json'));
COMMIT;
SQL

import_sqlite() { rm -f peer.db*; sqlite3 peer.db <import.sql; }
import_imgdex() { rm -f own.db*; "$imgdex" --catalog own.db images create --quiet <rows.jsonl; }
list_sqlite() { sqlite3 -json peer.db 'SELECT * FROM images'; }
list_imgdex() { "$imgdex" --catalog own.db images list -o json; }
# The same columns as ours has, out of our own file.
list_sqlite_own() { sqlite3 -json own.db 'SELECT * FROM images'; }

echo "medians of $rounds rounds on $(nproc) cores"
printf '%-44s %10s %10s\n' '' imgdex sqlite3
for _ in $(seq "$rounds"); do
  seconds import_imgdex >>import.own
  seconds import_sqlite >>import.peer
done
compare "$rows images created from standard input" '4 x' import.own import.peer \
  "$(rm -f own.db*; memory "$imgdex" --catalog own.db images create --quiet <rows.jsonl)"
for _ in $(seq "$rounds"); do
  seconds list_imgdex >>list.own
  seconds list_sqlite >>list.peer
  seconds list_sqlite_own >>list.wide
done
compare "images list -o json of $rows" '1.5 x' list.own list.peer \
  "$(memory "$imgdex" --catalog own.db images list -o json)"
compare '  the same beside SELECT * of our own file' '-' list.own list.wide ''

"$imgdex" --catalog small.db images create --quiet <<<'{"name": "base", "global": true}' >/dev/null
start() { "$imgdex" --catalog small.db images list; }
for _ in $(seq 100); do
  seconds start >>start.own
  seconds /bin/true >>start.true
done
awk -v a="$(median <start.own)" -v b="$(median <start.true)" 'BEGIN {
  printf "%-44s %8.2f ms %7.2f ms   %+.2f ms  (at most +3 ms than true)\n",
    "images list of a small catalog, and true", a * 1000, b * 1000, (a - b) * 1000 }'

objects "$large" >large.jsonl
began=$EPOCHREALTIME
/usr/bin/time -f %M -o memory.txt "$imgdex" --catalog large.db images create --quiet <large.jsonl >/dev/null
awk -v n="$large" -v a="$began" -v b="$EPOCHREALTIME" '{
  printf "%-44s %8.1f s                                      %.1f MiB\n", n " images created", b - a, $1 / 1024 }' memory.txt
middle=$(printf 'image-%07d' $((large / 2)))
single() { # title, then the command
  local title=$1 found
  shift
  found=$("$@" | wc -l)
  rm -f one.own
  for _ in $(seq 50); do seconds "$@" >>one.own; done
  awk -v t="$title" -v a="$(median <one.own)" -v n="$found" 'BEGIN {
    printf "%-44s %8.2f ms                         (at most 10 ms)   %d lines\n", t, a * 1000, n }'
}
own() { "$imgdex" --catalog large.db images "$@"; }
single "images get, of $large" own get "$middle"
for text in "$middle" "notebook-$((large / 2)):v1" "number $((large - 1))" \
  "example.com/team-61/notebook-$((large / 97 * 97 + 61 - 97)):" zzzz; do
  single "--search '$text'" own list --search "$text" -o name
done
