//! Flags with URLs, and the certificate that answers there.
//!
//! Source: etcd's configuration options (etcd.io), 3.5 and 3.6; a member checks the address of whoever
//! connects against its certificate, too (its documentation, Transport security model).

use super::Process;
use Process::{Apiserver as API, Etcd as ETCD};

#[derive(Debug)]
pub struct UrlFlag {
    pub process: Process,
    /// Without its dashes.
    pub flag: &'static str,
    pub answers: Answers,
    pub role: UrlRole,
}

/// Whose certificate must have the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// That of any member: whoever is dialled there.
    EtcdMember,
    /// The server certificate of the process itself.
    EtcdServer,
    /// Its peer certificate.
    EtcdPeer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlRole {
    /// Others dial it.
    Dialled,
    /// `NAME=URL`, read at a member's first start alone; only its own counts.
    OfMembers,
    /// Who dials it is not said.
    Listens,
}

const fn url(process: Process, flag: &'static str, answers: Answers, role: UrlRole) -> UrlFlag {
    UrlFlag { process, flag, answers, role }
}

use Answers::{EtcdMember, EtcdPeer, EtcdServer};
use UrlRole::{Dialled, Listens, OfMembers};

pub const URL_FLAGS: &[UrlFlag] = &[
    url(API, "etcd-servers", EtcdMember, Dialled),
    url(ETCD, "advertise-client-urls", EtcdServer, Dialled),
    url(ETCD, "listen-client-urls", EtcdServer, Listens),
    url(ETCD, "initial-advertise-peer-urls", EtcdPeer, Dialled),
    url(ETCD, "initial-cluster", EtcdPeer, OfMembers),
    url(ETCD, "listen-peer-urls", EtcdPeer, Listens),
];
