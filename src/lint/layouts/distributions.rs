//! Distributions, as their programs write the files.

use super::layout::{
    CLIENTS, ETCD_CLIENTS, ETCD_PEERS, ETCD_SERVERS, FRONT_PROXY, FRONT_PROXY_OF_CM, KUBELET,
    KUBELET_SERVERS, Layout, NONE, PODS,
};

pub(super) const LAYOUTS: &[&Layout] =
    &[&K3S, &K0S, &RKE, &TYPHOON, &TYPHOON_ASSETS, &TALOS, &KOPS, &MINIKUBE];

/// k3s and RKE2: /var/lib/rancher/NAME. One CA for servers, one for clients (k3s `pkg/daemons/control/deps`,
/// `pkg/agent/config`; RKE2 `pkg/podexecutor`).
const K3S: Layout = Layout {
    signs: &[
        &["server/tls/serving-kube-apiserver.crt"],
        &["server/tls/client-ca.crt"],
        &["agent/client-kubelet.crt"],
    ],
    leaves: &[
        ("apiserver", &["server/tls/serving-kube-apiserver.crt"]),
        ("apiserver-kubelet-client", &["server/tls/client-kube-apiserver.crt"]),
        ("apiserver-etcd-client", &["server/tls/etcd/client.crt"]),
        ("front-proxy-client", &["server/tls/client-auth-proxy.crt"]),
        ("etcd-server", &["server/tls/etcd/server-client.crt"]),
        ("etcd-peer", &["server/tls/etcd/peer-server-client.crt"]),
        ("kubelet", &["agent/client-kubelet.crt", "agent/kubelet.kubeconfig"]),
        ("kubelet-server", &["agent/serving-kubelet.crt"]),
        (
            "admin",
            &[
                "server/tls/client-admin.crt",
                "server/tls/client-supervisor.crt",
                "server/cred/admin.kubeconfig",
                "server/cred/api-server.kubeconfig",
                "server/cred/supervisor.kubeconfig",
                "/etc/rancher/k3s/k3s.yaml",
                "/etc/rancher/rke2/rke2.yaml",
            ],
        ),
        (
            "controller-manager",
            &["server/tls/client-controller.crt", "server/cred/controller.kubeconfig"],
        ),
        ("scheduler", &["server/tls/client-scheduler.crt", "server/cred/scheduler.kubeconfig"]),
        (
            "kube-proxy",
            &[
                "server/tls/client-kube-proxy.crt",
                "agent/client-kube-proxy.crt",
                "agent/kubeproxy.kubeconfig",
            ],
        ),
    ],
    loads: &[
        (&[CLIENTS, KUBELET], &["server/tls/client-ca.crt", "agent/client-ca.crt"]),
        (&[PODS, KUBELET_SERVERS], &["server/tls/server-ca.crt", "agent/server-ca.crt"]),
        (&[ETCD_SERVERS, ETCD_CLIENTS], &["server/tls/etcd/server-ca.crt"]),
        (&[ETCD_PEERS], &["server/tls/etcd/peer-ca.crt"]),
        (&[FRONT_PROXY, FRONT_PROXY_OF_CM], &["server/tls/request-header-ca.crt"]),
    ],
    service_account: &["server/tls/service.key", "server/tls/service.current.key"],
    manifests: Some("agent/pod-manifests"),
    ..NONE
};

