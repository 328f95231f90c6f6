//! The state machine over a text's tokens: nodes, entries, blocks and what `/-` hides.

use super::problem::{At, Problem};
use super::tokens::{Kind, Token};

pub const DEPTH: usize = 16;
/// A commented-out part inside another one; deeper ones are surely a mistake.
const SLASHDASH_DEPTH: usize = 2;
/// With children: kdl takes about 5 µs for the shortest one, and 10 bytes is less than any useful one has.
const NODES: usize = 100_000;
pub const CLOSES_NOTHING: &str = "this `}` closes nothing";

/// Where in a node the next token stands.
#[derive(Clone, Copy, PartialEq)]
pub enum Expect {
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
pub struct Dead {
    pub node: Option<usize>,
    /// An entry or block of the node.
    pub part: Option<usize>,
}

pub struct Block {
    pub open: usize,
    /// Of the node that the block belongs to.
    pub dead: Dead,
    /// What may stand behind the block.
    pub after: Expect,
}

pub struct Checker {
    pub file: usize,
    pub clean: Vec<u8>,
    pub blocks: Vec<Block>,
    pub expect: Expect,
    pub dead: Dead,
    /// Starts of the top-level nodes, and which of them hold a mistake.
    pub nodes: Vec<usize>,
    pub bad: Vec<usize>,
    pub problems: Vec<Problem>,
    pub hopeless: bool,
    /// Nodes so far, with children.
    count: usize,
    /// The end of the last token that is more than white space.
    pub end: usize,
    /// A line at the left margin inside a block: its `}` is probably missing before.
    pub suspect: Option<At>,
}

impl Checker {
    pub fn new(text: &str, file: usize) -> Self {
        Checker {
            file,
            clean: text.as_bytes().to_vec(),
            blocks: Vec::new(),
            expect: Expect::Name,
            dead: Dead::default(),
            nodes: Vec::new(),
            bad: Vec::new(),
            problems: Vec::new(),
            hopeless: false,
            count: 0,
            end: 0,
            suspect: None,
        }
    }

    fn problem(&mut self, token: Token, message: &str, help: &str) {
        let at = At::new(self.file, token.start, token.end);
        self.problems.push(Problem::new(at, message).help(help));
        self.spoil();
        self.expect = Expect::Recover;
    }

    /// The top-level node under way is not decoded.
    pub fn spoil(&mut self) {
        let node = self.nodes.len().saturating_sub(1);
        if self.bad.last() != Some(&node) {
            self.bad.push(node);
        }
    }

    pub fn blank(&mut self, start: usize, end: usize) {
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
    pub fn node_ends(&mut self, token: Token) {
        if matches!(self.expect, Expect::PropertyValue) {
            self.problem(token_before(token), "this property has no value", "write name=\"value\"");
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
        self.blocks.iter().map(|block| of(block.dead)).sum::<usize>() + of(self.dead)
    }

    pub fn hides_nothing(&mut self, token: Token) {
        self.problem(token, "this `/-` hides nothing", "delete it, or put it before what it hides");
    }

    pub fn token(&mut self, token: Token, refused: bool) {
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
                self.problem(token, "this property has no value", "write name=\"value\"");
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
            after: if hidden { Expect::Entry } else { Expect::AfterBlock },
        });
        self.dead = Dead::default();
        self.expect = Expect::Name;
    }

    fn close(&mut self, token: Token) {
        if self.blocks.is_empty() {
            self.problem(token, CLOSES_NOTHING, "delete it, or add the `{` that it belongs to");
            return;
        }
        if self.expect != Expect::Name || self.dead.node.is_some() {
            // The last node of a block needs no end of its own; the brace stays.
            let before = Token { end: token.start, ..token };
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
                self.count += 1;
                if self.count > NODES {
                    self.hopeless = true;
                    let message = "more than 100000 nodes in one file";
                    return self.problem(token, message, "split it with `include \"nodes.kdl\"`");
                }
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
pub fn token_before(token: Token) -> Token {
    Token { start: token.start.saturating_sub(1), end: token.start, ..token }
}
