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

pub const EXPIRED_IN_BUNDLE: Rule = warning("expired-in-bundle", "an expired CA beside a valid one")
    .because("what it signed is refused; its readers pass it by and use the others, so nothing else fails for it")
    .fix("take it out of the bundle once nothing that it signed is in use")
    .source("RFC 5280 6.1; Go's crypto/x509, Certificate.Verify");

pub const NOT_YET_VALID_IN_BUNDLE: Rule =
    warning("not-yet-valid-in-bundle", "a CA of the future beside a valid one")
        .because("until then what it signed is refused; its readers pass it by and use the others, so nothing else fails for it")
        .fix("nothing, where the next CA was made ahead; else correct the clock where it was issued")
        .source("RFC 5280 6.1; Go's crypto/x509, Certificate.Verify");

pub const OUTLIVES_CA: Rule = warning("outlives-ca", "valid for longer than its CA")
    .because("it stops working when its CA ends, more than a day before the date that it shows")
    .fix("renew the CA with the same key and name, or issue the certificate for a shorter time")
    .source("RFC 5280 6.1");

pub const WEAK_KEY: Rule = error("weak-key", "a key that is too small")
    .because("RSA keys under 2048 bits can be broken with enough effort, and Go refuses those under 1024")
    .fix("make a new key: RSA of 2048 bits or more, or ECDSA P-256")
    .source("NIST SP 800-131A");

pub const TLS_KEY_KIND: Rule = error("tls-key-kind", "a key that Kubernetes cannot use in TLS")
    .because("Go reads the certificate and then fails each handshake: in TLS 1.3 it shows RSA, ECDSA on P-256, P-384 or P-521, and Ed25519 alone")
    .fix("make a new key of one of these kinds and issue the certificate again")
    .source("Go's crypto/tls, signatureSchemesForCertificate; RFC 8446 4.2.3");

pub const WEAK_SIGNATURE: Rule = error("weak-signature", "signed with SHA-1 or MD5")
    .because("Go has refused such signatures since 1.18, and so does every Kubernetes component; a root's own is not looked at")
    .fix("issue it again with SHA-256")
    .source("Go 1.18 release notes, crypto/x509; RFC 9155");

pub const UNKNOWN_ISSUER: Rule = error("unknown-issuer", "not signed by the CA whose name it gives")
    .because("a CA of its issuer's name is here, and another key signed it: it is left over from an earlier CA, or that CA was made anew; whoever trusts the CA that is here refuses it")
    .fix("put the CA that signed it into the tree, or issue it again")
    .source("RFC 5280 6.1");

pub const ISSUER_NOT_HERE: Rule = warning("issuer-not-here", "its CA is not here")
    .because("no CA of the tree has its issuer's name, so who takes it cannot be told; the copy of one folder of a machine often holds no CA")
    .fix("name a folder that holds its CA, too")
    .source("RFC 5280 6.1");

pub const ISSUER_NOT_SEARCHED: Rule = warning("issuer-not-searched", "too many CAs have its issuer's name")
    .because("it does not say by its authority key identifier which of them signed it, and trying thousands of keys takes too long, so who takes it cannot be told")
    .fix("verify the clusters' folders one by one")
    .source("kpki");

pub const CA_CANNOT_SIGN: Rule = error("ca-cannot-sign", "a CA certificate that may not sign")
    .because("what it signed is refused: it is not CA:TRUE, or it states a key usage without cert sign")
    .fix("issue the CA certificate again with the same key and name, with basicConstraints CA:TRUE and keyUsage keyCertSign")
    .source("RFC 5280 4.2.1.9, 4.2.1.3 and 6.1.4");

pub const CA_NO_KEY_USAGE: Rule = warning("ca-no-key-usage", "a CA that states no key usage")
    .because("RFC 5280 wants every CA to state it. Go, OpenSSL and GnuTLS take it without, and so does Kubernetes; a stricter reader may not. `openssl req -x509` leaves it out")
    .fix("nothing is needed for Kubernetes; when the CA is renewed, add keyUsage keyCertSign and keep key and name")
    .source("RFC 5280 4.2.1.3 and 6.1.4 (n)");

pub const CRITICAL_EXTENSION: Rule = error("critical-extension", "a critical extension that Kubernetes does not know")
    .because("a reader must refuse a critical extension that it cannot act upon, and Go does: every chain with this certificate in it fails, the trusted CA included")
    .fix("issue it again without the extension, or with the extension not critical; a CA keeps its key and name")
    .source("RFC 5280 4.2; Go's crypto/x509, UnhandledCriticalExtension");

pub const INTERMEDIATE_ANCHOR: Rule = warning("intermediate-anchor", "an intermediate CA that is trusted without its root")
    .because("Kubernetes trusts whatever CA it is given, so the cluster works. Clients with OpenSSL, and Python's before 3.13, look for the CA above it and refuse the API server's certificate")
    .fix("where such clients matter, put the CAs above it behind it into the bundles that clients read; --cluster-signing-cert-file must name a file with this one alone")
    .source("OpenSSL, X509_V_FLAG_PARTIAL_CHAIN; What's New In Python 3.13, ssl");

pub const NO_DIGITAL_SIGNATURE: Rule =
    error("no-digital-signature", "a key usage without digital signature")
        .because("such a key can do nothing in TLS but sign, and the certificate does not allow it: OpenSSL does not serve TLS 1.2 with it, GnuTLS refuses it always; Go does not look")
        .fix("issue it again with keyUsage digitalSignature")
        .source("RFC 8446 4.4.2.2");

pub const RSA_NO_DIGITAL_SIGNATURE: Rule =
    warning("rsa-no-digital-signature", "an RSA key's usage without digital signature")
        .because("TLS 1.3 signs its handshake, and the certificate states other usages alone. Go and OpenSSL 3 connect all the same, GnuTLS refuses it")
        .fix("issue it again with keyUsage digitalSignature, keyEncipherment")
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
