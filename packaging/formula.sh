#!/bin/sh
# Prints Homebrew's formula for a release whose checksums are in a file: formula.sh SHA256SUMS
set -eu
if [ $# -ne 1 ]; then
    echo "usage: packaging/formula.sh SHA256SUMS" >&2
    exit 2
fi
sums=$(cat "$1")
cd "$(dirname "$0")/.."
. packaging/facts.sh
version=$(fact version)
script="s|@version@|$version|g; s|@repository@|$(fact repository)|g; s|@description@|$(fact description)|g"
for target in aarch64-apple-darwin x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
    # A line of sha256sum: 64 digits, a blank, a blank or an asterisk, the name.
    sum=$(printf '%s\n' "$sums" | sed -n "s/^\([0-9a-f]\{64\}\) [ *]kpki-$version-$target\.tar\.gz\$/\1/p")
    if [ "${#sum}" -ne 64 ]; then
        echo "$1 has no line for kpki-$version-$target.tar.gz" >&2
        exit 1
    fi
    script="$script; s|@$target@|$sum|g"
done
sed "$script" packaging/kpki.rb.in
