//! What plan and status only count: keys that are elsewhere, and files that nothing describes.

use super::text::{counted, harmless, paragraph, some};

/// Names of one kind, and what there is to say of them.
pub(super) struct LeftOver<'a> {
    pub names: &'a [String],
    noun: &'static str,
    what: &'static str,
    help: &'static str,
}

pub(super) fn left_over<'a>(
    absent: &'a [String],
    orphans: &'a [String],
    foreign: &'a [String],
) -> [LeftOver<'a>; 3] {
    [
        LeftOver {
            names: absent,
            noun: "private key",
            what: "known, but not here",
            help: " (restore its file, or kpki apply --rekey NAME)",
        },
        LeftOver {
            names: orphans,
            noun: "orphan",
            what: "no longer described",
            help: " (kpki apply --prune deletes)",
        },
        LeftOver {
            names: foreign,
            noun: "file",
            what: "under out/ that kpki did not make",
            help: "",
        },
    ]
}

impl LeftOver<'_> {
    pub fn title(&self) -> String {
        format!("{} {}", counted(self.names.len(), self.noun), self.what)
    }

    /// With the first names.
    pub fn text(&self, columns: usize) -> String {
        self.naming(&some(self.names), columns)
    }

    /// With every name.
    pub fn text_of_all(&self, columns: usize) -> String {
        self.naming(&self.names.join(", "), columns)
    }

    fn naming(&self, names: &str, columns: usize) -> String {
        if self.names.is_empty() {
            return String::new();
        }
        let line = format!("{}: {names}{}", self.title(), self.help);
        paragraph("", 2, &harmless(&line), columns)
    }
}
