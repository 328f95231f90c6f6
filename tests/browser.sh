#!/bin/sh
# Opens the page of `kpki report` in a real Chromium: hostile names, a search, the keyboard, light and dark, narrow and
# wide, on paper, without a script, and with the certificates of 10,000 nodes. Chromium is large, so CI does not run this;
# run it by hand after a change to src/render/page. It needs Debian's chromium (or CHROMIUM=/path/to/it), node, npm and
# openssl. Screenshots go to target/browser: look at them.
set -eu
cd "$(dirname "$0")/.."
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)} || {
    echo "tests/browser.sh: needs Chromium: apt-get install chromium, or CHROMIUM=/path/to/it" >&2
    exit 1
}
out=$PWD/target/browser
kpki=$PWD/target/debug/kpki
cargo build --locked --quiet
mkdir -p "$out"
[ -d "$out/node_modules/puppeteer-core" ] ||
    npm install --prefix "$out" --no-audit --no-fund --silent puppeteer-core@24.43.1

# Names that are legal and would be markup: of a certificate, and of a brought CA.
if [ ! -f "$out/hostile/cluster.lock" ]; then
    rm -rf "$out/hostile"
    mkdir -p "$out/hostile/out/ca"
    (
        cd "$out/hostile"
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 900 \
            -addext keyUsage=critical,keyCertSign,cRLSign -keyout out/ca/etcd.key -out etcd.crt -utf8 \
            -subj '/O=<img src=x onerror=window.hacked=1>/CN=<\/script><script>window.hacked=1<\/script>"é' 2>/dev/null
        chmod 644 etcd.crt
        cat >cluster.kdl <<'KDL'
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab.internal" }
ca "etcd" certificate="etcd.crt"
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21"
node "w2" address="10.0.0.22"
component "kubelet" serving=#true
user "jane" { group "</script><script>window.hacked=1</script>"; validity "40d" }
user "omar" { via "csr" }
certificate "x" { ca "kubernetes"; usage "client"; common-name "\"><svg onload=window.hacked=1>{{7*7}}" }
KDL
        "$kpki" apply >/dev/null
    )
fi
if [ ! -f "$out/large/cluster.lock" ]; then
    rm -rf "$out/large"
    mkdir -p "$out/large"
    (
        cd "$out/large"
        {
            printf 'cluster "fleet" { endpoint "api.fleet.example.com:443" }\ncomponent "kubelet" serving=#true\n'
            for i in 1 2 3; do printf 'node "cp%s" role="control-plane" address="10.0.0.%s"\n' $i $i; done
            i=0
            while [ $i -lt 10000 ]; do
                printf 'node "worker-%05d" address="10.1.%d.%d"\n' $i $((i / 250)) $((i % 250 + 1))
                i=$((i + 1))
            done
        } >cluster.kdl
        "$kpki" apply >/dev/null
    )
fi
for name in hostile large; do
    "$kpki" -C "$out/$name" report -o "$out/$name.html"
done
# Forty days on: something is expired, something due.
"$kpki" -C "$out/hostile" report -o "$out/later.html" --now "$(date -u -d '+345 days' +%F)"
cp tests/browser.mjs "$out/browser.mjs"
cd "$out"
CHROMIUM="$CHROMIUM" node browser.mjs
