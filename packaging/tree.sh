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

mkdir -p "$prefix/bin" "$prefix/share/man/man1" "$prefix/share/doc/kpki/docs"
kpki=$prefix/bin/kpki
cp "$binary" "$kpki"
chmod 755 "$kpki"

# page [COMMAND…]: its page, and those that it names: `kpki\-setup\-git(1)`.
page() {
    name=kpki
    for word in "$@"; do
        name=$name-$word
    done
    file=$prefix/share/man/man1/$name.1
    "$kpki" man "$@" >"$file"
    roff=$(printf '%s' "$name" | sed 's/-/\\\\-/g')
    # shellcheck disable=SC2013 # names of commands have no blanks
    for below in $(sed -n "s/^$roff\\\\-\(.*\)(1)\$/\1/p" "$file" | sed 's/\\-/-/g'); do
        # A shell of its own: the variables of this one are still needed.
        (page "$@" "$below")
    done
}
page

# completion SHELL FILE
completion() {
    mkdir -p "$(dirname "$prefix/share/$2")"
    "$kpki" completions "$1" >"$prefix/share/$2"
}
completion bash bash-completion/completions/kpki
completion zsh zsh/site-functions/_kpki
completion fish fish/vendor_completions.d/kpki.fish

cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$prefix/share/doc/kpki/"
cp docs/*.md "$prefix/share/doc/kpki/docs/"
# Whatever umask it was made under.
chmod -R u=rwX,go=rX "$prefix"
