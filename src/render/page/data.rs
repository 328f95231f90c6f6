//! The certificates as the page's script reads them: a list for each column, repeated texts once.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::expiry::State;
use super::super::report::FORMAT_VERSION;
use super::super::status::StatusReport;
use crate::facts::ExtendedKeyUsage;
use crate::hash::hexadecimal;
use crate::time::Timestamp;
use crate::visible;

/// What the page of `kpki report` holds in its element `data`. Times are seconds since the epoch; lists of
/// one certificate's properties have one length and order, that of expiry.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReportData {
    /// Version of this format.
    pub format_version: u32,
    pub cluster: String,
    pub now: i64,
    /// Texts that the other lists name by their number.
    pub texts: Vec<String>,
    pub names: Vec<String>,
    pub subjects: Vec<String>,
    /// In hexadecimal.
    pub serials: Vec<String>,
    /// Subject alternative names, with commas.
    pub sans: Vec<String>,
    pub not_before: Vec<i64>,
    pub not_after: Vec<i64>,
    /// From when on it is renewed; 0: kpki does not know.
    pub renewals: Vec<i64>,
    pub states: Vec<State>,
    /// Numbers of texts.
    pub issuers: Vec<usize>,
    pub keys: Vec<usize>,
    pub usages: Vec<usize>,
}

pub(super) fn report_data(status: &StatusReport<'_>) -> ReportData {
    let mut data = ReportData {
        format_version: FORMAT_VERSION,
        cluster: status.cluster.clone(),
        now: status.now.unix(),
        ..ReportData::default()
    };
    let mut numbers = BTreeMap::new();
    for life in &status.certificates {
        let facts = life.facts;
        let mut number = |text: String| {
            let next = numbers.len();
            *numbers.entry(text).or_insert_with_key(|text| {
                data.texts.push(text.clone());
                next
            })
        };
        let mut usages: Vec<String> =
            facts.extended_key_usage.iter().map(ExtendedKeyUsage::to_string).collect();
        if facts.is_ca {
            usages.insert(0, "CA".to_owned());
        }
        let issuer = number(life.issuer.clone());
        let key = number(facts.public_key.kind().to_string());
        let usage = number(usages.join(", "));
        data.issuers.push(issuer);
        data.keys.push(key);
        data.usages.push(usage);
        data.names.push(life.name.to_string());
        data.subjects.push(facts.subject.to_string());
        data.serials.push(hexadecimal(&facts.serial));
        let known = facts.sans.iter().map(ToString::to_string);
        let sans: Vec<String> = known.chain(facts.other_sans.iter().cloned()).collect();
        data.sans.push(sans.join(", "));
        data.not_before.push(facts.not_before.unix());
        data.not_after.push(facts.not_after.unix());
        data.renewals.push(life.renewal.map_or(0, Timestamp::unix));
        data.states.push(life.state);
    }
    data
}

impl ReportData {
    pub(super) fn json(&self) -> String {
        // Lists of texts and numbers always serialize.
        visible::json(&serde_json::to_string(self).unwrap_or_default())
    }
}
