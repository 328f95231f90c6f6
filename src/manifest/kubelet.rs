//! The kubelet's own configuration file: what kubeadm writes of it that has to do with the PKI and the
//! cluster's network, and nothing about the machine.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::scalar::scalar;
use crate::name::CertificatesDir;
use crate::profile::KUBERNETES_FOLDER;

/// Equal on all nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeletConfiguration {
    /// `None`: the service network has no tenth address.
    pub cluster_dns: Option<IpAddr>,
    pub cluster_domain: String,
    /// The kubelet serves with a certificate of the cluster's CA, else with one that it signs itself.
    pub serving_certificate: bool,
    /// The kubelet asks the cluster for its next client certificate.
    pub rotates_client: bool,
    pub certificates_dir: CertificatesDir,
}

impl KubeletConfiguration {
    /// kubelet.config.k8s.io/v1beta1
    pub fn yaml(&self) -> String {
        let mut text = String::with_capacity(512);
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let dir = &self.certificates_dir;
        write!(
            out,
            "apiVersion: kubelet.config.k8s.io/v1beta1\n\
             authentication:\n  anonymous:\n    enabled: false\n  webhook:\n    enabled: true\n  \
             x509:\n    clientCAFile: {dir}/ca.crt\n\
             authorization:\n  mode: Webhook\n\
             cgroupDriver: systemd\n"
        )?;
        if let Some(address) = self.cluster_dns {
            writeln!(out, "clusterDNS:\n- {}", scalar(&address.to_string()))?;
        }
        let domain = scalar(&self.cluster_domain);
        // With it the kubelet prefers its own store over a newer pair in kubelet.conf.
        let rotates = self.rotates_client;
        write!(
            out,
            "clusterDomain: {domain}\nkind: KubeletConfiguration\nrotateCertificates: {rotates}\n\
             staticPodPath: /{KUBERNETES_FOLDER}/manifests\n"
        )?;
        if self.serving_certificate {
            write!(out, "tlsCertFile: {dir}/kubelet.crt\ntlsPrivateKeyFile: {dir}/kubelet.key\n")?;
        }
        Ok(())
    }
}
