//! What follows from a consent, before it is given.

use super::Project;
use crate::plan::{Allow, Blocked, Intent, Plan, plan};
use crate::review::{Review, ReviewPolicy, ReviewedChange, review};
use crate::time::Timestamp;

/// A plan as it would be once everything that it lacks is allowed.
pub struct Consequences {
    /// What was allowed for it, of the artifacts that are in the way.
    pub allow: Vec<Allow>,
    pub plan: Plan,
    pub review: Review,
}

/// `None`: no consent would let more be done.
///
/// What is allowed may uncover what needs another consent, such as a lost key below a CA, so that is given,
/// too. Each round gives at least one that was not given before.
pub fn consequences(
    project: &Project,
    now: Timestamp,
    intent: &Intent,
    policy: &ReviewPolicy,
    blocked: &[Blocked],
) -> Option<Consequences> {
    let world = project.world(now);
    let mut allowed = intent.clone();
    let mut lacking = lacked(blocked, &allowed);
    let mut foreseen = None;
    while !lacking.is_empty() {
        allowed.allow.append(&mut lacking);
        let plan = plan(world, &project.spec, &allowed);
        lacking = lacked(&plan.blocked, &allowed);
        foreseen = Some(plan);
    }
    let plan = foreseen?;
    let review = review(world, &project.spec, &allowed, policy, &plan);
    let allow = allowed.allow.split_off(intent.allow.len());
    Some(Consequences { allow, plan, review })
}

fn lacked(blocked: &[Blocked], intent: &Intent) -> Vec<Allow> {
    let asked = blocked.iter().filter_map(|blocked| blocked.allow.as_ref());
    let mut lacking: Vec<Allow> = Vec::new();
    for allow in asked.filter(|allow| !intent.allow.contains(allow)) {
        if !lacking.contains(allow) {
            lacking.push(allow.clone());
        }
    }
    lacking
}

/// Every consent that it takes until nothing is asked any more, each once.
pub fn lacking(review: &Review, consequences: Option<&Consequences>) -> Vec<Allow> {
    let later = consequences.map(|foreseen| &foreseen.review);
    let reviews = [Some(review), later].into_iter().flatten();
    let gains = reviews.flat_map(|review| &review.changes).filter(|change| change.stops());
    let blocked = consequences.into_iter().flat_map(|foreseen| foreseen.allow.clone());
    let mut all: Vec<Allow> = Vec::new();
    for allow in blocked.chain(gains.map(ReviewedChange::allow)) {
        if !all.contains(&allow) {
            all.push(allow);
        }
    }
    all
}
