//! A plan in a file: what somebody reviewed. It is compared, never carried out: an apply plans again and goes
//! on only where every byte is the same.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::PlanReport;
use super::{FORMAT_VERSION, json};
use crate::graph::Graph;
use crate::hash::{Digest, Fields};
use crate::plan::{Allow, Intent, NamePattern};
use crate::time::Timestamp;

/// What `kpki plan --out FILE` writes. It holds no secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SavedPlan<'a> {
    /// Version of this format.
    pub kpki_plan: u32,
    /// Digest of this file with nothing in the place of these 32 digits.
    pub hash: String,
    /// Digest of everything that is described: names, recipes and places.
    pub described: String,
    pub renew: Vec<String>,
    pub rekey: Vec<String>,
    pub allow: Vec<String>,
    pub plan: &'a PlanReport,
}

/// How every saved plan begins, of any version.
pub const PLAN_BEGINS: &str = "{\n  \"kpki-plan\": ";

impl SavedPlan<'_> {
    /// The file's text and its hash.
    pub fn text(graph: &Graph, intent: &Intent, plan: &PlanReport) -> (String, String) {
        let texts = |patterns: &[NamePattern]| patterns.iter().map(ToString::to_string).collect();
        let mut saved = SavedPlan {
            kpki_plan: FORMAT_VERSION,
            hash: String::new(),
            described: described(graph).to_string(),
            renew: texts(&intent.renew),
            rekey: texts(&intent.rekey),
            allow: intent.allow.iter().map(ToString::to_string).collect(),
            plan,
        };
        let hash = Digest::of(json(&saved).as_bytes()).to_string();
        saved.hash.clone_from(&hash);
        (json(&saved), hash)
    }
}

fn described(graph: &Graph) -> Digest {
    let recipes = graph.ids().map(|id| {
        let derivation = graph.get(id);
        format!("{} {}", derivation.name, derivation.hash)
    });
    let places = graph.all_placements().iter();
    let places = places.map(|place| {
        let sealed = place.recipients.as_ref();
        let sealed = sealed.map_or_else(String::new, |all| format!(" {}", all.digest()));
        format!("{:04o} {}{sealed}", place.mode, place.path)
    });
    Fields::default().set("recipes", recipes).set("places", places).hash()
}

/// What a saved plan was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// It is made again for this time.
    pub now: Timestamp,
    pub intent: Intent,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    kpki_plan: u32,
    hash: String,
    renew: Vec<String>,
    rekey: Vec<String>,
    allow: Vec<String>,
    plan: PlanHead,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PlanHead {
    now: String,
}

/// Reads what the file asks for. The error reads after the file's name.
pub fn asked(file: &str) -> Result<Asked, String> {
    let damaged = || "is not a plan, or not as kpki wrote it".to_owned();
    let head: Head = serde_json::from_str(file).map_err(|_| damaged())?;
    if head.kpki_plan != FORMAT_VERSION {
        return Err("was written by another version of kpki; plan again".to_owned());
    }
    let line = format!("\"hash\": \"{}\"", head.hash);
    let without = file.replacen(&line, "\"hash\": \"\"", 1);
    if Digest::of(without.as_bytes()).to_string() != head.hash {
        return Err("was changed after it was written".to_owned());
    }
    let patterns = |texts: Vec<String>| -> Option<Vec<NamePattern>> {
        texts.iter().map(|text| text.parse().ok()).collect()
    };
    let allow: Option<Vec<Allow>> = head.allow.iter().map(|text| text.parse().ok()).collect();
    let intent = Intent {
        renew: patterns(head.renew).ok_or_else(damaged)?,
        rekey: patterns(head.rekey).ok_or_else(damaged)?,
        allow: allow.ok_or_else(damaged)?,
        // Given again with the plan, and compared by its digest.
    };
    let now = head.plan.now.parse().map_err(|_| damaged())?;
    Ok(Asked { now, intent })
}

/// What is another than it was when the plan was saved, in lines for a person.
pub fn moved(saved: &str, now: &str) -> Vec<String> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (saved, now) = (read(saved), read(now));
    let described = |plan: &Value| plan.get("described").cloned();
    let is_empty = |plan: &Value| plan.pointer("/plan/empty").and_then(Value::as_bool);
    let same = described(&saved) == described(&now);
    if same && is_empty(&now) == Some(true) && is_empty(&saved) == Some(false) {
        return vec!["there is nothing left to do: it was carried out already".to_owned()];
    }
    let mut lines = Vec::new();
    if !same {
        lines.push("the description means something else".to_owned());
    }
    let (old, new) = (steps(&saved), steps(&now));
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(_), Some(new)) => lines.push(format!("{name}: now {new}")),
            (Some(old), None) => lines.push(format!("{name}: no longer {old}")),
            (None, Some(new)) => lines.push(format!("{name}: {new}")),
            (None, None) => {}
        }
    }
    if lines.is_empty() {
        let keys = [
            "interrupted",
            "policy",
            "authority",
            "violations",
            "blocked",
            "mixed",
            "lock",
            "secrets",
            "waiting",
            "absent",
            "orphans",
            "foreign",
            "notes",
        ];
        let of = |plan: &Value, key: &str| plan.get("plan")?.get(key).cloned();
        let differs = |key: &&str| of(&saved, key) != of(&now, key);
        let differing = keys.into_iter().filter(differs);
        lines.extend(differing.map(|key| format!("the plan's {key}")));
    }
    lines
}

/// Of each artifact: what is done and why.
fn steps(plan: &Value) -> BTreeMap<String, String> {
    let all = plan.pointer("/plan/steps").and_then(Value::as_array);
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let steps = all.into_iter().flatten();
    steps
        .map(|step| {
            let reasons = step.get("reasons").and_then(Value::as_array);
            let reasons: Vec<String> =
                reasons.into_iter().flatten().map(|reason| text(reason, "text")).collect();
            let what = format!("{} ({})", text(step, "action"), reasons.join("; "));
            (text(step, "name"), what)
        })
        .collect()
}
