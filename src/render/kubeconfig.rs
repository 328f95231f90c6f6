//! A kubeconfig of any form: where its contexts lead, whom they trust and as whom they speak. Of tokens,
//! passwords, keys and a program's arguments it is told that they are there, and nothing more.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::certificate::{CertificateReport, certificate_report};
use super::owner::Owner;
use super::text::printable;
use crate::facts::{CertificateFacts, FactsError, KubeconfigFile, Setting, without_login};
use crate::holdings::{Certificate, Held, in_pem};
use crate::secret::Secret;
use crate::time::Timestamp;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct KubeconfigReport {
    /// Absent where it names none: `kubectl --context` does then.
    pub current_context: Option<String>,
    /// The current one first.
    pub contexts: Vec<ContextReport>,
    /// That no context names, as in the file that kubeadm's discovery reads.
    pub other_clusters: Vec<ClusterReport>,
    /// That no context names.
    pub other_users: Vec<UserReport>,
    /// What does not fit together.
    pub problems: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ContextReport {
    pub name: String,
    pub current: bool,
    pub namespace: Option<String>,
    /// Absent where the file has none of that name.
    pub cluster: Option<ClusterReport>,
    /// Absent where it names nobody, or one that the file has not.
    pub user: Option<UserReport>,
    /// What does not fit together.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ClusterReport {
    pub name: String,
    /// Without a login that may stand in it.
    pub server: Option<String>,
    /// Subjects of the CAs in the file that it trusts.
    pub authorities: Vec<String>,
    /// A file of CAs that it trusts.
    pub authority_file: Option<String>,
    /// `insecure-skip-tls-verify`: any server is believed.
    pub any_server: bool,
    /// The name that the server's certificate must have, instead of the address's.
    pub tls_server_name: Option<String>,
    /// Without a login that may stand in it.
    pub proxy: Option<String>,
    /// Names of further fields.
    pub other_fields: Vec<String>,
    /// What client-go cannot read, or refuses.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UserReport {
    pub name: String,
    /// Embedded.
    pub certificate: Option<Box<CertificateReport>>,
    /// The artifact whose certificate it is.
    pub artifact: Option<String>,
    pub certificate_file: Option<String>,
    pub key: KeyPlace,
    pub key_file: Option<String>,
    /// It holds a token.
    pub token: bool,
    pub token_file: Option<String>,
    pub username: Option<String>,
    /// It holds a password.
    pub password: bool,
    /// The program that is asked for a token or certificate.
    pub exec: Option<ExecReport>,
    /// One of the providers that client-go has built in.
    pub auth_provider: Option<String>,
    /// The user as whom it acts.
    pub impersonates: Option<String>,
    pub impersonated_groups: Vec<String>,
    /// Names of further fields.
    pub other_fields: Vec<String>,
    /// What client-go cannot read, or refuses.
    pub problems: Vec<String>,
}

/// The embedded private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlace {
    None,
    /// Belongs to the embedded certificate.
    OfTheCertificate,
    OfAnotherCertificate,
    /// Without an embedded certificate, or in a form that cannot be told.
    Embedded,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ExecReport {
    pub command: String,
    /// How many: they may hold secrets.
    pub arguments: usize,
    /// Names of the variables that it sets.
    pub environment: Vec<String>,
}

/// All that the file says.
pub(super) fn kubeconfig_report(
    file: &KubeconfigFile,
    now: Timestamp,
    owner: Owner<'_>,
) -> KubeconfigReport {
    let clusters: BTreeMap<&str, ClusterReport> =
        file.clusters.iter().map(|(name, fields)| (name.as_str(), cluster(name, fields))).collect();
    let reader = Reader { now, owner };
    let users: BTreeMap<&str, UserReport> = file
        .users
        .iter()
        .map(|(name, fields)| (name.as_str(), reader.user(name, fields)))
        .collect();
    let mut named = [BTreeSet::new(), BTreeSet::new()];
    let mut contexts: Vec<ContextReport> = file
        .contexts
        .iter()
        .map(|(name, fields)| {
            let mut fields = Fields::of(fields);
            let (to, who) = (fields.raw("cluster"), fields.raw("user"));
            let found = to.as_deref().and_then(|name| clusters.get(name)).cloned();
            let user = who.as_deref().and_then(|name| users.get(name)).cloned();
            for (what, name, is_here) in
                [("cluster", &to, found.is_some()), ("user", &who, user.is_some())]
            {
                match name {
                    Some(name) if !is_here => fields.problems.push(format!(
                        "names the {what} {}, which is not in {what}s",
                        printable(name)
                    )),
                    None if what == "cluster" => {
                        fields.problems.push("names no cluster".to_owned());
                    }
                    _ => {}
                }
            }
            let [clusters, users] = &mut named;
            clusters.extend(to);
            users.extend(who);
            ContextReport {
                name: printable(name),
                current: *name == file.current,
                namespace: fields.text("namespace"),
                cluster: found,
                user,
                problems: fields.problems,
            }
        })
        .collect();
    contexts.sort_by_key(|context| !context.current);
    let mut problems = Vec::new();
    if !file.current.is_empty() && !file.contexts.contains_key(&file.current) {
        let current = printable(&file.current);
        problems.push(format!("its current-context {current} is not in contexts"));
    }
    let [named_clusters, named_users] = named;
    KubeconfigReport {
        current_context: (!file.current.is_empty()).then(|| printable(&file.current)),
        contexts,
        other_clusters: clusters
            .into_iter()
            .filter(|(name, _)| !named_clusters.contains(*name))
            .map(|(_, cluster)| cluster)
            .collect(),
        other_users: users
            .into_iter()
            .filter(|(name, _)| !named_users.contains(*name))
            .map(|(_, user)| user)
            .collect(),
        problems,
    }
}

/// What one name stands for, field by field; what was not asked for is left.
struct Fields<'a> {
    left: BTreeMap<&'a str, &'a Setting>,
    problems: Vec<String>,
}

