//! An operator's manifest, patched as apply will patch it: what there is to say of it.

use super::component::Places;
use super::held::{Review, hold};
use crate::graph::{Graph, runs_as};
use crate::manifest::{RunsAs, named_paths};
use crate::pod::{Outcome, PodFacts, PodWish, Trial};
use crate::profile::{Content, Process};
use crate::spec::{Manifest, Node, Spec};
use crate::version::KubernetesVersion;

pub(super) struct Operators<'a> {
    pub spec: &'a Spec,
    pub graph: &'a Graph,
    pub node: &'a Node,
    pub process: Process,
    pub manifest: &'a Manifest,
}

impl Operators<'_> {
    pub fn review(&self, (trial, wish): (&Trial, &PodWish), places: &Places, review: &mut Review) {
        let Trial { findings, before, after } = trial;
        for finding in findings {
            self.note(review, Some(finding.line), &finding.message());
        }
        let flags = after.told(self.process);
        self.taken_away(before, places, review);
        self.unseen_files(before, after, review);
        self.left_behind(after, wish, review);
        self.commands(trial, review);
        self.image(after, review);
        self.user(before, review);
        let place = |flag: &str, review: &mut Review| {
            let described = places.flags.get(&(self.process.component(), flag.to_owned()));
            let line = line_of(before, flag);
            Some(described.copied().unwrap_or_else(|| review.place(self.manifest, line)))
        };
        hold(self.spec, self.node, self.process, &flags, &place, review);
    }

    fn note(&self, review: &mut Review, line: Option<usize>, what: &str) {
        let path = &self.manifest.path;
        review.note(match line {
            Some(line) => format!("{path}:{line}: {what}"),
            None => format!("{path}: {what}"),
        });
    }

    /// kpki deletes nothing of somebody else's.
    fn taken_away(&self, before: &PodFacts, places: &Places, review: &mut Review) {
        let component = self.process.component();
        let given = self.spec.components.get(&component).into_iter().flat_map(|all| &all.flags);
        for (name, _) in given.filter(|(_, setting)| setting.value().is_none()) {
            for flag in before.flags.iter().filter(|flag| flag.name == *name) {
                let at = review.place(self.manifest, Some(flag.line));
                let taken = places.flags.get(&(component, name.clone()));
                let taken = taken.and_then(|at| review.shown(*at)).unwrap_or_default();
                let message = format!("--{name} stands here, and {taken} takes it away");
                review.refuse(
                    at,
                    &message,
                    "delete it here: kpki deletes no flag of your manifests",
                );
            }
        }
    }

    /// Files that flags name and no mount shows: they would have to be in the image.
    fn unseen_files(&self, before: &PodFacts, after: &PodFacts, review: &mut Review) {
        let is_seen = |path: &str| {
            after.mounts.iter().any(|mount| {
                let rest = path.strip_prefix(mount.path.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        for flag in &after.flags {
            for named in named_paths(self.process, &flag.name, &flag.value) {
                if named.folder().is_some() && !is_seen(named.path) {
                    let what = format!(
                        "--{} names {}, which is on no mount: the process sees there what its image has",
                        flag.name, named.path
                    );
                    self.note(review, line_of(before, &flag.name), &what);
                }
            }
        }
    }

    /// Certificates and keys of flags that kpki does not set, where it does not make them either: what
    /// signed or trusts them may have changed hands.
    fn left_behind(&self, after: &PodFacts, wish: &PodWish, review: &mut Review) {
        let others =
            after.flags.iter().filter(|flag| !wish.flags.iter().any(|w| w.name == flag.name));
        for flag in others {
            let named = named_paths(self.process, &flag.name, &flag.value);
            let mut foreign = named.iter().filter(|named| {
                matches!(named.holds, Content::Pki(_)) && !self.is_placed(named.path)
            });
            if let Some(named) = foreign.next() {
                let what = format!(
                    "--{} stays {}; kpki does not look after that file",
                    flag.name, named.path
                );
                self.note(review, Some(flag.line), &what);
            }
        }
    }

    /// Whether kpki puts a file there on this node.
    fn is_placed(&self, path: &str) -> bool {
        self.graph.is_placed(&format!("nodes/{}{path}", self.node.name))
    }

    /// Probes and hooks with files from where kpki has led a flag away.
    fn commands(&self, trial: &Trial, review: &mut Review) {
        let left =
            trial.findings.iter().filter(|found| matches!(found.outcome, Outcome::ChangedTo(_)));
        let folders: Vec<&str> = left
            .flat_map(|found| named_paths(self.process, &found.flag, &found.found))
            .filter_map(|named| named.folder())
            .collect();
        for word in &trial.before.execs {
            for path in paths_below(&word.text, &folders) {
                if !self.is_placed(path) {
                    let what = format!(
                        "{} runs with {path}, which stays as it was: kpki led flags away from that folder",
                        word.of
                    );
                    self.note(review, Some(word.line), &what);
                }
            }
        }
    }

    /// kpki's secrets are for their owner alone, and whoever installs them is root.
    fn user(&self, facts: &PodFacts, review: &mut Review) {
        let name = self.process.name();
        let described = runs_as(self.spec, self.process);
        let Some(who) = &facts.runs_as else {
            if let Some(RunsAs { user, group, .. }) = described {
                let at = review.place(self.manifest, None);
                let message = format!(
                    "{name} runs as root here, and the description says user {user}: its files become that user's"
                );
                let help = format!(
                    "write runAsUser: {user} and runAsGroup: {group} into securityContext, or delete `user`"
                );
                review.refuse(at, &message, &help);
            }
            return;
        };
        let user = who.user.map_or_else(
            || "as another user than root".to_owned(),
            |user| format!("as user {user}"),
        );
        let Some(described) = described else {
            let component = self.process.component().as_str();
            let what = format!(
                "securityContext runs {name} {user}, who cannot read keys and kubeconfigs of root with mode 0600: write \
                 component \"{component}\" user={}, and kpki install gives them to that user, as kubeadm does for a \
                 control plane without root (fsGroup changes nothing on a hostPath)",
                who.user.map_or_else(|| "NUMBER".to_owned(), |user| user.to_string())
            );
            self.note(review, Some(who.line), &what);
            return;
        };
        let lacking = described.shared.filter(|group| !who.groups.contains(group));
        let wished = described.user;
        if who.user != Some(wished) {
            let at = review.place(self.manifest, Some(who.line));
            let message =
                format!("{name} runs {user} here, and the description says user {wished}");
            review.refuse(at, &message, &format!("write runAsUser: {wished}, or correct `user`"));
        } else if let Some(group) = lacking {
            let at = review.place(self.manifest, Some(who.line));
            let message = format!("{name} is not in group {group} here, whose sa.key is");
            review.refuse(at, &message, &format!("write supplementalGroups: [{group}]"));
        }
    }

    fn image(&self, facts: &PodFacts, review: &mut Review) {
        let image = facts.image.as_deref();
        if let Some(what) = image.and_then(|image| other_version(self.spec, self.process, image)) {
            self.note(review, None, &what);
        }
    }
}

/// Reloads, restarts and groups follow the described version. etcd has versions of its own.
pub(super) fn other_version(spec: &Spec, process: Process, image: &str) -> Option<String> {
    let described = spec.cluster.kubernetes.value;
    let version = version_of(image).filter(|_| process != Process::Etcd)?;
    (version != described).then(|| {
        format!(
            "the image {image} is not of Kubernetes {described}, whose rules kpki follows: see \
             `kubernetes` in the description"
        )
    })
}

fn line_of(before: &PodFacts, flag: &str) -> Option<usize> {
    before.flags.iter().rfind(|known| known.name == flag).map(|flag| flag.line)
}

/// Paths in a text that lie in one of the folders.
fn paths_below<'t>(text: &'t str, folders: &[&str]) -> Vec<&'t str> {
    let is_end = |c: char| c.is_whitespace() || "'\"`,:;|&<>()=".contains(c);
    let words = text.split(is_end).filter(|word| word.starts_with('/'));
    words
        .filter(|word| {
            folders.iter().any(|folder| {
                word.strip_prefix(folder)
                    .is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
            })
        })
        .collect()
}

/// Of `REGISTRY/kube-apiserver:v1.36.2-suffix@sha256:…`; `None`: its tag says no version.
fn version_of(image: &str) -> Option<KubernetesVersion> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    let tag = tag.strip_prefix('v').unwrap_or(tag).strip_prefix("1.")?;
    let (minor, rest) = tag.split_once('.')?;
    let patch = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some(KubernetesVersion::new(minor.parse().ok()?, patch.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_versions_or_say_nothing() {
        let cases = [
            ("registry.k8s.io/kube-apiserver:v1.36.2", Some((36, 2))),
            ("localhost:5000/kube-apiserver:1.19.1-rke2r1@sha256:00", Some((19, 1))),
            ("localhost:5000/kube-apiserver", None),
            ("kube-apiserver:latest", None),
            ("kube-apiserver@sha256:00", None),
        ];
        for (image, expected) in cases {
            let expected = expected.map(|(minor, patch)| KubernetesVersion::new(minor, patch));
            assert_eq!(version_of(image), expected, "{image}");
        }
    }

    #[test]
    fn paths_of_a_command_are_found() {
        let folders = ["/var/lib/rancher/tls", "/srv"];
        let cases: [(&str, &[&str]); 4] = [
            ("--client-key=/var/lib/rancher/tls/a.key", &["/var/lib/rancher/tls/a.key"]),
            ("kubectl --a /srv/x && cat '/srv/y'", &["/srv/x", "/srv/y"]),
            ("/srvother/x", &[]),
            ("/srv/", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(paths_below(text, &folders), expected, "{text}");
        }
    }
}
