//! The keys that an API server believes tokens by, as it publishes them (`/openid/v1/jwks`, RFC 7517).

use super::answer::{Answer, End, Response};
use super::verdict::{Fault, FaultKind};
use crate::facts::{PublicKey, json_web_keys};
use crate::name::ArtifactName;

pub const KEY_SET: &str = "/openid/v1/jwks";

/// What is wrong, and what is not proven.
pub(super) fn judge(
    wanted: &[(ArtifactName, Result<PublicKey, String>)],
    answer: &Answer,
) -> (Vec<Fault>, Vec<String>) {
    let unproven = |why: String| {
        (Vec::new(), vec![format!("which service-account keys it believes is not proven: {why}")])
    };
    let body = match &answer.end {
        End::Answered(Response { status: 200, body: Some(body) }) => body,
        End::Answered(Response { status: 200, body: None }) => {
            return unproven(format!("{KEY_SET} is cut or too large"));
        }
        End::Answered(Response { status: status @ (401 | 403), .. }) => {
            return unproven(format!(
                "{KEY_SET} is not for everybody (it answers {status}); kubectl get --raw {KEY_SET} shows it"
            ));
        }
        end => return unproven(format!("{KEY_SET}: {end}")),
    };
    let published = match json_web_keys(body) {
        Ok(published) => published,
        Err(why) => return unproven(format!("{KEY_SET} {why}")),
    };
    let (mut faults, mut unproven) = (Vec::new(), Vec::new());
    let is_published = |key: &PublicKey| published.iter().any(|one| one.as_ref() == Ok(key));
    for (name, key) in wanted {
        match key {
            Ok(key) if is_published(key) => {}
            Ok(_) => {
                let text =
                    format!("does not publish {name} at {KEY_SET}: it refuses tokens by that key");
                faults.push(Fault::new(FaultKind::TokenKeyMissing, text));
            }
            Err(why) => unproven.push(format!("whether it believes {name}: {why}")),
        }
    }
    let is_known = |key: &PublicKey| {
        wanted.iter().any(|(_, known)| known.as_ref().is_ok_and(|known| known == key))
    };
    let others = published.iter().filter(|key| !key.as_ref().is_ok_and(is_known)).count();
    if others > 0 {
        let keys = if others == 1 { "1 more key" } else { &format!("{others} more keys") };
        unproven.push(format!("{KEY_SET} has {keys}, and whose they are is not known here"));
    }
    (faults, unproven)
}