impl<'a> Fields<'a> {
    fn of(fields: &'a BTreeMap<String, Setting>) -> Self {
        let given = fields.iter().filter(|(_, setting)| !matches!(setting, Setting::Nothing));
        Fields {
            left: given.map(|(name, setting)| (name.as_str(), setting)).collect(),
            problems: Vec::new(),
        }
    }

    fn take(&mut self, name: &str) -> Option<&'a Setting> {
        self.left.remove(name)
    }

    /// As it stands there; `None`: empty, too.
    fn raw(&mut self, name: &str) -> Option<String> {
        if let Setting::Text(text) = self.take(name)? {
            return (!text.is_empty()).then(|| text.to_string());
        }
        self.problems.push(format!("{name} is no text, so client-go refuses the file"));
        None
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.raw(name).as_deref().map(printable)
    }

    fn url(&mut self, name: &str) -> Option<String> {
        self.raw(name).map(|url| printable(&without_login(&url).0))
    }

    fn is_set(&mut self, name: &str) -> bool {
        let Some(setting) = self.take(name) else {
            return false;
        };
        setting.as_flag().unwrap_or_else(|| {
            self.problems.push(format!("{name} is no boolean, so client-go refuses the file"));
            false
        })
    }

    fn has_secret(&mut self, name: &str) -> bool {
        self.take(name).is_some_and(|setting| !setting.is_nothing())
    }

    fn data(&mut self, name: &str) -> Option<Secret> {
        let setting = self.take(name).filter(|setting| !setting.is_nothing())?;
        let decoded = setting.decoded();
        if decoded.is_none() {
            let is_pem = setting.as_text().is_some_and(|text| text.contains("-----BEGIN "));
            let but =
                if is_pem { ", but PEM (`base64 -w0 FILE` writes what belongs there)" } else { "" };
            let why = format!("{name} is not base64{but}, so client-go refuses the file");
            self.problems.push(why);
        }
        decoded
    }

    fn certificates(&mut self, name: &str) -> Vec<Certificate> {
        let Some(pem) = self.data(name) else {
            return Vec::new();
        };
        Certificate::all_in_pem(pem.expose()).unwrap_or_else(|why| {
            self.problems.push(format!("{name} {why}"));
            Vec::new()
        })
    }

    /// Notes of other programs are no field.
    fn rest(&self) -> Vec<String> {
        self.left.keys().filter(|name| **name != "extensions").map(|name| printable(name)).collect()
    }
}

fn cluster(name: &str, fields: &BTreeMap<String, Setting>) -> ClusterReport {
    let mut fields = Fields::of(fields);
    let file = fields.text("certificate-authority");
    let has_data = fields.left.get("certificate-authority-data").is_some_and(|s| !s.is_nothing());
    let authorities = fields.certificates("certificate-authority-data");
    let any_server = fields.is_set("insecure-skip-tls-verify");
    // rest.TLSConfigFor: "specifying a root certificates file with the insecure flag is not allowed".
    if any_server && (has_data || file.is_some()) {
        let why = "insecure-skip-tls-verify beside a CA, so client-go does not connect";
        fields.problems.push(why.to_owned());
    }
    let _ = fields.take("disable-compression");
    ClusterReport {
        name: printable(name),
        server: fields.url("server"),
        authorities: authorities.iter().map(|held| held.facts.subject.to_string()).collect(),
        // Embedded data wins over a file, as in client-go.
        authority_file: file.filter(|_| !has_data),
        any_server,
        tls_server_name: fields.text("tls-server-name"),
        proxy: fields.url("proxy-url"),
        other_fields: fields.rest(),
        problems: fields.problems,
    }
}

