//! kubelet.service and its drop-ins, as systemd reads them (systemd.unit(5), systemd.service(5)): the command
//! line, and the variables in it.

use std::collections::BTreeMap;

use super::environment::{assignments, words};
use super::{At, Look, Machine};

/// The first folder wins for files of one name (systemd.unit(5), "System Unit Search Path").
const FOLDERS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];
const UNIT: &str = "kubelet.service";

/// What kubeadm's packages bring (kubernetes/release, `10-kubeadm.conf`), where no unit was handed over. Of
/// the two last files each package reads its own.
const KUBEADMS: &str = "[Service]
Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf\"
Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
EnvironmentFile=-/etc/sysconfig/kubelet
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
";
const KUBEADM_FLAGS: &str = "var/lib/kubelet/kubeadm-flags.env";
/// Its name in messages.
const ASSUMED: &str =
    "10-kubeadm.conf of kubeadm's packages, since no kubelet.service was handed over,";

/// A word of the kubelet's command line, where it was written, and why its text is not known.
pub(super) struct Word {
    pub text: String,
    pub at: At,
    pub unknown: Option<String>,
}

/// The words behind the binary, and what of it all could not be read.
#[derive(Default)]
pub(super) struct CommandLine {
    pub words: Vec<Word>,
    pub unread: Vec<(At, String)>,
    /// No unit was there, so kubeadm's own was taken.
    pub assumed: bool,
    /// Nor kubeadm's file of flags, which it always writes.
    pub partial: bool,
}

struct Variable {
    at: At,
    value: String,
    /// Specifiers are of the unit's own text, not of a file of variables.
    in_unit: bool,
}

#[derive(Default)]
struct Service {
    variables: BTreeMap<String, Variable>,
    files: Vec<(At, String)>,
    start: Option<(At, String)>,
    unread: Vec<(At, String)>,
}

pub(super) fn command_line(machine: &Machine) -> CommandLine {
    let mut service = Service::default();
    let mut assumed = false;
    for path in unit_files(machine) {
        match text(machine, &path) {
            Ok(Some((real, text))) => service.read(&real, text),
            Ok(None) => {}
            Err((at, why)) => service.unread.push((at, why)),
        }
    }
    if service.start.is_none() && service.unread.is_empty() {
        assumed = true;
        let mut kubeadms = Service::default();
        kubeadms.read(ASSUMED, KUBEADMS);
        kubeadms.variables.append(&mut service.variables);
        kubeadms.files.append(&mut service.files);
        service = kubeadms;
    }
    let mut line = service.command_line(machine);
    line.assumed = assumed;
    line.partial = assumed && matches!(machine.look(KUBEADM_FLAGS), Look::Absent);
    line
}

/// The unit, then drop-ins in the order of their names.
fn unit_files(machine: &Machine) -> Vec<String> {
    let is_there = |path: &String| !matches!(machine.look(path), Look::Absent);
    let unit = FOLDERS.map(|folder| format!("{folder}/{UNIT}")).into_iter().find(is_there);
    let mut drop_ins: BTreeMap<String, String> = BTreeMap::new();
    for folder in FOLDERS {
        // `lib` is a link to `usr/lib` on most machines.
        let Some(real) = machine.resolve(&format!("{folder}/{UNIT}.d")) else { continue };
        let files = machine.files().map(|(path, _)| path);
        let others = machine.links().chain(machine.unread()).map(|(path, _)| path);
        for path in files.chain(others) {
            let name = path.strip_prefix(&real).and_then(|rest| rest.strip_prefix('/'));
            if let Some(name) = name
                .filter(|name| name.strip_suffix(".conf").is_some_and(|stem| !stem.contains('/')))
            {
                drop_ins.entry(name.to_owned()).or_insert_with(|| path.to_owned());
            }
        }
        if let Some((path, _)) = machine.unread().find(|(path, _)| *path == real) {
            drop_ins.entry(String::new()).or_insert_with(|| path.to_owned());
        }
    }
    unit.into_iter().chain(drop_ins.into_values()).collect()
}

/// A text file of the machine and where it lies; nothing where there is none.
pub(super) fn text<'m>(
    machine: &'m Machine,
    path: &str,
) -> Result<Option<(String, &'m str)>, (At, String)> {
    let fail = |path: &str, why: &str| Err((At::new(path, 0), why.to_owned()));
    match machine.look(path) {
        Look::File(real, file) => match std::str::from_utf8(file.bytes.expose()) {
            Ok(text) => Ok(Some((real.to_owned(), text))),
            Err(_) => fail(real, "is not UTF-8"),
        },
        Look::Folder(real) => fail(real, "is a folder"),
        Look::Unread(real, why) => fail(real, &format!("could not be read: {why}")),
        // How systemd masks a unit or a drop-in.
        Look::LeadsAway { target: "/dev/null", .. } | Look::Absent => Ok(None),
        Look::LeadsAway { link, target } => {
            fail(link, &format!("is a link to {target}, which was not handed over"))
        }
        Look::Circle => fail(path, "is a link that goes round"),
    }
}

