#!/bin/sh
# Packs kpki-VERSION-TARGET.tar.gz, the same bytes for the same binary and commit: archive.sh BINARY TARGET FOLDER
set -eu
if [ $# -ne 3 ]; then
    echo "usage: packaging/archive.sh BINARY TARGET FOLDER" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$(cd "$3" && pwd)
cd "$here"
. packaging/facts.sh
name=kpki-$(fact version)-$2
when=$(epoch)

# GNU's tar alone has the options below; macOS has it by that name when it has it at all.
tar=tar
command -v gtar >/dev/null && tar=gtar

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh packaging/tree.sh "$binary" "$work/$name"
"$tar" --create --file "$work/tar" --directory "$work" --sort=name --format=ustar \
    --mtime="@$when" --owner=0 --group=0 --numeric-owner "$name"
gzip --no-name <"$work/tar" >"$folder/$name.tar.gz"
printf '%s\n' "$folder/$name.tar.gz"
