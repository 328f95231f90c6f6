//! Chains: what Go enforces from the trusted CA down to the leaf, beside names, keys and dates.

use super::{Rule, error};

pub const RENAMED_CA: Rule = error("renamed-ca", "a CA renewed under another name")
    .because("a chain is matched by the CA's name, byte for byte, as well as by its key. With another name over the same key, or the same name in another string type (kubeadm writes PrintableString, openssl UTF8String), it vouches for nothing that was issued before")
    .fix("renew the old certificate itself, which keeps its name: openssl x509 -in OLD.crt -signkey ca.key -days 3650 -out ca.crt. Or issue again all that the CA signed")
    .source("RFC 5280 6.1.3 (a)(4); Go's crypto/x509 compares the encoded names");

pub const CA_USAGE: Rule = error("ca-usage", "a CA whose extended key usage excludes what it signed")
    .because("to Go the extended key usage of a CA, of the trusted one too, is a limit for everything below it: under serverAuth alone every client certificate is refused")
    .fix("issue the CA certificate again with the same key and name, without extendedKeyUsage")
    .source("Go's crypto/x509, VerifyOptions.KeyUsages; RFC 5280 4.2.1.12");

pub const NAME_CONSTRAINT: Rule = error("name-constraint", "a name that a CA above does not permit")
    .because("a CA with name constraints vouches for names within them alone, and Go holds the trusted CA to its own, too: the whole certificate is refused for one such name")
    .fix("issue the certificate without that name, or from a CA without the constraint")
    .source("RFC 5280 4.2.1.10; Go's crypto/x509, Certificate.Verify");

pub const PATH_LENGTH: Rule = error("path-length", "more CAs in a chain than one of them allows")
    .because("a CA states by pathlen how many CAs may follow below it, and the chain has more: it is refused")
    .fix("issue the leaf from the CA that stands above the last one, or that CA again with a greater pathlen, or none")
    .source("RFC 5280 4.2.1.9 and 6.1.4 (l), (m)");

pub const REFUSED_CHAIN: Rule = error("refused-chain", "a chain that its reader refuses")
    .because("the reader does as Go's crypto/x509 does, and refuses the certificate for the reason given")
    .fix("mend the certificate that is named, or issue the leaf again from another CA")
    .source("RFC 5280 6.1; Go's crypto/x509, Certificate.Verify");
