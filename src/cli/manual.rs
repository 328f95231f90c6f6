//! `kpki man`: a page for each command from clap's tree, and kpki.kdl(5) from the parser's rows.

mod words;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

pub use self::words::description_page;
use super::{command, examples};

#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command, such as plan, or kpki.kdl for the description
    pub command: Vec<String>,
    /// Write all pages below this folder instead, where man -M DIR and MANPATH find them
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub out: Option<PathBuf>,
}

/// A page, and where it lies below a folder of manual pages.
#[derive(Debug)]
pub struct Page {
    /// `man1/kpki-plan.1`
    pub path: String,
    pub text: String,
}

const SOURCE: &str = concat!("kpki ", env!("CARGO_PKG_VERSION"));

/// kpki with all that can be typed, as pages and the reference know it.
pub fn tree() -> Command {
    let mut tree = command().disable_help_subcommand(true);
    tree.build();
    tree
}

/// Every page that another one names.
pub fn pages() -> std::io::Result<Vec<Page>> {
    let mut pages = vec![description_page()];
    below(&tree(), &[], &mut pages)?;
    Ok(pages)
}

fn below(command: &Command, words: &[&str], pages: &mut Vec<Page>) -> std::io::Result<()> {
    pages.push(command_page(command, words)?);
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let words: Vec<&str> = words.iter().copied().chain([inner.get_name()]).collect();
        below(inner, &words, pages)?;
    }
    Ok(())
}

/// The page of the command that these words lead to.
pub fn command_page(command: &Command, words: &[&str]) -> std::io::Result<Page> {
    let man = Man::new(command.clone()).source(SOURCE).manual("kpki");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let mut more = Roff::new();
    more.control("SH", ["EXAMPLES"]);
    for example in examples::of(&words.join(" ")) {
        more.control("TP", []);
        more.text([bold(example.line)]);
        more.text([roman(example.does)]);
    }
    more.control("SH", ["SEE ALSO"]);
    let mut others = vec![("kpki.kdl", 5)];
    if !words.is_empty() {
        others.insert(0, ("kpki", 1));
    }
    see(&mut more, &others);
    text.extend(more.to_roff().bytes());
    let name: Vec<&str> = ["kpki"].into_iter().chain(words.iter().copied()).collect();
    Ok(Page {
        path: format!("man1/{}.1", name.join("-")),
        text: in_ascii(&String::from_utf8_lossy(&text)),
    })
}

/// groff reads no other characters unless it is told to.
fn in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '…' => ascii.push_str("..."),
            c if c.is_ascii() => ascii.push(c),
            c => _ = write!(ascii, "\\[u{:04X}]", u32::from(c)),
        }
    }
    ascii
}

fn see(roff: &mut Roff, pages: &[(&str, u8)]) {
    let last = pages.len().saturating_sub(1);
    for (index, (name, section)) in pages.iter().enumerate() {
        let comma = if index == last { "" } else { ", " };
        roff.text([bold(*name), roman(format!("({section}){comma}"))]);
    }
}
