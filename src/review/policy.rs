//! Rules that whoever reviews a description gives beside it: what no change may do, and what needs no
//! consent.

use super::access_change::{AccessChange, Direction};
use super::folder::FolderPrefix;
use super::pattern::{FlagPattern, RolePattern, SanPattern, TextPattern};
use super::principal::Principal;
use crate::algorithm::KeyAlgorithm;
use crate::hash::Digest;
use crate::plan::NamePattern;
use crate::sealed::Recipient;
use crate::spec::{CaName, Setting};
use crate::time::Span;

/// `policy { … }`; empty where none is given.
#[derive(Debug, Clone, Default)]
pub struct ReviewPolicy {
    /// Of its file.
    pub digest: Option<Digest>,
    pub max_validity: Option<Setting<Span>>,
    pub max_ca_validity: Option<Setting<Span>>,
    /// The smallest of each family.
    pub min_keys: Vec<Setting<KeyAlgorithm>>,
    /// Of users and further certificates; Kubernetes' own have theirs from kubeadm.
    pub forbidden_groups: Vec<Setting<TextPattern>>,
    pub forbidden_sans: Vec<Setting<SanPattern>>,
    pub forbid_wildcards: Option<Setting<bool>>,
    pub forbidden_roles: Vec<Setting<RolePattern>>,
    /// A gain of these needs no consent.
    pub ordinary_groups: Vec<TextPattern>,
    pub ordinary_sans: Vec<SanPattern>,
    /// Where there are any, no other role is.
    pub ordinary_roles: Vec<RolePattern>,
    /// Where any of a kind is allowed, all others of it are forbidden. A gain of what is allowed needs no
    /// consent.
    pub allowed_recipients: Vec<Setting<Recipient>>,
    pub allowed_images: Vec<Setting<TextPattern>>,
    pub allowed_flags: Vec<Setting<FlagPattern>>,
    /// In which users may have roles. Which ones is another question: these waive no consent.
    pub allowed_namespaces: Vec<Setting<TextPattern>>,
    /// Beside those that are harmless anyway: certificates may be put there.
    pub allowed_folders: Vec<FolderPrefix>,
    /// Artifacts that no rule holds for.
    pub except: Vec<NamePattern>,
}

impl ReviewPolicy {
    /// It stops apply until a person consents.
    pub fn needs_consent(&self, principal: &Principal, change: &AccessChange) -> bool {
        match change {
            AccessChange::Role { grant, .. } if !self.ordinary_roles.is_empty() => {
                !self.ordinary_roles.iter().any(|pattern| pattern.waives(grant))
            }
            change => {
                change.direction() == Direction::Escalation
                    && !self.takes_for_ordinary(principal, change)
            }
        }
    }

    /// A gain that needs no consent.
    fn takes_for_ordinary(&self, principal: &Principal, change: &AccessChange) -> bool {
        let is_ordinary =
            |group: &str| self.ordinary_groups.iter().any(|pattern| pattern.matches(group));
        match change {
            AccessChange::Group(group) => is_ordinary(group),
            // Nothing but its groups makes it more than a new name.
            AccessChange::Subject { groups, ca: CaName::Kubernetes, same_as: None, .. } => {
                groups.iter().all(|group| is_ordinary(group))
            }
            AccessChange::Name(name) => {
                self.ordinary_sans.iter().any(|pattern| pattern.matches(name))
            }
            AccessChange::Recipient(name) => {
                let id = name.split(' ').next();
                self.allowed_recipients.iter().any(|allowed| Some(allowed.value.id()) == id)
            }
            AccessChange::Image { new: image, .. } => {
                self.allowed_images.iter().any(|allowed| allowed.value.matches(image))
            }
            // That it runs without is nothing that the policy names.
            AccessChange::Flag { flag, new, .. } if !new.is_empty() => {
                let component = principal.name();
                let mut allowed = self.allowed_flags.iter();
                allowed.any(|allowed| allowed.value.matches(component, flag, new))
            }
            _ => false,
        }
    }
}
