//! Reports: what a command found, as data for JSON and as text for people. Pure: they return texts.

mod plan;
mod text;

pub use plan::{PlanReport, plan_report};
pub use text::Table;

/// Version of every JSON document that kpki prints.
pub const FORMAT_VERSION: u32 = 1;

/// A JSON document, with a newline.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    // Structs of texts, numbers and lists always serialize.
    serde_json::to_string_pretty(value).map_or_else(
        |_| String::new(),
        |mut text| {
            text.push('\n');
            text
        },
    )
}
