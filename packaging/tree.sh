#!/bin/sh
# Lays out what an installation has below a prefix such as /usr: the binary, a manual page for each command, completions, the texts.
# The archives and the Debian package are both made of it.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: packaging/tree.sh BINARY FOLDER" >&2
    exit 2
fi
binary=$1
prefix=$2
cd "$(dirname "$0")/.."

mkdir -p "$prefix/bin" "$prefix/share/doc/kpki/docs"
kpki=$prefix/bin/kpki
cp "$binary" "$kpki"
chmod 755 "$kpki"

"$kpki" man --out "$prefix/share/man" >/dev/null

# completion SHELL FILE
completion() {
    mkdir -p "$(dirname "$prefix/share/$2")"
    "$kpki" completions "$1" >"$prefix/share/$2"
}
completion bash bash-completion/completions/kpki
completion zsh zsh/site-functions/_kpki
completion fish fish/vendor_completions.d/kpki.fish

cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$prefix/share/doc/kpki/"
cp -R docs/. "$prefix/share/doc/kpki/docs/"
# Whatever umask it was made under.
chmod -R u=rwX,go=rX "$prefix"
