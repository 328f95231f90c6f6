//! Processes that are not root, against each other and against what they read.

use super::held::Review;
use crate::spec::{Component, Spec};

pub fn review(spec: &Spec, review: &mut Review) {
    let settings = |component| spec.components.get(&component);
    let user = |component| settings(component).and_then(|settings| settings.user.as_ref());
    let readers = (user(Component::Apiserver), user(Component::ControllerManager));
    let shared = settings(Component::ServiceAccount).and_then(|settings| settings.group.as_ref());
    if let ((Some(one), Some(other)), None) = (readers, shared)
        && one.value != other.value
    {
        let at = review.at(&other.origin);
        let message = format!(
            "the API server (user {}) and the controller-manager (user {}) both read sa.key, and one file has one owner",
            one.value, other.value
        );
        let help = "name a group for both: component \"service-account\" group=2000 (any number that nothing else on the nodes has)";
        review.refuse(at, &message, help);
    }
    if let (Some(group), (None, None)) = (shared, readers) {
        let at = review.at(&group.origin);
        let message = "`group` of the service-account key, and neither of its readers has a `user`";
        let help = "delete it: root reads every file; or write a `user` on component \"apiserver\" and \"controller-manager\"";
        review.refuse(at, message, help);
    }
    if let Some(user) = user(Component::Etcd) {
        let group = settings(Component::Etcd).and_then(|settings| settings.group.as_ref());
        let group = group.map_or(user.value, |group| group.value);
        review.note(format!(
            "component etcd: its data is not kpki's: on each member, before etcd runs as that user, chown -R {}:{group} /var/lib/etcd",
            user.value
        ));
    }
}
