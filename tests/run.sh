#!/bin/sh
# The whole check of this repository: formatting, lints, tests, documentation, dependencies. It is what CI runs.
set -eu
cd "$(dirname "$0")/.."

# Every kpki that a test runs keeps its machine key here.
export XDG_STATE_HOME="$PWD/target/test-state"

sh tests/setup.sh
cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
cargo clippy --locked --no-default-features --lib --bins --examples -- -D warnings
cargo test --locked
# With the tests' features of shared dependencies, as clippy checked them: without --examples all are checked once more.
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --lib --examples
PATH="$PWD/target/test-tools/bin:$PATH" cargo deny --locked check licenses bans sources
