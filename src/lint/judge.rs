//! Asks a reader of a certificate, each question once.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::holds::Certificate;
use super::readers::As;
use crate::hash::Digest;
use crate::path::{Reader, Reason, validate};
use crate::time::Timestamp;

/// The CAs that a reader loads.
#[derive(Clone)]
pub(super) struct Anchors<'a> {
    pub certificates: Vec<&'a Certificate>,
    /// Of the same certificates in the same order it is the same.
    id: Digest,
}

#[derive(Clone)]
pub(super) enum Answer<'a> {
    /// From the leaf to the anchor.
    Taken(Rc<[&'a Certificate]>),
    Refused(Rc<Refused<'a>>),
    /// A signature cannot be checked here.
    Untold,
}

pub(super) struct Refused<'a> {
    pub reason: Reason,
    /// The one that broke the chain.
    pub certificate: &'a Certificate,
    /// The last one that the reader came to.
    pub last: &'a Certificate,
}

/// What is asked: of which chain, of which anchors, as what, under which name.
type Question = (Digest, Digest, As, Option<String>);

pub(super) struct Judge<'a> {
    at: Timestamp,
    answers: BTreeMap<Question, Answer<'a>>,
}

impl<'a> Anchors<'a> {
    pub fn new(certificates: Vec<&'a Certificate>) -> Self {
        let id = digest_of(certificates.iter().copied());
        Anchors { certificates, id }
    }

    pub fn id(&self) -> Digest {
        self.id
    }
}

impl Answer<'_> {
    pub fn is_taken(&self) -> bool {
        !matches!(self, Answer::Refused(_))
    }
}

impl<'a> Judge<'a> {
    pub fn new(at: Timestamp) -> Self {
        Judge { at, answers: BTreeMap::new() }
    }

    /// `shown` is the leaf and what comes with it; `name` the one that was dialled.
    pub fn ask(
        &mut self,
        shown: &[&'a Certificate],
        anchors: &Anchors<'a>,
        way: As,
        name: Option<&str>,
    ) -> Answer<'a> {
        let question = (digest_of(shown.iter().copied()), anchors.id, way, name.map(str::to_owned));
        let answer = self.answers.entry(question);
        answer
            .or_insert_with(|| answer_to(shown, &anchors.certificates, way, name, self.at))
            .clone()
    }
}

fn digest_of<'c>(certificates: impl Iterator<Item = &'c Certificate>) -> Digest {
    let digests = certificates.flat_map(|certificate| *certificate.facts.digest.bytes());
    Digest::of(&digests.collect::<Vec<u8>>())
}

fn answer_to<'a>(
    shown: &[&'a Certificate],
    anchors: &[&'a Certificate],
    way: As,
    name: Option<&str>,
    at: Timestamp,
) -> Answer<'a> {
    let Some((leaf, intermediates)) = shown.split_first() else {
        return Answer::Untold;
    };
    let usage = way.usage();
    let reader = Reader { anchors, intermediates, usage: Some(&usage), name, at };
    // What comes back lives no longer than the question.
    let own = |found: &Certificate| {
        let same = |one: &&&'a Certificate| one.facts.digest == found.facts.digest;
        shown.iter().chain(anchors).find(same).copied().unwrap_or(leaf)
    };
    match validate(leaf, &reader) {
        Ok(chain) => Answer::Taken(chain.certificates().iter().map(|one| own(one)).collect()),
        Err(refusal) if matches!(refusal.reason, Reason::UncheckedSignature { .. }) => {
            Answer::Untold
        }
        Err(refusal) => {
            let certificate = own(refusal.certificate);
            let last = refusal.path.last().map_or(*leaf, |last| own(last));
            Answer::Refused(Rc::new(Refused { reason: refusal.reason, certificate, last }))
        }
    }
}
