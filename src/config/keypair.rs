//! `keypair 2 state="trusted"`: the key pairs of a CA or of the service accounts, of which one signs.

use super::block::Block;
use super::fields::REVISION;
use super::problem::{At, Problem};
use super::reader::Reader;
use super::shape::{One, Shape, Values, one, word};
use super::tree::{Scalar, Value};
use crate::spec::{Keypair, KeypairState};
use crate::words::Worded as _;

pub const SHAPE: Shape = Shape {
    word: "keypair",
    example: Some("2"),
    names: Values::Number { from: 1, to: Keypair::LAST },
    means: "A key pair of a CA or of the service accounts, by its number. One signs; while another one takes \
        its place, both are believed. kpki rotate writes these lines.",
    fields: &[STATE.field, CERTIFICATE.field.with(&["state \"trusted\""])],
    beside: &["keypair 1"],
    shows: "ca \"kubernetes\" {\n    keypair 1\n    keypair 2 state=\"trusted\"\n}",
    ..Shape::PLAIN
};

pub const STATE: One<KeypairState> = one(word("state")
    .means("What a key pair is there for that does not sign.")
    .one_of::<KeypairState>()
    .follows("it signs")
    .sample("\"trusted\""));
pub const CERTIFICATE: One<String> = one(word("certificate")
    .means(
        "The certificate of a CA that you bring, alone or with its chain. kpki signs with the key that \
        you put beside it in out/ca/, and never renews that certificate.",
    )
    .text("a file in PEM, beside this one or below")
    .follows("kpki makes and renews it")
    .sample("\"company-ca.crt\""));

/// One line, read.
pub struct Line<'n> {
    pub number: Keypair,
    /// `None`: it signs.
    pub state: Option<KeypairState>,
    pub at: At,
    pub certificate: Option<&'n Value>,
}

/// The one that signs and the others by number; `None`: none is written, or what is written is a mistake.
pub fn read<'n>(owner: &Block<'n>, reader: &mut Reader<'_>) -> Option<(Line<'n>, Vec<Line<'n>>)> {
    let before = reader.problems.len();
    let mut lines: Vec<Line<'n>> = Vec::new();
    for block in &owner.blocks {
        let Some(line) = line(block, reader) else { continue };
        if let Some(first) = lines.iter().find(|known| known.number == line.number) {
            reader.problem(
                Problem::new(line.at, format!("keypair {} is described twice", line.number))
                    .label("again")
                    .first(first.at)
                    .help("each key pair has a number of its own"),
            );
            continue;
        }
        lines.push(line);
    }
    let mut signers = lines.iter().filter(|line| line.state.is_none());
    match (signers.next(), signers.next()) {
        (Some(first), Some(second)) => reader.problem(
            Problem::new(second.at, "two key pairs sign")
                .other(first.at, "and this one")
                .help("one signs; write state=\"trusted\" on the other"),
        ),
        (None, _) if !owner.blocks.is_empty() && reader.problems.len() == before => reader.problem(
            Problem::new(owner.at, "no key pair signs")
                .help("leave out `state` on the one that does"),
        ),
        _ => {}
    }
    if let Some(at) = owner.written(REVISION.field)
        && !lines.is_empty()
        && !lines.iter().any(|line| line.number == Keypair::FIRST)
    {
        reader.problem(
            Problem::new(at, "`revision` counts the keys of keypair 1, which is not here")
                .help("delete it: another key is another keypair"),
        );
    }
    if reader.problems.len() > before {
        return None;
    }
    lines.sort_by_key(|line| (line.state.is_some(), line.number));
    let mut lines = lines.into_iter();
    Some((lines.next()?, lines.collect()))
}

fn line<'n>(block: &Block<'n>, reader: &mut Reader<'_>) -> Option<Line<'n>> {
    let written = block.one(STATE);
    let state = written.and_then(|value| reader.choice(value, STATE.word(), KeypairState::WORDS));
    let name = block.name?;
    let number = match name.scalar {
        Scalar::Integer(number) => u32::try_from(number).ok().and_then(Keypair::new),
        _ => None,
    };
    if number.is_none() {
        let message = format!("`keypair` takes a whole number from 1 to {}", Keypair::LAST);
        let help = match &name.scalar {
            Scalar::Text(text) if Keypair::parse(text).is_some() => {
                format!("write it without quotes: keypair {text}")
            }
            _ => "the first one is 1: keypair 2 takes its place".to_owned(),
        };
        reader.problem(Problem::new(name.at, message).help(help));
    }
    let is_known = state.is_some() || block.written(STATE.field).is_none();
    Some(Line {
        number: number.filter(|_| is_known)?,
        state,
        at: name.at,
        certificate: block.one(CERTIFICATE),
    })
}
