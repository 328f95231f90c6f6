//! What differs between two states, as data.

use schemars::JsonSchema;
use serde::Serialize;

use super::privilege::PrivilegeReport;
use super::report::FORMAT_VERSION;
use super::text::{harmless, printable};
use crate::diff::{Change, Changed, Comparison, Follows, Named, Value, plain};

/// What `kpki diff --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DiffReport {
    /// Version of this format.
    pub format_version: u32,
    /// What was compared: a revision, `the working tree`, a file or a folder.
    pub before: String,
    pub after: String,
    /// Nothing differs in meaning.
    pub equal: bool,
    /// Who gains and loses power.
    pub authority: Vec<PrivilegeReport>,
    pub notes: Vec<String>,
    pub sections: Vec<SectionReport>,
}

/// One kind of things that were compared.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SectionReport {
    pub of: Section,
    pub added: Vec<NamedReport>,
    pub removed: Vec<NamedReport>,
    pub changed: Vec<ChangedReport>,
    /// The same themselves, but made from something that changed.
    pub follows: Vec<FollowsReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// What the descriptions ask for, by artifact.
    Description,
    /// Public files and what they say, by path.
    Files,
    /// Lines of two locks, by name.
    Lock,
}

/// What is on one side only.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NamedReport {
    pub name: String,
    /// Certificate, kubeconfig and so on.
    pub kind: String,
    pub fields: Vec<FieldReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FieldReport {
    pub field: String,
    pub value: String,
    /// A digest or a serial number: nothing that a person reads.
    #[serde(skip)]
    pub(super) minor: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ChangedReport {
    pub name: String,
    pub kind: String,
    pub changes: Vec<ChangeReport>,
    /// Whether its public key is the same; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_key: Option<bool>,
}

/// A field before and after; of a field with several values what is gone and what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ChangeReport {
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    pub removed: Vec<String>,
    pub added: Vec<String>,
    /// Before and after are digests.
    #[serde(skip)]
    pub(super) minor: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FollowsReport {
    pub name: String,
    pub kind: String,
    /// What it follows.
    pub inputs: Vec<String>,
}

pub fn diff_report(
    [before, after]: [&str; 2],
    authority: Vec<PrivilegeReport>,
    sections: &[(Section, Comparison)],
    notes: Vec<String>,
) -> DiffReport {
    DiffReport {
        format_version: FORMAT_VERSION,
        before: printable(before),
        after: printable(after),
        equal: sections.iter().all(|(_, comparison)| comparison.is_equal()),
        authority,
        notes,
        sections: sections.iter().map(|(of, all)| section(*of, all)).collect(),
    }
}

fn section(of: Section, comparison: &Comparison) -> SectionReport {
    SectionReport {
        of,
        added: comparison.added.iter().map(named).collect(),
        removed: comparison.removed.iter().map(named).collect(),
        changed: comparison.changed.iter().map(changed).collect(),
        follows: comparison.follows.iter().map(follows).collect(),
    }
}

fn named(named: &Named) -> NamedReport {
    let fields = named.item.fields.iter().map(|field| FieldReport {
        field: field.name.to_owned(),
        value: harmless(&plain(&field.value)),
        minor: match &field.value {
            Value::Digest(_) | Value::Echo(_) => true,
            Value::Hidden(hidden) => hidden.is_echo,
            _ => false,
        },
    });
    NamedReport {
        name: harmless(&named.name),
        kind: named.item.kind.to_owned(),
        fields: fields.collect(),
    }
}

fn changed(changed: &Changed) -> ChangedReport {
    ChangedReport {
        name: harmless(&changed.name),
        kind: changed.kind.to_owned(),
        changes: changed.changes.iter().map(change).collect(),
        same_key: changed.same_key,
    }
}

fn change(change: &Change) -> ChangeReport {
    let all = |texts: &std::collections::BTreeSet<String>| {
        texts.iter().map(|text| harmless(text)).collect()
    };
    let some = |text: &String| (!text.is_empty()).then(|| harmless(text));
    let report = |field: &str| ChangeReport {
        field: field.to_owned(),
        before: None,
        after: None,
        removed: Vec::new(),
        added: Vec::new(),
        minor: matches!(change, Change::Other { .. }),
    };
    match change {
        Change::Text { field, before, after } | Change::Other { field, before, after } => {
            ChangeReport { before: some(before), after: some(after), ..report(field) }
        }
        Change::Set { field, removed, added } => {
            ChangeReport { removed: all(removed), added: all(added), ..report(field) }
        }
    }
}

fn follows(follows: &Follows) -> FollowsReport {
    FollowsReport {
        name: harmless(&follows.name),
        kind: follows.kind.to_owned(),
        inputs: follows.inputs.clone(),
    }
}
