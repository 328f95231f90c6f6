//! Words that several kinds of block have.

use super::shape::{Many, One, many, one, word};
use crate::algorithm::KeyAlgorithm;
use crate::name::{Organization, San, Server};
use crate::time::Span;

/// How a duration is written.
pub const SPAN: &str = "a number and a unit, y (365 days), w, d, h, m or s: 90d, 8760h";
/// How names are written that a server has.
pub const NAMES: &str = "DNS names, also with *. before them, and addresses";
/// What nearer blocks get from.
const NEAREST: &str = "the nearest that says it: leaf, node, component, defaults";

pub const KEY: One<KeyAlgorithm> = one(word("key")
    .means("The algorithm of new keys. Another one reissues what has a key of the old one.")
    .one_of::<KeyAlgorithm>()
    .follows(NEAREST)
    .sample("\"ecdsa-p384\""));
pub const VALIDITY: One<Span> = one(word("validity")
    .means("How long a certificate lives. At least 10 minutes, and never longer than its CA.")
    .text(SPAN)
    .follows(NEAREST)
    .sample("\"90d\""));
pub const RENEW_BEFORE: One<Span> = one(word("renew-before")
    .means("How long before its end a certificate is due for renewal. Shorter than its validity.")
    .text(SPAN)
    .follows("the smaller of 30d and a third of the validity")
    .sample("\"30d\""));
pub const REVISION: One<u32> = one(word("revision")
    .means("A higher number asks for new keys, once.")
    .number(1, 1_000_000)
    .same("1")
    .sample("2"));
pub const GROUP: Many<Organization> = many(
    word("group")
        .means("An organization of the certificate each: a group for RBAC.")
        .text("names of groups")
        .sample("\"dev\" \"oncall\""),
);
pub const SAN: Many<San> = many(
    word("san")
        .means("More names by which clients dial it: they go into its serving certificates.")
        .text(NAMES)
        .sample("\"api.example.com\" \"203.0.113.7\""),
);
/// That a kubeconfig names.
pub const SERVER: One<Server> = one(word("server")
    .means("The API server that its kubeconfig names. The API server's certificate must have the host.")
    .text("a URL, https://HOST:PORT; without a port it is 443")
    .follows("the endpoint of the cluster")
    .sample("\"https://127.0.0.1:6443\"")
    .above(&["component \"apiserver\" san=\"127.0.0.1\""]));
