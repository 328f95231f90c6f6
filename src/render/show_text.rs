//! An artifact in words.

use std::fmt::Write as _;

use super::artifact::ArtifactReport;
use super::report::Report;
use super::show::ShowReport;
use super::style::{CHANGE, PLAIN, STRONG, paint};
use super::text::{Cell, Table};
use crate::first_few::more;

/// A CA lies on every node and everything depends on it: more than this is counted.
const SHOWN: usize = 20;

impl Report for ShowReport {
    fn text(&self, columns: usize) -> String {
        let artifact = self.artifact.as_ref().map(|artifact| artifact.text(columns));
        let file = self.file.as_ref().map(|file| file.text(columns));
        artifact.or(file).unwrap_or_default()
    }
}

impl ArtifactReport {
    fn text(&self, columns: usize) -> String {
        let mut text = format!("{} ({})\n", paint(STRONG, &self.name), self.kind);
        section(&mut text, "wish");
        let mut wish = Table::new();
        for row in &self.wish {
            let origin = match row.origin.as_str() {
                "" => String::new(),
                origin => format!("({origin})"),
            };
            wish.row([row.field.as_str().into(), row.value.as_str().into(), origin.into()]);
        }
        text.push_str(&wish.render("  ", columns));
        if let Some(certificate) = &self.certificate {
            section(&mut text, "certificate on disk");
            let mut table = Table::new();
            certificate.rows(&mut table);
            text.push_str(&table.render("  ", columns));
        }
        if let Some(waiting) = &self.waiting {
            section(&mut text, "waits for the cluster's signature");
            text.push_str(&waiting.steps());
        }
        if let Some(key) = &self.public_key {
            section(&mut text, "public key on disk");
            let _ = writeln!(text, "  {}, digest {}", key.key, key.digest);
        }
        if let Some(why) = &self.unreadable {
            let _ = writeln!(text, "\n{}", paint(CHANGE, why));
        }
        section(&mut text, "files");
        let mut files = Table::new();
        for place in self.files.iter().take(SHOWN) {
            let style = if place.state == "here" { PLAIN } else { CHANGE };
            files.row([
                place.mode.as_str().into(),
                Cell::new(style, place.state.as_str()),
                place.path.as_str().into(),
            ]);
        }
        text.push_str(&files.render("  ", columns));
        and_more(&mut text, self.files.len());
        section(&mut text, "needed by");
        list(&mut text, &self.dependents);
        let _ = writeln!(text, "\nhash {}", self.hash);
        text
    }
}

pub(super) fn section(text: &mut String, title: &str) {
    let _ = writeln!(text, "\n{}", paint(STRONG, title));
}

/// Names, one a line.
pub(super) fn list(text: &mut String, names: &[String]) {
    if names.is_empty() {
        text.push_str("  nothing\n");
    }
    for name in names.iter().take(SHOWN) {
        let _ = writeln!(text, "  {name}");
    }
    and_more(text, names.len());
}

fn and_more(text: &mut String, count: usize) {
    if let Some(more) = more(count, SHOWN) {
        let _ = writeln!(text, "  {more}");
    }
}
