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
    row(Pod, "spec.hostNetwork", Only(&["false"])),
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

/// What may go away whole, where kpki's own manifest has none: more of the host or another program, and so no
/// limit. All else that goes away was perhaps one, and stops once: `securityContext`, `hostUsers`, a runtime
/// class, an AppArmor profile, an init container that looks at something first, `readOnly` of a mount that
/// stays, a variable (`GODEBUG=fips140=on`).
pub const TAKEN_AWAY: &[&str] = &[
    "spec.containers[*]",
    "spec.containers[*].lifecycle.postStart",
    "spec.containers[*].lifecycle.preStop",
    "spec.containers[*].ports[*]",
    // kubeadm of older versions gives etcd and the scheduler none.
    "spec.containers[*].readinessProbe",
    "spec.containers[*].volumeDevices[*]",
    "spec.containers[*].volumeMounts[*]",
    "spec.ephemeralContainers[*]",
    "spec.volumes[*]",
];

/// What a field is to Kubernetes where it is not there.
#[derive(Debug)]
pub struct DefaultField {
    pub of: FieldOf,
    pub path: &'static str,
    pub value: &'static str,
}

const fn default(of: FieldOf, path: &'static str, value: &'static str) -> DefaultField {
    DefaultField { of, path, value }
}

/// Not those that depend on another field, or on the pod's where it is a container's. Of mappings only those
/// of which an empty one is nothing: that of a volume or an `seLinuxOptions` says something.
///
/// Source: the API reference of Pod v1, and `pkg/apis/core/v1/defaults.go`.
#[rustfmt::skip] // one row, one line
pub const DEFAULT_FIELDS: &[DefaultField] = &[
    default(Pod, "metadata.annotations", "{}"),
    default(Pod, "metadata.labels", "{}"),
    default(Pod, "spec.affinity", "{}"),
    default(Pod, "spec.dnsPolicy", "ClusterFirst"),
    default(Pod, "spec.enableServiceLinks", "true"),
    default(Pod, "spec.hostIPC", "false"),
    default(Pod, "spec.hostNetwork", "false"),
    default(Pod, "spec.hostPID", "false"),
    default(Pod, "spec.hostUsers", "true"),
    default(Pod, "spec.nodeSelector", "{}"),
    default(Pod, "spec.restartPolicy", "Always"),
    default(Pod, "spec.schedulerName", "default-scheduler"),
    default(Pod, "spec.securityContext", "{}"),
    default(Pod, "spec.setHostnameAsFQDN", "false"),
    default(Pod, "spec.shareProcessNamespace", "false"),
    default(Container, "lifecycle", "{}"),
    default(Container, "resources", "{}"),
    default(Container, "resources.limits", "{}"),
    default(Container, "resources.requests", "{}"),
    default(Container, "securityContext", "{}"),
    default(Container, "securityContext.capabilities", "{}"),
    default(Container, "securityContext.privileged", "false"),
    default(Container, "securityContext.readOnlyRootFilesystem", "false"),
    default(Container, "stdin", "false"),
    default(Container, "stdinOnce", "false"),
    default(Container, "terminationMessagePath", "/dev/termination-log"),
    default(Container, "terminationMessagePolicy", "File"),
    default(Container, "tty", "false"),
    default(Container, "volumeMounts[*].mountPropagation", "None"),
    default(Container, "volumeMounts[*].readOnly", "false"),
    default(Container, "volumeMounts[*].subPath", "\"\""),
    default(Container, "volumeMounts[*].subPathExpr", "\"\""),
    default(Container, "workingDir", "\"\""),
];
