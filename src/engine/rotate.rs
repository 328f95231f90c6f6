//! The next stage of a rotation, or the one before.

use crate::config::KeypairLine;
use crate::error::{Error, Result};
use crate::plan::Stage;
use crate::spec::{KeypairState, Root};

/// Which stage is next, and the lines that describe it.
pub fn next_stage(
    root: Root,
    lines: &[KeypairLine],
    certificate: Option<&str>,
) -> Result<(Stage, Vec<KeypairLine>)> {
    let (signer, others) = split(root, lines)?;
    let trusted = Some(KeypairState::Trusted);
    match others {
        [] => {
            let number = signer.number.next().ok_or_else(|| by_hand(root))?;
            match (&signer.certificate, certificate, root) {
                (_, Some(_), Root::ServiceAccount) => {
                    return Err(Error::refused("a service-account key has no certificate")
                        .help("leave --certificate out"));
                }
                (Some(brought), None, _) => {
                    return Err(Error::refused(format!("{root} was brought: {brought}")).help(
                        "put the certificate of the new CA beside the description, and name it with --certificate",
                    ));
                }
                _ => {}
            }
            let certificate = certificate.map(str::to_owned);
            let new = KeypairLine { number, state: trusted, certificate };
            Ok((Stage::Trust, vec![signer.clone(), new]))
        }
        _ if certificate.is_some() => Err(Error::refused(format!(
            "{root} has a second key pair already; --certificate is for a new one"
        ))),
        [other] if other.number > signer.number && other.state == trusted => {
            let old = KeypairLine { state: trusted, ..signer.clone() };
            let new = KeypairLine { state: None, ..other.clone() };
            Ok((Stage::Promote, vec![old, new]))
        }
        [other] if other.number < signer.number => Ok((Stage::Distrust, vec![signer.clone()])),
        _ => Err(by_hand(root)),
    }
}

/// Back by one stage.
pub fn stage_before(root: Root, lines: &[KeypairLine]) -> Result<(Stage, Vec<KeypairLine>)> {
    let (signer, others) = split(root, lines)?;
    let trusted = Some(KeypairState::Trusted);
    match others {
        [] => Err(Error::refused(format!("{root} has one key pair: there is no stage to go back to"))
            .help(
                "the key of an earlier one was deleted when it was distrusted; what is issued stays with the one \
                 that signs",
            )),
        [other] if other.number > signer.number => Ok((Stage::Distrust, vec![signer.clone()])),
        [other] if other.state == trusted => {
            let new = KeypairLine { state: trusted, ..signer.clone() };
            let old = KeypairLine { state: None, ..other.clone() };
            Ok((Stage::Promote, vec![old, new]))
        }
        // It is to be believed by everybody again.
        [other] => Ok((
            Stage::Trust,
            vec![signer.clone(), KeypairLine { state: trusted, ..other.clone() }],
        )),
        _ => Err(by_hand(root)),
    }
}

fn split(root: Root, lines: &[KeypairLine]) -> Result<(&KeypairLine, &[KeypairLine])> {
    lines.split_first().ok_or_else(|| by_hand(root))
}

fn by_hand(root: Root) -> Error {
    Error::refused(format!("{root} has key pairs that follow no stage of a rotation"))
        .help("edit the description: one key pair signs, the others have state=\"trusted\"")
}
