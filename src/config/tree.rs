//! A description as plain nodes with places, free of the KDL library.

use super::problem::At;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    pub text: Box<str>,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Text(Box<str>),
    Integer(i128),
    /// Nothing in a description is a fraction; as written, for the message.
    Fraction(f64),
    Bool(bool),
    Null,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    pub scalar: Scalar,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub word: Word,
    pub values: Vec<Value>,
    pub properties: Vec<(Word, Value)>,
    pub children: Vec<Node>,
}