impl Service {
    fn read(&mut self, path: &str, text: &str) {
        let mut section = String::new();
        let mut lines = text.lines().enumerate();
        while let Some((number, first)) = lines.next() {
            let at = At::new(path, number + 1);
            if is_comment(first) {
                continue;
            }
            // A line goes on behind a backslash; comments in between are passed by.
            let mut line = first.to_owned();
            while line.ends_with('\\') {
                line.pop();
                line.push(' ');
                match lines.by_ref().map(|(_, line)| line).find(|line| !is_comment(line)) {
                    Some(more) => line.push_str(more),
                    None => break,
                }
            }
            let line = line.trim();
            if line.starts_with('[') {
                line.clone_into(&mut section);
            } else if let Some((key, value)) = line.split_once('=')
                && section == "[Service]"
            {
                self.setting(at, key.trim(), value.trim());
            }
        }
    }

    fn setting(&mut self, at: At, key: &str, value: &str) {
        match (key, value) {
            ("Environment", "") => self.variables.clear(),
            ("Environment", value) => match words(value) {
                Some(words) => {
                    for word in words {
                        if let Some((name, value)) = word.split_once('=') {
                            let (at, value) = (at.clone(), value.to_owned());
                            let variable = Variable { at, value, in_unit: true };
                            self.variables.insert(name.to_owned(), variable);
                        }
                    }
                }
                None => self.unread.push((at, "has a quote or an escape that is none".to_owned())),
            },
            ("EnvironmentFile", "") => self.files.clear(),
            ("EnvironmentFile", file) => self.files.push((at, file.to_owned())),
            ("ExecStart", "") => self.start = None,
            ("ExecStart", line) => self.start = Some((at, line.to_owned())),
            ("UnsetEnvironment" | "PassEnvironment" | "RootDirectory" | "RootImage", _) => {
                self.unread.push((at, format!("sets {key}, which kpki does not read")));
            }
            _ => {}
        }
    }

    fn command_line(mut self, machine: &Machine) -> CommandLine {
        // A file's variables win over those of the unit, and a later file's over an earlier one's.
        for (at, file) in std::mem::take(&mut self.files) {
            let path = file.strip_prefix('-').unwrap_or(&file);
            if path.contains(['*', '?', '[', '%', '"', '\'']) {
                let why = format!("reads {path}, a pattern that kpki does not read");
                self.unread.push((at, why));
                continue;
            }
            match text(machine, path) {
                Ok(Some((real, text))) => {
                    for (line, name, value) in assignments(text) {
                        let at = At::new(&real, line);
                        self.variables.insert(name, Variable { at, value, in_unit: false });
                    }
                }
                Ok(None) => {}
                Err(unread) => self.unread.push(unread),
            }
        }
        let mut found = CommandLine { unread: std::mem::take(&mut self.unread), ..<_>::default() };
        let Some((at, line)) = &self.start else { return found };
        // Prefixes of the binary (systemd.service(5), table 1); `:` takes variables as they stand.
        let plain = line.trim_start_matches(['@', '-', '+', '!', '|']);
        let Some(all) = words(plain).filter(|_| !plain.starts_with(':')) else {
            found.unread.push((at.clone(), "is a command line that kpki does not read".to_owned()));
            return found;
        };
        let mut all = all.into_iter();
        let binary = all.next().unwrap_or_default();
        if binary.rsplit('/').next() != Some("kubelet") {
            found.unread.push((at.clone(), format!("starts {binary}, not kubelet itself")));
            return found;
        }
        for word in all {
            self.add_word(&word, at, &mut found);
        }
        found
    }

    /// `$NAME` alone is as many words as its value has; `${NAME}` is a part of one word.
    fn add_word(&self, word: &str, at: &At, found: &mut CommandLine) {
        if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
            let Some(Variable { at, value, in_unit }) = self.variables.get(name) else { return };
            match words(value) {
                Some(words) => found
                    .words
                    .extend(words.into_iter().map(|text| specified(text, at.clone(), *in_unit))),
                None => found
                    .unread
                    .push((at.clone(), format!("has quotes in {name} that do not close"))),
            }
            return;
        }
        let mut text = String::new();
        let mut rest = word;
        let mut at = at.clone();
        while let Some((before, after)) = rest.split_once('$') {
            text.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                text.push('$');
                rest = after;
            } else if let Some((name, after)) =
                rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            {
                if let Some(variable) = self.variables.get(name) {
                    text.push_str(&variable.value);
                    at = variable.at.clone();
                }
                rest = after;
            } else {
                text.push('$');
            }
        }
        text.push_str(rest);
        found.words.push(specified(text, at, true));
    }
}

/// `%%` is a percent sign; any other specifier's value is known to the machine alone (systemd.unit(5)).
fn specified(text: String, at: At, in_unit: bool) -> Word {
    let plain = text.replace("%%", "");
    let unknown = (in_unit && plain.contains('%'))
        .then(|| format!("says {text}, where systemd puts in what it knows of the machine"));
    let text = if in_unit { text.replace("%%", "%") } else { text };
    Word { text, at, unknown }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with(['#', ';'])
}
