//! Networks of flags: what kube-apiserver and kube-controller-manager do not start or not work with.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::found::{About, Contradiction, Severity, is_variable};
use crate::name::unfit_for_services;
use crate::profile::Process;
use crate::version::{Change, KubernetesVersion};

/// Bits of a host in the largest service network that kube-apiserver takes before
/// [`Change::LargeServiceNetworks`] (`maxCIDRBits` of its options' validation).
pub const LARGEST_BEFORE: u8 = 20;

/// Whether these feature gates lift that limit.
pub fn largest_is_lifted(gates: &str) -> bool {
    let is_on = |name: &str| {
        gates.split(',').any(|gate| {
            let value = gate.trim().strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
            value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        })
    };
    is_on("AllAlpha") || is_on("DisableAllocatorDualWrite")
}

const SERVICES: &str = "service-cluster-ip-range";

/// `version`: where it is known.
pub(super) fn networks(
    process: Process,
    flags: &BTreeMap<String, String>,
    version: Option<KubernetesVersion>,
) -> Vec<Contradiction> {
    let judge = Judge { flags, version };
    match process {
        Process::Apiserver => judge.services().into_iter().collect(),
        Process::ControllerManager => judge.pods().into_iter().collect(),
        Process::Etcd | Process::Scheduler => Vec::new(),
    }
}

struct Judge<'a> {
    flags: &'a BTreeMap<String, String>,
    version: Option<KubernetesVersion>,
}

impl Judge<'_> {
    fn value(&self, flag: &str) -> Option<&str> {
        self.flags.get(flag).map(String::as_str).filter(|value| !is_variable(value))
    }

    /// As the API server does, which then ends.
    fn services(&self) -> Option<Contradiction> {
        let value = self.value(SERVICES)?;
        let refuse = |what: String, help: &str| {
            let message = format!("--{SERVICES}={value}: {what}");
            Some(contradiction(SERVICES, None, Severity::Refused, message, help))
        };
        let Some(networks) = parsed(value) else {
            let message = format!("--{SERVICES}={value} names no network");
            let help = "write address/prefix, such as 10.96.0.0/12";
            return Some(contradiction(SERVICES, None, Severity::Refused, message, help));
        };
        let is_v4 = |network: &IpNet| network.network().is_ipv4();
        match networks.as_slice() {
            [_] => {}
            [one, other] if is_v4(one) != is_v4(other) => {}
            _ => {
                return refuse(
                    "the API server takes one network, or one of each family".to_owned(),
                    "write an IPv4 network, an IPv6 network, or both",
                );
            }
        }
        for network in &networks {
            if let Some(why) = unfit_for_services(*network) {
                return refuse(
                    format!("{network} {why}"),
                    "write a private network that nothing else is in, such as 10.96.0.0/12",
                );
            }
            let limited = self.version.is_some_and(|v| !v.has(Change::LargeServiceNetworks))
                && !self.value("feature-gates").is_some_and(largest_is_lifted);
            let smallest = network.max_prefix_len() - LARGEST_BEFORE;
            if limited && network.prefix_len() < smallest {
                return refuse(
                    format!("the API server of this version takes /{smallest} and smaller"),
                    "write a smaller network",
                );
            }
        }
        let address: IpAddr = self.value("advertise-address")?.parse().ok()?;
        let first = networks.first()?;
        let none = self.value("endpoint-reconciler-type") == Some("none");
        if !none && address.is_ipv4() != is_v4(first) && !address.is_unspecified() {
            let message = format!(
                "--{SERVICES} begins with {first} and --advertise-address is {address}: two families, with which \
                 the API server does not start"
            );
            let other = Some("advertise-address");
            let help = "write an address or a network of the same family";
            return Some(contradiction(SERVICES, other, Severity::Refused, message, help));
        }
        None
    }

    /// The controller-manager gives no node a part of its service network (`filterOutServiceRange` of its
    /// range allocator): one within the other leaves nothing, or less than is written. Where it gives no
    /// parts at all, the network's own plugin may use other addresses.
    fn pods(&self) -> Option<Contradiction> {
        const PODS: &str = "cluster-cidr";
        let pods = parsed(self.value(PODS)?)?;
        let services = parsed(self.value(SERVICES)?)?;
        let is_cut = self.value("allocate-node-cidrs") == Some("true");
        for pod in &pods {
            for service in &services {
                if service.contains(pod) {
                    let (severity, what) = if is_cut {
                        (Severity::Refused, "no node could be given a part of it")
                    } else {
                        (Severity::Remark, "a pod and a service could have one address")
                    };
                    let message = format!("--{PODS} {pod} lies in --{SERVICES} {service}: {what}");
                    let help = "write two networks without a common address";
                    return Some(contradiction(PODS, Some(SERVICES), severity, message, help));
                }
                if pod.contains(service) {
                    let message = format!(
                        "--{PODS} {pod} holds --{SERVICES} {service}: pods must get no address of it"
                    );
                    return Some(contradiction(
                        PODS,
                        Some(SERVICES),
                        Severity::Remark,
                        message,
                        "",
                    ));
                }
            }
        }
        None
    }
}

