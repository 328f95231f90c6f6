//! A file's content in words.

use std::fmt::Write as _;

use super::file::{FileReport, Held, KeyReport, RequestReport};
use super::style::{DANGER, STRONG, paint};
use super::text::{Cell, Table};

impl FileReport {
    pub(super) fn text(&self, columns: usize) -> String {
        let mut text = String::new();
        let several = self.holds.len() > 1;
        for (index, held) in self.holds.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            let number = if several {
                format!(" ({} of {})", index + 1, self.holds.len())
            } else {
                String::new()
            };
            let _ = writeln!(text, "{}: {}{number}", paint(STRONG, &self.path), held.what());
            if let Held::Kubeconfig(config) = held {
                text.push_str(&config.text(columns));
                continue;
            }
            let mut table = Table::new();
            held.rows(&mut table);
            text.push_str(&table.render("  ", columns));
        }
        text
    }
}

impl Held {
    fn what(&self) -> String {
        match self {
            Held::Certificate { certificate, .. } if certificate.is_ca => "CA certificate".into(),
            Held::Certificate { .. } => "certificate".into(),
            Held::PrivateKey(_) => "private key".into(),
            Held::PublicKey(_) => "public key".into(),
            Held::EncryptedPrivateKey => "encrypted private key; nothing of it can be told".into(),
            Held::Request(_) => "certificate request".into(),
            Held::Kubeconfig(_) => "kubeconfig".into(),
            Held::Sealed(_) => "sealed secret (age)".into(),
            Held::Other { label } => format!("PEM block {label}, which kpki does not read"),
        }
    }

    fn rows(&self, table: &mut Table) {
        match self {
            Held::Certificate { certificate, artifact } => {
                belongs(table, artifact.as_deref());
                certificate.rows(table);
            }
            Held::PrivateKey(key) | Held::PublicKey(key) => key.rows(table),
            Held::Request(request) => request.rows(table),
            Held::Sealed(sealed) => {
                row(table, "sealed for", &sealed.recipients.join(", "));
                row(table, "size inside", &format!("{} bytes", sealed.size));
                row(table, "digest", &sealed.digest);
            }
            Held::Kubeconfig(_) | Held::EncryptedPrivateKey | Held::Other { .. } => {}
        }
    }
}

impl KeyReport {
    fn rows(&self, table: &mut Table) {
        belongs(table, self.artifact.as_deref());
        row(table, "key", &self.algorithm);
        row(table, "public key", self.public_key.as_deref().unwrap_or("cannot be told by kpki"));
    }
}

impl RequestReport {
    fn rows(&self, table: &mut Table) {
        row(table, "subject", &self.subject);
        row(table, "sans", &self.sans.join(", "));
        if self.asks_for_ca {
            table.row(["asks for".into(), Cell::new(DANGER, "a CA certificate")]);
        }
        self.key.rows(table);
        if self.signature_valid {
            row(table, "signature", "good: the requester holds the key");
        } else {
            table.row(["signature".into(), Cell::new(DANGER, "does not belong to its key")]);
        }
    }
}

fn belongs(table: &mut Table, artifact: Option<&str>) {
    row(table, "artifact", artifact.unwrap_or_default());
}

fn row(table: &mut Table, name: &str, value: &str) {
    if !value.is_empty() {
        table.row([name.into(), value.into()]);
    }
}
