//! Kinds of which a policy names what it allows or forbids, outside of certificates: roles, flags, images and
//! recipients. What Kubernetes and kpki themselves ask for is nobody's choice, and never against a rule.

use std::collections::BTreeSet;

use super::origin;
use super::pod_flags::FlagChange;
use super::policy::ReviewPolicy;
use super::roles::grants;
use crate::content::pod_content;
use crate::facts::RoleGrant;
use crate::graph::{Derivation, PodSource, Recipe, Rendered, StaticPod, flags_on};
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::pod;
use crate::profile::Process;
use crate::sealed::Recipient;
use crate::spec::{Origin, Setting, Spec};

/// What is wrong, the rule's line, and the description's where one says more than the artifact's block.
type Broken<'a> = (String, Origin, Option<&'a Origin>);

/// Of users: `forbid-role`, `allow-namespace`.
pub(super) fn roles<'a>(
    spec: &'a Spec,
    derivation: &'a Derivation,
    policy: &ReviewPolicy,
) -> Vec<Broken<'a>> {
    let Recipe::Rendered(Rendered::UserBindings(recipe)) = &derivation.recipe else {
        return Vec::new();
    };
    let mut broken = Vec::new();
    for grant in grants(recipe) {
        let origin = origin::role(spec, &derivation.artifact, &grant);
        let forbidden = policy.forbidden_roles.iter().find(|rule| rule.value.touches(&grant));
        if let Some(rule) = forbidden {
            let what = format!("has the forbidden role {}", in_words(&grant));
            broken.push((what, rule.origin.clone(), origin));
        }
        let is_allowed = |rule: &Setting<_>| is_in(&grant, &rule.value);
        if let Some(rule) = missing(&policy.allowed_namespaces, is_allowed) {
            let what = format!("has the role {}, which no allow-namespace names", in_words(&grant));
            broken.push((what, rule, origin));
        }
    }
    broken
}

fn is_in(grant: &RoleGrant, pattern: &super::TextPattern) -> bool {
    grant.namespace.as_ref().is_some_and(|namespace| pattern.matches(namespace))
}

fn in_words(grant: &RoleGrant) -> String {
    match &grant.namespace {
        Some(namespace) => format!("{} in {namespace}", grant.role),
        None => format!("{} everywhere", grant.role),
    }
}

/// Of static pods: `allow-flag`, `allow-image`.
pub(super) fn pods<'a>(
    spec: &'a Spec,
    derivation: &Derivation,
    policy: &ReviewPolicy,
) -> Vec<Broken<'a>> {
    let Recipe::StaticPod(recipe) = &derivation.recipe else {
        return Vec::new();
    };
    if policy.allowed_flags.is_empty() && policy.allowed_images.is_empty() {
        return Vec::new();
    }
    let component = recipe.process.component();
    let origin = spec.components.get(&component).map(|settings| &settings.origin);
    let mut broken = Vec::new();
    let (flags, images) = match flags_and_images(recipe) {
        Ok(found) => found,
        Err(why) => {
            let rules = policy.allowed_flags.first().map(|rule| &rule.origin);
            let rule = rules.or(policy.allowed_images.first().map(|rule| &rule.origin));
            let what = format!("cannot be held against the policy: its manifest {why}");
            return rule.map(|rule| (what, rule.clone(), origin)).into_iter().collect();
        }
    };
    let own = spec.node(recipe.node.as_str()).map(|node| flags_on(spec, node, recipe.process));
    let own = own.unwrap_or_default();
    for (name, value) in flags {
        if is_nobodys_choice(recipe.process, &name, &value, own.get(name.as_str())) {
            continue;
        }
        let is_allowed = |rule: &Setting<super::FlagPattern>| {
            rule.value.matches(component.as_str(), &name, &value)
        };
        if let Some(rule) = missing(&policy.allowed_flags, is_allowed) {
            let what = format!("runs with --{name}={value}, which no allow-flag names");
            broken.push((what, rule, origin));
        }
    }
    let kubernetes = recipe.process.image(spec.cluster.kubernetes.value);
    for image in images.into_iter().filter(|image| Some(image) != kubernetes.as_ref()) {
        let rule = missing(&policy.allowed_images, |rule| rule.value.matches(&image));
        if let Some(rule) = rule {
            broken.push((format!("runs {image}, which no allow-image names"), rule, origin));
        }
    }
    broken
}

/// As kpki sets it, or a value that would stop nobody who had kpki's until now.
fn is_nobodys_choice(process: Process, flag: &str, value: &str, own: Option<&String>) -> bool {
    let own = own.map(String::as_str);
    let change = FlagChange { process, flag, old: own, new: Some(value), own };
    own == Some(value) || !change.stops(&BTreeSet::new())
}

type FlagsAndImages = (Vec<(String, String)>, Vec<String>);

fn flags_and_images(recipe: &StaticPod) -> Result<FlagsAndImages, String> {
    match &recipe.source {
        PodSource::Own { version: _, image, flags } => {
            let flags = flags.iter().map(|(name, value)| (name.clone(), value.clone()));
            Ok((flags.collect(), vec![image.clone()]))
        }
        PodSource::Patched { .. } => {
            let bytes = pod_content(recipe, None, Digest::of(&[]))?;
            let facts = pod::read(&bytes, recipe.process).map_err(|e| e.to_string())?;
            let flags = facts.flags.into_iter().map(|flag| (flag.name, flag.value));
            Ok((flags.collect(), facts.images))
        }
    }
}

/// `allow-recipient`: who is open to whom.
pub(super) fn recipients<'a>(
    spec: &'a Spec,
    policy: &ReviewPolicy,
) -> Vec<(ArtifactName, Broken<'a>)> {
    let secrets = spec.secrets.iter().flat_map(|secrets| {
        let name = ArtifactName::of("secrets");
        secrets.value.iter().map(move |who| (name.clone(), who, &secrets.origin))
    });
    let nodes = spec.nodes.iter().flat_map(|node| {
        let name = ArtifactName::of(&format!("nodes/{}", node.name));
        node.recipients.iter().map(move |who| (name.clone(), who, &node.origin))
    });
    let broken = |(name, who, origin): (ArtifactName, &Recipient, &'a Origin)| {
        if policy.except.iter().any(|pattern| pattern.matches(&name)) {
            return None;
        }
        let rule = missing(&policy.allowed_recipients, |rule| rule.value.id() == who.id())?;
        let what = format!("open to {}, whom no allow-recipient names", who.full_name());
        Some((name, (what, rule, Some(origin))))
    };
    secrets.chain(nodes).filter_map(broken).collect()
}

/// The line of the first rule of a kind, where there are rules and none allows it.
fn missing<T>(rules: &[Setting<T>], allows: impl Fn(&Setting<T>) -> bool) -> Option<Origin> {
    let first = rules.first()?;
    (!rules.iter().any(allows)).then(|| first.origin.clone())
}
