#!/usr/bin/env bash
# Times whole imgdex commands that move images beside skopeo's and beside curl, which
# neither hashes nor checks (the floor): in one run, alternating; prints medians of
# wall and CPU seconds, ratios to skopeo and peak memory. By hand only; takes some
# minutes and 6 GiB. Needs Debian's docker-registry, skopeo, curl and GNU time.
#
#   bash benches/registry.sh [ROUNDS] [MIB OF EACH OF THE FOUR LAYERS]
#
# Registries and layouts are kept in memory where /dev/shm has room, so that the disk is
# not what is compared; `BENCH_FOLDER=/tmp` puts them on a disk.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5}
mib=${2:-256}

cargo build --release --quiet
imgdex=$PWD/target/release/imgdex
room=$(df --output=avail -m /dev/shm 2>/dev/null | tail -1 || echo 0)
base=${TMPDIR:-/tmp}
[ "$room" -lt $((mib * 24)) ] || base=/dev/shm
base=${BENCH_FOLDER:-$base}
folder=$(mktemp -d "$base/imgdex-bench.XXXXXX")
registries=()
trap 'kill "${registries[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
export HOME=$folder IMGDEX_AUTHOR=bench TMPDIR=$folder
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR IMGDEX_CATALOG IMGDEX_CONFIG REGISTRY_AUTH_FILE

port=5000
start() { # name; sets $host
  port=$((port + 1))
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  host=127.0.0.1:$port
  cat >"$1.yml" <<YAML
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $folder/$1 }, delete: { enabled: true } }
http: { addr: "$host" }
YAML
  docker-registry serve "$1.yml" >"$1.log" 2>&1 &
  registries+=($!)
  until curl -sf "http://$host/v2/" >/dev/null; do kill -0 "${registries[-1]}"; done
}
start one && one=$host
start two && two=$host

# A layout with one image of so many layers of so many KiB, its tag being its name. The
# layers are gzip already: skopeo would compress others, and be compared with nothing.
layout() { # name, layers, KiB
  local layers= digest size
  mkdir -p "$1/blobs/sha256"
  put() {
    digest=$(sha256sum "$folder/part" | cut -d' ' -f1)
    size=$(stat -c %s "$folder/part")
    mv "$folder/part" "$1/blobs/sha256/$digest"
  }
  for _ in $(seq "$2"); do
    head -c $(($3 * 1024)) /dev/urandom | gzip -1 >part
    put "$1"
    layers="$layers,{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:$digest\",\"size\":$size}"
  done
  printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' >part
  put "$1"
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},"layers":[%s]}' \
    "$digest" "$size" "${layers#,}" >part
  put "$1"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
    "$digest" "$size" "$1" >"$1/index.json"
}
layout big 4 $((mib * 1024))
layout many 20 8
"$imgdex" push oci:big:big "$one/big:1" -q -o name >/dev/null
"$imgdex" push oci:many:many "$one/many:1" -q -o name >/dev/null
"$imgdex" push oci:many:many "$two/many:1" -q -o name >/dev/null

# skopeo remembers where blobs are, and mounts them instead of copying.
forget() { rm -rf "$folder/.local/share/containers" /var/lib/containers/cache/blob-info-cache-v1.*; }

measure() { # file for "wall cpu memory", command…
  local out=$1
  shift
  forget
  local began=$EPOCHREALTIME
  /usr/bin/time -f '%U %S %M' -o used.txt "$@" >/dev/null 2>err.txt || { cat err.txt; return 1; }
  awk -v a="$began" -v b="$EPOCHREALTIME" '{ printf "%.4f %s\n", b - a, $0 }' used.txt >>"$out"
}
skopeo=(skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false)

