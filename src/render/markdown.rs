//! Markdown for a comment on a pull request. Whatever comes out of a description, a certificate or a folder
//! stands in a fence: there GitHub and GitLab read no HTML, no link, no mention and no reference, and its
//! lines end it only where they hold as many backticks as it has. So the fence is longer than any run of
//! backticks in it.

use std::fmt::Write as _;

use super::text::harmless;

/// Bytes. A comment on GitHub has room for 65,536 characters.
pub const LIMIT: usize = 60_000;

/// Characters of one entry's text that are shown: no one line may push the others out.
const ENTRY: usize = 2_000;

/// What is wide enough for a comment and needs no scrolling there.
pub const COLUMNS: usize = 100;

/// A part of a comment: a fence of entries, each of one or several lines.
#[derive(Debug)]
pub struct Section {
    title: String,
    folded: bool,
    entries: Vec<String>,
}

impl Section {
    /// Everybody sees it. The title is kpki's own words.
    pub fn open(title: impl Into<String>, entries: Vec<String>) -> Self {
        Section { title: title.into(), folded: false, entries }
    }

    /// A click shows it. The title is kpki's own words.
    pub fn folded(title: impl Into<String>, entries: Vec<String>) -> Self {
        Section { folded: true, ..Section::open(title, entries) }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// With its first entries; how many there are besides is said.
    fn render(&self, shown: usize) -> String {
        let mut text = if self.folded {
            format!("<details><summary>{}</summary>\n\n", self.title)
        } else {
            format!("**{}**\n\n", self.title)
        };
        let hidden = self.entries.len().saturating_sub(shown);
        if shown > 0 {
            let fence = self.fence();
            let _ = writeln!(text, "{fence}diff");
            text.extend(self.entries.iter().take(shown).map(String::as_str));
            let _ = writeln!(text, "{fence}\n");
        }
        if hidden > 0 {
            let more = if shown > 0 { " more" } else { "" };
            let _ = writeln!(
                text,
                "{hidden}{more} left out for their length; `kpki plan` shows all.\n"
            );
        }
        if self.folded {
            text.push_str("</details>\n\n");
        }
        text
    }

    fn fence(&self) -> String {
        let runs = self.entries.iter().flat_map(|entry| entry.split(|c| c != '`'));
        "`".repeat(runs.map(str::len).max().unwrap_or(0).max(2) + 1)
    }

    /// With as many entries as there is room for.
    fn fit(&self, room: usize) -> String {
        let whole = self.render(self.entries.len());
        if whole.len() <= room {
            return whole;
        }
        // An entry is longer than what the number of the others loses with it, so more entries never need
        // less room.
        let (mut fits, mut too_many) = (0, self.entries.len());
        while too_many - fits > 1 {
            let middle = usize::midpoint(fits, too_many);
            if self.render(middle).len() <= room {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        self.render(fits)
    }
}

/// A comment of at most [`LIMIT`] bytes: what everybody sees, a summary of kpki's own words, and what a click
/// shows. What stands first gets the room first; of every section at least its title and the number of its
/// entries is kept.
pub fn comment(head: &str, open: &[Section], summary: &str, folded: &[Section]) -> String {
    let least = |sections: &[Section]| -> usize {
        let sections = sections.iter().filter(|section| !section.is_empty());
        sections.map(|section| section.render(0).len()).sum()
    };
    let fixed = head.len() + summary.len() + least(open) + least(folded);
    let mut left = LIMIT.saturating_sub(fixed);
    let mut fitted = |sections: &[Section]| {
        let mut text = String::new();
        for section in sections.iter().filter(|section| !section.is_empty()) {
            let least = section.render(0).len();
            let fitting = section.fit(least + left);
            left = left.saturating_sub(fitting.len().saturating_sub(least));
            text.push_str(&fitting);
        }
        text
    };
    let open = fitted(open);
    let folded = fitted(folded);
    format!("{head}{open}{summary}{folded}").trim_end().to_owned() + "\n"
}

/// A text of one line: what would act on a reader's eye (line breaks, bidirectional and invisible characters)
/// is escaped, and what is too long is cut with a count.
pub fn line(text: &str) -> String {
    let head: String = text.chars().take(ENTRY).collect();
    let mut shown = harmless(&head);
    let more = text.chars().skip(ENTRY).count();
    if more > 0 {
        let _ = write!(shown, " ... and {more} more characters");
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// What a reader of Markdown takes a comment for.
    #[derive(Debug, Default, PartialEq)]
    struct Seen {
        comments: usize,
        opened: usize,
        closed: usize,
        /// Contents of the fences.
        fences: Vec<String>,
        /// All else that is shown.
        words: String,
    }

    fn seen(markdown: &str) -> Seen {
        let mut seen = Seen::default();
        let mut in_fence = false;
        for event in Parser::new_ext(markdown, Options::all()) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    assert_eq!(kind, CodeBlockKind::Fenced("diff".into()), "{markdown}");
                    in_fence = true;
                    seen.fences.push(String::new());
                }
                Event::End(TagEnd::CodeBlock) => in_fence = false,
                Event::Text(text) if in_fence => seen.fences.last_mut().unwrap().push_str(&text),
                Event::Text(text) | Event::Code(text) => seen.words.push_str(&text),
                Event::Html(html) | Event::InlineHtml(html) => match html.trim_end() {
                    "<!-- kpki plan lab -->" => seen.comments += 1,
                    "</details>" => seen.closed += 1,
                    html if html.starts_with("<details><summary>") => seen.opened += 1,
                    other => panic!("{other} in {markdown}"),
                },
                Event::Start(
                    Tag::Paragraph | Tag::Heading { .. } | Tag::Strong | Tag::HtmlBlock,
                )
                | Event::End(
                    TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Strong | TagEnd::HtmlBlock,
                ) => {}
                other => panic!("{other:?} in {markdown}"),
            }
        }
        seen
    }

    const HEAD: &str = "<!-- kpki plan lab -->\n### kpki plan: `lab`\n\n";

    fn entries(texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| line(text) + "\n").collect()
    }

