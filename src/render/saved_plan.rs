//! A plan in a file: what somebody reviewed. It is compared, never carried out: an apply plans again and goes
//! on only where every byte is the same.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::PlanReport;
use super::report::{FORMAT_VERSION, json};
use super::step::StepReport;
use crate::graph::Graph;
use crate::hash::{Digest, Fields};
use crate::name::NodeName;
use crate::plan::{Allow, Intent, NamePattern};
use crate::time::Timestamp;

/// What `kpki plan --out FILE` writes. It holds no secret.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SavedPlan {
    /// Version of this format.
    pub kpki_plan: u32,
    /// Digest of this file with nothing in the place of these 32 digits.
    pub hash: String,
    /// Digest of everything that is described: names, recipes and places.
    pub described: Digest,
    pub renew: Vec<NamePattern>,
    pub rekey: Vec<NamePattern>,
    pub allow: Vec<Allow>,
    /// `--all`
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// `--rejoin`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejoin: Vec<NodeName>,
    pub plan: PlanReport,
}

/// How every saved plan begins, of any version.
pub const PLAN_BEGINS: &str = "{\n  \"kpki-plan\": ";

/// What a saved plan was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// It is made again for this time.
    pub now: Timestamp,
    pub intent: Intent,
}

/// What every version has.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    kpki_plan: u32,
    hash: String,
}

impl SavedPlan {
    /// With its hash.
    pub fn new(graph: &Graph, intent: &Intent, plan: PlanReport) -> Self {
        let mut saved = SavedPlan {
            kpki_plan: FORMAT_VERSION,
            hash: String::new(),
            described: described(graph),
            renew: intent.renew.clone(),
            rekey: intent.rekey.clone(),
            allow: intent.allow.clone(),
            all: intent.all,
            rejoin: intent.rejoin.clone(),
            plan,
        };
        saved.hash = Digest::of(saved.text().as_bytes()).to_string();
        saved
    }

    /// The file's text.
    pub fn text(&self) -> String {
        json(self)
    }

    /// Reads a file. The error reads after the file's name.
    pub fn read(file: &str) -> Result<Self, String> {
        const NOT_OURS: &str = "was written by another version of kpki; plan again";
        let head: Head = serde_json::from_str(file)
            .map_err(|_| "is not a plan, or not as kpki wrote it".to_owned())?;
        if head.kpki_plan != FORMAT_VERSION {
            return Err(NOT_OURS.to_owned());
        }
        let line = format!("\"hash\": \"{}\"", head.hash);
        let without = file.replacen(&line, "\"hash\": \"\"", 1);
        if Digest::of(without.as_bytes()).to_string() != head.hash {
            return Err("was changed after it was written".to_owned());
        }
        serde_json::from_str(file).map_err(|_| NOT_OURS.to_owned())
    }

