//! Whom somebody new is as powerful as from the first day, though no group of Kubernetes' own says so.

use std::collections::HashMap;

use super::powerful::is_ordinary_role;
use super::roles::grants;
use super::{Credential, origin};
use crate::facts::RoleGrant;
use crate::graph::{DerivationId, Graph, Recipe, Rendered};
use crate::name::ArtifactName;
use crate::spec::CaName;

/// What the description says of all that are its clients.
pub(super) struct Equivalents<'a> {
    graph: &'a Graph,
    /// By common name: to Kubernetes all of one name are one user.
    users: HashMap<String, Vec<DerivationId>>,
    /// By group: a role that is as good as the cluster.
    groups: HashMap<String, RoleGrant>,
}

impl<'a> Equivalents<'a> {
    pub fn of(graph: &'a Graph) -> Self {
        let mut users: HashMap<_, Vec<_>> = HashMap::new();
        let mut groups = HashMap::new();
        for id in graph.ids() {
            if let Recipe::Rendered(Rendered::UserBindings(bindings)) = &graph.get(id).recipe {
                let all = grants(bindings).into_iter();
                let powerful = all.filter(|grant| grant.is_group && !is_ordinary_role(grant, true));
                groups.extend(powerful.map(|grant| (grant.subject.clone(), grant)));
            }
            if let Some(credential) = Credential::of_recipe(graph, id)
                && is_user(graph, id, &credential)
            {
                users.entry(credential.common_name).or_default().push(id);
            }
        }
        Equivalents { graph, users, groups }
    }

    /// In words that read after `is new: NAME, `.
    pub fn find(&self, id: DerivationId, after: &Credential) -> Option<String> {
        if !is_user(self.graph, id, after) {
            return None;
        }
        if let Some(other) = self.other(id, &after.common_name) {
            return Some(format!("to Kubernetes the same as {other}"));
        }
        if after.common_name.starts_with("system:") {
            return Some("as a component of Kubernetes".to_owned());
        }
        let grant = after.groups.iter().find_map(|group| self.groups.get(group));
        grant.map(|grant| format!("by its group bound to {}", grant.role))
    }

    fn other(&self, id: DerivationId, common_name: &str) -> Option<&ArtifactName> {
        let mut all = self.users.get(common_name)?.iter();
        let other = all.find(|other| **other != id)?;
        Some(&self.graph.get(*other).name)
    }
}

fn is_user(graph: &Graph, id: DerivationId, credential: &Credential) -> bool {
    credential.client && origin::ca_of(graph, id) == CaName::Kubernetes
}
