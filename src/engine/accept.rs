//! A certificate that the cluster signed comes back.

use crate::build::accept::{Checked, check, one_certificate};
use crate::build::execute::{Files, execute};
use crate::content::cluster_signed_entry;
use crate::error::{Error, Kind, Result};
use crate::facts::certificate_pem;
use crate::graph::{ClusterSigned, DerivationId, FilePart, Placement, Recipe};
use crate::keys::Entropy;
use crate::name::ArtifactName;
use crate::plan::{Action, Intent, Plan, plan, request_id};
use crate::state::{File, Lock};
use crate::time::Timestamp;

use super::Project;

/// What becomes of a certificate that answers a request.
pub enum Acceptance {
    /// It was accepted before.
    IsHere,
    /// It takes its place, and what waits for it is made.
    New(Box<Accepting>),
}

/// A certificate that is about to be accepted.
pub struct Accepting {
    pub id: DerivationId,
    pub accepted: ClusterSigned,
    /// The certificate's facts, and what is to be said of them.
    pub checked: Checked,
    /// How many CA certificates stood behind it.
    pub left_out: usize,
    pub place: Placement,
    pub plan: Plan,
    pem: Vec<u8>,
    now: Timestamp,
}

/// Checks a certificate and plans what follows from it.
///
/// `source` says where it came from, for a refusal. `project` is then what it is with the certificate in it.
pub fn accept(
    project: &mut Project,
    id: DerivationId,
    certificate: &[u8],
    source: &str,
    now: Timestamp,
) -> Result<Acceptance> {
    let name = project.graph.get(id).name.clone();
    let accepted = match &project.graph.get(id).recipe {
        Recipe::ClusterSigned(accepted) => *accepted,
        other => {
            let message = format!("{name} ({}) is not signed by the cluster", other.kind());
            return Err(Error::new(Kind::Usage, message)
                .help("accept takes the certificate of a user with via \"csr\""));
        }
    };
    let refuse =
        |why: String| Error::refused(format!("{source} is not accepted for {name}: {why}"));
    let (der, left_out) = one_certificate(certificate).map_err(refuse)?;
    let checked = check(project.world(now), id, &accepted, &der, now).map_err(refuse)?;
    let request = request_id(project.world(now), accepted.request)
        .ok_or_else(|| Error::internal(format!("the request of {name} is not here")))?;
    if checked.is_here_already {
        return Ok(Acceptance::IsHere);
    }

    // From here on it is a plan as any other, in a world where the certificate is here.
    let entry = cluster_signed_entry(&project.graph, id, Some(request), &checked.facts);
    let pem = certificate_pem(&der).into_bytes();
    let place = project.graph.placements_of(id, FilePart::Certificate).next().cloned();
    let place = place.ok_or_else(|| Error::internal(format!("{name} has no place")))?;
    let file = File::Public { mode: place.mode, bytes: pem.clone() };
    project.inventory.files.insert(place.path.to_string(), file);
    project.lock.entries.insert(name.clone(), entry);
    project.survey.look_again(&project.graph, &project.lock, &project.inventory, id);
    let plan = plan_of(project, &name, now);
    if let Some(blocked) = plan.blocked.first() {
        return Err(refuse(blocked.why.clone()));
    }
    let made_anew = |action| !matches!(action, Action::Reissue | Action::Repair | Action::Record);
    if plan.steps.iter().any(|step| step.derivation == accepted.request && made_anew(step.action)) {
        return Err(refuse(
            "the description asks for another key than the request's; kpki apply makes that request"
                .into(),
        ));
    }
    let accepting = Accepting { id, accepted, checked, left_out, place, plan, pem, now };
    Ok(Acceptance::New(Box::new(accepting)))
}

/// What is due of this artifact, and of what hangs on it.
fn plan_of(project: &Project, name: &ArtifactName, now: Timestamp) -> Plan {
    let family = format!("{name}/");
    let ours = |other: DerivationId| {
        let other = &project.graph.get(other).name;
        other == name || other.as_str().starts_with(&family)
    };
    let all = plan(project.world(now), &project.spec, &Intent::default());
    all.only(&project.lock, &project.graph, ours)
}

impl Accepting {
    /// Hands over the certificate and what follows from it, and returns the lock that then holds. What else
    /// the description changed waits for an apply.
    pub fn carry_out(
        &self,
        project: &Project,
        entropy: &Entropy,
        files: &dyn Files,
    ) -> Result<Lock> {
        let Accepting { place, plan, pem, now, .. } = self;
        files.write(&place.path, pem, place.mode)?;
        let world = project.world(*now);
        let new = execute(world, &project.spec, plan, false, *now, entropy, files)?;
        let Lock { entries, copies, orphans, .. } = new;
        Ok(Lock { entries, copies, orphans, ..project.lock.clone() })
    }
}
