//! A status as metrics: Prometheus' text exposition format 0.0.4, for node_exporter's textfile collector.
//!
//! What x509-certificate-exporter has a name for has that name, and its labels; an absent label is an empty
//! one.

use std::fmt::Write as _;

use super::expiry::{LifeReport, State};
use super::status::{StatusReport, Trouble};
use super::text::harmless;
use crate::facts::DistinguishedName;

const TROUBLES: [(Trouble, &str); 9] = [
    (Trouble::Expired, "expired"),
    (Trouble::NotYetValid, "not-yet-valid"),
    (Trouble::Mixed, "mixed"),
    (Trouble::Blocked, "blocked"),
    (Trouble::Exposed, "exposed"),
    (Trouble::InTheClear, "in-the-clear"),
    (Trouble::Drift, "drift"),
    (Trouble::Expiring, "expiring"),
    (Trouble::Other, "other"),
];

impl StatusReport<'_> {
    /// Gives what node_exporter's textfile collector reads.
    pub fn metrics(&self) -> String {
        let mut lives: Vec<&LifeReport<'_>> = self.certificates.iter().collect();
        lives.sort_by_key(|life| life.name);
        let labels: Vec<String> =
            lives.iter().map(|life| certificate_labels(&self.cluster, life)).collect();
        let mut text = String::new();
        let mut certificates = |name: &str, help: &str, value: &dyn Fn(&LifeReport<'_>) -> i64| {
            let values = lives.iter().map(|life| value(life));
            gauge(&mut text, name, help, labels.iter().cloned().zip(values));
        };
        certificates(
            "x509_cert_not_after",
            "End of the certificate's validity, in seconds since the epoch.",
            &|life| life.expires.unix(),
        );
        certificates(
            "x509_cert_expired",
            "1 where the certificate's validity has ended.",
            &|life| i64::from(life.state == State::Expired),
        );
        let cluster = label("kpki_cluster", &self.cluster);
        gauge(
            &mut text,
            "kpki_renewal_timestamp_seconds",
            "From when on kpki apply renews the certificate, in seconds since the epoch.",
            lives.iter().filter_map(|life| {
                let artifact = label("kpki_artifact", life.name.as_str());
                Some((format!("{cluster},{artifact}"), life.renewal?.unix()))
            }),
        );
        gauge(
            &mut text,
            "kpki_attention",
            "Findings of kpki status, by kind.",
            TROUBLES.iter().map(|(code, name)| {
                let found = self.attention.iter();
                let found = found.filter(|finding| finding.code == *code).count();
                (format!("{cluster},{}", label("code", name)), number(found))
            }),
        );
        let mut one = |name: &str, help: &str, value: i64| {
            gauge(&mut text, name, help, [(cluster.clone(), value)].into_iter());
        };
        one(
            "kpki_changes",
            "Artifacts that are not as the description asks yet.",
            number(self.changes),
        );
        one(
            "kpki_waiting",
            "Certificates that the cluster has yet to sign.",
            number(self.waiting.len()),
        );
        one(
            "kpki_status_timestamp_seconds",
            "When this status was taken, in seconds since the epoch.",
            self.now.unix(),
        );
        text
    }
}

fn certificate_labels(cluster: &str, life: &LifeReport<'_>) -> String {
    let path = format!("out/{}", life.path);
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut labels = vec![
        label("filename", name),
        label("filepath", &path),
        label("serial_number", &decimal(&life.facts.serial)),
    ];
    name_labels(&mut labels, "issuer", &life.facts.issuer);
    name_labels(&mut labels, "subject", &life.facts.subject);
    labels.push(label("kpki_cluster", cluster));
    labels.push(label("kpki_artifact", life.name.as_str()));
    labels.join(",")
}

fn name_labels(labels: &mut Vec<String>, whose: &str, name: &DistinguishedName) {
    for (field, value) in name.go_fields() {
        labels.push(label(&format!("{whose}_{field}"), &value));
    }
}

/// A family without a sample is not written: its name would say nothing.
fn gauge(text: &mut String, name: &str, help: &str, samples: impl Iterator<Item = (String, i64)>) {
    let mut samples = samples.peekable();
    if samples.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{{{labels}}} {value}");
    }
}

fn label(name: &str, value: &str) -> String {
    let value = harmless(value).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Big-endian bytes as a decimal number: the exporter prints serial numbers so.
fn decimal(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = vec![0]; // the last one first
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = u32::from(*digit) * 256 + carry;
            *digit = u8::try_from(value % 10).unwrap_or(0);
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    let digits = digits.iter().rev();
    digits.map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 2^128 - 1 and 2^64 are well known.
    #[test]
    fn serial_numbers_are_decimal() {
        for (bytes, expected) in [
            (&[][..], "0"),
            (&[9], "9"),
            (&[0xff], "255"),
            (&[1, 0], "256"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0], "18446744073709551616"),
            (&[0xff; 16], "340282366920938463463374607431768211455"),
        ] {
            assert_eq!(decimal(bytes), expected);
        }
    }

    /// The exposition format: `\\`, `\"` and `\n` in a label's value.
    #[test]
    fn values_are_escaped() {
        assert_eq!(label("a", r#"x"y\z"#), r#"a="x\"y\\z""#);
        assert_eq!(label("a", "x\ny"), r#"a="x\\ny""#);
    }
}
