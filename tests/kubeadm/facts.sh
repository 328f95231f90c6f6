#!/bin/sh
# facts.sh FOLDER: what lies in an /etc/kubernetes, one line a file, without its secrets.
#
# A new version's folder is made on a machine (a container will do) with `kubeadm init`, one control-plane node
# named kubemaster, 192.168.5.11, stacked etcd, nothing else configured:
#   mkdir VERSION && sh facts.sh /etc/kubernetes > VERSION/facts.txt && cp -r /etc/kubernetes/manifests VERSION/
set -eu
cd "$1"

certificate() {
    openssl x509 -noout "$@" -nameopt RFC2253
}

words() {
    tr -s ' \n' ' ' | sed 's/ $//'
}

life() {
    until=$(certificate "$@" -enddate | cut -d= -f2)
    from=$(certificate "$@" -startdate | cut -d= -f2)
    echo $((($(date -d "$until" +%s) - $(date -d "$from" +%s)) / 86400))
}

find . | LC_ALL=C sort | while read -r path; do
    printf '%s %s' "$(stat -c %a "$path")" "$path"
    case $path in
    *.crt)
        printf ' | %s' "$(certificate -in "$path" -subject -issuer | words)"
        extensions=keyUsage,extendedKeyUsage,basicConstraints,subjectAltName
        printf ' | %s' "$(certificate -in "$path" -ext $extensions | words)"
        printf ' | days %s' "$(life -in "$path")"
        ;;
    *.conf)
        field() { sed -n "s/^ *$1: //p" "$path"; }
        field client-certificate-data | base64 -d > "${TMPDIR:-/tmp}/facts.$$.crt"
        printf ' | server: %s' "$(field server)"
        printf ' | %s' "$(certificate -in "${TMPDIR:-/tmp}/facts.$$.crt" -subject | words)"
        printf ' | current-context: %s' "$(field current-context)"
        rm "${TMPDIR:-/tmp}/facts.$$.crt"
        ;;
    esac
    echo
done
