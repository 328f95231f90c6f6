#!/bin/sh
# Packs kpki_VERSION_ARCHITECTURE.deb with Debian's own dpkg-deb: deb.sh BINARY ARCHITECTURE FOLDER
# The binary of a release is static: the package depends on nothing.
set -eu
if [ $# -ne 3 ]; then
    echo "usage: packaging/deb.sh BINARY ARCHITECTURE FOLDER (amd64 or arm64)" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$(cd "$3" && pwd)
cd "$here"
. packaging/facts.sh
# 1.0.0-rc.1 comes before 1.0.0, which Debian spells with a tilde.
version=$(fact version | tr - '~')
maintainer=$(fact maintainer)
SOURCE_DATE_EPOCH=$(epoch)
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
share=$root/usr/share
mkdir "$root"
sh packaging/tree.sh "$binary" "$root/usr"

# Where Debian differs: zsh's folder, compressed pages, one file for the licences.
mkdir -p "$share/zsh/vendor-completions"
mv "$share/zsh/site-functions/_kpki" "$share/zsh/vendor-completions/_kpki"
rmdir "$share/zsh/site-functions"
gzip -9 --no-name "$share"/man/man1/*.1 "$share"/man/man5/*.5
doc=$share/doc/kpki
printf 'kpki (%s) stable; urgency=medium\n\n  * CHANGELOG.md beside this file says what is new.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(LC_ALL=C date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")" |
    gzip -9 --no-name >"$doc/changelog.gz"
{
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    printf 'Upstream-Name: kpki\nSource: %s\n\n' "$(fact repository)"
    printf 'Files: *\nCopyright: %s\nLicense: Expat or Apache-2.0\n\n' \
        "$(sed -n 's/^Copyright (c) //p' "$doc/LICENSE-MIT")"
    printf 'License: Apache-2.0\n On Debian systems: /usr/share/common-licenses/Apache-2.0.\n\n'
    printf 'License: Expat\n'
    sed -n '/^Permission/,$p' "$doc/LICENSE-MIT" | sed 's/^$/./; s/^/ /'
} >"$doc/copyright"
rm "$doc/LICENSE-APACHE" "$doc/LICENSE-MIT"
chmod -R u=rwX,go=rX "$root"

size=$(du -k -s "$root/usr" | cut -f 1)
mkdir "$root/DEBIAN"
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<END
Package: kpki
Version: $version
Architecture: $2
Maintainer: $maintainer
Installed-Size: $size
Recommends: git
Section: admin
Priority: optional
Homepage: $(fact repository)
Description: $(fact description)
 kpki builds every key, certificate and kubeconfig of a Kubernetes cluster
 from one description, shows what would change and why, and builds again
 exactly what changed.
END
chmod 755 "$root/DEBIAN"
chmod 644 "$root/DEBIAN/control" "$root/DEBIAN/md5sums"

package=$folder/kpki_${version}_$2.deb
# It takes the time of its members from SOURCE_DATE_EPOCH.
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
printf '%s\n' "$package"