struct Reader<'a> {
    now: Timestamp,
    owner: Owner<'a>,
}

impl Reader<'_> {
    fn user(&self, name: &str, fields: &BTreeMap<String, Setting>) -> UserReport {
        let mut fields = Fields::of(fields);
        let [has_certificate, has_key] = ["client-certificate-data", "client-key-data"]
            .map(|name| fields.left.get(name).is_some_and(|setting| !setting.is_nothing()));
        let own = fields.certificates("client-certificate-data");
        let leaf = own.first().map(|held| &held.facts);
        let key = fields.data("client-key-data");
        let key = key.map_or(KeyPlace::None, |key| key_place(&key, leaf, &mut fields.problems));
        UserReport {
            name: printable(name),
            certificate: leaf.map(|facts| Box::new(certificate_report(facts, self.now))),
            artifact: leaf.and_then(|facts| (self.owner.of_certificate)(facts.digest)),
            certificate_file: fields.text("client-certificate").filter(|_| !has_certificate),
            key,
            key_file: fields.text("client-key").filter(|_| !has_key),
            token: fields.has_secret("token"),
            token_file: fields.text("tokenFile"),
            username: fields.text("username"),
            password: fields.has_secret("password"),
            exec: exec(&mut fields),
            auth_provider: auth_provider(&mut fields),
            impersonates: fields.text("as"),
            impersonated_groups: groups(&mut fields),
            other_fields: fields.rest(),
            problems: fields.problems,
        }
    }
}

fn key_place(
    key: &Secret,
    leaf: Option<&CertificateFacts>,
    problems: &mut Vec<String>,
) -> KeyPlace {
    let first_key = in_pem(key.expose()).and_then(|all| {
        let key = all.into_iter().find_map(|held| match held {
            Held::PrivateKey(block) => Some(block),
            _ => None,
        });
        key.ok_or_else(|| FactsError::new("holds no private key"))
    });
    let block = match first_key {
        Ok(block) => block,
        Err(why) => {
            problems.push(format!("client-key-data {why}"));
            return KeyPlace::Embedded;
        }
    };
    if block.is_encrypted() {
        problems.push("client-key-data is encrypted, so client-go does not read it".to_owned());
        return KeyPlace::Embedded;
    }
    match (block.any_public_half(), leaf) {
        (Ok(half), Some(leaf)) if half == leaf.public_key => KeyPlace::OfTheCertificate,
        (Ok(_), Some(_)) => KeyPlace::OfAnotherCertificate,
        (Ok(_), None) => KeyPlace::Embedded,
        (Err(why), _) => {
            problems.push(format!("client-key-data {why}"));
            KeyPlace::Embedded
        }
    }
}

fn exec(fields: &mut Fields<'_>) -> Option<ExecReport> {
    let Setting::Map(of) = fields.take("exec").filter(|setting| !setting.is_nothing())? else {
        fields.problems.push("exec is of another form, so client-go refuses the file".to_owned());
        return None;
    };
    let list = |name: &str| match of.get(name) {
        Some(Setting::List(items)) => items.as_slice(),
        _ => &[],
    };
    let variable = |item: &Setting| match item {
        Setting::Map(variable) => variable.get("name")?.as_text().map(printable),
        _ => None,
    };
    let command = of.get("command").and_then(Setting::as_text).unwrap_or_default();
    if command.is_empty() {
        fields.problems.push("exec names no command".to_owned());
    }
    Some(ExecReport {
        command: printable(command),
        arguments: list("args").len(),
        environment: list("env").iter().filter_map(variable).collect(),
    })
}

fn auth_provider(fields: &mut Fields<'_>) -> Option<String> {
    let setting = fields.take("auth-provider").filter(|setting| !setting.is_nothing())?;
    let name = match setting {
        Setting::Map(of) => of.get("name").and_then(Setting::as_text),
        _ => None,
    };
    Some(printable(name.unwrap_or_default()))
}

fn groups(fields: &mut Fields<'_>) -> Vec<String> {
    match fields.take("as-groups") {
        Some(Setting::List(groups)) => {
            groups.iter().filter_map(Setting::as_text).map(printable).collect()
        }
        _ => Vec::new(),
    }
}
