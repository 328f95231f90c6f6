//! Rotations, root by root and stage by stage: what must hold first, what nothing can prove, and what has to
//! follow outside of kpki. Why, and the whole way: docs/rotate.md.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Stage;
use crate::spec::{CaName, Root};

/// What a line of a gate is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Must hold before this stage is applied.
    Before,
    /// Must hold too, and no command shows it.
    Unproven,
    /// To do once it is installed on all nodes.
    After,
}

/// In a text, `{new}` and `{old}` are key pairs, `{file}` is the old one's public file. A row whose list
/// (`{users}`, `{kubelets}`, `{known}`) is empty is left out.
#[derive(Debug)]
pub(super) struct Row {
    pub kind: Kind,
    pub text: &'static str,
    /// Whole, as a shell takes it.
    pub command: Option<&'static str>,
}

#[derive(Debug)]
pub(super) struct Gate {
    pub root: Root,
    pub stage: Stage,
    /// What this stage changes.
    pub changes: &'static str,
    pub rows: &'static [Row],
}

const fn row(kind: Kind, text: &'static str, command: Option<&'static str>) -> Row {
    Row { kind, text, command }
}

const fn before(text: &'static str, command: &'static str) -> Row {
    row(Kind::Before, text, Some(command))
}

const fn unproven(text: &'static str) -> Row {
    row(Kind::Unproven, text, None)
}

const fn after(text: &'static str) -> Row {
    row(Kind::After, text, None)
}

const fn after_by(text: &'static str, command: &'static str) -> Row {
    row(Kind::After, text, Some(command))
}

const LIVE: &str = "kpki verify --live";
const ETCD: &str = "etcdctl endpoint health --cluster";
const STARTED: &str = "kubectl -n kube-system get pods -l tier=control-plane \
                       -o custom-columns=NAME:.metadata.name,SINCE:.status.containerStatuses[0].state.running.startedAt";
const ROOT_CA: &str = "kubectl get cm -A --field-selector metadata.name=kube-root-ca.crt -o yaml | grep -c 'BEGIN CERT'";
const TRUSTED_CLIENTS: &str =
    "kubectl -n kube-system get cm extension-apiserver-authentication -o yaml";
const FORGET: &str = "kubectl -n kube-system delete cm extension-apiserver-authentication";
const JWKS: &str = "kubectl get --raw /openid/v1/jwks";
/// The first bytes of a PEM file tell a certificate from any other, serial number included.
const CA_BUNDLES: &str = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations,apiservices,crd \
                          -o json | jq -r --arg ca \"$(base64 -w0 {file} | head -c 400)\" \
                          '.items[] | select(tostring | contains($ca)) | .kind + \" \" + .metadata.name'";
const SECRETS: &str =
    "kubectl get secret -A --field-selector type=kubernetes.io/service-account-token";

const KUBERNETES: Root = Root::Ca(CaName::Kubernetes);
const ETCD_CA: Root = Root::Ca(CaName::Etcd);
const FRONT_PROXY: Root = Root::Ca(CaName::FrontProxy);

