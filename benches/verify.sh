#!/usr/bin/env bash
# Times `images verify` of many references on one registry beside `ab -i -k` (HEAD,
# kept connections) on the same registry, in one run, alternating: whole processes,
# medians, ratio, peak memory, connections. By hand only. Needs Debian's
# docker-registry, apache2-utils (ab), curl, sqlite3 and GNU time.
#
#   bash benches/verify.sh [ROUNDS] [REFERENCES]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5}
references=${2:-10000}
connections=8

cargo build --release --quiet
imgdex=$PWD/target/release/imgdex
folder=$(mktemp -d "${TMPDIR:-/tmp}/imgdex-bench.XXXXXX")
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$folder"' EXIT
cd "$folder"
export HOME=$folder IMGDEX_AUTHOR=bench
unset XDG_DATA_HOME XDG_CONFIG_HOME IMGDEX_CATALOG IMGDEX_CONFIG
type=application/vnd.oci.image.manifest.v1+json

port=5000
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
host=127.0.0.1:$port
cat >registry.yml <<YAML
version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: $folder/data } }
http: { addr: "$host" }
YAML
docker-registry serve registry.yml >registry.log 2>&1 &
registry=$!
until curl -sf "http://$host/v2/" >/dev/null; do kill -0 "$registry"; done

push() { # a file as a blob; prints its descriptor
  local digest location
  digest=sha256:$(sha256sum <"$1" | cut -d' ' -f1)
  location=$(curl -sf -X POST -D - -o /dev/null "http://$host/v2/bench/app/blobs/uploads/" |
    tr -d '\r' | sed -n 's/^Location: //p')
  curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$1" \
    "$location&digest=$digest"
  printf '{"mediaType":"%s","digest":"%s","size":%d}' "$2" "$digest" "$(wc -c <"$1")"
}
printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}' >config
printf 'a layer' >layer
printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' "$type" \
  "$(push config application/vnd.oci.image.config.v1+json)" \
  "$(push layer application/vnd.oci.image.layer.v1.tar)" >manifest
curl -sfZ --no-progress-meter --parallel-max 8 -X PUT -H "Content-Type: $type" --data-binary @manifest -o /dev/null \
  "http://$host/v2/bench/app/manifests/t[1-$references]"
awk -v host="$host" -v n="$references" 'BEGIN {
  for (i = 1; i <= n; i++)
    printf "{\"name\":\"image-%06d\",\"url\":\"%s/bench/app:t%d\",\"global\":true}\n", i, host, i
}' | "$imgdex" images create --quiet -o csv >/dev/null

seconds() {
  local began=$EPOCHREALTIME
  "$@" >/dev/null 2>&1
  awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.5f\n", b - a }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

ask_ab() {
  ab -q -i -k -c $connections -n "$references" -H "Accept: $type" "http://$host/v2/bench/app/manifests/t1"
}
ask_imgdex() { "$imgdex" images verify --no-progress; }

# The first of each is not counted: the registry reads what it will have in memory.
ask_ab >ab.txt
grep -q '^Failed requests: *0$' ab.txt && ! grep -q '^Non-2xx' ab.txt
ask_imgdex >/dev/null 2>&1
for _ in $(seq "$rounds"); do
  seconds ask_ab >>ab.seconds
  seconds ask_imgdex >>own.seconds
done
/usr/bin/time -f '%M %e %U %S' -o memory.txt "$imgdex" images verify --no-progress >/dev/null 2>report.txt

echo "medians of $rounds rounds on $(nproc) cores, $references references, $connections connections"
cat report.txt
awk -v n="$references" -v a="$(median <ab.seconds)" -v b="$(median <own.seconds)" 'BEGIN {
  printf "ab -i -k        %8.3f s  %6.0f/s\n", a, n / a
  printf "images verify   %8.3f s  %6.0f/s\n", b, n / b
  printf "ratio %.2f (at least 0.85)\n", a / b }'
awk '{ printf "peak memory %.1f MiB (under 32), CPU of its own %.2f s\n", $1 / 1024, $3 + $4 }' memory.txt