/// k0s: /var/lib/k0s (`pkg/component/controller/certificates.go`, `etcd.go`). Its manifests are no static
/// pods.
const K0S: Layout = Layout {
    signs: &[&["pki/k0s-api.crt"], &["pki/ccm.conf"], &["pki/konnectivity.conf"]],
    leaves: &[
        ("apiserver", &["pki/server.crt"]),
        ("apiserver-kubelet-client", &["pki/apiserver-kubelet-client.crt"]),
        ("apiserver-etcd-client", &["pki/apiserver-etcd-client.crt"]),
        ("front-proxy-client", &["pki/front-proxy-client.crt"]),
        ("etcd-server", &["pki/etcd/server.crt"]),
        ("etcd-peer", &["pki/etcd/peer.crt"]),
        ("kubelet", &["kubelet.conf"]),
        (
            "admin",
            &["pki/admin.crt", "pki/konnectivity.crt", "pki/admin.conf", "pki/konnectivity.conf"],
        ),
        ("controller-manager", &["pki/ccm.crt", "pki/ccm.conf"]),
        ("scheduler", &["pki/scheduler.crt", "pki/scheduler.conf"]),
    ],
    loads: &[
        (&[CLIENTS, KUBELET, PODS], &["pki/ca.crt"]),
        (&[ETCD_SERVERS, ETCD_CLIENTS, ETCD_PEERS], &["pki/etcd/ca.crt"]),
        (&[FRONT_PROXY, FRONT_PROXY_OF_CM], &["pki/front-proxy-ca.crt"]),
    ],
    service_account: &["pki/sa.key", "pki/sa.pub"],
    ..NONE
};

/// RKE: /etc/kubernetes/ssl (`pki/constants.go`, `pki/services.go`, `cluster/plan.go`). Two kubeconfigs are
/// of no client.
const RKE: Layout = Layout {
    signs: &[&["kube-ca.pem"]],
    leaves: &[
        ("apiserver", &["kube-apiserver.pem"]),
        ("apiserver-kubelet-client", &["kube-apiserver.pem"]),
        ("apiserver-etcd-client", &["kube-node.pem"]),
        ("front-proxy-client", &["kube-apiserver-proxy-client.pem"]),
        ("etcd-server", &["kube-etcd-*.pem"]),
        ("etcd-peer", &["kube-etcd-*.pem"]),
        ("kubelet", &["kube-node.pem", "kubecfg-kube-node.yaml"]),
        ("kubelet-server", &["kube-kubelet-*.pem"]),
        (
            "controller-manager",
            &["kube-controller-manager.pem", "kubecfg-kube-controller-manager.yaml"],
        ),
        ("scheduler", &["kube-scheduler.pem", "kubecfg-kube-scheduler.yaml"]),
        ("kube-proxy", &["kube-proxy.pem", "kubecfg-kube-proxy.yaml"]),
    ],
    loads: &[
        (
            &[CLIENTS, KUBELET, PODS, KUBELET_SERVERS, ETCD_SERVERS, ETCD_CLIENTS, ETCD_PEERS],
            &["kube-ca.pem"],
        ),
        (&[FRONT_PROXY, FRONT_PROXY_OF_CM], &["kube-apiserver-requestheader-ca.pem"]),
    ],
    service_account: &["kube-service-account-token-key.pem", "kube-service-account-token.pem"],
    every_kubelet: Some("system:node"),
    idle: &[
        "kubecfg-kube-apiserver-proxy-client.yaml",
        "kubecfg-kube-apiserver-requestheader-ca.yaml",
    ],
    ..NONE
};

/// Typhoon's machines: /etc/kubernetes, and etcd's in /etc/ssl/etcd (`/opt/bootstrap/layout`). The API server
/// shows one certificate to everybody.
const TYPHOON: Layout = Layout {
    signs: &[&["pki/aggregation-ca.crt"], &["pki/etcd-client-ca.crt"]],
    leaves: &[
        ("apiserver", &["pki/apiserver.crt"]),
        ("apiserver-kubelet-client", &["pki/apiserver.crt"]),
        ("apiserver-etcd-client", &["pki/etcd-client.crt"]),
        ("front-proxy-client", &["pki/aggregation-client.crt"]),
        ("etcd-server", &["/etc/ssl/etcd/etcd/server.crt"]),
        ("etcd-peer", &["/etc/ssl/etcd/etcd/peer.crt"]),
        ("admin", &["pki/admin.conf"]),
        ("controller-manager", &["pki/controller-manager.conf"]),
        ("scheduler", &["pki/scheduler.conf"]),
    ],
    loads: &[
        (&[CLIENTS, KUBELET, PODS], &["pki/ca.crt"]),
        (&[ETCD_SERVERS], &["pki/etcd-client-ca.crt"]),
        (&[ETCD_CLIENTS], &["/etc/ssl/etcd/etcd/server-ca.crt", "pki/etcd-client-ca.crt"]),
        (&[ETCD_PEERS], &["/etc/ssl/etcd/etcd/peer-ca.crt"]),
        (&[FRONT_PROXY, FRONT_PROXY_OF_CM], &["pki/aggregation-ca.crt"]),
    ],
    service_account: &["pki/service-account.key", "pki/service-account.pub"],
    manifests: Some("manifests"),
    ..NONE
};

