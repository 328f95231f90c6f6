//! The options of `kpki status`.

use std::str::FromStr;

use clap::Args;

use super::{Future, StatusFormat};
use crate::name::NameError;
use crate::plan::NamePattern;
use crate::time::{Span, Timestamp};

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only these: an artifact, its end (apiserver: of every node), or a node, a user or nodes/w1/* for all
    /// below
    #[arg(value_name = "NAME")]
    pub names: Vec<NamePattern>,
    /// List only the certificates that end within this span, or before this day: 60d, 2027-01-31
    #[arg(long, value_name = "WHEN")]
    pub before: Option<Deadline>,
    /// How to print
    #[arg(long, value_enum, default_value_t = StatusFormat::Text)]
    pub format: StatusFormat,
    #[command(flatten)]
    pub future: Future,
    /// Exit with 2 when something needs attention
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Exit with 2 when a certificate has expired, or ends within this span (30d, 12h)
    #[arg(
        long,
        value_name = "SPAN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "30d"
    )]
    pub check: Option<Span>,
}

/// Until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    Within(Span),
    On(Timestamp),
}

impl Deadline {
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Deadline::Within(span) => now.plus(span),
            Deadline::On(when) => when,
        }
    }
}

impl FromStr for Deadline {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Ok(when) = text.parse() {
            return Ok(Deadline::On(when));
        }
        let span = text.parse().map(Deadline::Within);
        span.map_err(|NameError(why)| NameError(format!("{why}, or a day, such as 2027-01-31")))
    }
}
