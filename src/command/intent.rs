//! `--renew`, `--rekey`, `--allow` and `--rejoin`: the names that the user gives, as names that there are.

use super::{lookup, rejoining};
use crate::cli::Intentions;
use crate::engine::Project;
use crate::error::{Error, Kind, Result};
use crate::graph::{DerivationId, Recipe};
use crate::plan::{Allow, Intent, NamePattern};
use crate::review::{Principal, principals};
use crate::words::did_you_mean;

/// A typing error would do nothing, silently: that is refused.
pub(super) fn intent(args: &Intentions, project: &Project) -> Result<Intent> {
    if project.spec.reproducible.is_some()
        && let Some(pattern) = args.renew.first().or(args.rekey.first())
    {
        let message = format!(
            "{pattern} cannot be renewed or rekeyed by a command: its key follows from the seed, its dates from the description"
        );
        let help = "move `not-before` for new dates; raise a `revision` for a new key";
        return Err(Error::new(Kind::Usage, message).help(help));
    }
    let graph = &project.graph;
    let renews = |id| follows("--renew", &graph.get(id).recipe);
    let rekeys = |id| follows("--rekey", &graph.get(id).recipe);
    let all = |patterns: &[NamePattern], can: &dyn Fn(DerivationId) -> bool| -> Result<Vec<_>> {
        patterns.iter().map(|pattern| lookup::pattern(project, pattern, can)).collect()
    };
    let intent = Intent {
        renew: all(&args.renew, &renews)?,
        rekey: all(&args.rekey, &rekeys)?,
        allow: args.allow.iter().map(|allow| permission(allow, project)).collect::<Result<_>>()?,
        all: args.all,
        rejoin: args.rejoin.clone(),
    };
    rejoining::refuse(&intent, project)?;
    refuse_unknown_principals(&intent, project)?;
    for (flag, patterns) in [("--renew", &intent.renew), ("--rekey", &intent.rekey)] {
        for pattern in patterns {
            refuse_without_effect(flag, pattern, project)?;
        }
    }
    for allow in &intent.allow {
        if let Allow::LostKey(pattern) = allow {
            refuse_without_key(allow, pattern, project)?;
        }
        let (Allow::Replace(name) | Allow::LostKey(NamePattern::Exact(name))) = allow else {
            continue;
        };
        let anchor =
            project.graph.find(name).is_some_and(|id| project.graph.get(id).recipe.is_anchor());
        let help = match allow {
            Allow::Replace(_) if !anchor => format!(
                "{name} is neither a CA nor the service-account key: --rekey {name} makes a new key, \
                 --allow lost-key:{name} gives up a lost one"
            ),
            Allow::LostKey(_) if anchor => format!(
                "{name} is a root of trust: --allow replace:{name} gives it up, and all that it signed"
            ),
            _ => continue,
        };
        let message = format!("--allow {allow} permits nothing");
        return Err(Error::new(Kind::Usage, message).help(help));
    }
    Ok(intent)
}

/// With the whole name of what is meant.
fn permission(allow: &Allow, project: &Project) -> Result<Allow> {
    let graph = &project.graph;
    let is_anchor = |id| graph.get(id).recipe.is_anchor();
    Ok(match allow {
        Allow::Replace(name) => {
            let whole = lookup::among(project, name.as_str(), &is_anchor)?;
            // What ends a root of trust is said in full.
            if whole != *name {
                let message = format!("--allow {allow} permits nothing");
                let help = format!("did you mean --allow replace:{whole}?");
                return Err(Error::new(Kind::Usage, message).help(help));
            }
            Allow::Replace(whole)
        }
        Allow::LostKey(pattern) => {
            let can = |id| !is_anchor(id) && graph.key_places(id).next().is_some();
            Allow::LostKey(lookup::pattern(project, pattern, &can)?)
        }
        // Whoever automates may always give the first two; there is nothing in them to mistype.
        Allow::Plaintext
        | Allow::Clock
        | Allow::Escalation(_)
        | Allow::Interrupted(_)
        | Allow::Stage(..) => allow.clone(),
    })
}

/// Only a key can be lost; an anchor's has a message of its own.
fn refuse_without_key(allow: &Allow, pattern: &NamePattern, project: &Project) -> Result<()> {
    let graph = &project.graph;
    let mut named = graph.ids().filter(|id| pattern.matches(&graph.get(*id).name));
    let exact = matches!(pattern, NamePattern::Exact(_));
    let has_key = |id| graph.key_places(id).next().is_some();
    if named.any(|id| has_key(id) && (exact || !graph.get(id).recipe.is_anchor())) {
        return Ok(());
    }
    let message = format!("--allow {allow} permits nothing");
    Err(Error::new(Kind::Usage, message)
        .help(format!("no key that could be given up is called {pattern}")))
}

/// Nobody of that name could ever gain anything: it is a typing error. A name that is right and needs no
/// consent now is none, since whoever consents may do so before the change arrives.
fn refuse_unknown_principals(intent: &Intent, project: &Project) -> Result<()> {
    let named = intent.allow.iter().filter_map(|allow| match allow {
        Allow::Escalation(name) => Some((allow, name)),
        _ => None,
    });
    let mut named = named.peekable();
    if named.peek().is_none() {
        return Ok(());
    }
    let principals = principals(&project.graph, &project.lock, &project.spec);
    for (allow, name) in named {
        if principals.iter().any(|principal| principal.is_called(name.as_str())) {
            continue;
        }
        let names: Vec<String> = principals.iter().map(Principal::to_string).collect();
        let error = Error::new(Kind::Usage, format!("--allow {allow} permits nothing"));
        let near = did_you_mean(name.as_str(), names.iter().map(String::as_str));
        let then = near.unwrap_or_else(|| "kpki plan says who gains something".to_owned());
        return Err(error.help(format!("nobody here is called {name}; {then}")));
    }
    Ok(())
}

/// Whether there is something that could be issued again.
fn follows(flag: &str, recipe: &Recipe) -> bool {
    match recipe {
        Recipe::Leaf(_) | Recipe::Request(_) | Recipe::ClusterSigned(_) | Recipe::OwnCa(_) => true,
        Recipe::SigningKey(_) => flag == "--rekey",
        _ => false,
    }
}

/// An order that nothing can follow is a mistake, not a success.
fn refuse_without_effect(flag: &str, pattern: &NamePattern, project: &Project) -> Result<()> {
    let graph = &project.graph;
    let mut named = graph
        .ids()
        .filter(|id| pattern.matches(&graph.get(*id).name))
        .map(|id| &graph.get(id).recipe);
    if named.any(|recipe| follows(flag, recipe)) {
        return Ok(());
    }
    let only = graph
        .ids()
        .find(|id| pattern.matches(&graph.get(*id).name))
        .map(|id| &graph.get(id).recipe);
    let help = match only {
        Some(Recipe::Kubeconfig(config)) => {
            format!("its certificate is {}", graph.get(config.identity).name)
        }
        Some(Recipe::SigningKey(_)) => {
            "it is a key without a certificate; --rekey makes another".into()
        }
        Some(Recipe::ImportedCa(_)) => "it was brought: bring another certificate".into(),
        _ => "it is rendered from others and follows them".into(),
    };
    let message = format!("{flag} {pattern} asks for nothing");
    Err(Error::new(Kind::Usage, message).help(help))
}
