//! Checks a text's whole structure before the `kdl` crate sees it.
//!
//! kdl 6.7 recurses per nested block, per `*` in a comment and per stray character behind a node, and takes
//! exponential time on nested `/-`; an abort of the stack cannot be caught. So everything that it could
//! refuse is refused here, in one loop without recursion and with messages for this language, and it gets a
//! text in which comments and `/-` parts are blanks of the same length: its places stay ours.

use super::problem::{At, Problem};
use super::tokens::{Kind, MERGE_CONFLICT, Token, Tokens, UNCLOSED_TEXT};

const DEPTH: usize = 16;
/// A commented-out part inside another one; deeper ones are surely a mistake.
const SLASHDASH_DEPTH: usize = 2;
/// A certificate of this size is refused by everybody, so no list in one node is as long; and no piece of
/// text that kdl gets at once is much longer.
const NODE: usize = 64 * 1024;
const CLOSES_NOTHING: &str = "this `}` closes nothing";
const NEVER_CLOSED: &str = "this block is never closed";
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

/// Where in a node the next token stands.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    /// A node's name, or the end of the block.
    Name,
    /// Values, properties, a block or the end of the node.
    Entry,
    /// The same, or the `=` that makes the text a property's name.
    EntryOrEquals,
    /// The value of a property.
    PropertyValue,
    /// The end of the node, or another commented-out block.
    AfterBlock,
    /// A mistake was reported: skip to the end of the node.
    Recover,
}

/// Starts of the commented-out parts that are under way.
#[derive(Default, Clone, Copy)]
struct Dead {
    node: Option<usize>,
    /// An entry or block of the node.
    part: Option<usize>,
}

struct Block {
    open: usize,
    /// Of the node that the block belongs to.
    dead: Dead,
    /// What may stand behind the block.
    after: Expect,
}

struct Checker {
    file: usize,
    clean: Vec<u8>,
    blocks: Vec<Block>,
    expect: Expect,
    dead: Dead,
    /// Starts of the top-level nodes, and which of them hold a mistake.
    nodes: Vec<usize>,
    bad: Vec<usize>,
    problems: Vec<Problem>,
    hopeless: bool,
    /// The end of the last token that is more than white space.
    end: usize,
    /// A line at the left margin inside a block: its `}` is probably missing before.
    suspect: Option<At>,
}

