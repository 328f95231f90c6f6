//! Reports: what a command found, as data for JSON and as text for people. Pure: they return texts.

mod calendar;
mod certificate;
mod check;
mod diff;
mod diff_text;
mod dot;
mod exposure;
mod file;
mod file_text;
mod held;
mod history;
pub mod init;
mod install;
mod interruption;
mod lives;
mod markdown;
mod mermaid;
mod metrics;
mod notes;
mod orders;
mod page;
mod picture;
mod plaintext;
mod plan;
mod plan_markdown;
mod plan_text;
mod privilege;
mod saved_plan;
mod secrets;
mod show;
mod show_text;
mod status;
mod status_text;
mod style;
mod text;
mod verify;
mod waiting;
mod why;
mod wish;
mod words;

use crate::visible;
pub use calendar::calendar;
pub use certificate::CertificateReport;
pub use check::CheckReport;
pub use diff::{DiffReport, Section, diff_report};
pub use file::{Owner, file_report};
pub use held::{HeldCertificate, Wished, authority_report};
pub use history::{HistoryReport, KeyInHistory, KeyOf};
pub use install::{InstallReport, install_report};
pub use metrics::metrics;
pub use notes::unverified_note;
pub use page::{PAGE_BEGINS, ReportData, page};
pub use picture::Picture;
pub use plaintext::{FoundReport, PlaintextReport, Where};
pub use plan::{PlanReport, plan_report};
pub use privilege::PrivilegeReport;
pub use saved_plan::{Asked, PLAN_BEGINS, SavedPlan, asked, moved};
pub use show::{ShowReport, artifact_report};
pub use status::{StatusReport, status_report};
pub use text::printable;
pub use verify::{VerifyReport, rule_text, rules_text, verify_report};
pub use waiting::WaitingReport;
pub use why::{WhyReport, why_report};
pub use words::{file_in_words, lock_in_words};

/// Version of every JSON document that kpki prints.
pub const FORMAT_VERSION: u32 = 1;

/// A JSON document, with a newline.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    // Structs of texts, numbers and lists always serialize.
    serde_json::to_string_pretty(value)
        .map_or_else(|_| String::new(), |text| visible::json(&text) + "\n")
}
