#!/bin/sh
# Lists what is linked into the binary as kpki-VERSION-TARGET.cdx.json (CycloneDX), with cargo-cyclonedx: sbom.sh TARGET FOLDER
set -eu
if [ $# -ne 2 ]; then
    echo "usage: packaging/sbom.sh TARGET FOLDER" >&2
    exit 2
fi
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
. packaging/facts.sh
name=kpki-$(fact version)-$1.cdx
# It always writes beside Cargo.toml, and adds the ending itself.
cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$1" --override-filename "$name"
mv "$name.json" "$folder/$name.json"
printf '%s\n' "$folder/$name.json"
