//! What a reader of Markdown sees of a comment, beside the texts in its fences.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// What is none of kpki's own: a tag, a link, a list, a table, or a fold that does not close.
pub fn foreign(markdown: &str) -> Vec<String> {
    let mut foreign = Vec::new();
    let mut open = 0;
    for event in Parser::new_ext(markdown, Options::all()) {
        match &event {
            Event::Html(html) | Event::InlineHtml(html) => match html.trim_end() {
                "<!-- kpki plan lab -->" => {}
                "</details>" => open -= 1,
                html if html.starts_with("<details><summary>") && html.ends_with("</summary>") => {
                    open += 1;
                }
                _ => foreign.push(format!("{event:?}")),
            },
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language)))
                if **language == *"diff" => {}
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::Strong | Tag::HtmlBlock)
            | Event::Text(_)
            | Event::Code(_)
            | Event::End(_) => {}
            _ => foreign.push(format!("{event:?}")),
        }
        if !(0..=1).contains(&open) {
            foreign.push("a fold within a fold".to_owned());
        }
    }
    if open != 0 {
        foreign.push("a fold that does not close".to_owned());
    }
    foreign
}

#[test]
fn what_is_not_ours_is_found() {
    let good = "<!-- kpki plan lab -->\n### kpki plan: `lab`\n\n<details><summary>1</summary>\n\n```diff\n<b>\n```\n\n</details>\n";
    assert_eq!(foreign(good), Vec::<String>::new());
    for bad in [
        "<details><summary>1</summary>\n\n```diff\n",
        "</details>\n",
        "a <b>",
        "[a](http://b)",
        "| a |\n|---|\n| b |\n",
        "- a\n",
        "```\na\n```\n",
    ] {
        assert_ne!(foreign(bad), Vec::<String>::new(), "{bad}");
    }
}
