#!/bin/sh
# Prints what CHANGELOG.md says of the version in Cargo.toml, for the page of its release.
set -eu
cd "$(dirname "$0")/.."
. packaging/facts.sh
version=$(fact version)
awk -v heading="## [$version]" '
    /^## / { ours = index($0, heading) == 1; next }
    ours { print }
' CHANGELOG.md
