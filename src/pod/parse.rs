//! From bytes to nodes. The parser's marks are bytes, a byte order mark included.

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StructureStyle};

use super::tree::{Kind, Node, Pair, Tree};
use super::{PodError, text};

/// Deeper than any Pod: a probe's header stands at 10.
const DEPTH: usize = 64;
/// Aliases are never expanded, only followed; this bounds how much is read twice.
const ANCHORS: usize = 64;

/// The one tag that changes nothing.
const TEXT_TAG: &str = "!!str";

pub(super) fn parse(source: &[u8]) -> Result<Tree, PodError> {
    let text::Text { text, json } = text::read(source)?;
    let options = granit_parser::options! {
        emit_anchor_events: true,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
        max_buffered_comment_events: 100_000,
    };
    let mut reader = Reader {
        text: &text,
        parser: Parser::new_from_str_with_options(&text, options),
        comments: Vec::new(),
        anchored: BTreeMap::new(),
        aliases: 0,
    };
    let root = reader.document()?;
    let Reader { comments, anchored, .. } = reader;
    Ok(Tree { text, json, root, comments, anchored })
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    comments: Vec<String>,
    anchored: BTreeMap<usize, Node>,
    aliases: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), PodError> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(text, _), _))) => self.comments.push(text.into_owned()),
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    let line = error.marker().line();
                    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
                        return Err(PodError::at(
                            line,
                            format!("nested deeper than {DEPTH} levels"),
                        )
                        .help("no static pod needs that many; is this the right file?"));
                    }
                    return Err(PodError::at(line, format!("not YAML: {}", error.info())));
                }
                None => return Err(PodError::whole("the manifest ends too early")),
            }
        }
    }

    fn document(&mut self) -> Result<Node, PodError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(PodError::at(span.start.line(), "a second document in the file")
                        .help("the kubelet reads one Pod from a file; give every Pod its own"));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, &span)?);
                }
                Event::StreamEnd => {
                    return root.ok_or_else(|| PodError::whole("the manifest is empty"));
                }
                _ => return Err(PodError::at(span.start.line(), "not a manifest")),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Node, PodError> {
        let range = span.byte_range().unwrap_or_default();
        let line = span.start.line();
        let anchor = event.anchor_id();
        let tag = event.tag().map(granit_parser::Tag::original);
        if anchor.is_some() {
            // Its name; the node came first.
            self.next()?;
        }
        if tag.as_deref().is_some_and(|tag| tag != TEXT_TAG) {
            let message = "a tag (!) makes something else of what is written here";
            return Err(PodError::at(line, message).help("write the value itself, without a tag"));
        }
        if self.aliases + self.anchored.len() > ANCHORS {
            return Err(PodError::at(line, format!("more than {ANCHORS} anchors and aliases"))
                .help("write the values out"));
        }
        let mut node =
            Node { span: range, line, column: span.start.col(), anchor, tag, kind: Kind::Empty };
        node.kind = match event {
            Event::Scalar(_, ScalarStyle::Plain, ..) if node.span.is_empty() => Kind::Empty,
            Event::Scalar(text, style, ..) => Kind::Scalar { text: text.into_owned(), style },
            Event::Alias(anchor) => {
                self.aliases += 1;
                Kind::Alias(anchor)
            }
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        node.span.end = span.byte_range().unwrap_or_default().end;
                        break;
                    }
                    items.push(self.node(event, &span)?);
                }
                Kind::List { flow: style == StructureStyle::Flow, items }
            }
            Event::MappingStart(style, ..) => {
                let mut entries: Vec<Pair> = Vec::new();
                let mut names = BTreeMap::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        node.span.end = span.byte_range().unwrap_or_default().end;
                        break;
                    }
                    let key = self.node(event, &span)?;
                    let Some(name) = key.text() else {
                        return Err(PodError::at(key.line, "a key that is no text")
                            .help("write the key out"));
                    };
                    if name == "<<" {
                        return Err(PodError::at(key.line, "a merge key (<<) hides what is here")
                            .help("write the merged keys out"));
                    }
                    if let Some(first) = names.insert(name.to_owned(), key.line) {
                        let message = format!("{name} is given twice, first in line {first}");
                        return Err(PodError::at(key.line, message).help("keep one of the two"));
                    }
                    let (event, span) = self.next()?;
                    let mut value = self.node(event, &span)?;
                    self.find_dash(&key, &mut value);
                    entries.push(Pair { key, value });
                }
                Kind::Map { flow: style == StructureStyle::Flow, entries }
            }
            _ => return Err(PodError::at(line, "not a manifest")),
        };
        if let Some(anchor) = anchor {
            self.anchored.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// The parser lets a sequence whose dashes stand under its key start after the first dash.
    fn find_dash(&self, key: &Node, value: &mut Node) {
        if !matches!(value.kind, Kind::List { flow: false, .. }) {
            return;
        }
        let before = self.text.get(..value.span.start).unwrap_or_default();
        let between = before.get(key.span.end..).unwrap_or_default();
        let mut end = before.len();
        for line in between.split('\n').rev() {
            let start = end - line.len();
            let content = line.trim_start_matches(' ');
            if content.starts_with('-') && line.len() - content.len() == key.column {
                value.span.start = start + key.column;
                value.column = key.column;
                return;
            }
            end = start.saturating_sub(1);
        }
    }
}
