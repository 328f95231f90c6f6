#!/bin/sh
# The client certificates of N kubelets (P-256, O=system:nodes, CN=system:node:NAME), made by kpki, openssl
# and cfssl in one run: benches/peers.sh [N] [path of kpki]
#
# kpki writes more than the others: a kubeconfig and a trust bundle a node, synced, with a lock; and it
# uses all cores. openssl is started once for a key and once for a certificate, cfssl once for both.
set -eu
n=${1:-200}
kpki=${2:-$(dirname "$0")/../target/release/kpki}

need() {
    command -v "$1" >/dev/null || {
        echo "$1 is missing: $2" >&2
        exit 1
    }
}
need "$kpki" "cargo build --release, or name it as the second argument"
need openssl "apt-get install openssl"
need cfssl "apt-get install golang-cfssl"
need cfssljson "apt-get install golang-cfssl"
kpki=$(realpath "$kpki")

desk=$(mktemp -d)
trap 'rm -rf "$desk"' EXIT
cd "$desk"
names=$(seq -f 'w%05.0f' 1 "$n")

with_kpki() {
    mkdir kpki
    {
        echo 'cluster "peers"'
        echo 'node "cp1" role="control-plane" address="10.0.0.1"'
        i=0
        for name in $names; do
            echo "node \"$name\" address=\"10.1.$((i / 250)).$((i % 250 + 1))\""
            i=$((i + 1))
        done
    } >kpki/cluster.kdl
    "$kpki" -C kpki apply >/dev/null
    [ "$(find kpki/out/nodes/w* -name kubelet.conf | wc -l)" -eq "$n" ]
}

with_openssl() {
    mkdir openssl
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj /CN=kubernetes \
        -days 3650 -keyout openssl/ca.key -out openssl/ca.crt 2>/dev/null
    for name in $names; do
        # One process makes the key, one signs: with -CA, req needs no request in a file (OpenSSL 3).
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc \
            -subj "/O=system:nodes/CN=system:node:$name" -days 365 \
            -CA openssl/ca.crt -CAkey openssl/ca.key \
            -addext 'extendedKeyUsage=clientAuth' -addext 'keyUsage=critical,digitalSignature' \
            -addext 'basicConstraints=critical,CA:FALSE' \
            -keyout "openssl/$name.key" -out "openssl/$name.crt" 2>/dev/null
    done
    [ "$(find openssl -name 'w*.crt' -size +0 | wc -l)" -eq "$n" ]
}

with_cfssl() {
    mkdir cfssl
    cd cfssl
    key='"key": {"algo": "ecdsa", "size": 256}'
    echo "{\"CN\": \"kubernetes\", $key}" >ca.json
    cfssl gencert -loglevel=5 -initca ca.json | cfssljson -bare ca
    echo '{"signing": {"default": {"expiry": "8760h", "usages": ["digital signature", "client auth"]}}}' >config.json
    for name in $names; do
        echo "{\"CN\": \"system:node:$name\", \"names\": [{\"O\": \"system:nodes\"}], $key}" |
            cfssl gencert -loglevel=5 -ca ca.pem -ca-key ca-key.pem -config config.json - 2>/dev/null |
            cfssljson -bare "$name"
    done
    cd ..
    [ "$(find cfssl -name 'w*.pem' ! -name '*-key.pem' -size +0 | wc -l)" -eq "$n" ]
}

# Prints the seconds that it takes.
seconds() {
    start=$(date +%s%N)
    "$1" >/dev/null || { echo "$1 failed" >&2; exit 1; }
    echo "$start $(date +%s%N)" | awk '{ printf "%.3f", ($2 - $1) / 1e9 }'
}

rounds=5
for _ in $(seq $rounds); do
    for tool in kpki openssl cfssl; do
        rm -rf "$tool"
        seconds "with_$tool" >>"$tool.times"
        echo >>"$tool.times"
    done
done
median() { sort -n "$1.times" | sed -n "$((rounds / 2 + 1))p"; }
echo "$n client certificates of kubelets, $(nproc) cores, median of $rounds runs in turn"
awk -v k="$(median kpki)" -v o="$(median openssl)" -v c="$(median cfssl)" 'BEGIN {
    printf "kpki     %8.2f s\n", k
    printf "openssl  %8.2f s   %6.1f times as long\n", o, o / k
    printf "cfssl    %8.2f s   %6.1f times as long\n", c, c / k
}'