pub fn check(text: &str, file: usize) -> Checked {
    let mut tokens = Tokens::new(text, file);
    let mut checker = Checker {
        file,
        clean: text.as_bytes().to_vec(),
        blocks: Vec::new(),
        expect: Expect::Name,
        dead: Dead::default(),
        nodes: Vec::new(),
        bad: Vec::new(),
        problems: Vec::new(),
        hopeless: false,
        end: 0,
        suspect: None,
    };
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
    fn problem(&mut self, token: Token, message: &str, help: &str) {
        let at = At::new(self.file, token.start, token.end);
        self.problems.push(Problem::new(at, message).help(help));
        self.spoil();
        self.expect = Expect::Recover;
    }

    /// The top-level node under way is not decoded.
    fn spoil(&mut self) {
        let node = self.nodes.len().saturating_sub(1);
        if self.bad.last() != Some(&node) {
            self.bad.push(node);
        }
    }

    fn blank(&mut self, start: usize, end: usize) {
        if let Some(bytes) = self.clean.get_mut(start..end) {
            bytes.fill(b' ');
        }
    }

    /// A commented-out entry or block ends here.
    fn part_ends(&mut self, end: usize) {
        if let Some(start) = self.dead.part.take() {
            self.blank(start, end);
        }
    }

    /// The node under way ends; `end` is behind it.
    fn node_ends(&mut self, token: Token) {
        if matches!(self.expect, Expect::PropertyValue) {
            self.problem(
                token_before(token),
                "this property has no value",
                "write name=\"value\"",
            );
        } else if self.dead.part.is_some() && self.expect != Expect::Recover {
            self.hides_nothing(token_before(token));
        }
        self.dead.part = None;
        if let Some(start) = self.dead.node.take() {
            self.blank(start, token.end);
        }
        self.expect = Expect::Name;
    }

    fn slashdashes(&self) -> usize {
        let of = |dead: Dead| usize::from(dead.node.is_some()) + usize::from(dead.part.is_some());
        self.blocks
            .iter()
            .map(|block| of(block.dead))
            .sum::<usize>()
            + of(self.dead)
    }

    fn finish(mut self, length: usize) -> Checked {
        let last = Token {
            kind: Kind::End,
            start: length,
            end: length,
            spaced: true,
        };
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
        if self
            .problems
            .iter()
            .any(|problem| problem.message == MERGE_CONFLICT)
        {
            // Both sides stand in the file: anything else would be said about neither.
            self.problems
                .retain(|problem| problem.message == MERGE_CONFLICT);
            self.problems.truncate(1);
            self.blank(0, length);
        }
        if self
            .problems
            .iter()
            .any(|problem| problem.message == UNCLOSED_TEXT)
        {
            // The rest of its line, with any brace, is inside the text.
            let caused = [CLOSES_NOTHING, NEVER_CLOSED];
            self.problems
                .retain(|problem| !caused.contains(&problem.message.as_str()));
        }
        self.check_length();
        for node in std::mem::take(&mut self.bad) {
            let start = if node == 0 {
                0
            } else {
                self.nodes.get(node).copied().unwrap_or(0)
            };
            let end = self.nodes.get(node + 1).copied().unwrap_or(length);
            self.blank(start, end);
        }
        Checked {
            clean: String::from_utf8(self.clean).unwrap_or_default(),
            nodes: self.nodes,
            problems: self.problems,
        }
    }

    /// Of the last top-level node.
    fn check_length(&mut self) {
        if let Some(start) = self.nodes.last().copied()
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

    fn hides_nothing(&mut self, token: Token) {
        self.problem(
            token,
            "this `/-` hides nothing",
            "delete it, or put it before what it hides",
        );
    }

    fn token(&mut self, token: Token, refused: bool) {
        if self.expect == Expect::EntryOrEquals
            && !matches!(token.kind, Kind::Equals | Kind::Comment)
        {
            // The text before was a value; if it was hidden, it is blank already.
            self.dead.part = None;
            self.expect = Expect::Entry;
        }
        if self.blocks.is_empty()
            && self.expect == Expect::Name
            && self.dead.node.is_none()
            && !matches!(token.kind, Kind::End | Kind::Comment | Kind::Close)
        {
            self.check_length();
            self.nodes.push(token.start);
            self.suspect = None;
        }
        if refused {
            self.spoil();
        }
        if !matches!(token.kind, Kind::Comment | Kind::End) {
            self.end = token.end;
        }
        match token.kind {
            Kind::Comment => self.blank(token.start, token.end),
            Kind::Bad => self.bad(token),
            Kind::End => self.end(token),
            Kind::Open => self.open(token),
            Kind::Close => self.close(token),
            Kind::Equals => self.equals(token),
            Kind::Slashdash => self.slashdash(token),
            Kind::Text | Kind::Value => self.word(token),
        }
    }

    /// Goes on as if the refused token were right.
    fn bad(&mut self, token: Token) {
        self.expect = match self.expect {
            Expect::Name | Expect::Entry | Expect::EntryOrEquals => Expect::EntryOrEquals,
            Expect::PropertyValue => Expect::Entry,
            Expect::AfterBlock | Expect::Recover => Expect::Recover,
        };
        if self.expect != Expect::EntryOrEquals {
            self.part_ends(token.end);
        }
    }

    fn end(&mut self, token: Token) {
        match self.expect {
            // A line end between nodes, or behind a `/-` that hides what follows.
            Expect::Name => {
                if self.clean.get(token.start) == Some(&b';') {
                    self.problem(token, "this `;` ends nothing", "delete it");
                    self.expect = Expect::Name;
                }
            }
            Expect::Entry | Expect::AfterBlock
                if self.dead.part.is_some() && self.clean.get(token.start) != Some(&b';') => {}
            _ => self.node_ends(token),
        }
    }

    fn open(&mut self, token: Token) {
        match self.expect {
            Expect::Name => {
                self.problem(
                    token,
                    "a block stands where a name belongs",
                    "put the `{` on the line of its node",
                );
            }
            Expect::PropertyValue => {
                self.problem(token, "this property has no value", "write name=\"value\"")
            }
            Expect::AfterBlock if self.dead.part.is_none() => {
                self.problem(token, "a node has only one block", "merge the two blocks");
            }
            _ => {}
        }
        if self.blocks.len() == DEPTH {
            self.problem(
                token,
                "blocks are nested more than 16 deep",
                "a description needs two levels",
            );
            self.hopeless = true;
        }
        let hidden = self.dead.part.is_some() && self.expect == Expect::Entry;
        self.blocks.push(Block {
            open: token.start,
            dead: self.dead,
            // Behind a hidden block the visible one may still come.
            after: if hidden {
                Expect::Entry
            } else {
                Expect::AfterBlock
            },
        });
        self.dead = Dead::default();
        self.expect = Expect::Name;
    }

    fn close(&mut self, token: Token) {
        if self.blocks.is_empty() {
            self.problem(
                token,
                CLOSES_NOTHING,
                "delete it, or add the `{` that it belongs to",
            );
            return;
        }
        if self.expect != Expect::Name || self.dead.node.is_some() {
            // The last node of a block needs no end of its own; the brace stays.
            let before = Token {
                end: token.start,
                ..token
            };
            if self.expect == Expect::Name {
                self.hides_nothing(before);
            }
            self.node_ends(before);
        }
        if let Some(block) = self.blocks.pop() {
            self.dead = block.dead;
            self.part_ends(token.end);
            self.expect = block.after;
        }
    }

    fn equals(&mut self, token: Token) {
        match self.expect {
            Expect::EntryOrEquals => self.expect = Expect::PropertyValue,
            Expect::Recover => {}
            Expect::Name => self.problem(
                token,
                "a name is missing before this `=`",
                "a line starts with the name of a node",
            ),
            _ => self.problem(
                token,
                "a property's name is missing before this `=`",
                "a line starts with a node; write node name=\"value\"",
            ),
        }
    }

    fn slashdash(&mut self, token: Token) {
        let start = token.start;
        match self.expect {
            Expect::Name if self.dead.node.is_none() => self.dead.node = Some(start),
            Expect::Entry | Expect::EntryOrEquals | Expect::AfterBlock
                if self.dead.part.is_none() =>
            {
                if !token.spaced {
                    return self.problem(
                        token,
                        "a space is missing before this",
                        "put a space before it",
                    );
                }
                self.dead.part = Some(start);
                if self.expect == Expect::EntryOrEquals {
                    self.expect = Expect::Entry;
                }
            }
            Expect::Recover => return,
            _ => return self.hides_nothing(token),
        }
        if self.slashdashes() > SLASHDASH_DEPTH {
            self.problem(
                token,
                "`/-` is nested more than twice",
                "delete what is hidden inside something hidden",
            );
            self.hopeless = true;
        }
    }

    fn word(&mut self, token: Token) {
        let is_text = token.kind == Kind::Text;
        match self.expect {
            Expect::Name => {
                let margin = token.start == 0 || self.clean.get(token.start - 1) == Some(&b'\n');
                if margin && !self.blocks.is_empty() && self.suspect.is_none() {
                    self.suspect = Some(At::new(self.file, token.start, token.end));
                }
                if is_text {
                    // No property: `=` behind a node's name has a message of its own.
                    self.expect = Expect::Entry;
                } else {
                    self.problem(
                        token,
                        "a name belongs here",
                        "a line starts with the name of a node, such as `node \"cp1\"`",
                    );
                }
            }
            Expect::Entry | Expect::EntryOrEquals => {
                if !token.spaced {
                    return self.problem(
                        token,
                        "a space is missing before this",
                        "put a space before it",
                    );
                }
                self.entry_starts(token, is_text);
            }
            Expect::PropertyValue => {
                self.part_ends(token.end);
                self.expect = Expect::Entry;
            }
            Expect::AfterBlock => self.problem(
                token,
                "a node ends with its block",
                "start the next one on a new line",
            ),
            Expect::Recover => {}
        }
    }

    fn entry_starts(&mut self, token: Token, is_text: bool) {
        // Blanked up to here now, and further if it proves to be a property: `part` stays until the next
        // token is known, so a hidden text is blanked twice at most.
        if let Some(start) = self.dead.part {
            self.blank(start, token.end);
        }
        if is_text {
            self.expect = Expect::EntryOrEquals;
        } else {
            self.dead.part = None;
            self.expect = Expect::Entry;
        }
    }
}

/// The place just before a token, for what is missing there.
fn token_before(token: Token) -> Token {
    Token {
        start: token.start.saturating_sub(1),
        end: token.start,
        ..token
    }
}
