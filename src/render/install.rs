//! What an install does, as a report.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::next_node::next_node;
use super::report::{FORMAT_VERSION, Report};
use super::style::{CHANGE, GOOD, MINOR, STRONG, paint};
use super::text::{Cell, Table, counted, paragraph};
use crate::install::{Effect, Installation, Reason, Restarting, manager_manifest};
use crate::name::TreePath;
use crate::profile::Process;
use crate::spec::{Node, Spec};

const MANAGER: &str = Process::ControllerManager.name();

/// What `kpki install --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct InstallReport {
    /// Version of this format.
    pub format_version: u32,
    pub cluster: String,
    pub node: String,
    /// Where the node's file system is.
    pub root: String,
    /// Nothing was written.
    pub dry_run: bool,
    /// Nothing to do.
    pub empty: bool,
    /// Every file is as described, and kpki was not here before: only its own record is written.
    pub first_record: bool,
    /// Folders made, or closed to others.
    pub folders: Vec<FolderReport>,
    /// In the order in which they are put in place. Paths are the node's.
    pub writes: Vec<WriteReport>,
    /// Among them what comes before everything else; then kube-controller-manager must run from it.
    pub handover: Option<HandoverReport>,
    /// What is no longer described, in the order of its removal.
    pub removes: Vec<String>,
    /// What a pod that is being replaced may read once more: the next install removes it.
    pub removes_later: Vec<String>,
    /// The certificate and the key that kube-controller-manager signs with, changed one after the other.
    pub exchanged_pair: Option<[String; 2]>,
    /// Newer on the node than what takes its place, by consent.
    pub older: Vec<String>,
    /// No longer described, but changed since kpki put it there: it stays.
    pub kept: Vec<String>,
    pub unchanged: usize,
    /// In the order in which it is safe.
    pub restarts: Vec<NodeRestartReport>,
    /// Commands that must be answered before the next node is installed.
    pub before_next_node: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct HandoverReport {
    /// Holds the one certificate to sign with.
    pub signing: String,
    /// Gets several.
    pub bundle: String,
    /// In this order before everything else.
    pub first: Vec<String>,
    /// The operator's own manifest makes it sign with what gets several: the operator changes it.
    pub left_to_operator: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FolderReport {
    pub path: String,
    /// `0755`
    pub mode: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WriteReport {
    pub path: String,
    /// `0644`
    pub mode: String,
    pub reason: Reason,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NodeRestartReport {
    /// `kube-apiserver`, `kubelet`
    pub what: String,
    pub effect: Effect,
}

pub fn install_report(
    root: &str,
    dry_run: bool,
    (spec, host): (&Spec, &Node),
    installation: &Installation<'_>,
    restarts: &[Restarting],
) -> InstallReport {
    let on_node = |path: &TreePath| format!("/{path}");
    InstallReport {
        format_version: FORMAT_VERSION,
        cluster: installation.afterwards.cluster.to_string(),
        node: installation.afterwards.node.to_string(),
        root: root.to_owned(),
        dry_run,
        // Whoever looks at a node that runs as described already finds nothing to do; the record comes with
        // the first install.
        empty: installation.is_empty() || (dry_run && installation.is_first_record()),
        first_record: installation.is_first_record(),
        folders: installation
            .folders
            .iter()
            .map(|(path, mode)| FolderReport {
                path: format!("/{path}/"),
                mode: format!("{mode:04o}"),
            })
            .collect(),
        writes: installation
            .writes
            .iter()
            .map(|write| WriteReport {
                path: on_node(&write.file.path),
                mode: format!("{:04o}", write.file.mode),
                reason: write.reason,
            })
            .collect(),
        handover: installation.handover.as_ref().map(|handover| HandoverReport {
            signing: on_node(&handover.signing),
            bundle: on_node(&handover.bundle),
            first: {
                let between = handover.between.iter().map(|between| &between.path);
                handover.first.iter().chain(between).map(on_node).collect()
            },
            left_to_operator: handover.is_left_to_operator(),
        }),
        removes: installation.removals.iter().map(|(_, path)| on_node(path)).collect(),
        removes_later: installation.removals_later.iter().map(on_node).collect(),
        exchanged_pair: installation
            .exchanged_pair
            .as_ref()
            .map(|pair| pair.each_ref().map(on_node)),
        older: installation.older.iter().map(|older| on_node(&older.path)).collect(),
        kept: installation.kept.iter().map(on_node).collect(),
        unchanged: installation.unchanged,
        restarts: restarts
            .iter()
            .map(|restarting| NodeRestartReport {
                what: restarting.restart.what().to_owned(),
                effect: restarting.effect,
            })
            .collect(),
        before_next_node: next_node(spec, host, installation, restarts),
    }
}

impl Report for InstallReport {
    fn text(&self, columns: usize) -> String {
        if self.empty {
            let files = counted(self.unchanged, "file");
            let record = if self.first_record {
                "; kpki install writes nothing but its own record"
            } else {
                ""
            };
            return format!("nothing to do: {files} on {} as described{record}\n", self.node);
        }
        let mut text = self.files(columns);
        let foreign = self.writes.iter().filter(|write| write.reason == Reason::Foreign);
        match foreign.count() {
            0 => {}
            count => {
                let note = format!(
                    "note: {} replaced that kpki did not put there, or not as it was",
                    counted(count, "file")
                );
                text.push_str(&paragraph("", 2, &note, columns));
            }
        }
        text.push_str(&self.order_notes(columns));
        if !self.older.is_empty() {
            let note = format!(
                "note: older certificates take the place of newer ones: {}",
                self.older.join(", ")
            );
            text.push_str(&paragraph("", 2, &note, columns));
        }
        for path in &self.kept {
            let note = format!(
                "note: {path} is no longer described, but was changed since kpki put it there: it stays"
            );
            text.push_str(&paragraph("", 2, &note, columns));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{}", self.totals());
        text.push_str(&self.orders(columns));
        text
    }
}

impl InstallReport {
    fn files(&self, columns: usize) -> String {
        let mut table = Table::new();
        let mut row = |style, what: &str, mode: &str, path: &str| {
            table.row([Cell::new(style, what), mode.into(), path.into()]);
        };
        for FolderReport { path, mode } in &self.folders {
            row(GOOD, "+ folder", mode, path);
        }
        for write in &self.writes {
            let (style, what) = match write.reason {
                Reason::New => (GOOD, "+ new"),
                Reason::Outdated => (CHANGE, "~ changed"),
                Reason::Foreign => (CHANGE, "~ foreign"),
                Reason::Attributes => (MINOR, "= mode or owner"),
            };
            row(style, what, &write.mode, &write.path);
        }
        for path in &self.removes {
            row(CHANGE, "- removed", "", path);
        }
        for path in &self.removes_later {
            row(MINOR, "- next time", "", path);
        }
        table.render("", columns)
    }

    /// In which order, where that is more than layer after layer.
    fn order_notes(&self, columns: usize) -> String {
        let mut text = String::new();
        let mut add = |note: String| text.push_str(&paragraph("", 2, &note, columns));
        if let Some(HandoverReport { signing, bundle, first, left_to_operator }) = &self.handover {
            let what = format!("{bundle} gets a second certificate, with which");
            add(match (left_to_operator, first.is_empty()) {
                (true, is_there) => format!(
                    "note: {}set --cluster-signing-cert-file={signing} in /{}, which is yours, before {what} {MANAGER} would \
                     not start",
                    if is_there {
                        String::new()
                    } else {
                        format!("{} first; then ", first.join(", "))
                    },
                    manager_manifest(),
                ),
                (false, true) => format!(
                    "note: {MANAGER} must run with {signing} before {what} it would not start"
                ),
                (false, false) => format!(
                    "note: {} first; {MANAGER} must run so before {what} it would not start; then it starts once \
                     more, to hand both to all namespaces",
                    first.join(", ")
                ),
            });
        }
        if let Some([certificate, key]) = &self.exchanged_pair {
            add(format!(
                "note: {certificate} and {key} change one right after the other; should {MANAGER} start between the two, \
                 it exits, and the kubelet starts it again"
            ));
        }
        if !self.removes_later.is_empty() {
            add(format!(
                "note: a pod may start with {} once more, until the kubelet has replaced it, or no manifest names that: \
                 the next install removes it",
                self.removes_later.join(", ")
            ));
        }
        text
    }

    fn totals(&self) -> String {
        if self.writes.is_empty() && self.removes.is_empty() && self.folders.is_empty() {
            let record = if self.first_record { "written" } else { "brought up to date" };
            return format!(
                "nothing to write: {} on {} as described; only the record is {record}",
                counted(self.unchanged, "file"),
                self.node
            );
        }
        let words = if self.dry_run { ["to write", "to remove"] } else { ["written", "removed"] };
        let mut parts: Vec<String> = [self.writes.len(), self.removes.len()]
            .into_iter()
            .zip(words)
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        parts.push(format!("{} unchanged", self.unchanged));
        format!("{} ({})", parts.join(", "), self.node)
    }

    /// By what has to be done, in the order of the restarts.
    fn orders(&self, columns: usize) -> String {
        let mut text = String::new();
        let by = |effect: Effect| -> Vec<&str> {
            let all = self.restarts.iter();
            all.filter(|restart| restart.effect == effect)
                .map(|restart| restart.what.as_str())
                .collect()
        };
        for (effect, what) in [
            (Effect::Stops, "the kubelet stops"),
            (Effect::Starts, "the kubelet starts"),
            (Effect::Restarts, "the kubelet restarts"),
        ] {
            let names = by(effect);
            if !names.is_empty() {
                let line = format!("{what} by itself: {}", names.join(", "));
                text.push_str(&paragraph("", 2, &line, columns));
            }
        }
        let by_hand = by(Effect::ByHand);
        if !by_hand.is_empty() {
            let line = format!(
                "restart yourself, for their manifests stay as they are: {}",
                by_hand.join(", ")
            );
            text.push_str(&paragraph("", 2, &line, columns));
        }
        let services = by(Effect::Service);
        if !services.is_empty() {
            let _ = writeln!(
                text,
                "{} systemctl restart {}",
                paint(STRONG, "next:"),
                services.join(" ")
            );
        }
        if !self.before_next_node.is_empty() {
            let line = if by(Effect::Restarts).is_empty() {
                "before the next node this one must answer:"
            } else {
                "before the next node this one must answer, with pods that are no older than this (the kubelet takes up to a \
                 minute to replace one):"
            };
            text.push_str(&paragraph("", 2, line, columns));
            for command in &self.before_next_node {
                let _ = writeln!(text, "  {command}");
            }
        }
        text
    }
}
