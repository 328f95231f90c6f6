//! A kubeconfig as things to compare: what its current context means, and every other cluster, user and
//! context. Of tokens, passwords and keys it is told that they differ, and nothing more.

use std::collections::BTreeMap;

use super::certificate::of_certificate;
use super::item::{Hidden, Item, Value};
use crate::facts::{KubeconfigFile, Setting, without_login};
use crate::holdings::Certificate;
use crate::secret::Secret;
use crate::visible::printable;

type Fields = BTreeMap<String, Setting>;

/// Everything in it.
pub(super) fn items(mut file: KubeconfigFile) -> Vec<Item> {
    let mut own = Item::new("kubeconfig");
    let mut certificates = Vec::new();
    if !file.current.is_empty() {
        own = own.text("context", printable(&file.current));
        match file.contexts.remove(&file.current) {
            None => own = own.text("contexts", "cannot be read: it is not there"),
            Some(mut context) => {
                let [cluster, user] = ["cluster", "user"].map(|key| name_of(&context, key));
                own = own.text("cluster", printable(&cluster));
                own = match file.clusters.remove(&cluster) {
                    Some(fields) => of_cluster(own, fields),
                    None => own.text("clusters", "cannot be read: it is not there"),
                };
                own = own.text("user", printable(&user));
                own = match file.users.remove(&user) {
                    Some(fields) => of_user(own, fields, &mut certificates),
                    None if user.is_empty() => own,
                    None => own.text("users", "cannot be read: it is not there"),
                };
                let namespace = text(context.remove("namespace"));
                own = own.text("namespace", namespace);
                context.retain(|key, _| key != "cluster" && key != "user");
                own = others(own, context);
            }
        }
    }
    let mut items = vec![own];
    items.append(&mut certificates);
    for (name, mut context) in file.contexts {
        let [cluster, user, namespace] =
            ["cluster", "user", "namespace"].map(|key| text(context.remove(key)));
        let item = Item::new("context").labelled(format!("context {}", printable(&name)));
        let item = item.text("cluster", cluster).text("user", user).text("namespace", namespace);
        items.push(others(item, context));
    }
    for (name, cluster) in file.clusters {
        items.push(of_cluster(
            Item::new("cluster").labelled(format!("cluster {}", printable(&name))),
            cluster,
        ));
    }
    for (name, user) in file.users {
        let item = Item::new("user").labelled(format!("user {}", printable(&name)));
        items.push(of_user(item, user, &mut certificates));
        items.append(&mut certificates);
    }
    items
}