digests=$(sed 's/.*"manifests"//; s/sha256:/\n/g' big/index.json | sed -n '2s/".*//p')
blobs=$(tr ',' '\n' <"big/blobs/sha256/$digests" | sed -n 's/.*"digest":"\(sha256:[0-9a-f]*\)".*/\1/p')
curl_copy() { # repository
  for digest in $blobs; do
    (
      location=$(curl -sf -X POST -D - -o /dev/null "http://$two/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //p')
      curl -sf "http://$one/v2/big/blobs/$digest" | curl -sf -X PUT -H 'Content-Type: application/octet-stream' -T - "$location&digest=$digest"
    ) &
  done
  wait
}
curl_get() {
  rm -rf got && mkdir got
  for digest in $blobs; do curl -sf -o "got/$digest" "http://$one/v2/big/blobs/$digest" & done
  wait
}
curl_put() { # repository
  for digest in $blobs; do
    (
      location=$(curl -sf -X POST -D - -o /dev/null "http://$two/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //p')
      curl -sf -X PUT -H 'Content-Type: application/octet-stream' -T "big/blobs/sha256/${digest#sha256:}" "$location&digest=$digest"
    ) &
  done
  wait
}
export -f curl_copy curl_get curl_put
export one two blobs

# A registry that has a blob once keeps it for all its repositories: between rounds
# everything is deleted, so that each one writes it anew.
emptied() { rm -rf two/docker/registry/v2/blobs two/docker/registry/v2/repositories/"$1"*; }

for round in $(seq "$rounds"); do
  emptied r
  measure copy.curl bash -c "curl_copy r$round-curl"
  emptied r
  measure copy.skopeo "${skopeo[@]}" "docker://$one/big:1" "docker://$two/r$round-skopeo:1"
  emptied r
  measure copy.own "$imgdex" copy "$one/big:1" "$two/r$round-own:1"
  emptied r
  measure get.curl bash -c curl_get
  rm -rf got out
  measure get.skopeo "${skopeo[@]}" "docker://$one/big:1" oci:out:1
  rm -rf out
  measure get.own "$imgdex" pull "$one/big:1" --to oci:out:1
  rm -rf out
  measure put.curl bash -c "curl_put r$round-put-curl"
  emptied r
  measure put.skopeo "${skopeo[@]}" oci:big:big "docker://$two/r$round-put-skopeo:1"
  emptied r
  measure put.own "$imgdex" push oci:big:big "$two/r$round-put-own:1"
  emptied r
done
"$imgdex" push oci:many:many "$two/many:1" --force -q -o name >/dev/null
for _ in $(seq $((rounds * 3))); do
  measure there.skopeo "${skopeo[@]}" "docker://$one/many:1" "docker://$two/many:1"
  measure there.own "$imgdex" copy "$one/many:1" "$two/many:1"
  measure blobs.own "$imgdex" copy --force "$one/many:1" "$two/many:1"
done
sent=$("$imgdex" copy --force "$one/many:1" "$two/many:1" -o json | tr -d ' \n' | sed 's/.*"sent":\([0-9]*\).*/\1/')

manifest=$(curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$one/v2/many/manifests/1")
printf '%s' "$manifest" >manifest
curl -sfZ --no-progress-meter --parallel-max 8 -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
  --data-binary @manifest -o /dev/null "http://$one/v2/many/manifests/t[1-5000]"
for _ in $(seq $((rounds * 3))); do
  measure tags.curl curl -sf "http://$one/v2/many/tags/list"
  measure tags.own "$imgdex" registry tags "$one/many" -o name
done

field() { awk -v f="$2" '{ print (f == "cpu") ? $2 + $3 : (f == "wall") ? $1 : $4 / 1024 }' "$1" | sort -n |
  awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
most() { awk '{ if ($4 > m) m = $4 } END { printf "%.1f", m / 1024 }' "$1"; }
row() { # title, own, peer, limit of wall, limit of CPU
  awk -v title="$1" -v w="$(field "$2" wall)" -v pw="$(field "$3" wall)" -v c="$(field "$2" cpu)" \
    -v pc="$(field "$3" cpu)" -v lw="$4" -v lc="$5" -v m="$(most "$2")" 'BEGIN {
    printf "%-34s %7.3f s / %7.3f s = %4.2f (at most %s)   CPU %5.2f / %5.2f = %4.2f (%s)   %s MiB\n",
      title, w, pw, pw ? w / pw : 0, lw, c, pc, pc ? c / pc : 0, lc, m }'
}
echo "medians of $rounds rounds on $(nproc) cores, 4 layers of $mib MiB, in $base; ours / the other's"
row "copy: skopeo" copy.own copy.skopeo 0.75 "at most 0.42"
row "copy: curl | curl, 4 at once" copy.own copy.curl - -
row "registry to layout: skopeo" get.own get.skopeo 0.50 "at most 0.50"
row "registry to layout: curl, 4 at once" get.own get.curl - -
row "layout to registry: skopeo" put.own put.skopeo 0.55 -
row "layout to registry: curl, 4 at once" put.own put.curl - -
row "20 layers there: skopeo" there.own there.skopeo 0.20 -
row "20 layers there, each asked for" blobs.own there.skopeo - -
echo "blobs sent of those that are there: $sent"
row "5,000 tags: curl" tags.own tags.curl 1.30 -
