#!/bin/sh
# What must be true before a tag becomes a release: release-check.sh TAG REPOSITORY, as v1.0.0 https://github.com/OWNER/NAME
set -eu
if [ $# -ne 2 ]; then
    echo "usage: packaging/release-check.sh TAG REPOSITORY" >&2
    exit 2
fi
cd "$(dirname "$0")/.."
. packaging/facts.sh
version=$(fact version)
wrong=0
tell() {
    echo "release-check: $*" >&2
    wrong=1
}

[ "$1" = "v$version" ] || tell "the tag is $1, Cargo.toml has version $version: the tag must be v$version"
[ "$2" = "$(fact repository)" ] ||
    tell "this is $2, Cargo.toml has repository $(fact repository): set it to where the release is downloaded from"
case $(fact maintainer) in
*example.com*) tell "Cargo.toml's maintainer is a placeholder: name one who answers" ;;
esac
grep -qF "## [$version]" CHANGELOG.md ||
    tell "CHANGELOG.md has no heading ## [$version]: move what is below [Unreleased] there"
exit "$wrong"
