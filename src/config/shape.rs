//! What a kind of node may say, as rows: each word with its meaning, its values, what holds without it, and a
//! value for examples. Reading goes by these rows, and explaining a word as well.

use std::marker::PhantomData;

use crate::words::Worded;

/// What a kind of node may hold, as data.
#[derive(Debug)]
pub struct Shape {
    pub word: &'static str,
    /// How its name is written, for help; none if it takes no name.
    pub example: Option<&'static str>,
    /// What its name may be.
    pub names: Values,
    pub means: &'static str,
    pub fields: &'static [Field],
    /// Whether a block of this name may have this word; with a dot one of a block in it.
    pub knows: fn(name: &str, word: &str) -> bool,
    /// Lines without which no block of the kind is complete.
    pub needs: &'static [&'static str],
    /// What must stand beside such a block, in that of its parent.
    pub beside: &'static [&'static str],
    /// Lines of a description that show it in use.
    pub shows: &'static str,
}

impl Shape {
    /// What a shape says that says nothing else.
    pub const PLAIN: Shape = Shape {
        word: "",
        example: None,
        names: Values::Text(""),
        means: "",
        fields: &[],
        knows: |_, _| true,
        needs: &[],
        beside: &[],
        shows: "",
    };
}

/// A name as a description has it: a number stands without quotes.
pub fn written(name: &str) -> String {
    match name.parse::<u32>() {
        Ok(number) => number.to_string(),
        Err(_) => format!("\"{name}\""),
    }
}

/// A row of a shape's table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub word: &'static str,
    pub takes: Takes,
    /// Of a word that takes settings of its own.
    pub shape: Option<&'static Shape>,
    pub means: &'static str,
    pub values: Values,
    pub unwritten: Unwritten,
    /// A value, or several, as a description writes them.
    pub sample: &'static str,
    /// Other lines that its example needs: in the same block,
    pub with: &'static [&'static str],
    /// in the block around it,
    pub beside: &'static [&'static str],
    /// and in front of it all.
    pub above: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    One,
    Many,
    /// Settings of its own, each time that it is written.
    Blocks,
    /// Two values in each child node, any number of times.
    Pairs,
}

/// What a word may be set to.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// `#true` or `#false`.
    Flag,
    Number {
        from: u32,
        to: u32,
    },
    /// One of a few words, each with its meaning.
    OneOf(fn() -> Vec<(&'static str, &'static str)>),
    /// A text, and how it is written.
    Text(&'static str),
}

/// What holds where a word is not written.
#[derive(Debug, Clone, Copy)]
pub enum Unwritten {
    Nothing,
    /// The same as with this value, as a description writes it.
    Same(&'static str),
    /// What follows from something else.
    Follows(&'static str),
    /// It is a mistake.
    Mistake,
}

/// A row that says nothing yet but its word.
pub const fn word(word: &'static str) -> Field {
    Field {
        word,
        takes: Takes::One,
        shape: None,
        means: "",
        values: Values::Text(""),
        unwritten: Unwritten::Nothing,
        sample: "",
        with: &[],
        beside: &[],
        above: &[],
    }
}

impl Field {
    pub const fn means(self, means: &'static str) -> Self {
        Field { means, ..self }
    }

    pub const fn text(self, how: &'static str) -> Self {
        Field { values: Values::Text(how), ..self }
    }

    pub const fn one_of<T: Worded>(self) -> Self {
        Field { values: one_of::<T>(), ..self }
    }

    pub const fn values(self, values: Values) -> Self {
        Field { values, ..self }
    }

    pub const fn flag(self) -> Self {
        Field { values: Values::Flag, sample: "#true", ..self }.same("#false")
    }

    pub const fn number(self, from: u32, to: u32) -> Self {
        Field { values: Values::Number { from, to }, ..self }
    }

    /// What holds without the word, as it would be written.
    pub const fn same(self, value: &'static str) -> Self {
        Field { unwritten: Unwritten::Same(value), ..self }
    }

    pub const fn follows(self, from: &'static str) -> Self {
        Field { unwritten: Unwritten::Follows(from), ..self }
    }

    pub const fn required(self) -> Self {
        Field { unwritten: Unwritten::Mistake, ..self }
    }

    pub const fn sample(self, sample: &'static str) -> Self {
        Field { sample, ..self }
    }

    pub const fn with(self, with: &'static [&'static str]) -> Self {
        Field { with, ..self }
    }

    pub const fn beside(self, beside: &'static [&'static str]) -> Self {
        Field { beside, ..self }
    }

    pub const fn above(self, above: &'static [&'static str]) -> Self {
        Field { above, ..self }
    }
}

/// The words of an enumeration as values.
pub const fn one_of<T: Worded>() -> Values {
    Values::OneOf(meanings::<T>)
}

fn meanings<T: Worded>() -> Vec<(&'static str, &'static str)> {
    let words = T::WORDS.iter().map(|(_, word)| *word);
    words.zip(T::MEANINGS.iter().map(|meaning| meaning.trim())).collect()
}

/// A word that takes one value, which becomes a `T`.
pub struct One<T> {
    pub field: Field,
    becomes: PhantomData<T>,
}

/// A word that takes any number of values, each of which becomes a `T`.
pub struct Many<T> {
    pub field: Field,
    becomes: PhantomData<T>,
}

impl<T> Clone for One<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for One<T> {}

impl<T> Clone for Many<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Many<T> {}

impl<T> One<T> {
    pub const fn word(&self) -> &'static str {
        self.field.word
    }
}

impl<T> Many<T> {
    pub const fn word(&self) -> &'static str {
        self.field.word
    }
}

pub const fn one<T>(field: Field) -> One<T> {
    One { field: Field { takes: Takes::One, ..field }, becomes: PhantomData }
}

pub const fn many<T>(field: Field) -> Many<T> {
    Many { field: Field { takes: Takes::Many, ..field }, becomes: PhantomData }
}

pub const fn pairs<T>(field: Field) -> Many<T> {
    Many { field: Field { takes: Takes::Pairs, ..field }, becomes: PhantomData }
}

pub const fn blocks(shape: &'static Shape) -> Field {
    let field = word(shape.word).means(shape.means);
    Field { takes: Takes::Blocks, shape: Some(shape), ..field }
}