/// Each root and stage once.
pub(super) const GATES: &[Gate] = &[
    Gate {
        root: KUBERNETES,
        stage: Stage::Trust,
        changes: "ca.crt and all kubeconfigs get {new}, too; no other certificate changes",
        rows: &[
            before("everything answers as it should", LIVE),
            after("give these users their new kubeconfigs, before promote: {users}"),
            after_by(
                "put out/nodes/NODE/etc/kubernetes/pki/ca.crt into cluster-info, if there is one",
                "kubectl -n kube-public edit cm cluster-info",
            ),
            after_by(
                "restart pods that read their CA once, when every namespace has both",
                "kubectl -n kube-system rollout restart ds/kube-proxy deploy/coredns",
            ),
            after_by(
                "add the new certificate to the caBundle of those that print here",
                CA_BUNDLES,
            ),
            after("run no kubeadm certs renew, upgrade or join until distrust is installed"),
        ],
    },
    Gate {
        root: KUBERNETES,
        stage: Stage::Promote,
        changes: "{new} issues all certificates anew and the cluster signs with it; the set of trusted \
                  certificates stays",
        rows: &[
            before("all servers accept clients of both", LIVE),
            before("all pods started after trust was installed on their node", STARTED),
            before("every namespace has both, for 2 minutes: twice as many as namespaces", ROOT_CA),
            unproven("these users have the kubeconfig with both certificates: {users}"),
            unproven("kubelets and pods that read their CA once were restarted since trust"),
            after("self-rotated kubelets follow with their next renewal: {kubelets}"),
            after(
                "certificates that the cluster signed are requested anew; requests from before do not count",
            ),
            after("join commands on paper pin {old}: make new ones (kubeadm token create)"),
        ],
    },
    Gate {
        root: KUBERNETES,
        stage: Stage::Distrust,
        changes: "ca.crt and all kubeconfigs lose {old}; its key is deleted here",
        rows: &[
            before("nothing is served by {old} any more", LIVE),
            row(Kind::Before, "by another key pair than {new}: {known}", None),
            unproven("these kubelets have renewed their own certificate since promote: {kubelets}"),
            unproven("no other certificate by {old} is in use: nothing lists them all"),
            after_by(
                "when all API servers have the new ca.crt (it only grows, and is made again)",
                FORGET,
            ),
            after(
                "restart aggregated API servers after that (metrics-server): they keep the old one",
            ),
            after_by(
                "take the old certificate out of cluster-info, and of webhooks' caBundle",
                "kubectl -n kube-public edit cm cluster-info",
            ),
            after("wipe copies of the old key: /etc/kubernetes/tmp, *.bak, backups of nodes"),
        ],
    },
    Gate {
        root: ETCD_CA,
        stage: Stage::Trust,
        changes: "etcd and API servers trust {new}, too, and restart for it; no other certificate changes",
        rows: &[
            before("all members are healthy, also between one node and the next", ETCD),
            before(
                "so is this node's API server, before the next node",
                "kubectl get --raw /readyz",
            ),
            after(
                "give both certificates to other clients of etcd: backups, Prometheus, Calico, Cilium",
            ),
        ],
    },
    Gate {
        root: ETCD_CA,
        stage: Stage::Promote,
        changes: "etcd's and its clients' certificates are issued anew by {new}; nothing restarts",
        rows: &[
            before("all members are healthy", ETCD),
            before("all members accept clients of both", LIVE),
            before("every etcd and API server started after trust was installed there", STARTED),
            unproven("API servers trust both: one that does not fails when etcd restarts"),
            unproven("other clients of etcd trust both: backups, Prometheus, Calico, Cilium"),
            after("give other clients of etcd certificates by {new}"),
        ],
    },
    Gate {
        root: ETCD_CA,
        stage: Stage::Distrust,
        changes: "etcd and API servers trust {old} no more, and restart for it; its key is deleted here",
        rows: &[
            before("all members are healthy, also between one node and the next", ETCD),
            before("all members serve certificates by {new}", LIVE),
            row(Kind::Before, "by another key pair than {new}: {known}", None),
            unproven(
                "other clients of etcd have certificates by {new}: backups, Prometheus, Calico",
            ),
            after("etcd's log names who is refused: remote error: tls: bad certificate"),
            after("wipe copies of the old key: etcd/ca.key on nodes, *.bak, backups of nodes"),
        ],
    },
    Gate {
        root: FRONT_PROXY,
        stage: Stage::Trust,
        changes: "front-proxy-ca.crt gets {new}, too; read again within seconds",
        rows: &[
            before("everything answers as it should", LIVE),
            after("restart aggregated API servers that read the ConfigMap once"),
        ],
    },
    Gate {
        root: FRONT_PROXY,
        stage: Stage::Promote,
        changes: "front-proxy-client of every API server is issued anew by {new}",
        rows: &[
            before("requestheader-client-ca-file has both certificates", TRUSTED_CLIENTS),
            unproven("aggregated API servers trust both: some read the ConfigMap once"),
            after_by("aggregated APIs answer: all are True", "kubectl get apiservices"),
        ],
    },
    Gate {
        root: FRONT_PROXY,
        stage: Stage::Distrust,
        changes: "front-proxy-ca.crt loses {old}; its key is deleted here",
        rows: &[
            before("aggregated APIs answer: all are True", "kubectl get apiservices"),
            row(Kind::Before, "by another key pair than {new}: {known}", None),
            after_by(
                "when all API servers have the new file (it only grows, and is made again)",
                FORGET,
            ),
            after(
                "restart aggregated API servers after that (metrics-server): they keep the old one",
            ),
            after("wipe copies of the old key: front-proxy-ca.key on nodes, *.bak, backups"),
        ],
    },
    Gate {
        root: Root::ServiceAccount,
        stage: Stage::Trust,
        changes: "sa.pub gets the key of {new}, too; API servers restart; tokens are signed as before",
        rows: &[
            before("everything answers as it should", LIVE),
            after("give both keys to other verifiers: cloud workload identity, Vault, static JWKS"),
        ],
    },
    Gate {
        root: Root::ServiceAccount,
        stage: Stage::Promote,
        changes: "API servers and controller-managers sign tokens with {new}, and restart for it",
        rows: &[
            before(
                "each API server shows both keys: once per server, with -s https://ADDRESS:6443",
                JWKS,
            ),
            unproven("other verifiers have both keys, and what they cached has ended"),
            after("wait 24 h, and longer where pods ask for longer (expirationSeconds)"),
            after_by(
                "when controller-managers have restarted: delete these and make them anew",
                SECRETS,
            ),
            after("restart DaemonSets that copied a token to the node (/etc/cni/net.d)"),
        ],
    },
    Gate {
        root: Root::ServiceAccount,
        stage: Stage::Distrust,
        changes: "tokens by {old} are refused from each API server's restart on; its key is deleted here",
        rows: &[
            before("none of these is older than promote: their tokens never expire", SECRETS),
            before(
                "no pod shows an old token: 0, or no line, on each API server",
                "kubectl get --raw /metrics | grep ^serviceaccount_stale_tokens_total",
            ),
            unproven("24 h have gone by since promote, and what pods ask for (expirationSeconds)"),
            unproven("no token that somebody was given or copied is in use: nothing lists them"),
            after("a pod with 401 has an old token: kubectl delete pod brings it a new one"),
        ],
    },
];

pub(super) fn gate(root: Root, stage: Stage) -> Option<&'static Gate> {
    GATES.iter().find(|gate| (gate.root, gate.stage) == (root, stage))
}
