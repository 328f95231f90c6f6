//! Fields of a static pod that may change without a word. What is not here stops; the command line of the
//! process is judged by [`super::HARMLESS_FLAGS`].

/// One field, or all below one.
#[derive(Debug)]
pub struct HarmlessField {
    pub of: FieldOf,
    /// Below that; `[*]` is any item, a last `*` all that is below.
    pub path: &'static str,
    pub when: FieldWhen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOf {
    Pod,
    /// An annotation whose name begins so.
    Annotation,
    /// `spec.containers[*]` and `spec.initContainers[*]`
    Container,
    /// A container's `livenessProbe`, `readinessProbe` and `startupProbe`
    Probe,
}

/// Which new value is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldWhen {
    /// None, too.
    Any,
    Only(&'static [&'static str]),
    /// Where the process listens, as its flags say.
    ListeningPort,
    ListeningHost,
}

const fn row(of: FieldOf, path: &'static str, when: FieldWhen) -> HarmlessField {
    HarmlessField { of, path, when }
}

use FieldOf::{Annotation, Container, Pod, Probe};
use FieldWhen::{Any, ListeningHost, ListeningPort, Only};

#[rustfmt::skip] // one row, one line
pub const HARMLESS_FIELDS: &[HarmlessField] = &[
    row(Pod, "metadata.labels.*", Any),
    // Read by kpki and by a later `kubeadm join` alone.
    row(Annotation, "kpki.dev/", Any),
    row(Annotation, "kubeadm.kubernetes.io/", Any),
    // The kubelet writes both itself.
    row(Pod, "metadata.creationTimestamp", Any),
    row(Pod, "status.*", Any),
    row(Pod, "spec.priority", Any),
    row(Pod, "spec.priorityClassName", Any),
    row(Pod, "spec.terminationGracePeriodSeconds", Any),
    row(Pod, "spec.securityContext.seccompProfile.type", Only(&["RuntimeDefault"])),
    row(Pod, "spec.hostPID", Only(&["false"])),
    row(Pod, "spec.hostIPC", Only(&["false"])),
    row(Pod, "spec.shareProcessNamespace", Only(&["false"])),
    row(Pod, "spec.automountServiceAccountToken", Only(&["false"])),
    row(Container, "resources.requests.cpu", Any),
    row(Container, "resources.requests.memory", Any),
    row(Container, "resources.requests.ephemeral-storage", Any),
    row(Container, "resources.limits.cpu", Any),
    row(Container, "resources.limits.memory", Any),
    row(Container, "resources.limits.ephemeral-storage", Any),
    row(Container, "securityContext.seccompProfile.type", Only(&["RuntimeDefault"])),
    row(Container, "securityContext.allowPrivilegeEscalation", Only(&["false"])),
    row(Container, "securityContext.privileged", Only(&["false"])),
    row(Container, "securityContext.readOnlyRootFilesystem", Only(&["true"])),
    row(Container, "securityContext.runAsNonRoot", Only(&["true"])),
    row(Container, "volumeMounts[*].readOnly", Only(&["true"])),
    row(Container, "ports[*].containerPort", ListeningPort),
    row(Container, "ports[*].name", Only(&["probe-port"])),
    row(Container, "ports[*].protocol", Only(&["TCP"])),
    row(Probe, "initialDelaySeconds", Any),
    row(Probe, "periodSeconds", Any),
    row(Probe, "timeoutSeconds", Any),
    row(Probe, "successThreshold", Any),
    row(Probe, "failureThreshold", Any),
    row(Probe, "terminationGracePeriodSeconds", Any),
    row(Probe, "httpGet.path", Only(&["/healthz", "/health", "/livez", "/readyz"])),
    row(Probe, "httpGet.scheme", Only(&["HTTP", "HTTPS"])),
    row(Probe, "httpGet.host", ListeningHost),
    row(Probe, "httpGet.port", ListeningPort),
];
