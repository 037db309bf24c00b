#!/usr/bin/env bash
# run.sh SECONDS [TARGET...]: fuzzes every target, or those named, for so long each. Needs a nightly
# toolchain (sanitizers are unstable) and a C++ compiler; installs cargo-fuzz below .tools, pinned.
# Seeds are written by a test (`tests/it/fuzz.rs`); a finding is left in tests/fuzz/artifacts.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift

CARGO_FUZZ=0.13.2
TOOLCHAIN=${FUZZ_TOOLCHAIN:-nightly}

rustup run "$TOOLCHAIN" rustc --version >/dev/null 2>&1 || {
  echo "fuzz: needs the Rust toolchain $TOOLCHAIN: rustup toolchain install $TOOLCHAIN --profile minimal" >&2
  exit 1
}
if ! .tools/bin/cargo-fuzz --version 2>/dev/null | grep -q "$CARGO_FUZZ\$"; then
  echo "fuzz: building cargo-fuzz $CARGO_FUZZ (once)"
  cargo install --locked --quiet --root .tools cargo-fuzz --version "=$CARGO_FUZZ"
fi

HALLMARK_FUZZ_CORPUS=$top/tests/fuzz/corpus cargo test --locked --quiet --test it fuzz::seeds_are_written >/dev/null

fuzz() { rustup run "$TOOLCHAIN" .tools/bin/cargo-fuzz "$1" --fuzz-dir tests/fuzz "${@:2}"; }
[ $# -gt 0 ] || mapfile -t targets < <(cd tests/fuzz/fuzz_targets && ls ./*.rs | sed 's|^\./||; s|\.rs$||')
[ $# -eq 0 ] || targets=("$@")

# The dictionary of what a target reads.
dictionary() {
  case $1 in
    certificate) echo der ;;
    certificates_file) echo der ;;
    challenge) echo text ;;
    docker_config) echo json ;;
    envelope_cose) echo cbor ;;
    envelope_jws) echo json ;;
    index) echo json ;;
    manifest) echo json ;;
    ocsp_answer) echo der ;;
    provider_request) echo json ;;
    reference) echo text ;;
    resources) echo yaml ;;
    revocation_list) echo der ;;
    timestamp_token) echo der ;;
    trust_policy) echo json ;;
    trusted_identity) echo text ;;
    *) echo "fuzz: $1 has no dictionary" >&2; exit 1 ;;
  esac
}

fuzz build
for target in "${targets[@]}"; do
  echo "fuzz: $target for $seconds s"
  fuzz run "$target" -- -dict="tests/fuzz/dictionaries/$(dictionary "$target").dict" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=0 -verbosity=0
done
echo "fuzz: ${#targets[@]} targets, no finding"
