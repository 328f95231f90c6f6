//! Where in a Pod a field stands, as Kubernetes addresses it.

use std::fmt;

/// `spec.containers[etcd].image`
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(pub Vec<FieldStep>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldStep {
    Key(String),
    /// Of a list: what Kubernetes tells its items apart by, else the index.
    Item(String),
}

impl FieldPath {
    pub(super) fn key(&self, key: &str) -> FieldPath {
        self.with(FieldStep::Key(key.to_owned()))
    }

    pub(super) fn item(&self, item: &str) -> FieldPath {
        self.with(FieldStep::Item(item.to_owned()))
    }

    fn with(&self, step: FieldStep) -> FieldPath {
        let mut path = self.clone();
        path.0.push(step);
        path
    }

    /// Of a container: where it stands, its name, and what is left.
    pub fn in_container(&self) -> Option<(&str, &str, &[FieldStep])> {
        match self.0.as_slice() {
            [FieldStep::Key(spec), FieldStep::Key(list), FieldStep::Item(name), rest @ ..]
                if spec == "spec" && CONTAINERS.contains(&list.as_str()) =>
            {
                Some((list, name, rest))
            }
            _ => None,
        }
    }
}

/// The lists of containers in a Pod's spec.
pub(super) const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// By what Kubernetes tells the items of a list apart (`patchMergeKey` in its API types).
pub(super) const KEYS: [(&str, &str); 11] = [
    ("containers", "name"),
    ("env", "name"),
    ("ephemeralContainers", "name"),
    ("hostAliases", "ip"),
    ("imagePullSecrets", "name"),
    ("initContainers", "name"),
    ("ports", "containerPort"),
    ("resourceClaims", "name"),
    ("volumeDevices", "devicePath"),
    ("volumeMounts", "mountPath"),
    ("volumes", "name"),
];

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                FieldStep::Key(key) if !key.contains(['.', '/', '[', ']', ' ']) => {
                    let dot = if index == 0 { "" } else { "." };
                    write!(f, "{dot}{key}")?;
                }
                FieldStep::Key(name) | FieldStep::Item(name) => write!(f, "[{name}]")?,
            }
        }
        Ok(())
    }
}
