//! What is done about a minted artifact: a private key, and what is issued over it.
//!
//! The table is the same for a CA, the service-account key, a leaf and a request. They say what is here, on
//! record, asked for and different; what it costs to make a new key is the one thing that sets them apart.

use super::context::{After, PlanContext};
use super::{Action, Allow, NamePattern, PublicPart, Reason};
use crate::graph::DerivationId;
use crate::state::Entry;

/// What is here of its certificate, request or public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    Missing,
    Unreadable,
    /// Of another key than the one on record.
    OfAnotherKey,
    Sound,
}

/// Where its private key is, as far as that is seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrivateKey {
    Here,
    /// Not here, and it follows from the seed.
    Derived,
    Gone,
    /// The public half is enough for what may have to be done.
    NotNeeded,
    /// It cannot be the one that is described.
    Unusable,
}

/// What the description and the user ask of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    AsItIs,
    /// The public part anew, over the same key.
    NewEvidence,
    NewKey,
}

/// Whether it may get a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    /// A leaf's or request's key is made anew where that is wished. Whether one that is lost may be, too.
    OnlyIfLost { given: bool },
    /// An anchor's: never without a word.
    Always { given: bool },
}

/// What is known of a minted artifact before anything is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub public: Evidence,
    pub key: PrivateKey,
    /// The lock or some file mentions it: it was made before.
    pub made: bool,
    pub wish: Wish,
    pub consent: Consent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What is here will do.
    Keep,
    Create,
    /// The key that follows from the seed, and all that goes with it.
    MakeAgain,
    /// The public part is made over the key that there is.
    Reissue,
    NewKey,
    /// The old key is given up, as somebody allowed.
    GiveUpKey,
    /// A new key, if somebody allows it.
    AskForNewKey,
    /// A person must say which of the two is right.
    KeyMismatch,
}

impl Case {
    /// The table: the first row that fits.
    #[expect(clippy::match_same_arms, reason = "rows of a table, each for itself")]
    pub fn verdict(self) -> Verdict {
        use Evidence::{Missing, OfAnotherKey, Sound, Unreadable};
        use PrivateKey::{Derived, Gone, Here, NotNeeded, Unusable};
        match (self.public, self.key, self.made, self.wish) {
            (Missing, Derived | Gone | NotNeeded, false, _) => Verdict::Create,
            (_, _, _, Wish::NewKey) | (_, Unusable, ..) => self.consent.to_wished_key(),
            (OfAnotherKey, ..) => Verdict::KeyMismatch,
            (Missing | Unreadable, Here | NotNeeded, ..) => Verdict::Reissue,
            (Missing | Unreadable, Derived, ..) => Verdict::MakeAgain,
            (Missing | Unreadable, Gone, ..) => self.consent.to_give_up(),
            (Sound, _, _, Wish::AsItIs) => Verdict::Keep,
            (Sound, Here | Derived | NotNeeded, _, Wish::NewEvidence) => Verdict::Reissue,
            (Sound, Gone, _, Wish::NewEvidence) => self.consent.to_give_up(),
        }
    }
}

impl Consent {
    fn to_wished_key(self) -> Verdict {
        match self {
            Consent::OnlyIfLost { .. } => Verdict::NewKey,
            Consent::Always { .. } => self.to_give_up(),
        }
    }

    fn to_give_up(self) -> Verdict {
        match self {
            Consent::OnlyIfLost { given: true } | Consent::Always { given: true } => {
                Verdict::GiveUpKey
            }
            Consent::OnlyIfLost { given: false } | Consent::Always { given: false } => {
                Verdict::AskForNewKey
            }
        }
    }

    /// A key that is given up is replaced if it was an anchor's.
    pub fn action(self) -> Action {
        match self {
            Consent::OnlyIfLost { .. } => Action::Rekey,
            Consent::Always { .. } => Action::Replace,
        }
    }
}

/// What is wished of an artifact, and why.
pub(super) struct Wished {
    pub wish: Wish,
    pub reasons: Vec<Reason>,
}

impl Wished {
    pub fn as_it_is() -> Self {
        Wished { wish: Wish::AsItIs, reasons: Vec::new() }
    }

    pub fn new_key(reasons: Vec<Reason>) -> Self {
        Wished { wish: Wish::NewKey, reasons }
    }

