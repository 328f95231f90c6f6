//! What a cluster serves and whom it lets in.

use schemars::JsonSchema;
use serde::Serialize;

use super::report::FORMAT_VERSION;
use super::text::printable;
use crate::engine::Live;
use crate::live::{Acceptance, ClientsOf, FaultKind, Held, PROBE_NAME, Served, Service, Verdict};
use crate::name::ArtifactName;
use crate::time::Timestamp;

/// What `kpki verify --live --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LiveReport {
    /// Version of this format.
    pub format_version: u32,
    /// When it was looked at (RFC 3339).
    pub now: Timestamp,
    /// How many faults there are: the exit code is 1 then.
    pub faults: usize,
    /// How much is not proven, what dialers believe included: the exit code is 4 where there is no fault.
    pub not_proven: usize,
    pub addresses: Vec<AddressReport>,
    /// Of the clients that were tried: their certificates were made in memory and never written.
    pub probe: Option<ProbeReport>,
    pub dialers: DialersReport,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AddressReport {
    pub service: ServiceReport,
    /// Absent: the endpoint.
    pub node: Option<String>,
    /// `10.0.0.11:6443`; absent where the description does not tell.
    pub address: Option<String>,
    pub served: Option<ServedReport>,
    /// What becomes of clients of each keypair that should be trusted; empty where nobody was asked.
    pub clients: Vec<ClientsReport>,
    pub faults: Vec<FaultReport>,
    /// What could not be told; that of clients stands with them.
    pub not_proven: Vec<String>,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceReport {
    Apiserver,
    Endpoint,
    Etcd,
    EtcdPeer,
    Kubelet,
}

/// A certificate that was shown, and whose key the server has.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ServedReport {
    pub subject: String,
    pub sans: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` has it, without colons.
    pub sha256: String,
    /// The keypair of the cluster that signed it: `ca/kubernetes`.
    pub signed_by: Option<ArtifactName>,
    pub out: HeldReport,
    /// The artifact that it is, where it is that of `out/`.
    pub artifact: Option<ArtifactName>,
}

/// Whether `out/` holds this certificate for the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldReport {
    Same,
    Another,
    Nothing,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ClientsReport {
    pub signed_by: ArtifactName,
    pub are: AcceptanceReport,
    /// Why that is not proven.
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptanceReport {
    Accepted,
    Refused,
    NotProven,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FaultReport {
    pub kind: FaultKind,
    pub text: String,
    /// What to do about it.
    pub help: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeReport {
    pub common_name: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// Which CAs the processes believe in that dial: never told by a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DialersReport {
    NotProven,
}

pub fn live_report(now: Timestamp, live: &Live) -> LiveReport {
    let addresses: Vec<AddressReport> = live.addresses.iter().map(address).collect();
    LiveReport {
        format_version: FORMAT_VERSION,
        now,
        faults: addresses.iter().map(|one| one.faults.len()).sum(),
        // One of them is the dialers.
        not_proven: addresses.iter().map(AddressReport::not_proven).sum::<usize>() + 1,
        addresses,
        probe: live.life.map(|life| ProbeReport {
            common_name: PROBE_NAME.to_owned(),
            not_before: life.from,
            not_after: life.until,
        }),
        dialers: DialersReport::NotProven,
    }
}

impl AddressReport {
    pub(super) fn not_proven(&self) -> usize {
        let clients = self.clients.iter().filter(|one| one.are == AcceptanceReport::NotProven);
        self.not_proven.len() + clients.count()
    }
}

fn address(verdict: &Verdict) -> AddressReport {
    let texts = |all: &[String]| all.iter().map(|text| printable(text)).collect();
    AddressReport {
        service: match verdict.service {
            Service::Apiserver => ServiceReport::Apiserver,
            Service::Endpoint => ServiceReport::Endpoint,
            Service::Etcd => ServiceReport::Etcd,
            Service::EtcdPeer => ServiceReport::EtcdPeer,
            Service::Kubelet => ServiceReport::Kubelet,
        },
        node: verdict.node.as_ref().map(ToString::to_string),
        address: Some(verdict.address.clone()).filter(|address| !address.is_empty()),
        served: verdict.served.as_ref().map(served),
        clients: verdict.clients.iter().map(clients).collect(),
        faults: (verdict.faults.iter())
            .map(|fault| FaultReport {
                kind: fault.kind,
                text: printable(&fault.text),
                help: fault.kind.remedy().to_owned(),
            })
            .collect(),
        not_proven: texts(&verdict.unproven),
        notes: texts(&verdict.notes),
    }
}

fn served(served: &Served) -> ServedReport {
    let facts = &served.certificate.facts;
    let names = &facts.alternative_names;
    let addresses = names.addresses.iter().map(ToString::to_string);
    ServedReport {
        subject: printable(&facts.subject.to_string()),
        sans: names.dns.iter().map(|name| printable(name)).chain(addresses).collect(),
        not_before: facts.not_before,
        not_after: facts.not_after,
        sha256: served.certificate.sha256(),
        signed_by: served.signed_by.clone(),
        out: match served.held {
            Held::Same(_) => HeldReport::Same,
            Held::Another => HeldReport::Another,
            Held::Nothing => HeldReport::Nothing,
        },
        artifact: match &served.held {
            Held::Same(name) => Some(name.clone()),
            Held::Another | Held::Nothing => None,
        },
    }
}

fn clients(one: &ClientsOf) -> ClientsReport {
    let (are, why) = match &one.acceptance {
        Acceptance::Accepted => (AcceptanceReport::Accepted, None),
        Acceptance::Refused => (AcceptanceReport::Refused, None),
        Acceptance::NotProven(why) => (AcceptanceReport::NotProven, Some(printable(why))),
    };
    ClientsReport { signed_by: one.keypair.clone(), are, why }
}