fn name_of(fields: &Fields, key: &str) -> String {
    match fields.get(key) {
        Some(Setting::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// Empty where it is not there.
fn text(setting: Option<Setting>) -> String {
    match setting {
        None | Some(Setting::Nothing) => String::new(),
        Some(Setting::Text(text)) => printable(&text),
        Some(_) => "cannot be read: it is no text".to_owned(),
    }
}

fn flag(setting: Option<Setting>) -> &'static str {
    match setting.map(|setting| setting.as_flag()) {
        Some(Some(true)) => "yes",
        None | Some(Some(false)) => "",
        Some(None) => "cannot be read: it is no boolean",
    }
}

/// What client-go does not know under this name, or what may hold a secret: whether it is the same.
fn others(item: Item, mut fields: Fields) -> Item {
    // Notes of other programs.
    fields.remove("extensions");
    fields.retain(|_, setting| !setting.is_nothing());
    if fields.is_empty() {
        return item;
    }
    let names = fields.keys().map(|name| printable(name)).collect::<Vec<_>>();
    item.set("other-fields", names).hidden("other-settings", Setting::Map(fields).canonical())
}

fn secret(item: Item, name: &'static str, setting: Option<Setting>) -> Item {
    match setting {
        None => item,
        Some(setting) if setting.is_nothing() => item,
        Some(setting) => item.hidden(name, setting.canonical()),
    }
}

/// A URL without the password that may stand in it, which is compared all the same.
fn url(item: Item, name: &'static str, password: &'static str, setting: Option<Setting>) -> Item {
    let Some(Setting::Text(url)) = setting else {
        return item.text(name, text(setting));
    };
    let (shown, login) = without_login(&url);
    let item = item.text(name, printable(&shown));
    match login {
        None => item,
        Some(login) => item.hidden(password, Secret::new(login.as_bytes().to_vec())),
    }
}

fn of_cluster(item: Item, mut fields: Fields) -> Item {
    let mut take = |key: &str| fields.remove(key);
    let mut item = url(item, "server", "server-login", take("server"))
        .text("tls-server-name", text(take("tls-server-name")))
        .text("insecure-skip-tls-verify", flag(take("insecure-skip-tls-verify")));
    item = url(item, "proxy-url", "proxy-login", take("proxy-url"))
        .text("disable-compression", flag(take("disable-compression")));
    let file = text(take("certificate-authority"));
    item = match data(take("certificate-authority-data")) {
        None => item.text("certificate-authority", file),
        Some(Err((why, raw))) => unread(item, "certificate-authority", &why, raw),
        Some(Ok(pem)) => match Certificate::all_in_pem(pem.expose()) {
            Ok(all) if !all.is_empty() => {
                let trusted = all.iter().map(|Certificate { facts, .. }| {
                    format!("{} (key {})", facts.subject, facts.public_key.digest())
                });
                item.set("trusts", trusted)
            }
            Ok(_) => unread(item, "certificate-authority", "it holds no certificate", pem),
            Err(why) => unread(item, "certificate-authority", &format!("it {why}"), pem),
        },
    };
    others(item, fields)
}

fn of_user(item: Item, mut fields: Fields, certificates: &mut Vec<Item>) -> Item {
    let mut take = |key: &str| fields.remove(key);
    let file = text(take("client-certificate"));
    let mut item = match data(take("client-certificate-data")) {
        None => item.text("client-certificate", file),
        Some(Err((why, raw))) => unread(item, "client-certificate", &why, raw),
        Some(Ok(pem)) => match Certificate::all_in_pem(pem.expose()) {
            Ok(all) if !all.is_empty() => {
                certificates.extend(all.iter().map(|held| of_certificate(&held.facts)));
                item
            }
            Ok(_) => unread(item, "client-certificate", "it holds no certificate", pem),
            Err(why) => unread(item, "client-certificate", &format!("it {why}"), pem),
        },
    };
    let key_file = text(take("client-key"));
    item = match data(take("client-key-data")) {
        None if key_file.is_empty() => item,
        None => item.text("private-key", "a file of its own").text("client-key", key_file),
        Some(Err((why, raw))) => unread(item, "private-key", &why, raw),
        Some(Ok(pem)) => {
            let embedded = item.text("private-key", "embedded");
            match certificates.pop() {
                // A new certificate mostly has a new key: that is told once.
                Some(leaf) => {
                    certificates.push(leaf.field("private-key", Value::Hidden(Hidden::echo(pem))));
                    embedded
                }
                None => embedded.hidden("private-key-data", pem),
            }
        }
    };
    item = secret(item, "token", take("token")).text("token-file", text(take("tokenFile")));
    item = item.text("username", text(take("username")));
    item = secret(item, "password", take("password"))
        .text("as", text(take("as")))
        .text("as-uid", text(take("as-uid")));
    item = match take("as-groups") {
        Some(Setting::List(groups)) => {
            item.set("as-groups", groups.into_iter().map(|group| text(Some(group))))
        }
        other => secret(item, "as-groups-data", other),
    };
    item = secret(item, "as-user-extra", take("as-user-extra"));
    for (key, program, settings) in
        [("exec", "command", "exec-settings"), ("auth-provider", "name", "auth-provider-settings")]
    {
        item = match take(key) {
            // Arguments, variables and a provider's settings hold tokens and client secrets.
            Some(Setting::Map(mut of)) => {
                let name = text(of.remove(program));
                let field = if key == "exec" { "exec" } else { "auth-provider" };
                of.retain(|_, setting| !setting.is_nothing());
                secret(item.text(field, name), settings, Some(Setting::Map(of)))
            }
            other => secret(item, settings, other),
        };
    }
    others(item, fields)
}

type Damaged = (String, Secret);

/// What a field in base64 stands for.
fn data(setting: Option<Setting>) -> Option<Result<Secret, Damaged>> {
    let setting = setting.filter(|setting| !setting.is_nothing())?;
    let decoded = setting.decoded();
    Some(match decoded {
        Some(bytes) => Ok(bytes),
        None => Err(("it is not base64".to_owned(), setting.canonical())),
    })
}

/// What cannot be read is the same only where every byte is.
fn unread(item: Item, name: &'static str, why: &str, raw: Secret) -> Item {
    item.text(name, format!("cannot be read: {why}")).hidden(
        match name {
            "certificate-authority" => "certificate-authority-data",
            "client-certificate" => "client-certificate-data",
            _ => "private-key-data",
        },
        raw,
    )
}
