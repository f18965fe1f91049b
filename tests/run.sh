#!/usr/bin/env bash
# Runs all tests on a fresh machine: installs from Debian's packages what they
# need and is missing, then checks format, lints and runs the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Program → Debian package. Tests fail, never skip, where one is missing.
needed=(cc:gcc strace:strace sqlite3:sqlite3 script:bsdutils unshare:util-linux setpriv:util-linux zsh:zsh fish:fish man:man-db docker-registry:docker-registry skopeo:skopeo buildah:buildah busybox:busybox-static debootstrap:debootstrap podman:podman)
missing=()
for pair in "${needed[@]}"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing: ${missing[*]}"
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
cargo test --locked
