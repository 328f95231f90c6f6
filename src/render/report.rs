//! What every report can do, whatever it tells.

use serde::Serialize;

use crate::visible;

/// Version of every JSON document that kpki prints.
pub const FORMAT_VERSION: u32 = 1;

/// Something that a command prints.
pub trait Report: Serialize {
    /// Tells it to a person, in lines of at most `columns` where that is possible.
    fn text(&self, columns: usize) -> String;

    /// Tells it to a program: a JSON document, with a newline.
    fn json(&self) -> String {
        json(self)
    }
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    // Structs of texts, numbers and lists always serialize.
    serde_json::to_string_pretty(value)
        .map_or_else(|_| String::new(), |text| visible::json(&text) + "\n")
}
