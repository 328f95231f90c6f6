//! Any certificate, whatever it is for.

use super::{Rule, error, warning};

pub const EXPIRED: Rule = error("expired", "expired")
    .because("every connection that uses it fails")
    .fix("issue it again: `kpki apply`, or `kubeadm certs renew`; a CA needs its leaves to trust the new one first")
    .source("RFC 5280 4.1.2.5");

pub const NOT_YET_VALID: Rule = error("not-yet-valid", "not valid yet")
    .because("until then every connection that uses it fails; one of the clocks was wrong")
    .fix("correct the clock, here or where it was issued, and issue it again")
    .source("RFC 5280 4.1.2.5");

pub const EXPIRES_SOON: Rule = warning("expires-soon", "expires soon")
    .because("less than 30 days are left, and less than a third of its life")
    .fix("issue it again: `kpki apply`, or `kubeadm certs renew`")
    .source("RFC 5280 4.1.2.5");

pub const OUTLIVES_CA: Rule = warning("outlives-ca", "valid for longer than its CA")
    .because("it stops working when its CA ends, before the date that it shows")
    .fix("renew the CA with the same key, or issue the certificate for a shorter time")
    .source("RFC 5280 6.1");

pub const WEAK_KEY: Rule = error("weak-key", "a key that is too small")
    .because("RSA keys under 2048 bits can be broken with enough effort, and Go refuses those under 1024")
    .fix("make a new key: RSA of 2048 bits or more, or ECDSA P-256")
    .source("NIST SP 800-131A");

pub const WEAK_SIGNATURE: Rule = error("weak-signature", "signed with SHA-1 or MD5")
    .because("Go has refused such signatures since 1.18, and so does every Kubernetes component; a root's own is not looked at")
    .fix("issue it again with SHA-256")
    .source("Go 1.18 release notes, crypto/x509; RFC 9155");

pub const UNKNOWN_ISSUER: Rule = error("unknown-issuer", "signed by no CA of this tree")
    .because("whoever trusts the CAs here does not trust this certificate; it may be left over from an earlier CA")
    .fix("put its CA into the tree, or issue it again")
    .source("RFC 5280 6.1");

pub const CA_CANNOT_SIGN: Rule = error("ca-cannot-sign", "a CA certificate that may not sign")
    .because("without CA:TRUE and the usage cert sign, what it signed is refused")
    .fix("issue the CA certificate again with the same key, with basicConstraints CA:TRUE and keyUsage keyCertSign")
    .source("RFC 5280 4.2.1.9 and 4.2.1.3");

pub const NO_DIGITAL_SIGNATURE: Rule =
    error("no-digital-signature", "a key usage without digital signature")
        .because("TLS 1.3 signs its handshake, and a certificate that states other usages may not")
        .fix("issue it again with keyUsage digitalSignature")
        .source("RFC 8446 4.4.2.2");

pub const DOUBLED_PREFIX: Rule = error("doubled-prefix", "system:system: in a name")
    .because("RBAC knows system:kube-scheduler and its like; with the prefix twice it is another name, which no role is bound to")
    .fix("issue it again with the prefix once")
    .source("Kubernetes documentation, Using RBAC Authorization; seen in kubernetes-the-hard-way");

pub const SERVING_MASTERS: Rule = error("serving-masters", "a serving certificate that is a system:masters client, too")
    .because("who gets hold of a server's key is then root of the cluster, past RBAC, and cannot be removed but with the CA")
    .fix("issue it again without the organization system:masters, for server authentication alone")
    .source("Kubernetes documentation, PKI certificates and requirements; seen in Typhoon");

pub const EC_KEY_ENCIPHERMENT: Rule = warning("ec-key-encipherment", "the usage key encipherment on a key that cannot encipher")
    .because("only RSA enciphers; linters and some libraries refuse such certificates, Kubernetes takes them. kubeadm writes it")
    .fix("nothing is needed for Kubernetes; kpki issues without it")
    .source("RFC 8813 3, RFC 9295 3");

pub const NO_AUTHORITY_KEY_ID: Rule = warning("no-authority-key-id", "no authority key identifier")
    .because("while a CA is rotated, several CAs have one name, and this says which of them signed")
    .fix("issue it again with authorityKeyIdentifier=keyid")
    .source("RFC 5280 4.2.1.1");

pub const NO_SUBJECT_KEY_ID: Rule =
    warning("no-subject-key-id", "a CA without a subject key identifier")
        .because("while a CA is rotated, several CAs have one name, and this tells them apart")
        .fix("issue the CA certificate again with the same key and subjectKeyIdentifier=hash")
        .source("RFC 5280 4.2.1.2");

pub const OTHER_AUTHORITY_KEY_ID: Rule =
    warning("other-authority-key-id", "an authority key identifier that is not its CA's")
        .because("the signature is its CA's, but OpenSSL and others look for the CA by this identifier and do not find it")
        .fix("issue it again; kpki and kubeadm write the CA's own identifier")
        .source("RFC 5280 4.2.1.1");

pub const SERIAL_TWICE: Rule = warning("serial-twice", "a serial number that its CA gave twice")
    .because(
        "a serial number names one certificate of its CA; some clients (NSS) refuse the second one",
    )
    .fix("issue one of them again with a random serial number")
    .source("RFC 5280 4.1.2.2");
