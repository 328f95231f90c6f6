//! How plan, apply and `why` tell what is done to an artifact.

use anstyle::Style;

use super::style::{CHANGE, DANGER, GOOD, MINOR};
use super::text::Cell;
use crate::plan::Action;

/// The words for an action, and how its line looks.
pub(super) struct InWords {
    /// What a reviewer looks for first.
    pub sign: &'static str,
    pub style: Style,
    /// In a line of a plan, and of an apply.
    pub planned: &'static str,
    pub done: &'static str,
    /// After a number of them.
    pub all_planned: &'static str,
    pub all_done: &'static str,
}

pub(super) fn in_words(action: Action) -> InWords {
    let (sign, style, [planned, done], [all_planned, all_done]) = match action {
        Action::Create => ("+", GOOD, ["create", "created"], ["to create", "created"]),
        Action::Replace => ("!", DANGER, ["replace", "replaced"], ["to REPLACE", "REPLACED"]),
        Action::Rekey => ("!", CHANGE, ["rekey", "rekeyed"], ["to get a new key", "rekeyed"]),
        Action::Reissue => ("~", CHANGE, ["reissue", "reissued"], ["to reissue", "reissued"]),
        Action::Render => ("~", CHANGE, ["render", "rendered"], ["to render", "rendered"]),
        Action::Repair => ("=", MINOR, ["repair", "repaired"], ["to repair", "repaired"]),
        Action::Record => ("=", MINOR, ["record", "recorded"], ["to record", "recorded"]),
    };
    InWords { sign, style, planned, done, all_planned, all_done }
}

/// A line of the table of changes.
pub(super) struct ChangeRow {
    /// With a sign before it.
    pub name: String,
    pub action: &'static str,
    pub style: Style,
    pub why: String,
    /// No later apply takes it back.
    pub is_final: bool,
    /// What it is alike to others in; `None` is like no other.
    pub family: Option<String>,
}

impl ChangeRow {
    pub fn cells(self) -> [Cell; 3] {
        let ChangeRow { name, action, style, why, .. } = self;
        [Cell::new(style, name), Cell::new(style, action), why.into()]
    }
}
