//! kubelet.conf of a kubelet that renews its own client certificate: public, and as kubeadm leaves it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::scalar::scalar;
use crate::profile::KUBELET_CLIENT_PAIR;

/// `authority`: a PEM bundle, which the kubelet reads when it starts.
pub fn kubelet_conf(cluster: &str, server: &str, node: &str, authority: &str) -> String {
    let user = format!("system:node:{node}");
    let context = format!("{user}@{cluster}");
    let (user, context) = (scalar(&user), scalar(&context));
    format!(
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {data}
    server: {server}
  name: {cluster}
contexts:
- context:
    cluster: {cluster}
    user: {user}
  name: {context}
current-context: {context}
kind: Config
users:
- name: {user}
  user:
    client-certificate: {KUBELET_CLIENT_PAIR}
    client-key: {KUBELET_CLIENT_PAIR}
",
        data = STANDARD.encode(authority),
        server = scalar(server),
        cluster = scalar(cluster),
    )
}
