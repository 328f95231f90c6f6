//! What a lock says, line by line.

use super::compare::Side;
use super::item::{Item, PUBLIC_KEY};
use crate::state::{Entry, Lock, Made, Rest};

pub fn of_lock(lock: &Lock) -> Side {
    let head = Item::new("cluster").text("name", lock.cluster.clone().unwrap_or_default()).text(
        "kubernetes",
        lock.kubernetes.map_or_else(String::new, |version| version.to_string()),
    );
    let head = match lock.seed {
        Some(seed) => head.digest("seed", &seed.id).text("key schedule", seed.schedule.to_string()),
        None => head,
    };
    let recipients = lock.recipients.iter().map(|(owner, members)| {
        let name = owner
            .as_ref()
            .map_or_else(|| "recipients".to_owned(), |node| format!("recipients of node {node}"));
        let item = Item::new("recipients").set("members", members.iter().cloned());
        (name, item)
    });
    let entries = lock.entries.iter().map(|(name, entry)| (name.to_string(), of_entry(entry)));
    let copies = lock.copies.iter().map(|(path, rest)| {
        let item = resting(Item::new("sealed copy"), Some(*rest));
        (format!("out/{path}"), item)
    });
    let exposures = lock.exposed.iter().map(|(name, exposure)| {
        let item = Item::new("exposed key").set("readable by", exposure.to.iter().cloned());
        (format!("exposure of {name}"), item)
    });
    let orphans = lock.orphans.iter().map(|(path, made)| {
        let item = Item::new("orphan");
        let item = match made {
            Made::Content(digest) => item.digest("content", digest),
            Made::Key(digest) => item.digest(PUBLIC_KEY, digest),
        };
        (format!("out/{path}"), item)
    });
    std::iter::once(("cluster".to_owned(), head))
        .chain(recipients)
        .chain(entries)
        .chain(copies)
        .chain(exposures)
        .chain(orphans)
        .map(|(name, item)| (name, vec![item]))
        .collect()
}

fn of_entry(entry: &Entry) -> Item {
    let kind = match entry {
        Entry { certificate: Some(_), .. } => "certificate",
        Entry { size: Some(_), .. } => "kubeconfig",
        Entry { public_key: Some(_), .. } => "key",
        _ => "rendered file",
    };
    let text = |value: Option<String>| value.unwrap_or_default();
    let mut item = Item::new(kind)
        .text("not-before", text(entry.not_before.map(|time| time.to_string())))
        .text("not-after", text(entry.not_after.map(|time| time.to_string())))
        .text("server", text(entry.server.clone()))
        .revision(&text(entry.revision.clone()))
        .text("initial-cluster", text(entry.initial_cluster.clone()));
    if let Some(key) = entry.public_key {
        item = item.digest(PUBLIC_KEY, &key);
    }
    if let Some(request) = entry.request {
        item = item.digest("request", &request);
    }
    if let Some(content) = entry.content {
        item = item.digest("content", &content);
    }
    if let Some(digest) = entry.restart_digest {
        item = item.digest("restart-digest", &digest);
    }
    // The recipe is why something was built anew; that it has another hash is told only where nothing was.
    item = item.echo("recipe", &entry.hash);
    if let Some(certificate) = entry.certificate {
        item = item.echo("certificate", &certificate);
    }
    resting(item, entry.rest)
}

fn resting(item: Item, rest: Option<Rest>) -> Item {
    match rest {
        None => item,
        Some(rest) => item.digest("recipients", &rest.recipients).echo("sealed", &rest.sealed),
    }
}