fn contradiction(
    flag: &str,
    other: Option<&str>,
    severity: Severity,
    message: String,
    help: &str,
) -> Contradiction {
    Contradiction {
        flag: flag.to_owned(),
        other: other.map(str::to_owned),
        severity,
        about: About::Network,
        message,
        help: help.to_owned(),
    }
}

/// Host bits are no mistake of a flag: Go's `ParseCIDR` leaves them out.
fn parsed(list: &str) -> Option<Vec<IpNet>> {
    list.split(',').map(|text| Some(text.trim().parse::<IpNet>().ok()?.trunc())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case<'a> = (Process, &'a [(&'a str, &'a str)], u16, Option<Severity>);

    /// By hand, from the validation of both processes' options; `None`: they start.
    #[test]
    fn networks_are_judged_as_their_process_does() {
        use Process::{Apiserver as API, ControllerManager as CM};
        use Severity::{Refused, Remark};
        let s = SERVICES;
        let cases: &[Case<'_>] = &[
            (API, &[(s, "10.96.0.0/12")], 36, None),
            (API, &[(s, "10.96.0.1/12")], 36, None),
            (API, &[(s, "10.96.0.0/12,fd00::/112")], 36, None),
            (API, &[(s, "$(SERVICES)")], 36, None),
            (API, &[], 36, None),
            (API, &[(s, "10.96.0.0")], 36, Some(Refused)),
            (API, &[(s, "10.96.0.0/12,10.43.0.0/16")], 36, Some(Refused)),
            (API, &[(s, "10.96.0.0/12,fd00::/112,fd01::/112")], 36, Some(Refused)),
            (API, &[(s, "127.0.0.0/16")], 36, Some(Refused)),
            (API, &[(s, "10.96.0.0/30")], 36, Some(Refused)),
            (API, &[(s, "10.0.0.0/8")], 33, Some(Refused)),
            (API, &[(s, "10.0.0.0/8")], 34, None),
            (API, &[(s, "fd00::/64")], 33, Some(Refused)),
            (API, &[(s, "fd00::/108")], 33, None),
            (
                API,
                &[(s, "fd00::/64"), ("feature-gates", "DisableAllocatorDualWrite=true")],
                33,
                None,
            ),
            (API, &[(s, "fd00::/112"), ("advertise-address", "10.0.0.1")], 36, Some(Refused)),
            (API, &[(s, "fd00::/112,10.96.0.0/12"), ("advertise-address", "fd00:1::1")], 36, None),
            (
                API,
                &[
                    (s, "fd00::/112"),
                    ("advertise-address", "10.0.0.1"),
                    ("endpoint-reconciler-type", "none"),
                ],
                36,
                None,
            ),
            (API, &[(s, "fd00::/112"), ("advertise-address", "$(POD_IP)")], 36, None),
            (CM, &[(s, "10.96.0.0/12"), ("cluster-cidr", "10.244.0.0/16")], 36, None),
            (CM, &[(s, "10.96.0.0/12"), ("cluster-cidr", "10.100.0.0/16")], 36, Some(Remark)),
            (
                CM,
                &[
                    (s, "10.96.0.0/12"),
                    ("cluster-cidr", "10.96.0.0/12"),
                    ("allocate-node-cidrs", "true"),
                ],
                36,
                Some(Refused),
            ),
            (CM, &[(s, "10.96.0.0/12"), ("cluster-cidr", "10.0.0.0/8")], 36, Some(Remark)),
            (CM, &[("cluster-cidr", "10.0.0.0/8")], 36, None),
        ];
        for (process, flags, minor, expected) in cases {
            let given = flags.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let version = Some(KubernetesVersion::new(*minor, 0));
            let found = networks(*process, &given, version);
            let found: Vec<Severity> = found.into_iter().map(|one| one.severity).collect();
            assert_eq!(found, expected.iter().copied().collect::<Vec<_>>(), "{flags:?}");
        }
    }
}
