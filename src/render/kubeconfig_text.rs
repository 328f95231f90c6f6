//! A kubeconfig in words: a paragraph for each context, the current one first.

use std::fmt::Write as _;

use super::kubeconfig::{
    ClusterReport, ContextReport, ExecReport, KeyPlace, KubeconfigReport, UserReport,
};
use super::style::{DANGER, STRONG};
use super::text::{Cell, Table, counted};

impl KubeconfigReport {
    pub(super) fn text(&self, columns: usize) -> String {
        let mut paragraphs = Vec::new();
        if !self.problems.is_empty() || (self.current_context.is_none() && self.contexts.len() > 1)
        {
            let mut table = Table::new();
            if self.current_context.is_none() {
                row(&mut table, "current", "none: kubectl --context names one");
            }
            problems(&mut table, &self.problems);
            paragraphs.push(table);
        }
        for context in &self.contexts {
            let mut table = Table::new();
            context.rows(&mut table);
            paragraphs.push(table);
        }
        let no_context = " (no context names it)";
        for cluster in &self.other_clusters {
            let mut table = Table::new();
            cluster.rows(&mut table, no_context);
            paragraphs.push(table);
        }
        for user in &self.other_users {
            let mut table = Table::new();
            user.rows(&mut table, no_context);
            paragraphs.push(table);
        }
        if paragraphs.is_empty() {
            return "  neither clusters nor users\n".to_owned();
        }
        let texts = paragraphs.iter().map(|table| table.render("  ", columns));
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl ContextReport {
    fn rows(&self, table: &mut Table) {
        let current = if self.current { " (current)" } else { "" };
        let style = if self.current { STRONG } else { super::style::PLAIN };
        table.row(["context".into(), Cell::new(style, format!("{}{current}", self.name))]);
        problems(table, &self.problems);
        if let Some(cluster) = &self.cluster {
            cluster.rows(table, "");
        }
        row(table, "namespace", self.namespace.as_deref().unwrap_or_default());
        match &self.user {
            Some(user) => user.rows(table, ""),
            None if self.problems.is_empty() => row(table, "user", NOBODY),
            None => {}
        }
    }
}

/// What authenticates nobody, the API server takes for this user, if it lets it in at all.
const NOBODY: &str = "nobody: the API server sees system:anonymous";

impl ClusterReport {
    fn rows(&self, table: &mut Table, note: &str) {
        row(table, "cluster", &format!("{}{note}", or_unnamed(&self.name)));
        // client-go's default.
        let server = self.server.as_deref().unwrap_or("none, so http://localhost:8080");
        row(table, "server", server);
        if self.any_server {
            let any = "ANY server, whoever it is (insecure-skip-tls-verify)";
            table.row(["trusts".into(), Cell::new(DANGER, any)]);
        }
        let file = self.authority_file.as_ref().map(|file| format!("the CAs in {file}"));
        let trusted: Vec<String> = self.authorities.iter().cloned().chain(file).collect();
        match trusted.as_slice() {
            [] if self.any_server || !self.problems.is_empty() => {}
            [] => row(table, "trusts", "the CAs of the machine where it is used"),
            some => row(table, "trusts", &some.join("; ")),
        }
        row(table, "server name", self.tls_server_name.as_deref().unwrap_or_default());
        row(table, "proxy", self.proxy.as_deref().unwrap_or_default());
        row(table, "other fields", &self.other_fields.join(", "));
        problems(table, &self.problems);
    }
}

impl UserReport {
    fn rows(&self, table: &mut Table, note: &str) {
        row(table, "user", &format!("{}{note}", or_unnamed(&self.name)));
        for login in self.logins() {
            row(table, "logs in by", &login);
        }
        row(table, "acts as", self.impersonates.as_deref().unwrap_or_default());
        row(table, "in groups", &self.impersonated_groups.join(", "));
        match self.key {
            KeyPlace::None => {}
            KeyPlace::OfTheCertificate => row(table, "private key", "belongs to the certificate"),
            KeyPlace::OfAnotherCertificate => {
                let wrong = "does NOT belong to the certificate: no server accepts it";
                table.row(["private key".into(), Cell::new(DANGER, wrong)]);
            }
            KeyPlace::Embedded => row(table, "private key", "in this file"),
        }
        let file = self.key_file.as_ref().map(|file| format!("in the file {file}"));
        row(table, "private key", &file.unwrap_or_default());
        row(table, "other fields", &self.other_fields.join(", "));
        problems(table, &self.problems);
        row(table, "artifact", self.artifact.as_deref().unwrap_or_default());
        if let Some(certificate) = &self.certificate {
            certificate.rows(table);
        }
    }

    /// Every way that is there; secrets are not shown.
    fn logins(&self) -> Vec<String> {
        let mut ways = Vec::new();
        if self.certificate.is_some() {
            ways.push("the certificate in this file".to_owned());
        }
        ways.extend(self.certificate_file.iter().map(|file| format!("the certificate in {file}")));
        if self.token {
            ways.push("a token, which is not shown".to_owned());
        }
        ways.extend(self.token_file.iter().map(|file| format!("the token in {file}")));
        match (&self.username, self.password) {
            (None, false) => {}
            (None, true) => ways.push("a password, which is not shown".to_owned()),
            (Some(name), false) => ways.push(format!("the name {name} without a password")),
            (Some(name), true) => {
                ways.push(format!("the name {name} and a password, which is not shown"));
            }
        }
        ways.extend(self.exec.iter().map(ExecReport::text));
        ways.extend(self.auth_provider.iter().map(|name| format!("the auth provider {name}")));
        if ways.is_empty() && self.problems.is_empty() && self.key == KeyPlace::None {
            ways.push(NOBODY.to_owned());
        }
        ways
    }
}

impl ExecReport {
    fn text(&self) -> String {
        let mut text = format!("the program {}", self.command);
        if self.arguments > 0 {
            let _ = write!(text, " with {} (not shown)", counted(self.arguments, "argument"));
        }
        if !self.environment.is_empty() {
            let _ = write!(text, ", which gets {}", self.environment.join(", "));
        }
        text
    }
}

fn or_unnamed(name: &str) -> &str {
    if name.is_empty() { "(without a name)" } else { name }
}

fn problems(table: &mut Table, problems: &[String]) {
    for problem in problems {
        table.row([Cell::new(DANGER, "wrong"), Cell::new(DANGER, problem.as_str())]);
    }
}

fn row(table: &mut Table, name: &str, value: &str) {
    if !value.is_empty() {
        table.row([name.into(), value.into()]);
    }
}