    fn comment(open: &[String], folded: &[String]) -> String {
        super::comment(
            HEAD,
            &[Section::open("open", entries(open))],
            "**in short**\n\n",
            &[Section::folded("folded", entries(folded))],
        )
    }

    /// Words that mean something to Markdown, to HTML or to GitHub, in any order.
    fn hostile() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("```"),
            Just("~~~"),
            Just("`"),
            Just("</details>"),
            Just("</code></pre>"),
            Just("<script>"),
            Just("<!--"),
            Just("-->"),
            Just("\n"),
            Just("\r\n"),
            Just("\u{2028}"),
            Just("|"),
            Just("\\"),
            Just("@all"),
            Just("#1"),
            Just("[a](http://b)"),
            Just("    "),
            Just("\t"),
            Just("$$"),
            Just("&lt;"),
            Just("\u{202e}"),
            Just("a"),
            Just("\0"),
        ];
        proptest::collection::vec(word, 0..12).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_fence(
            open in proptest::collection::vec(hostile(), 1..4),
            folded in proptest::collection::vec(hostile(), 1..4),
        ) {
            let markdown = comment(&open, &folded);
            let all = |texts: &[String]| entries(texts).concat();
            prop_assert_eq!(seen(&markdown), Seen {
                comments: 1,
                opened: 1,
                closed: 1,
                fences: vec![all(&open), all(&folded)],
                words: "kpki plan: labopenin short".to_owned(),
            });
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Too much of anything: what is left is whole.
        #[test]
        fn a_comment_is_never_longer_than_there_is_room_for(
            open in (hostile(), 1..3000_usize),
            folded in (hostile(), 1..3000_usize),
        ) {
            let many = |(text, count): (String, usize)| vec![text + "0123456789"; count];
            let (open, folded) = (many(open), many(folded));
            let markdown = comment(&open, &folded);
            prop_assert!(markdown.len() <= LIMIT, "{} bytes", markdown.len());
            let seen = seen(&markdown);
            prop_assert_eq!((seen.comments, seen.opened, seen.closed), (1, 1, 1));
            let shown: usize = seen.fences.iter().map(|fence| fence.lines().count()).sum();
            // Of each section that is cut, the number of what is missing is told.
            let told: usize = markdown
                .lines()
                .filter(|line| line.ends_with("`kpki plan` shows all."))
                .filter_map(|line| line.split(' ').next()?.parse::<usize>().ok())
                .sum();
            prop_assert_eq!(shown + told, open.len() + folded.len());
        }
    }

    #[test]
    fn what_stands_open_gets_the_room() {
        let open = vec!["escalation".to_owned()];
        let folded = vec!["x".repeat(100); 10_000];
        let markdown = comment(&open, &folded);
        assert!(markdown.contains("escalation"));
        assert!(markdown.len() > LIMIT - 200, "{} bytes", markdown.len());
        let markdown = comment(&folded, &["y".repeat(200)]);
        assert!(markdown.contains("<details><summary>folded</summary>\n\n1 left out"));
        let short = comment(&open, &open);
        assert!(!short.contains("left out"), "{short}");
    }

    #[test]
    fn a_long_text_is_cut_with_a_count() {
        let cut = line(&"é".repeat(ENTRY + 7));
        assert!(cut.ends_with("é ... and 7 more characters"), "{cut}");
        assert_eq!(line("a\\b \"c\""), "a\\b \"c\"");
        assert_eq!(line("a\r\n\u{202e}b\u{200b}"), "a\\r\\n\\u{202e}b\\u{200b}");
    }
}
