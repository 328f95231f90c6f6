//! Checks a text's whole structure before the `kdl` crate sees it.
//!
//! kdl 6.7 recurses per nested block, per `*` in a comment and per stray character behind a node, and takes
//! exponential time on nested `/-`; an abort of the stack cannot be caught. So everything that it could
//! refuse is refused here, in one loop without recursion and with messages for this language, and it gets a
//! text in which comments and `/-` parts are blanks of the same length: its places stay ours.

use super::problem::{At, Problem};
use super::strings::UNCLOSED_TEXT;
use super::structure::{CLOSES_NOTHING, Checker, Expect, token_before};
use super::tokens::{Kind, MERGE_CONFLICT, Token, Tokens};

const NEVER_CLOSED: &str = "this block is never closed";
/// A certificate of this size is refused by everybody, so no list in one node is as long; and no piece of
/// text that kdl gets at once is much longer.
const NODE: usize = 64 * 1024;
/// Broken structure breaks all that follows; nobody reads more than the first few.
const PROBLEMS: usize = 20;

/// A text that kdl reads without an error, and what was wrong with the rest.
pub struct Checked {
    /// As long as the original; comments, `/-` parts and top-level nodes with a mistake are spaces.
    pub clean: String,
    /// Where top-level nodes start, ascending: the places at which `clean` may be cut.
    pub nodes: Vec<usize>,
    pub problems: Vec<Problem>,
}

pub fn check(text: &str, file: usize) -> Checked {
    let mut tokens = Tokens::new(text, file);
    let mut checker = Checker::new(text, file);
    while let Some(token) = tokens.next() {
        let refused = !tokens.problems.is_empty();
        checker.problems.append(&mut tokens.problems);
        checker.token(token, refused);
        if checker.hopeless || checker.problems.len() >= PROBLEMS {
            checker.hopeless = true;
            checker.spoil();
            break;
        }
    }
    checker.finish(text.len())
}

impl Checker {
    /// Of the last top-level node.
    pub fn check_length(&mut self) {
        let spoilt = self.bad.last() == self.nodes.len().checked_sub(1).as_ref();
        if !self.hopeless
            && !spoilt
            && let Some(start) = self.nodes.last().copied()
            && self.end.saturating_sub(start) > NODE
        {
            let at = At::new(self.file, start, start + 1);
            self.problems.push(
                Problem::new(at, "this node is longer than 64 KiB")
                    .help("split it, or name fewer things in it"),
            );
            self.spoil();
        }
    }

    fn finish(mut self, length: usize) -> Checked {
        let last = Token { kind: Kind::End, start: length, end: length, spaced: true };
        if let Some(block) = self.blocks.first().filter(|_| !self.hopeless) {
            let at = At::new(self.file, block.open, block.open + 1);
            let problem = Problem::new(at, NEVER_CLOSED).help("add its `}`");
            self.problems.push(match self.suspect {
                Some(at) => problem.other(at, "it may have to end before this line"),
                None => problem,
            });
            self.spoil();
        } else if !self.hopeless {
            if self.expect != Expect::Name {
                self.node_ends(last);
            } else if self.dead.node.is_some() {
                self.hides_nothing(token_before(last));
            }
        }
        if self.problems.iter().any(|problem| problem.message == MERGE_CONFLICT) {
            // Both sides stand in the file: anything else would be said about neither.
            self.problems.retain(|problem| problem.message == MERGE_CONFLICT);
            self.problems.truncate(1);
            self.blank(0, length);
        }
        if self.problems.iter().any(|problem| problem.message == UNCLOSED_TEXT) {
            // The rest of its line, with any brace, is inside the text.
            let caused = [CLOSES_NOTHING, NEVER_CLOSED];
            self.problems.retain(|problem| !caused.contains(&problem.message.as_str()));
        }
        self.check_length();
        for node in std::mem::take(&mut self.bad) {
            let start = if node == 0 { 0 } else { self.nodes.get(node).copied().unwrap_or(0) };
            let end = self.nodes.get(node + 1).copied().unwrap_or(length);
            self.blank(start, end);
        }
        Checked {
            clean: String::from_utf8(self.clean).unwrap_or_default(),
            nodes: self.nodes,
            problems: self.problems,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::structure::DEPTH;
    use super::*;

    fn clean(text: &str) -> String {
        let checked = check(text, 0);
        assert_eq!(checked.problems, [], "{text:?}");
        assert_eq!(checked.clean.len(), text.len());
        checked.clean
    }

    #[test]
    fn comments_and_hidden_parts_become_blanks() {
        let cases = [
            ("a /* * / é */ 1\n", "a              1\n"),
            ("/- a 1; b\n", "        b\n"),
            ("a /- 1 2\n", "a      2\n"),
            ("a /- x=1 y=2\n", "a        y=2\n"),
            ("a /- x = 1 y=2\n", "a          y=2\n"),
            ("a /-{ b; } { c; }\n", "a          { c; }\n"),
            ("a { c; } /-{ b; }\n", "a { c; }         \n"),
            ("a \\ // b\n  1\n", "a          1\n"),
            ("a #\"/- \"# \"// {\"\n", "a #\"/- \"# \"// {\"\n"),
            ("a { /- b }\n", "a {      }\n"),
            ("\u{feff}a\n", "   a\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_mistake_takes_only_its_own_node_away() {
        let checked = check("a 1\nb = 2\nc 3\n", 0);
        assert_eq!(checked.problems.len(), 1);
        assert_eq!(checked.clean, "a 1\n      c 3\n");
        assert_eq!(checked.nodes, [0, 4, 10]);
    }

    #[test]
    fn limits_of_nesting() {
        let nested =
            |depth: usize| check(&format!("{}{}", "a {\n".repeat(depth), "}\n".repeat(depth)), 0);
        assert!(nested(DEPTH).problems.is_empty());
        assert_eq!(nested(DEPTH + 1).problems.len(), 1);
        assert!(check("/- a { /- b 1; c; }\n", 0).problems.is_empty());
        assert_eq!(check("/- a { /- b /- 1; c; }\n", 0).problems.len(), 1);
    }

    #[test]
    fn a_node_has_a_greatest_length() {
        let list = |count| check(&format!("b\na {}\nc\n", "\"x\" ".repeat(count)), 0);
        assert!(list(NODE / 4 - 4).problems.is_empty());
        assert_eq!(list(NODE / 4 + 4).problems.len(), 1);
    }
}
