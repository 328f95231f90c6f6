//! kpki.kdl(5): what a description may say.

use clap_mangen::roff::{Roff, bold, italic, roman};

use super::{Page, SOURCE, in_ascii, see};
use crate::config::all_words;
use crate::render::{ExplainReport, MeaningReport, WordReport};

const SYNTAX: &str = "A description is one file in KDL 2, cluster.kdl, with others included. A line is a node: a \
    word, its name, properties (word=value) and a block with further words. A property and a word in the block \
    mean the same where one value is meant; several values stand in the block. Texts are in double quotes; \
    numbers, #true, #false and #null are not. // begins a comment. The order never matters.";

/// The page of the description's words.
pub fn description_page() -> Page {
    let report = ExplainReport::new(&all_words(), &[]);
    let mut roff = Roff::new();
    roff.control("TH", ["kpki.kdl", "5", "", SOURCE, "kpki"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("kpki.kdl - the description of a Kubernetes cluster's PKI")]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold("cluster.kdl")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(SYNTAX)]);
    roff.control("SH", ["WORDS"]);
    for word in &report.words {
        of_word(word, &mut roff);
    }
    roff.control("SH", ["EXAMPLES"]);
    for word in report.words.iter().filter(|word| !word.name.contains('.')) {
        roff.control("PP", []);
        lines(&word.example, &mut roff);
    }
    roff.control("SH", ["SEE ALSO"]);
    see(&mut roff, &[("kpki", 1), ("kpki-explain", 1)]);
    Page { path: "man5/kpki.kdl.5".to_owned(), text: in_ascii(&roff.render()) }
}

fn of_word(word: &WordReport, roff: &mut Roff) {
    if word.name.contains('.') {
        roff.control("TP", []);
        roff.text([bold(&word.name)]);
    } else {
        roff.control("SS", [word.name.as_str()]);
    }
    roff.text([roman(&word.means)]);
    if let Some(form) = &word.form {
        roff.control("br", []);
        let label = match word.label() {
            "name" => "Its name",
            _ => "Value",
        };
        roff.text([roman(format!("{label}: {form}."))]);
    }
    for MeaningReport { word, means } in &word.values {
        roff.control("br", []);
        roff.text([italic(word), roman(format!(": {means}"))]);
    }
    let rest = [
        word.default.as_ref().map(|default| format!("Default: {default}.")),
        word.without.as_ref().map(|without| format!("Without it: {without}.")),
        word.required.then(|| "It must be written.".to_owned()),
    ];
    for rest in rest.into_iter().flatten() {
        roff.control("br", []);
        roff.text([roman(rest)]);
    }
}

fn lines(text: &str, roff: &mut Roff) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}
