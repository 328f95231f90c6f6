//! Groups and roles: which are as good as the whole cluster, and which are daily bread.

use crate::facts::RoleGrant;

/// Groups that Kubernetes itself gives power to; `system:` are all its own.
const POWERFUL_GROUPS: [&str; 1] = ["kubeadm:cluster-admins"];
const POWERFUL_GROUP_PREFIX: &str = "system:";

/// Cluster roles of Kubernetes' own for people, and what they amount to in a namespace (Kubernetes, RBAC good
/// practices): `edit` reads secrets and runs pods as any service account there.
const USER_FACING: [(&str, &str); 3] = [
    ("view", ""),
    ("edit", ": the secrets and service accounts there"),
    ("admin", ": the secrets and service accounts there, and who else has roles in it"),
];
/// It reads no secrets, so it may be had everywhere.
const HARMLESS_EVERYWHERE: &str = "view";
const CLUSTER_ADMIN: &str = "cluster-admin";
const SYSTEM_ROLE_PREFIX: &str = "system:";
/// Namespaces of Kubernetes' own, reserved by that prefix (Kubernetes, Namespaces).
const SYSTEM_NAMESPACE_PREFIX: &str = "kube-";

pub(super) fn is_powerful_group(group: &str) -> bool {
    group.starts_with(POWERFUL_GROUP_PREFIX) || POWERFUL_GROUPS.contains(&group)
}

/// Of Kubernetes' own, reserved by their prefix.
pub(super) fn is_system_namespace(namespace: &str) -> bool {
    namespace.starts_with(SYSTEM_NAMESPACE_PREFIX)
}

/// It gives no power that a person must consent to, as far as no policy says otherwise. `is_known`: somebody
/// has it there already.
pub(super) fn is_ordinary_role(grant: &RoleGrant, is_known: bool) -> bool {
    // Whoever has a certificate or a token is in `system:authenticated`.
    if grant.is_group && is_powerful_group(&grant.subject) {
        return false;
    }
    let role = grant.role.as_str();
    if grant.is_cluster_role && role == HARMLESS_EVERYWHERE {
        return true;
    }
    let Some(namespace) = grant.namespace.as_deref() else {
        return false;
    };
    if is_system_namespace(namespace) || is_whole_cluster(grant) {
        return false;
    }
    let is_user_facing = USER_FACING.iter().any(|(name, _)| *name == role);
    is_known || (grant.is_cluster_role && is_user_facing)
}

/// Whoever has it can get all the rest, or nobody can tell: Kubernetes' own for its own parts.
pub(super) fn is_whole_cluster(grant: &RoleGrant) -> bool {
    let role = grant.role.as_str();
    grant.is_cluster_role && (role == CLUSTER_ADMIN || role.starts_with(SYSTEM_ROLE_PREFIX))
}

/// In words that read after the role.
pub(super) fn amounts_to(grant: &RoleGrant) -> &'static str {
    let is_meant = grant.is_cluster_role && grant.namespace.is_some();
    let row = USER_FACING.iter().find(|(name, _)| is_meant && *name == grant.role);
    row.map_or("", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, from Kubernetes' default roles and RBAC good practices.
    #[test]
    fn roles_that_need_no_consent() {
        for (is_cluster_role, role, namespace, unknown, known) in [
            (true, "cluster-admin", None, false, false),
            (true, "cluster-admin", Some("dev"), false, false),
            (true, "system:node", None, false, false),
            (true, "system:auth-delegator", Some("dev"), false, false),
            (true, "admin", None, false, false),
            (true, "edit", None, false, false),
            (true, "edit", Some("kube-system"), false, false),
            (true, "admin", Some("kube-public"), false, false),
            (true, "edit", Some("dev"), true, true),
            (true, "admin", Some("dev"), true, true),
            (true, "edit", Some("kubernetes-dashboard"), true, true),
            (true, "view", None, true, true),
            (true, "view", Some("kube-system"), true, true),
            (true, "secret-admin", None, false, false),
            (true, "secret-admin", Some("dev"), false, true),
            (false, "anything", Some("kube-system"), false, false),
            (false, "pager", Some("ops"), false, true),
            // A Role of that name is anybody's.
            (false, "view", Some("dev"), false, true),
            (false, "admin", Some("dev"), false, true),
        ] {
            let grant = RoleGrant {
                is_cluster_role,
                role: role.into(),
                namespace: namespace.map(Into::into),
                is_group: false,
                subject: "jane".into(),
            };
            let found = (is_ordinary_role(&grant, false), is_ordinary_role(&grant, true));
            assert_eq!(found, (unknown, known), "{role} in {namespace:?}");
            let everybody =
                RoleGrant { is_group: true, subject: "system:authenticated".into(), ..grant };
            assert!(!is_ordinary_role(&everybody, true), "{role}");
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