    pub fn new_public_part(reasons: Vec<Reason>) -> Self {
        let wish = if reasons.is_empty() { Wish::AsItIs } else { Wish::NewEvidence };
        Wished { wish, reasons }
    }
}

impl PlanContext<'_> {
    pub fn evidence(&self, id: DerivationId) -> Evidence {
        let public_part = self.world.survey.public_part(id);
        match (public_part, public_part.public_key()) {
            (PublicPart::Missing, _) => Evidence::Missing,
            (_, None) => Evidence::Unreadable,
            (_, Some(key)) => {
                let recorded = self.entry(id).and_then(|entry| entry.public_key);
                let is_another = recorded.is_some_and(|recorded| recorded != key.digest());
                if is_another { Evidence::OfAnotherKey } else { Evidence::Sound }
            }
        }
    }

    pub fn private_key(&self, id: DerivationId) -> PrivateKey {
        if self.key_is_here(id) {
            PrivateKey::Here
        } else if self.world.graph.is_key_derived(id) {
            PrivateKey::Derived
        } else {
            PrivateKey::Gone
        }
    }

    /// The step that a verdict asks for, unless nothing is to be made.
    pub fn making(
        &self,
        id: DerivationId,
        case: Case,
        wished: Wished,
    ) -> Option<(Action, Vec<Reason>)> {
        Some(match case.verdict() {
            Verdict::Create => (Action::Create, vec![Reason::New]),
            Verdict::MakeAgain if wished.reasons.is_empty() => {
                (Action::Create, self.all_missing(id))
            }
            Verdict::MakeAgain => (Action::Create, wished.reasons),
            Verdict::Reissue => (Action::Reissue, self.why_reissued(id, wished)),
            Verdict::NewKey => (Action::Rekey, wished.reasons),
            Verdict::GiveUpKey => (case.consent.action(), vec![Reason::ReplacementAllowed]),
            Verdict::Keep | Verdict::AskForNewKey | Verdict::KeyMismatch => return None,
        })
    }

    fn why_reissued(&self, id: DerivationId, wished: Wished) -> Vec<Reason> {
        match self.world.survey.public_part(id) {
            _ if !wished.reasons.is_empty() => wished.reasons,
            PublicPart::Unreadable { path, why } => {
                vec![Reason::OutputUnreadable { path: path.clone(), why: why.clone() }]
            }
            _ => self.stale_reasons(id),
        }
    }

    /// A lost key is given up only where somebody allows it.
    pub fn ask_for_lost_key(&mut self, id: DerivationId, wished: &Wished, part: &str) -> After {
        let why = match self.world.survey.public_part(id) {
            PublicPart::Missing => format!("its {part} and its key are both gone"),
            PublicPart::Unreadable { path, why } => {
                format!("out/{path} {why}, and its key is not here")
            }
            public_part => {
                let done = if public_part.certificate().is_some() { "issued" } else { "made" };
                let because = Reason::joined(&wished.reasons);
                format!("it must be {done} again ({because}), and its key is not here")
            }
        };
        let name = self.world.graph.get(id).name.clone();
        self.block(id, Some(Allow::LostKey(NamePattern::Exact(name))), why)
    }

    /// What is here will do. Without its key it can do no harm: it is told once.
    pub fn keep_minted(&mut self, id: DerivationId, expected: Entry) {
        if !self.key_can_be_had(id) {
            self.plan.absent.push(id);
        }
        self.keep_or_repair(id, expected);
    }
}

#[cfg(test)]
mod tests {
    use super::Evidence::{Missing, OfAnotherKey, Sound, Unreadable};
    use super::PrivateKey::{Derived, Gone, Here, NotNeeded, Unusable};
    use super::Verdict::{
        AskForNewKey, Create, GiveUpKey, Keep, KeyMismatch, MakeAgain, NewKey, Reissue,
    };
    use super::*;

    const ANY: [bool; 2] = [false, true];
    const WISHES: [Wish; 3] = [Wish::AsItIs, Wish::NewEvidence, Wish::NewKey];
    const PARTS: [Evidence; 4] = [Missing, Unreadable, OfAnotherKey, Sound];
    const KEYS: [PrivateKey; 5] = [Here, Derived, Gone, NotNeeded, Unusable];

