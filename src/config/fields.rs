//! Words that several kinds of block have.

use super::block::{Many, One, many, one};
use crate::algorithm::KeyAlgorithm;
use crate::name::{Organization, San, Server};
use crate::time::Span;

pub const KEY: One<KeyAlgorithm> = one("key");
pub const VALIDITY: One<Span> = one("validity");
pub const RENEW_BEFORE: One<Span> = one("renew-before");
pub const REVISION: One<u32> = one("revision");
pub const GROUP: Many<Organization> = many("group");
pub const SAN: Many<San> = many("san");
/// That a kubeconfig names.
pub const SERVER: One<Server> = one("server");
