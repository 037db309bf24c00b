#!/usr/bin/env bash
# setup.sh WHAT...: makes ready what a make target needs, in seconds when it already is.
#
#   check    says what is missing of rustup, Go and a C compiler, and stops there
#   build    what `cargo build` needs: the pinned toolchain, OpenSSL's headers, pkg-config
#   parts    the real programs that the tests run against, in .tools/bin
#   lint     cargo-deny, in .tools/bin
#
# As root on Debian or Ubuntu, missing packages are installed with apt-get; otherwise they are downloaded
# and unpacked below .tools, which is the only folder this script writes to. No service is ever started.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
tools=$top/.tools
bin=$tools/bin

GO_MAJOR=1
GO_MINOR=26
CARGO_DENY=0.20.2
# The last series without the Referrers API, so that the referrers tag schema is tested on a real registry.
DOCKER_REGISTRY=2.8

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# --- what must be there already ------------------------------------------------------------------------

go_is_new_enough() {
  local version major minor
  version=$(go env GOVERSION 2>/dev/null) || return 1
  version=${version#go}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%[!0-9]*}
  [ "$major" -gt "$GO_MAJOR" ] || { [ "$major" -eq "$GO_MAJOR" ] && [ "${minor:-0}" -ge "$GO_MINOR" ]; }
}

# require NAME...: one line that names everything missing, or nothing.
require() {
  local missing=()
  for name in "$@"; do
    case $name in
      rust) has cargo && has rustup || missing+=("rustup with cargo (https://rustup.rs)") ;;
      go) has go && go_is_new_enough || missing+=("Go $GO_MAJOR.$GO_MINOR or newer (https://go.dev/dl)") ;;
      cc) has cc || has gcc || has clang || missing+=("a C compiler (Debian: gcc)") ;;
    esac
  done
  [ ${#missing[@]} -eq 0 ] && return
  local list
  list=$(printf '%s; ' "${missing[@]}")
  fail "missing, please install: ${list%; }"
}

# --- Debian packages -----------------------------------------------------------------------------------

apt_lists_fresh=
# Root may have no package lists yet; anyone else can only use what is there.
refresh_apt_lists() {
  [ -z "$apt_lists_fresh" ] || return 0
  apt_lists_fresh=yes
  if is_root; then
    apt-get update -q >/dev/null || say "apt-get update failed; trying with the lists at hand"
  fi
}

# unpack PACKAGE FOLDER: the package's files, without installing it (and so without starting its service).
unpack() {
  local work
  has apt-get && has dpkg-deb || fail "$1 is needed, and only Debian's packages are known here: please install it"
  refresh_apt_lists
  work=$(mktemp -d)
  (cd "$work" && apt-get download -q -o APT::Sandbox::User=root "$1" >/dev/null) || {
    rm -rf "$work"
    fail "the Debian package $1 could not be downloaded (apt-get download $1)"
  }
  mkdir -p "$2"
  dpkg-deb -x "$work"/*.deb "$2"
  rm -rf "$work"
}

install_packages() {
  refresh_apt_lists
  say "installing $*"
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >/dev/null ||
    fail "apt-get install $* failed"
}

# --- build ---------------------------------------------------------------------------------------------

# OpenSSL's headers and link names below .tools/openssl, named for cargo by .tools/env. Debian keeps two
# headers in a folder per architecture; one include folder is all that the build can be told.
unpack_openssl() {
  local root=$tools/openssl
  [ -f "$root/include/openssl/opensslconf.h" ] && return
  unpack libssl-dev "$root/deb"
  mkdir -p "$root/include" "$root/lib"
  cp -R "$root/deb"/usr/include/openssl "$root/include/"
  cp -R "$root/deb"/usr/include/*-linux-gnu/openssl "$root/include/"
  local library found
  for library in ssl crypto; do
    found=$(find "$root/deb/usr/lib" -name "lib$library.so" | head -n 1)
    found=$(basename "$(readlink "$found")")
    found=$(find /usr/lib /lib -name "$found" 2>/dev/null | head -n 1)
    [ -n "$found" ] || fail "OpenSSL's shared libraries are not installed (Debian: libssl3)"
    ln -sf "$found" "$root/lib/lib$library.so"
  done
  {
    echo "export OPENSSL_INCLUDE_DIR='$root/include'"
    echo "export OPENSSL_LIB_DIR='$root/lib'"
  } >"$tools/env"
  say "OpenSSL's headers are in $root"
}

openssl_is_there() { has pkg-config && pkg-config --exists openssl; }

setup_build() {
  require rust cc
  (cd "$top" && cargo --version >/dev/null 2>&1) || install_toolchain
  openssl_is_there && return
  [ -n "${OPENSSL_DIR:-}${OPENSSL_LIB_DIR:-}" ] && return
  if is_root && has apt-get; then
    install_packages pkg-config libssl-dev perl
  elif has apt-get; then
    unpack_openssl
  else
    fail "missing, please install: pkg-config and OpenSSL's headers (or set OPENSSL_DIR)"
  fi
}

# rustup installs the pinned toolchain by itself unless it was told not to.
install_toolchain() {
  local channel
  channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$top/rust-toolchain.toml")
  say "installing the Rust toolchain $channel"
  rustup toolchain install "$channel" --profile minimal --component rustfmt --component clippy ||
    fail "rustup could not install the toolchain $channel"
}

# --- parts ---------------------------------------------------------------------------------------------

setup_docker_registry() {
  "$bin/docker-registry" --version 2>/dev/null | grep -q " v\?$DOCKER_REGISTRY\." && return
  local work
  work=$(mktemp -d)
  unpack docker-registry "$work"
  mkdir -p "$bin"
  cp "$work/usr/bin/docker-registry" "$bin/"
  rm -rf "$work"
  "$bin/docker-registry" --version | grep -q " v\?$DOCKER_REGISTRY\." ||
    fail "Debian's docker-registry is not $DOCKER_REGISTRY: $("$bin/docker-registry" --version)"
  say "docker-registry $DOCKER_REGISTRY is ready"
}

# What a part's programs depend on: its pins, how it is built, and with what.
part_inputs() {
  (cd "$top/tests/parts" && cat build.sh "$1"/* && go env GOVERSION GOOS GOARCH) | sha256sum
}

products_of() {
  case $1 in
    gatekeeper) echo gatekeeper gator gatekeeper-chart ;;
    kubernetes) echo kube-apiserver kubectl ;;
    *) echo "$1" ;;
  esac
}

part_is_ready() {
  local product
  [ "$(cat "$stamps/$1" 2>/dev/null)" = "$2" ] || return 1
  for product in $(products_of "$1"); do
    [ -x "$bin/$product" ] || return 1
  done
}

# Each part has a stamp of its own: a changed pin builds that part alone. The two that take minutes come last.
setup_parts() {
  require go
  local stamps=$tools/stamps part want
  mkdir -p "$stamps"
  for part in registry notation etcd helm gatekeeper kubernetes; do
    want=$(part_inputs "$part")
    part_is_ready "$part" "$want" && continue
    say "building $part (minutes at most, with an empty Go cache)"
    "$top/tests/parts/build.sh" "$bin" "$part"
    echo "$want" >"$stamps/$part"
  done
  setup_docker_registry
}

# --- lint ----------------------------------------------------------------------------------------------

setup_lint() {
  "$bin/cargo-deny" --version 2>/dev/null | grep -q "^cargo-deny $CARGO_DENY\$" && return
  say "building cargo-deny $CARGO_DENY (some minutes, once)"
  cargo install --locked --quiet --root "$tools" cargo-deny --version "=$CARGO_DENY"
}

main() {
  [ $# -gt 0 ] || fail "usage: setup.sh check|build|parts|lint..."
  # Everything missing is named together, before any of the slow work starts.
  case " $* " in
    *" check "* | *" parts "*) require rust go cc ;;
    *) require rust cc ;;
  esac
  for what in "$@"; do
    case $what in
      check) ;;
      build) setup_build ;;
      parts) setup_parts ;;
      lint) setup_lint ;;
      *) fail "no such thing to set up: $what" ;;
    esac
  done
}

main "$@"