    /// Of a leaf, of a leaf whose key may be lost, of an anchor, of an anchor that may be replaced.
    const KINDS: [Consent; 4] = [
        Consent::OnlyIfLost { given: false },
        Consent::OnlyIfLost { given: true },
        Consent::Always { given: false },
        Consent::Always { given: true },
    ];
    /// The same four, where a new key is wished and where the old one is lost.
    const WISHED: [Verdict; 4] = [NewKey, NewKey, AskForNewKey, GiveUpKey];
    const LOST: [Verdict; 4] = [AskForNewKey, GiveUpKey, AskForNewKey, GiveUpKey];

    type Row<'a> =
        (&'a [Evidence], &'a [PrivateKey], &'a [bool], &'a [Wish], [Verdict; KINDS.len()]);

    #[test]
    fn every_row_of_the_table() {
        use Wish::{AsItIs, NewEvidence};
        let other: &[Wish] = &[AsItIs, NewEvidence];
        let rows: &[Row<'_>] = &[
            // Nothing of it is here or on record.
            (&[Missing], &[Derived, Gone, NotNeeded], &[false], &WISHES, [Create; 4]),
            // Another key is wished of what was made.
            (&[Missing], &[Derived, Gone, NotNeeded], &[true], &[Wish::NewKey], WISHED),
            (&[Missing], &[Here], &ANY, &[Wish::NewKey], WISHED),
            (
                &[Unreadable, OfAnotherKey, Sound],
                &[Here, Derived, Gone, NotNeeded],
                &ANY,
                &[Wish::NewKey],
                WISHED,
            ),
            // Its key is not the one that is described.
            (&PARTS, &[Unusable], &ANY, &WISHES, WISHED),
            // Two keys.
            (&[OfAnotherKey], &[Here, Derived, Gone, NotNeeded], &ANY, other, [KeyMismatch; 4]),
            // The public part is gone.
            (&[Missing], &[Here], &ANY, other, [Reissue; 4]),
            (&[Missing], &[NotNeeded], &[true], other, [Reissue; 4]),
            (&[Missing], &[Derived], &[true], other, [MakeAgain; 4]),
            (&[Missing], &[Gone], &[true], other, LOST),
            (&[Unreadable], &[Here, NotNeeded], &ANY, other, [Reissue; 4]),
            (&[Unreadable], &[Derived], &ANY, other, [MakeAgain; 4]),
            (&[Unreadable], &[Gone], &ANY, other, LOST),
            // It is here and will do, or must be made anew.
            (&[Sound], &[Here, Derived, Gone, NotNeeded], &ANY, &[AsItIs], [Keep; 4]),
            (&[Sound], &[Here, Derived, NotNeeded], &ANY, &[NewEvidence], [Reissue; 4]),
            (&[Sound], &[Gone], &ANY, &[NewEvidence], LOST),
        ];
        let mut seen = 0;
        for (publics, keys, mades, wishes, verdicts) in rows {
            for (consent, expected) in KINDS.into_iter().zip(verdicts) {
                for (public, key, made, wish) in publics.iter().flat_map(|public| {
                    keys.iter().flat_map(move |key| {
                        mades.iter().flat_map(move |made| {
                            wishes.iter().map(move |wish| (*public, *key, *made, *wish))
                        })
                    })
                }) {
                    let case = Case { public, key, made, wish, consent };
                    assert_eq!(case.verdict(), *expected, "{case:?}");
                    seen += 1;
                }
            }
        }
        // Every case stands in one row.
        let all = PARTS.len() * KEYS.len() * ANY.len() * WISHES.len() * KINDS.len();
        assert_eq!(seen, all);
    }

    #[test]
    fn no_anchor_gets_another_key_unasked() {
        for public in PARTS {
            for key in KEYS {
                for made in ANY {
                    for wish in WISHES {
                        let consent = Consent::Always { given: false };
                        let verdict = Case { public, key, made, wish, consent }.verdict();
                        assert!(!matches!(verdict, NewKey | GiveUpKey), "{public:?} {key:?}");
                        assert!(verdict != Create || (public == Missing && !made), "{key:?}");
                    }
                }
            }
        }
    }
}
