//! What `kpki show` prints: an artifact, or a file.

use schemars::JsonSchema;
use serde::Serialize;

use super::artifact::ArtifactReport;
use super::file::FileReport;
use super::report::FORMAT_VERSION;

/// What `kpki show --format json` prints: one of the two.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ShowReport {
    /// Version of this format.
    pub format_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileReport>,
}

impl From<ArtifactReport> for ShowReport {
    fn from(artifact: ArtifactReport) -> Self {
        ShowReport { format_version: FORMAT_VERSION, artifact: Some(artifact), file: None }
    }
}

impl From<FileReport> for ShowReport {
    fn from(file: FileReport) -> Self {
        ShowReport { format_version: FORMAT_VERSION, artifact: None, file: Some(file) }
    }
}
