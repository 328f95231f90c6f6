//! Where lines begin and end, and what stands in them.

use crate::edit::Edit;

use super::PodError;
use super::block::spaces;
use super::tree::{Kind, Node, Pair};

#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub text: &'a str,
}

impl<'a> Layout<'a> {
    /// Whole lines after the one in which something ends. With the column of an entry that ends there,
    /// comments that can only belong to its collection stay in front of the new lines.
    pub fn lines_after(
        &self,
        end: usize,
        lines: &[String],
        column: Option<usize>,
    ) -> Result<Edit, PodError> {
        // A block scalar ends at the start of a line.
        let line_start = column.is_some() && self.slice(0, end).ends_with('\n');
        let rest = self.text.get(end..).unwrap_or_default();
        let line =
            if line_start { "" } else { rest.split_inclusive('\n').next().unwrap_or_default() };
        let behind = line.trim();
        if !(behind.is_empty() || behind.starts_with('#')) {
            return Err(PodError::failed(
                "something else stands in the line that new lines would follow",
            ));
        }
        let mut at = end + line.len();
        if let Some(column) = column
            && (line_start || line.ends_with('\n'))
        {
            at += self.own_comments(at, column);
        }
        let line_break = self.line_break(at);
        let lines = lines.join(line_break);
        Ok(if self.slice(0, at).ends_with('\n') {
            Edit::insert(at, lines + line_break)
        } else {
            Edit::insert(at, format!("{line_break}{lines}"))
        })
    }

    /// Before the first key or dash of a block, and before the comments above it.
    pub fn lines_before(&self, node: &Node, lines: &[String]) -> Edit {
        let before = self.slice(0, node.span.start);
        let mut at = before.rfind('\n').map_or(0, |last| last + 1);
        let line_break = self.line_break(at);
        if !self.slice(at, node.span.start).trim().is_empty() {
            // The first entry stands behind a dash or a key: push it to a line of its own.
            let lines = lines.join(line_break);
            let indent = spaces(node.column);
            return Edit::insert(
                node.span.start,
                format!("{}{line_break}{indent}", lines.trim_start()),
            );
        }
        for line in self.slice(0, at).split_inclusive('\n').rev() {
            if !line.trim_start().starts_with('#') {
                break;
            }
            at -= line.len();
        }
        Edit::insert(at, lines.join(line_break) + line_break)
    }

    pub fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// As the line before ends.
    fn line_break(&self, at: usize) -> &'static str {
        let before = self.slice(0, at);
        let crlf = if before.ends_with('\n') {
            before.ends_with("\r\n")
        } else {
            self.text.contains("\r\n")
        };
        if crlf { "\r\n" } else { "\n" }
    }

    /// The number of blanks between a sequence's dashes and its items.
    pub fn gap(&self, list: &Node) -> usize {
        let first = match &list.kind {
            Kind::List { items, .. } => items.first(),
            Kind::Map { .. } | Kind::Empty | Kind::Scalar { .. } | Kind::Alias(_) => None,
        };
        let between = first.map(|first| self.slice(list.span.start, first.span.start));
        match between.and_then(|between| between.strip_prefix('-')) {
            Some(blanks) if !blanks.is_empty() && blanks.chars().all(|c| c == ' ') => blanks.len(),
            _ => 1,
        }
    }

    pub fn after_colon(&self, pair: &Pair) -> Result<usize, PodError> {
        let rest = self.slice(pair.key.span.end, self.text.len());
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        if rest.trim_start_matches(' ').starts_with(':') {
            return Ok(pair.key.span.end + blanks + 1);
        }
        Err(PodError::at(pair.key.line, "a key of an unusual form would have to change"))
    }

    pub fn pair_end(&self, pair: &Pair) -> usize {
        match (&pair.value.kind, self.after_colon(pair)) {
            (Kind::Empty, Ok(colon)) => colon,
            _ => self.content_end(&pair.value),
        }
    }

    /// The length of the comment lines from here on that stand deeper than what follows them.
    fn own_comments(&self, at: usize, column: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let indent = |line: &str| line.len() - line.trim_start().len();
        let is_comment = |line: &&str| line.trim_start().starts_with('#');
        let next = rest
            .lines()
            .find(|line| !is_comment(line) && !line.trim().is_empty())
            .map_or(0, indent);
        rest.split_inclusive('\n')
            .take_while(|line| is_comment(line) && indent(line) >= column && indent(line) > next)
            .map(str::len)
            .sum()
    }

    /// Where the last thing in a node ends: the parser's own ends of blocks are at the next token.
    pub fn content_end(&self, node: &Node) -> usize {
        match &node.kind {
            Kind::List { flow: false, items } => {
                items.last().map_or(node.span.end, |item| self.content_end(item))
            }
            Kind::Map { flow: false, entries } => {
                entries.last().map_or(node.span.end, |pair| self.pair_end(pair))
            }
            Kind::Scalar { text, .. } if node.is_block_scalar() && !text.ends_with("\n\n") => {
                // Blank lines below a block belong to it only if it keeps them.
                let block = self.slice(node.span.start, node.span.end);
                let content = block.trim_end();
                let line = block.get(content.len()..).and_then(|rest| rest.find('\n'));
                node.span.start + line.map_or(block.len(), |line| content.len() + line + 1)
            }
            _ => node.span.end,
        }
    }
}
