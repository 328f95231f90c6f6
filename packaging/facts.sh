# What Cargo.toml says of the package, for the scripts beside this file: `. packaging/facts.sh; fact version`;
# and when that was.
# shellcheck shell=sh

# The first line `NAME = "…"` is the package's: that table stands first.
fact() {
    found=$(sed -n "s/^$1 = \"\(.*\)\"\( *#.*\)\{0,1\}\$/\1/p" Cargo.toml | head -n 1)
    if [ -z "$found" ]; then
        echo "Cargo.toml has no line: $1 = \"…\"" >&2
        return 1
    fi
    printf '%s\n' "$found"
}

# The time that everything packed bears: the commit's, unless somebody says another.
epoch() {
    printf '%s\n' "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
}