/// The same before it is laid out (terraform-render-bootstrap's `tls-k8s.tf`, `tls-etcd.tf`, `auth.tf`).
const TYPHOON_ASSETS: Layout = Layout {
    signs: &[&["tls/k8s/ca.crt"], &["tls/k8s/apiserver.crt"]],
    leaves: &[
        ("apiserver", &["tls/k8s/apiserver.crt"]),
        ("apiserver-kubelet-client", &["tls/k8s/apiserver.crt"]),
        ("apiserver-etcd-client", &["tls/etcd/etcd-client.crt"]),
        ("front-proxy-client", &["tls/k8s/aggregation-client.crt"]),
        ("etcd-server", &["tls/etcd/server.crt"]),
        ("etcd-peer", &["tls/etcd/peer.crt"]),
        ("admin", &["auth/admin.conf"]),
        ("controller-manager", &["auth/controller-manager.conf"]),
        ("scheduler", &["auth/scheduler.conf"]),
    ],
    loads: &[
        (&[CLIENTS, KUBELET, PODS], &["tls/k8s/ca.crt"]),
        (&[ETCD_SERVERS], &["tls/etcd/etcd-client-ca.crt"]),
        (&[ETCD_CLIENTS], &["tls/etcd/server-ca.crt"]),
        (&[ETCD_PEERS], &["tls/etcd/peer-ca.crt"]),
        (&[FRONT_PROXY, FRONT_PROXY_OF_CM], &["tls/k8s/aggregation-ca.crt"]),
    ],
    service_account: &["tls/k8s/service-account.key", "tls/k8s/service-account.pub"],
    manifests: Some("static-manifests"),
    ..NONE
};

/// Talos' machines: /system/secrets (`render_secrets_static_pod.go`, `pkg/machinery/constants`). Static pods
/// are not on disk.
const TALOS: Layout = Layout {
    signs: &[
        &["kubernetes/kube-apiserver/apiserver.crt"],
        &["kubernetes/kube-controller-manager/kubeconfig"],
        &["kubernetes/kube-apiserver/ca.crt"],
    ],
    leaves: &[
        ("apiserver", &["kubernetes/kube-apiserver/apiserver.crt"]),
        ("apiserver-kubelet-client", &["kubernetes/kube-apiserver/apiserver-kubelet-client.crt"]),
        ("apiserver-etcd-client", &["kubernetes/kube-apiserver/etcd-client.crt"]),
        ("front-proxy-client", &["kubernetes/kube-apiserver/front-proxy-client.crt"]),
        ("etcd-server", &["etcd/server.crt"]),
        ("etcd-peer", &["etcd/peer.crt"]),
        ("etcd-healthcheck-client", &["etcd/admin.crt"]),
        ("kubelet", &["/etc/kubernetes/kubeconfig-kubelet"]),
        ("controller-manager", &["kubernetes/kube-controller-manager/kubeconfig"]),
        ("scheduler", &["kubernetes/kube-scheduler/kubeconfig"]),
    ],
    loads: &[
        (&[CLIENTS], &["kubernetes/kube-apiserver/ca.crt"]),
        (&[KUBELET], &["/etc/kubernetes/pki/ca.crt"]),
        (&[PODS], &["kubernetes/kube-controller-manager/ca.crt"]),
        (&[ETCD_SERVERS], &["kubernetes/kube-apiserver/etcd-client-ca.crt"]),
        (&[ETCD_CLIENTS, ETCD_PEERS], &["etcd/ca.crt"]),
        (&[FRONT_PROXY, FRONT_PROXY_OF_CM], &["kubernetes/kube-apiserver/aggregator-ca.crt"]),
    ],
    service_account: &[
        "kubernetes/kube-apiserver/service-account.key",
        "kubernetes/kube-apiserver/service-account.pub",
        "kubernetes/kube-controller-manager/service-account.key",
    ],
    ..NONE
};

