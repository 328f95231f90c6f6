//! What static pods are told beside their files.

use super::{Rule, error, warning};

pub const FLAG_NETWORK: Rule =
    error("flag-network", "a network that the control plane does not start or work with")
        .because("services need a network of their own: one or one of each family, the first of the family of the API server's address, with at least 8 addresses, and without loopback, link-local or multicast addresses")
        .fix("write such a network, the same one for the API server and the controller-manager")
        .source("kubernetes/kubernetes, cmd/kube-apiserver/app/options/validation.go and pkg/controller/nodeipam");

pub const FLAG_URL: Rule = error("flag-url", "a URL at which nobody can be reached")
    .because("whoever dials etcd checks the host against the certificate that answers there, and a member checks the address of the member that connects")
    .fix("correct the flag, or issue the certificate with this name or address")
    .source("etcd documentation, Transport security model");

pub const SERVICE_ACCOUNT_KEYS: Rule =
    error("service-account-keys", "a service-account key whose tokens the API server refuses")
        .because("the API server verifies a token with the keys of --service-account-key-file, and none of them is of the key that signs")
        .fix("name the public half of the signing key, too: the flag may be given several times")
        .source("kube-apiserver reference, --service-account-key-file");

pub const KEY_OUT_OF_REACH: Rule =
    error("key-out-of-reach", "a process that must not read its key or kubeconfig")
        .because("its securityContext lets it run as another user than root; with the file's owner, group and mode it gets \"permission denied\" and ends")
        .fix("give the file to that user or group with mode 0600 or 0640, or let the process run as root")
        .source("Kubernetes documentation, Configure a Security Context; KEP-2568, Run control-plane as non-root");

pub const FLAG_ADDRESS: Rule =
    warning("flag-address", "an address that the certificate shown there lacks")
        .because("the process works, and whoever dials it by this address refuses its certificate")
        .fix("correct the flag, or issue the certificate with this name or address")
        .source("RFC 6125 6");

pub const FLAG_PLAIN_HTTP: Rule = warning("flag-plain-http", "a URL that is not encrypted")
    .because(
        "whoever listens on the network reads every Secret, and nobody is asked for a certificate",
    )
    .fix("write https:// and name the certificate and its key")
    .source("etcd documentation, Transport security model");

pub const FLAG_WEAK: Rule = warning("flag-weak", "a flag that lets in whom nobody meant")
    .because("the process works, and does not ask who somebody is or what they may do")
    .fix("set the flag as kubeadm does, or delete it where it lets somebody in")
    .source("kube-apiserver reference; etcd documentation, Transport security model");

pub const KEY_PERHAPS_OUT_OF_REACH: Rule = warning(
    "key-perhaps-out-of-reach",
    "a process that runs as another user than root, and a key that only its owner reads",
)
.because("owners of a copy say nothing about the machine; there the file must belong to the user or group of securityContext, as kubeadm does for its own control plane without root")
.fix("compare `ls -ln` on the machine with runAsUser, runAsGroup and supplementalGroups; fsGroup changes nothing on a hostPath")
.source("Kubernetes documentation, Configure a Security Context; KEP-2568, Run control-plane as non-root");
