//! Words and rules, explained to a person.

use std::fmt::Write as _;

use super::explain::{ExplainReport, MeaningReport, RuleReport, WordReport};
use super::report::Report;
use super::style::{STRONG, paint};
use super::text::{Table, paragraph};
use super::verify::SeverityReport;

impl Report for ExplainReport {
    fn text(&self, columns: usize) -> String {
        if self.rules.len() > 1 {
            return self.all(columns);
        }
        let mut parts: Vec<String> = Vec::new();
        match self.words.as_slice() {
            [] => {}
            [only] => parts.push(only.text(columns)),
            [first, ..] => {
                let next = format!("next: kpki explain {} tells more", first.name);
                parts.push(format!("{}\n{next}\n", brief(&self.words, columns)));
            }
        }
        parts.extend(self.rules.iter().map(|rule| rule.text(columns)));
        parts.join("\n")
    }
}

impl ExplainReport {
    fn all(&self, columns: usize) -> String {
        let mut rules = Table::new();
        for rule in &self.rules {
            rules.row([rule.id.as_str().into(), rule.word().into(), rule.title.as_str().into()]);
        }
        let words = paint(STRONG, "words of cluster.kdl, and of a policy");
        let found = paint(STRONG, "rules of kpki verify");
        format!(
            "{words}\n{}\n{found}\n{}\nnext: kpki explain NAME tells all about one of these\n",
            brief(&self.words, columns),
            rules.render("", columns)
        )
    }
}

/// Each with the first sentence of what it means.
fn brief(words: &[WordReport], columns: usize) -> String {
    let mut table = Table::new();
    for word in words {
        table.row([word.name.as_str().into(), first_sentence(&word.means).into()]);
    }
    table.render("", columns)
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

impl WordReport {
    fn text(&self, columns: usize) -> String {
        let mut text = format!("{}\n", paint(STRONG, &self.name));
        text.push_str(&paragraph("  ", 2, &self.means, columns));
        let mut table = Table::new();
        table.row(["stands".into(), self.stands.as_str().into()]);
        let label = self.label();
        if let Some(form) = &self.form {
            table.row([label.into(), form.as_str().into()]);
        }
        for (index, MeaningReport { word, means }) in self.values.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            table.row([label.into(), word.as_str().into(), means.as_str().into()]);
        }
        if let Some(default) = &self.default {
            table.row(["default".into(), default.as_str().into()]);
        }
        if let Some(without) = &self.without {
            table.row(["without".into(), without.as_str().into()]);
        }
        if self.required {
            table.row(["without".into(), "a mistake: it must be written".into()]);
        }
        let _ = write!(text, "\n{}", table.render("", columns));
        if !self.words.is_empty() {
            let mut table = Table::new();
            for MeaningReport { word, means } in &self.words {
                table.row([word.as_str().into(), first_sentence(means).into()]);
            }
            let _ = write!(text, "\nwords\n{}", table.render("  ", columns));
        }
        text.push_str("\nexample\n");
        for line in self.example.lines() {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(first) = self.words.first() {
            let _ = writeln!(text, "\nnext: kpki explain {}.{} tells more", self.name, first.word);
        }
        text
    }
}

impl RuleReport {
    fn word(&self) -> &'static str {
        match self.severity {
            SeverityReport::Error => "error",
            SeverityReport::Warning => "warning",
        }
    }

    fn text(&self, columns: usize) -> String {
        let head = format!("{} ({}): {}", self.id, self.word(), self.title);
        let mut text = paragraph("", 2, &head, columns);
        for (name, what) in
            [("why     ", &self.why), ("fix     ", &self.fix), ("source  ", &self.source)]
        {
            text.push_str(&paragraph(name, 8, what, columns));
        }
        text
    }
}
