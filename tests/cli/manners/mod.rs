//! What people expect of any command line: where it looks, what it says, what may be set once for all.

mod environment;
mod form;
mod open;
mod parents;
mod parts;
mod several;
mod talk;
