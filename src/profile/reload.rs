//! Which changed files a process must be restarted for. What it notices by itself has no row.
//!
//! Sources: what the real v1.36.2 components did when their files changed, and the pull requests named
//! beside the conditions.

use super::{Circumstances, Input, LEAVES, Process, Reader, When};
use crate::spec::CaName;
use crate::version::Change;

const ETCD: Reader = Reader::Pod(Process::Etcd);
const API: Reader = Reader::Pod(Process::Apiserver);
const CM: Reader = Reader::Pod(Process::ControllerManager);

/// What no leaf's row says. All conditions must hold.
#[rustfmt::skip] // one row, one line
const RESTARTS: &[(Reader, Input, &[When])] = &[
    (ETCD, Input::Bundle(CaName::Etcd), &[]),
    // `--kubelet-certificate-authority`, which client-go read once before its gate ClientsAllowCARotation.
    (API, Input::Bundle(CaName::Kubernetes), &[When::ServingKubelets, When::Before(Change::ClientsReloadCa)]),
    (API, Input::Bundle(CaName::Etcd), &[]),
    (API, Input::ServiceAccount, &[]),
    (API, Input::ServiceAccountKeys, &[]),
    // `--root-ca-file`; `--client-ca-file` alone would be noticed.
    (CM, Input::Bundle(CaName::Kubernetes), &[]),
    (CM, Input::Chain(CaName::Kubernetes), &[]),
    (CM, Input::Serving(CaName::Kubernetes), &[]),
    (CM, Input::ServiceAccount, &[]),
    (Reader::Kubelet, Input::Bundle(CaName::Kubernetes), &[When::Before(Change::KubeletReloadsClientCa)]),
    (Reader::Kubelet, Input::KubeletConfig, &[]),
];

/// What this reader must be restarted for when it changes, in the order of [`Input`].
pub fn restart_inputs(reader: Reader, circumstances: Circumstances) -> Vec<Input> {
    let leaves = LEAVES.iter().filter_map(|row| {
        let (reader, when) = row.restarts?;
        Some((reader, row.input(), when))
    });
    let rows = RESTARTS.iter().copied().chain(leaves);
    let mut inputs: Vec<Input> = rows
        .filter(|(who, _, when)| {
            *who == reader && when.iter().all(|when| when.holds(&circumstances))
        })
        .map(|(_, input, _)| input)
        .collect();
    inputs.sort_unstable();
    inputs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::KubernetesVersion;

    fn inputs(reader: Reader, minor: u16, serving_kubelets: bool) -> Vec<Input> {
        let version = KubernetesVersion::new(minor, 0);
        let circumstances = Circumstances { version, serving_kubelets, ca_key_on_nodes: true };
        restart_inputs(reader, circumstances)
    }

    /// The table "Static pods" of "Kubernetes PKI facts", by hand.
    #[test]
    fn who_must_restart_for_what() {
        use CaName::{Etcd, Kubernetes};
        use Input::{
            Bundle, Chain, Kubeconfig, KubeletConfig, Leaf, ServiceAccount, ServiceAccountKeys,
            Serving,
        };
        let kubelet_conf = Kubeconfig("kubelet.conf");
        let manager_conf = Kubeconfig("controller-manager.conf");
        let kubelet_server = Leaf("kubelet-server");
        let scheduler = Reader::Pod(Process::Scheduler);
        for (minor, reader, expected) in [
            (36, ETCD, vec![Bundle(Etcd)]),
            (28, ETCD, vec![Bundle(Etcd)]),
            (36, API, vec![Bundle(Etcd), ServiceAccount, ServiceAccountKeys]),
            (28, API, vec![Bundle(Etcd), ServiceAccount, ServiceAccountKeys]),
            (
                36,
                CM,
                vec![
                    Bundle(Kubernetes),
                    Chain(Kubernetes),
                    ServiceAccount,
                    Serving(Kubernetes),
                    manager_conf,
                ],
            ),
            (
                28,
                CM,
                vec![
                    Bundle(Kubernetes),
                    Chain(Kubernetes),
                    ServiceAccount,
                    Serving(Kubernetes),
                    manager_conf,
                ],
            ),
            (36, scheduler, vec![Kubeconfig("scheduler.conf")]),
            (28, scheduler, vec![Kubeconfig("scheduler.conf")]),
            (36, Reader::Kubelet, vec![kubelet_conf, KubeletConfig]),
            (35, Reader::Kubelet, vec![Bundle(Kubernetes), kubelet_conf, KubeletConfig]),
            (31, Reader::Kubelet, vec![Bundle(Kubernetes), kubelet_conf, KubeletConfig]),
            (
                30,
                Reader::Kubelet,
                vec![Bundle(Kubernetes), kubelet_server, kubelet_conf, KubeletConfig],
            ),
            (36, Reader::KubeProxy, vec![Kubeconfig("kube-proxy.conf")]),
        ] {
            assert_eq!(inputs(reader, minor, false), expected, "{reader:?} 1.{minor}");
        }
    }

    #[test]
    fn the_api_server_trusts_serving_kubelets_through_a_file_read_once() {
        let bundle = Input::Bundle(CaName::Kubernetes);
        assert!(inputs(API, 35, true).contains(&bundle));
        assert!(!inputs(API, 36, true).contains(&bundle));
        assert!(!inputs(API, 35, false).contains(&bundle));
    }

    #[test]
    fn etcd_restarts_first_then_the_api_server_then_its_clients() {
        let names = Process::ALL.map(Process::name);
        assert_eq!(names, ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
        assert!(Process::ALL.is_sorted());
    }
}
