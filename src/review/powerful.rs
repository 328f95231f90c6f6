//! Groups and roles that are as good as the whole cluster.

use crate::facts::RoleGrant;

/// Groups that Kubernetes itself gives power to; `system:` are all its own.
const POWERFUL_GROUPS: [&str; 1] = ["kubeadm:cluster-admins"];
const POWERFUL_GROUP_PREFIX: &str = "system:";

/// Roles that are as good as the whole cluster wherever they are bound.
const POWERFUL_ROLES: [&str; 1] = ["cluster-admin"];
const POWERFUL_ROLE_PREFIX: &str = "system:";
/// Roles that read secrets and run pods as any service account: the whole cluster, where they reach the
/// namespaces of its own components (Kubernetes, RBAC good practices).
const POWERFUL_EVERYWHERE: [&str; 2] = ["admin", "edit"];
const SYSTEM_NAMESPACE: &str = "kube-system";

pub(super) fn is_powerful_group(group: &str) -> bool {
    group.starts_with(POWERFUL_GROUP_PREFIX) || POWERFUL_GROUPS.contains(&group)
}

pub(super) fn is_powerful_role(grant: &RoleGrant) -> bool {
    let role = grant.role.as_str();
    // Whoever has a certificate or a token is in `system:authenticated`.
    if grant.is_group && is_powerful_group(&grant.subject) {
        return true;
    }
    if !grant.is_cluster_role {
        // Of its namespace alone, with rules that nobody here knows.
        return grant.namespace.as_deref() == Some(SYSTEM_NAMESPACE);
    }
    let reaches_system =
        grant.namespace.as_deref().is_none_or(|namespace| namespace == SYSTEM_NAMESPACE);
    POWERFUL_ROLES.contains(&role)
        || role.starts_with(POWERFUL_ROLE_PREFIX)
        || (reaches_system && POWERFUL_EVERYWHERE.contains(&role))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, from Kubernetes' default roles and RBAC good practices.
    #[test]
    fn roles_that_are_the_whole_cluster() {
        for (is_cluster_role, role, namespace, powerful) in [
            (true, "cluster-admin", None, true),
            (true, "cluster-admin", Some("dev"), true),
            (true, "system:node", None, true),
            (true, "admin", None, true),
            (true, "edit", Some("kube-system"), true),
            (true, "edit", Some("dev"), false),
            (true, "view", None, false),
            (false, "anything", Some("kube-system"), true),
            (false, "admin", Some("dev"), false),
        ] {
            let grant = RoleGrant {
                is_cluster_role,
                role: role.into(),
                namespace: namespace.map(Into::into),
                is_group: false,
                subject: "jane".into(),
            };
            assert_eq!(is_powerful_role(&grant), powerful, "{role} in {namespace:?}");
        }
    }

    #[test]
    fn groups_of_kubernetes_own() {
        for (group, powerful) in [
            ("system:masters", true),
            ("system:nodes", true),
            ("kubeadm:cluster-admins", true),
            ("ops", false),
            ("systems", false),
        ] {
            assert_eq!(is_powerful_group(group), powerful, "{group}");
        }
    }
}
