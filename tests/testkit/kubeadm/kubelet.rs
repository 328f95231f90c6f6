//! What kubeadm and the kubelet itself write below /var/lib/kubelet, the packages' drop-in, and kubeadm's own
//! record
//! in the cluster.

use super::cluster::{Cluster, Node};
use super::mint::Keys;

/// `kubeadm init` and `join` write this file anew at each upgrade.
pub fn config(cluster: &Cluster, node: &Node) -> String {
    let serving = if node.kubelet_serving { "serverTLSBootstrap: true\n" } else { "" };
    let endpoint = match cluster.minor_of(node).0 {
        // From 1.36 on instance-config.yaml, which is merged into this file.
        36.. => "unix:///var/run/containerd/containerd.sock",
        _ => "\"\"",
    };
    let dns = cluster.service_address;
    let dns = format!("{dns}0");
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  webhook:
    cacheTTL: 0s
    enabled: true
  x509:
    clientCAFile: {}/ca.crt
authorization:
  mode: Webhook
  webhook:
    cacheAuthorizedTTL: 0s
    cacheUnauthorizedTTL: 0s
cgroupDriver: systemd
clusterDNS:
- {dns}
clusterDomain: {}
containerRuntimeEndpoint: {endpoint}
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {{}}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
imageMinimumGCAge: 0s
kind: KubeletConfiguration
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: \"0\"
    text:
      infoBufferSize: \"0\"
  verbosity: 0
memorySwap: {{}}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
resolvConf: /run/systemd/resolve/resolv.conf
rotateCertificates: true
runtimeRequestTimeout: 0s
{serving}shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
staticPodPath: /etc/kubernetes/manifests
streamingConnectionIdleTimeout: 0s
syncFrequency: 0s
volumeStatsAggPeriod: 0s
",
        cluster.certificates_dir, cluster.dns_domain
    )
}

/// One line; `%q` of Go.
pub fn flags_file(cluster: &Cluster, node: &Node) -> String {
    let (minor, _) = cluster.minor_of(node);
    let mut flags: Vec<String> = Vec::new();
    if minor < 36 {
        flags.push(
            "--container-runtime-endpoint=unix:///var/run/containerd/containerd.sock".to_owned(),
        );
        let pause = if minor < 34 { "3.10" } else { "3.10.1" };
        flags.push(format!("--pod-infra-container-image=registry.k8s.io/pause:{pause}"));
    }
    flags.extend(node.kubelet_flags.iter().map(|flag| (*flag).to_owned()));
    flags.sort();
    format!("KUBELET_KUBEADM_ARGS=\"{}\"\n", flags.join(" "))
}

pub const INSTANCE_CONFIG: &str = "apiVersion: kubelet.config.k8s.io/v1beta1
containerRuntimeEndpoint: unix:///var/run/containerd/containerd.sock
kind: KubeletConfiguration
";

pub const DROP_IN_PATH: &str = "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";

pub const DROP_IN: &str = "[Service]
Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf\"
Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
";

/// `kubectl -n kube-system get cm kubeadm-config -o yaml`
pub fn config_map(cluster: &Cluster) -> String {
    let endpoint = cluster
        .endpoint
        .map_or(String::new(), |endpoint| format!("    controlPlaneEndpoint: {endpoint}\n"));
    let algorithm = match cluster.keys {
        Keys::P256 => "ECDSA-P256",
        Keys::Rsa2048 => "RSA-2048",
    };
    let Cluster { certificates_dir, name, repository, version, .. } = cluster;
    let Cluster { dns_domain, pod_subnet, service_subnet, .. } = cluster;
    format!(
        "apiVersion: v1
data:
  ClusterConfiguration: |
    apiServer: {{}}
    apiVersion: kubeadm.k8s.io/v1beta4
    caCertificateValidityPeriod: 87600h0m0s
    certificateValidityPeriod: 8760h0m0s
    certificatesDir: {certificates_dir}
    clusterName: {name}
{endpoint}    controllerManager: {{}}
    dns: {{}}
    encryptionAlgorithm: {algorithm}
    etcd:
      local:
        dataDir: /var/lib/etcd
    imageRepository: {repository}
    kind: ClusterConfiguration
    kubernetesVersion: v{version}
    networking:
      dnsDomain: {dns_domain}
      podSubnet: {pod_subnet}
      serviceSubnet: {service_subnet}
    proxy: {{}}
    scheduler: {{}}
kind: ConfigMap
metadata:
  creationTimestamp: \"2026-05-12T08:00:00Z\"
  name: kubeadm-config
  namespace: kube-system
  resourceVersion: \"214\"
  uid: 4f1c6a0e-6a3d-4f0f-8b8e-2f8f3f2b9a11
"
    )
}
