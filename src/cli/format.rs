//! The ways in which a command prints, and what of a report each of them shows.

use clap::ValueEnum;

use crate::error::Result;
use crate::render::{Picture, Report, ShownPlan, StatusReport};

/// The ways in which a command prints what it found.
pub trait PrintedAs<R> {
    /// Gives the report's text; what is for people has lines of at most so many columns.
    fn text(self, report: &R, columns: usize) -> Result<String>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

impl<R: Report> PrintedAs<R> for Format {
    fn text(self, report: &R, columns: usize) -> Result<String> {
        Ok(match self {
            Format::Text => report.text(columns),
            Format::Json => report.json(),
        })
    }
}

/// What is reviewed goes into a comment on a pull request, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReviewFormat {
    Text,
    Json,
    Markdown,
}

impl PrintedAs<ShownPlan<'_>> for ReviewFormat {
    fn text(self, plan: &ShownPlan<'_>, columns: usize) -> Result<String> {
        Ok(match self {
            ReviewFormat::Text => plan.text(columns),
            ReviewFormat::Json => plan.json(),
            ReviewFormat::Markdown => plan.plan.markdown(),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    Text,
    Json,
    /// Metrics for node_exporter's textfile collector
    Prometheus,
    /// A calendar (RFC 5545): one entry for each day with renewals
    Ics,
}

impl PrintedAs<StatusReport<'_>> for StatusFormat {
    fn text(self, status: &StatusReport<'_>, columns: usize) -> Result<String> {
        match self {
            StatusFormat::Text => Ok(status.text(columns)),
            StatusFormat::Json => Ok(status.json()),
            StatusFormat::Prometheus => Ok(status.metrics()),
            StatusFormat::Ics => status.calendar(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// As GitHub and GitLab draw it in Markdown
    Mermaid,
    /// For Graphviz
    Dot,
}

impl PrintedAs<Picture> for GraphFormat {
    fn text(self, picture: &Picture, _columns: usize) -> Result<String> {
        Ok(match self {
            GraphFormat::Mermaid => picture.mermaid(),
            GraphFormat::Dot => picture.dot(),
        })
    }
}
