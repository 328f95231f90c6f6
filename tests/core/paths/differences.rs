//! Where Go, whose rules kpki follows, differs from OpenSSL and webpki: each with the reason. Go's files are
//! those of crypto/x509.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    OpenSsl,
    Webpki,
}

#[derive(Debug)]
pub struct Difference {
    pub judge: Judge,
    /// A part of what kpki says; empty: it accepts.
    pub ours: &'static str,
    /// A part of what the other says; empty: it accepts.
    pub theirs: &'static str,
    /// One of these was done to the chain, if any stand here.
    pub after: &'static [&'static str],
    pub why: &'static str,
}

const fn openssl(
    ours: &'static str,
    theirs: &'static str,
    after: &'static [&'static str],
    why: &'static str,
) -> Difference {
    Difference { judge: Judge::OpenSsl, ours, theirs, after, why }
}

const fn webpki(
    ours: &'static str,
    theirs: &'static str,
    after: &'static [&'static str],
    why: &'static str,
) -> Difference {
    Difference { judge: Judge::Webpki, ours, theirs, after, why }
}

const LEAF: &[&str] = &["the leaf is an anchor"];
const NAMESAKES: &[&str] = &[
    "a namesake of another key",
    "an expired twin",
    "a twin for clients",
    "signed by another one as well",
    "named as its issuer",
];

pub const DIFFERENCES: &[Difference] = &[
    openssl(
        "to Kubernetes these are two names",
        "",
        &["issuer in UTF8"],
        "verify.go isValid and cert_pool.go compare names as bytes; OpenSSL brings them into one form first",
    ),
    openssl(
        "and no CA of that name is trusted",
        "",
        &["issuer in capitals"],
        "verify.go isValid and cert_pool.go compare names as bytes; OpenSSL ignores case",
    ),
    openssl(
        "",
        "certificate signature failure",
        NAMESAKES,
        "verify.go buildChains tries every CA of the name; OpenSSL takes one and stays with it",
    ),
    openssl(
        "",
        "certificate has expired",
        &["until", "an expired twin"],
        "verify.go isValid: the last second counts, and of two CAs of one name the valid one; OpenSSL stays with \
         the first, and its last second is over",
    ),
    openssl(
        "",
        "unsuitable certificate purpose",
        &["usages", "a twin for clients", "key usage", "constraints", "path length", "version 1"],
        "verify.go checkChainForKeyUsage: anyExtendedKeyUsage is for everything, a leaf's key usage is not looked \
         at, and of two CAs of one name the fitting one; OpenSSL differs in all three",
    ),
    openssl(
        "",
        "self-signed certificate",
        &["named as its issuer", "the leaf is an anchor"],
        "verify.go buildChains asks who signed it; OpenSSL takes a certificate with one name in both places for a \
         root, and looks no further",
    ),
    openssl(
        "",
        "unable to get local issuer certificate",
        &["other authority key identifier"],
        "cert_pool.go findPotentialParents sorts by the key identifier; to OpenSSL another one is another CA",
    ),
    openssl(
        "its critical extension name constraints",
        "",
        &["other constraint"],
        "parser.go parseNameConstraintsExtension knows no directory names; OpenSSL does",
    ),
    openssl(
        "has the email address",
        "",
        &["other constraint"],
        "constraints.go newEmailConstraints: a host's constraint is for the hosts below it as well; to RFC 5280 \
         4.2.1.10 and OpenSSL it is one host",
    ),
    openssl(
        "",
        "unhandled critical extension",
        LEAF,
        "verify.go Verify looks at nobody above an anchor; OpenSSL judges the CAs above a leaf that is one",
    ),
    openssl(
        "",
        "certificate signature failure",
        LEAF,
        "verify.go Verify looks at no signature of an anchor; OpenSSL at that of a leaf that is one",
    ),
    webpki(
        "",
        "CaUsedAsEndEntity",
        &[],
        "verify.go: a CA may be shown as a leaf; webpki takes none",
    ),
    webpki("", "UnsupportedCertVersion", &["version 1"], "parser.go reads all three versions"),
    webpki(
        "",
        "UnknownIssuer",
        LEAF,
        "verify.go Verify: a leaf among the anchors needs nobody above it; webpki asks for one",
    ),
    webpki(
        "",
        "InvalidSignatureForPublicKey",
        &["damaged", "named as its issuer", "a namesake of another key"],
        "verify.go Verify looks at no signature of an anchor, a leaf or not, and tries every CA of a name; webpki \
         ends at the first of those that cannot have signed a self-issued leaf",
    ),
    webpki(
        "",
        "UnsupportedCriticalExtension",
        LEAF,
        "verify.go Verify looks at nobody above an anchor; webpki tells why the CAs above a leaf that is one fail",
    ),
    webpki(
        "",
        "NameConstraintViolation",
        LEAF,
        "constraints.go: what an anchor allows is for those below it; webpki holds a leaf that is an anchor to it",
    ),
    webpki(
        "",
        "RequiredEkuNotFound",
        &["usages", "the leaf is an anchor"],
        "verify.go checkChainForKeyUsage: anyExtendedKeyUsage is for everything, and who asks for any usage gets any",
    ),
    webpki(
        "its key usage is without keyCertSign",
        "",
        &["key usage"],
        "x509.go CheckSignatureFrom looks at a CA's key usage where it states one; webpki never does",
    ),
    webpki(
        "asks for certificate policies",
        "",
        &["policies", "policy constraints"],
        "verify.go policiesValid; webpki knows no policies",
    ),
    webpki(
        "it expired on",
        "",
        &["until", "an expired twin"],
        "verify.go isValid looks at an anchor's dates; to webpki an anchor is a name, a key and name constraints",
    ),
    webpki(
        "it is not valid before",
        "",
        &["from"],
        "verify.go isValid looks at an anchor's dates; to webpki an anchor is a name, a key and name constraints",
    ),
    webpki(
        "its critical extension 1.3",
        "",
        &["unknown critical"],
        "verify.go isValid looks at an anchor's extensions; webpki does not",
    ),
    webpki(
        "its critical extension name constraints",
        "",
        &["other constraint"],
        "parser.go parseNameConstraintsExtension knows no directory names; webpki does",
    ),
    webpki(
        "so it is no CA",
        "",
        &["constraints"],
        "x509.go CheckSignatureFrom asks an anchor of version 3 for CA:TRUE as well; webpki does not",
    ),
    webpki(
        "it is no CA (basicConstraints without CA:TRUE)",
        "",
        &["constraints"],
        "x509.go CheckSignatureFrom asks an anchor for CA:TRUE as well; webpki does not",
    ),
    webpki(
        "so what is below it cannot be a",
        "",
        &["usages", "a twin for clients"],
        "verify.go checkChainForKeyUsage looks at an anchor's usages; webpki does not",
    ),
    webpki(
        "CAs below it (path length)",
        "",
        &["path length"],
        "verify.go isValid looks at an anchor's path length; webpki does not",
    ),
    webpki(
        "its name constraints",
        "",
        NAMESAKES,
        "verify.go: an anchor that expired is none; webpki takes the expired twin, which has no such constraint",
    ),
];