/// kops' machines, from the root (`nodeup/pkg/model`). The CA of etcd's clients is that of its servers.
const KOPS: Layout = Layout {
    signs: &[&["srv/kubernetes/kube-apiserver/server.crt"], &["srv/kubernetes/ca.crt"]],
    leaves: &[
        ("apiserver", &["srv/kubernetes/kube-apiserver/server.crt"]),
        ("apiserver-kubelet-client", &["srv/kubernetes/kube-apiserver/kubelet-api.crt"]),
        ("apiserver-etcd-client", &["srv/kubernetes/kube-apiserver/etcd-client.crt"]),
        ("front-proxy-client", &["srv/kubernetes/kube-apiserver/apiserver-aggregator.crt"]),
        ("kubelet", &["var/lib/kubelet/kubeconfig"]),
        ("kubelet-server", &["srv/kubernetes/kubelet-server.crt"]),
        ("controller-manager", &["var/lib/kube-controller-manager/kubeconfig"]),
        ("scheduler", &["var/lib/kube-scheduler/kubeconfig"]),
        ("kube-proxy", &["var/lib/kube-proxy/kubeconfig"]),
    ],
    loads: &[
        (&[CLIENTS, KUBELET, PODS, KUBELET_SERVERS], &["srv/kubernetes/ca.crt"]),
        (&[ETCD_SERVERS, ETCD_CLIENTS], &["srv/kubernetes/kube-apiserver/etcd-ca.crt"]),
        (
            &[FRONT_PROXY, FRONT_PROXY_OF_CM],
            &["srv/kubernetes/kube-apiserver/apiserver-aggregator-ca.crt"],
        ),
    ],
    service_account: &[
        "srv/kubernetes/kube-apiserver/service-account.key",
        "srv/kubernetes/kube-apiserver/service-account.pub",
    ],
    ..NONE
};

/// minikube: ~/.minikube, with a folder for each profile, and /var/lib/minikube/certs in the machine, where
/// kubeadm adds its own (`pkg/minikube/bootstrapper/certs.go`).
const MINIKUBE: Layout = Layout {
    signs: &[&["proxy-client-ca.crt", "ca.crt"]],
    leaves: &[
        ("apiserver", &["profiles/*/apiserver.crt", "apiserver.crt"]),
        ("apiserver-kubelet-client", &["apiserver-kubelet-client.crt"]),
        ("apiserver-etcd-client", &["apiserver-etcd-client.crt"]),
        ("front-proxy-client", &["profiles/*/proxy-client.crt", "front-proxy-client.crt"]),
        ("etcd-server", &["etcd/server.crt"]),
        ("etcd-peer", &["etcd/peer.crt"]),
        ("etcd-healthcheck-client", &["etcd/healthcheck-client.crt"]),
        ("admin", &["profiles/*/client.crt"]),
    ],
    loads: &[
        (&[CLIENTS, KUBELET, PODS], &["ca.crt"]),
        (&[ETCD_SERVERS, ETCD_CLIENTS, ETCD_PEERS], &["etcd/ca.crt"]),
        (&[FRONT_PROXY, FRONT_PROXY_OF_CM], &["front-proxy-ca.crt", "proxy-client-ca.crt"]),
    ],
    service_account: &["sa.key", "sa.pub"],
    ..NONE
};