    pub fn asked(&self) -> Asked {
        let intent = Intent {
            renew: self.renew.clone(),
            rekey: self.rekey.clone(),
            allow: self.allow.clone(),
            all: self.all,
            rejoin: self.rejoin.clone(),
        };
        Asked { now: self.plan.now, intent }
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

/// What is another than it was when the plan was saved, in lines for a person.
pub fn moved(saved: &SavedPlan, now: &SavedPlan) -> Vec<String> {
    let same = saved.described == now.described;
    if same && now.plan.empty && !saved.plan.empty {
        return vec!["there is nothing left to do: it was carried out already".to_owned()];
    }
    let mut lines = Vec::new();
    if !same {
        lines.push("the description means something else".to_owned());
    }
    let (old, new) = (steps(&saved.plan), steps(&now.plan));
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
        let parts = differing(&saved.plan, &now.plan);
        lines.extend(parts.into_iter().map(|part| format!("the plan's {part}")));
    }
    lines
}

/// Of each artifact: what is done and why.
fn steps(plan: &PlanReport) -> BTreeMap<&str, String> {
    let in_words = |step: &StepReport| {
        let reasons: Vec<&str> = step.reasons.iter().map(|reason| reason.text.as_str()).collect();
        format!("{} ({})", super::action::in_words(step.action).planned, reasons.join("; "))
    };
    plan.steps.iter().map(|step| (step.name.as_str(), in_words(step))).collect()
}

/// The parts that are not the same, as JSON calls them.
fn differing(saved: &PlanReport, now: &PlanReport) -> Vec<&'static str> {
    // Every part by its name: without a new one here this does not compile.
    let PlanReport {
        format_version: _,
        base: _,
        others: _,
        cluster,
        kubernetes,
        now: time,
        // Follow from the others.
        empty: _,
        summary: _,
        interrupted,
        authority,
        policy,
        violations,
        blocked,
        if_allowed,
        mixed,
        steps,
        lock,
        secrets,
        waiting,
        absent,
        orphans,
        foreign,
        notes,
        leavers,
        etcd_members,
        rejoin,
        turns,
        restarts,
        rotations,
    } = saved;
    let parts = [
        ("interrupted", *interrupted == now.interrupted),
        ("policy", *policy == now.policy),
        ("authority", *authority == now.authority),
        ("violations", *violations == now.violations),
        ("blocked", *blocked == now.blocked),
        ("if-allowed", *if_allowed == now.if_allowed),
        ("mixed", *mixed == now.mixed),
        ("lock", *lock == now.lock),
        ("secrets", *secrets == now.secrets),
        ("waiting", *waiting == now.waiting),
        ("absent", *absent == now.absent),
        ("orphans", *orphans == now.orphans),
        ("foreign", *foreign == now.foreign),
        ("notes", *notes == now.notes),
        ("leavers", *leavers == now.leavers),
        ("etcd-members", *etcd_members == now.etcd_members),
        ("rejoin", *rejoin == now.rejoin),
        ("turns", *turns == now.turns),
        ("restarts", *restarts == now.restarts),
        ("rotations", *rotations == now.rotations),
        ("steps", *steps == now.steps),
        ("cluster", *cluster == now.cluster),
        ("kubernetes", *kubernetes == now.kubernetes),
        ("now", *time == now.now),
    ];
    parts.into_iter().filter(|(_, same)| !same).map(|(part, _)| part).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn saved(change: impl FnOnce(&mut Value)) -> SavedPlan {
        let lists = ["authority", "violations", "blocked", "mixed", "steps", "lock", "waiting"];
        let names = ["absent", "orphans", "foreign", "notes", "etcd-members", "restarts"];
        let counts = ["create", "replace", "rekey", "reissue", "render", "repair", "record"];
        let sealed = ["seal", "seal-again", "unseal", "remove", "recipients", "added", "removed"];
        let exposed = ["exposed", "exposed-to", "rekey"];
        let all = |keys: &[&str], value: Value| -> Value {
            keys.iter().map(|key| ((*key).to_owned(), value.clone())).collect()
        };
        let mut plan = all(&[&lists[..], &names[..]].concat(), json!([]));
        plan["format-version"] = json!(1);
        plan["cluster"] = json!("lab");
        plan["kubernetes"] = json!("1.36.2");
        plan["now"] = json!("2027-01-31T00:00:00Z");
        plan["empty"] = json!(false);
        plan["summary"] = all(&[&counts[..], &["blocked", "unchanged"]].concat(), json!(0));
        plan["secrets"] = all(&[&sealed[..], &exposed[..]].concat(), json!([]));
        change(&mut plan);
        let document = json!({
            "kpki-plan": 1,
            "hash": "",
            "described": "0".repeat(32),
            "renew": [],
            "rekey": [],
            "allow": [],
            "plan": plan,
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn what_moved_is_always_told() {
        let before = saved(|_| {});
        assert_eq!(moved(&before, &saved(|_| {})), [""; 0]);
        let restart = json!([{ "what": "kubelet", "node": "w1", "service": true }]);
        let member = json!([{ "member": "cp2", "command": "etcdctl member add cp2" }]);
        for (part, value) in [
            ("restarts", restart),
            ("leavers", json!([{ "user": "jane", "commands": [] }])),
            ("etcd-members", member),
            ("notes", json!(["a note"])),
            ("kubernetes", json!("1.36.3")),
        ] {
            let now = saved(|plan| plan[part] = value);
            assert_eq!(moved(&before, &now), [format!("the plan's {part}")]);
        }
        let step = json!([{
            "name": "ca/etcd", "kind": "CA", "action": "create",
            "reasons": [{ "code": "new", "text": "new" }], "writes": [], "modes": [],
        }]);
        let now = saved(|plan| plan["steps"] = step);
        assert_eq!(moved(&before, &now), ["ca/etcd: create (new)"]);
    }
}
