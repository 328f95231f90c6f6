//! Which changed files a process must be restarted for. What it notices by itself has no row.
//!
//! Sources: what the real v1.36.2 components did when their files changed, and the pull requests named
//! beside the conditions.

use super::{Circumstances, Process, Since, When};
use crate::spec::CaName;

/// Who reads files of the PKI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// A static pod: a changed annotation makes the kubelet replace it.
    Pod(Process),
    /// Services: the operator restarts them.
    Kubelet,
    KubeProxy,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// A CA's trust bundle.
    Bundle(CaName),
    /// sa.key and sa.pub.
    ServiceAccount,
    /// A leaf's key and certificate: the name of its row.
    Leaf(&'static str),
    /// A kubeconfig's file name.
    Kubeconfig(&'static str),
    /// The kubelet's own configuration file.
    KubeletConfig,
}

impl Input {
    /// Names it in hashes and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Input::Bundle(CaName::Kubernetes) => "bundle-kubernetes",
            Input::Bundle(CaName::Etcd) => "bundle-etcd",
            Input::Bundle(CaName::FrontProxy) => "bundle-front-proxy",
            Input::ServiceAccount => "service-account",
            Input::KubeletConfig => "kubelet-config",
            Input::Leaf(name) | Input::Kubeconfig(name) => name,
        }
    }
}

#[derive(Debug)]
pub struct RestartRow {
    pub reader: Reader,
    pub input: Input,
    /// All must hold.
    pub when: &'static [When],
}

const fn restart(reader: Reader, input: Input, when: &'static [When]) -> RestartRow {
    RestartRow { reader, input, when }
}

const ETCD: Reader = Reader::Pod(Process::Etcd);
const API: Reader = Reader::Pod(Process::Apiserver);
const CM: Reader = Reader::Pod(Process::ControllerManager);
const SCHEDULER: Reader = Reader::Pod(Process::Scheduler);

/// By reader in restart order, then by input.
#[rustfmt::skip] // one row, one line
pub const RESTARTS: &[RestartRow] = &[
    restart(ETCD, Input::Bundle(CaName::Etcd), &[]),
    // `--kubelet-certificate-authority`, which client-go read once before its gate ClientsAllowCARotation.
    restart(API, Input::Bundle(CaName::Kubernetes), &[When::ServingKubelets, When::Before(Since::CLIENTS_RELOAD_CA)]),
    restart(API, Input::Bundle(CaName::Etcd), &[]),
    restart(API, Input::ServiceAccount, &[]),
    // `--root-ca-file`; `--client-ca-file` alone would be noticed.
    restart(CM, Input::Bundle(CaName::Kubernetes), &[]),
    restart(CM, Input::ServiceAccount, &[]),
    restart(CM, Input::Kubeconfig("controller-manager.conf"), &[]),
    restart(SCHEDULER, Input::Kubeconfig("scheduler.conf"), &[]),
    restart(Reader::Kubelet, Input::Bundle(CaName::Kubernetes), &[When::Before(Since::KUBELET_RELOADS_CLIENT_CA)]),
    restart(Reader::Kubelet, Input::Leaf("kubelet-server"), &[When::Before(Since::KUBELET_RELOADS_SERVING)]),
    restart(Reader::Kubelet, Input::Kubeconfig("kubelet.conf"), &[]),
    restart(Reader::Kubelet, Input::KubeletConfig, &[]),
    restart(Reader::KubeProxy, Input::Kubeconfig("kube-proxy.conf"), &[]),
];

/// What this reader must be restarted for when it changes.
pub fn restart_inputs(reader: Reader, circumstances: Circumstances) -> impl Iterator<Item = Input> {
    RESTARTS
        .iter()
        .filter(move |row| {
            row.reader == reader && row.when.iter().all(|when| when.holds(&circumstances))
        })
        .map(|row| row.input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Home, LEAVES};
    use crate::version::KubernetesVersion;

    fn inputs(reader: Reader, minor: u16, serving_kubelets: bool) -> Vec<Input> {
        let version = KubernetesVersion::new(minor, 0);
        let circumstances = Circumstances { version, serving_kubelets, joining_etcd: false };
        restart_inputs(reader, circumstances).collect()
    }

    /// The table "Static pods" of "Kubernetes PKI facts", by hand.
    #[test]
    fn who_must_restart_for_what() {
        use CaName::{Etcd, Kubernetes};
        use Input::{Bundle, Kubeconfig, KubeletConfig, Leaf, ServiceAccount};
        let kubelet_conf = Kubeconfig("kubelet.conf");
        let manager_conf = Kubeconfig("controller-manager.conf");
        let kubelet_server = Leaf("kubelet-server");
        for (minor, reader, expected) in [
            (36, ETCD, vec![Bundle(Etcd)]),
            (28, ETCD, vec![Bundle(Etcd)]),
            (36, API, vec![Bundle(Etcd), ServiceAccount]),
            (28, API, vec![Bundle(Etcd), ServiceAccount]),
            (36, CM, vec![Bundle(Kubernetes), ServiceAccount, manager_conf]),
            (28, CM, vec![Bundle(Kubernetes), ServiceAccount, manager_conf]),
            (36, SCHEDULER, vec![Kubeconfig("scheduler.conf")]),
            (28, SCHEDULER, vec![Kubeconfig("scheduler.conf")]),
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
    fn rows_are_unique_and_name_leaves_that_exist() {
        for pair in RESTARTS.windows(2) {
            let key = |row: &RestartRow| (row.reader, row.input);
            assert!(key(&pair[0]) < key(&pair[1]), "{:?}", pair[1]);
        }
        for row in RESTARTS {
            let exists = match row.input {
                Input::Leaf(name) => LEAVES.iter().any(|leaf| leaf.name == name),
                Input::Kubeconfig(name) => LEAVES
                    .iter()
                    .any(|leaf| matches!(leaf.home, Home::Kubeconfig { file, .. } if file == name)),
                Input::Bundle(_) | Input::ServiceAccount | Input::KubeletConfig => true,
            };
            assert!(exists, "{:?}", row.input);
        }
    }

    #[test]
    fn etcd_restarts_first_then_the_api_server_then_its_clients() {
        let names = Process::ALL.map(Process::name);
        assert_eq!(names, ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
        assert!(Process::ALL.is_sorted());
    }
}
