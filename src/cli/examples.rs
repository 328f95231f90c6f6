//! Lines that people type, for each command, and what they do: for manual pages and the reference.

/// A line that can be typed.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The command, such as `setup git`; empty: kpki itself.
    pub command: &'static str,
    pub line: &'static str,
    pub does: &'static str,
}

const fn row(command: &'static str, line: &'static str, does: &'static str) -> Example {
    Example { command, line, does }
}

pub const EXAMPLES: &[Example] = &[
    row("", "kpki init", "Begin with a commented cluster.kdl in this folder."),
    row("", "kpki plan", "See what apply would do, and why."),
    row("", "kpki -C clusters/lab apply", "Build the cluster that is described in another folder."),
    row("init", "kpki -C lab init", "Write a commented description to lab/cluster.kdl."),
    row("init", "kpki -C lab init --lab", "The same for a reproducible cluster, with a seed."),
    row(
        "adopt",
        "kpki adopt cp1=/mnt/cp1 w1=w1.tar",
        "Show what would be taken over from copies of two nodes.",
    ),
    row("adopt", "kpki adopt cp1=/mnt/cp1 w1=w1.tar --write", "Take it over."),
    row("plan", "kpki plan", "See what apply would do, and why."),
    row("plan", "kpki plan --now 2027-12-31", "See what will be due by then."),
    row("plan", "kpki plan --out change.plan", "Save a plan, for kpki apply change.plan."),
    row(
        "plan",
        "kpki plan --base origin/main --format markdown",
        "Review a branch, for a pull request.",
    ),
    row("apply", "kpki apply", "Do what plan shows."),
    row(
        "apply",
        "kpki apply --renew nodes/w1/*",
        "Issue all certificates of a node again, with the same keys.",
    ),
    row("apply", "kpki apply --allow escalation:jane", "Consent to what jane gains."),
    row("apply", "kpki apply change.plan", "Do exactly what a saved plan says, or nothing."),
    row(
        "rotate",
        "kpki rotate ca/kubernetes",
        "Take the next step to another key of the cluster CA.",
    ),
    row("rotate", "kpki rotate ca/kubernetes --back", "Take the last step back."),
    row("validate", "kpki validate", "See all mistakes of cluster.kdl."),
    row("fmt", "kpki fmt", "Write cluster.kdl in its usual form."),
    row("fmt", "kpki fmt --check", "Exit with 2 if its form is another, in a pre-commit hook."),
    row(
        "open",
        "kpki open users/jane -o jane.kubeconfig --identity ~/.ssh/id_ed25519",
        "Hand out one secret, also one that is sealed.",
    ),
    row("discard", "kpki discard", "Set an interrupted apply aside."),
    row(
        "accept",
        "kpki accept users/jane jane.crt",
        "Take in the certificate that the cluster signed for jane.",
    ),
    row("install", "kpki install cp1 --dry-run", "On node cp1, show what would be written."),
    row("install", "kpki install cp1", "On node cp1, put its files in place."),
    row(
        "install",
        "kpki install w1 --root /mnt/w1",
        "Put a node's files into its file system, mounted here.",
    ),
    row("export", "kpki export cp1 -o cp1.tar", "Pack a node's files."),
    row("export", "kpki export cp1 -o -", "The same to standard output, for ssh cp1 tar -C / -xp."),
    row("status", "kpki -C 'clusters/*' status", "The same of several projects."),
    row("status", "kpki status nodes/cp1/* --before 60d", "What of one node ends within 60 days."),
    row("status", "kpki status", "See every certificate by expiry."),
    row("status", "kpki status --check=30d", "Exit with 2 if a certificate ends within 30 days."),
    row(
        "status",
        "kpki status --format prometheus",
        "Print metrics for node_exporter's textfile collector.",
    ),
    row("graph", "kpki graph", "Draw who signs what and who dials whom, in Mermaid."),
    row("report", "kpki report -o pki.html", "Write everything to one HTML page."),
    row(
        "show",
        "kpki show nodes/cp1/apiserver",
        "See an artifact: what is wished, and what is on disk.",
    ),
    row(
        "show",
        "kpki show /etc/kubernetes/pki/ca.crt",
        "See any certificate, key, request or kubeconfig.",
    ),
    row("show", "kpki show -", "The same of what standard input holds."),
    row(
        "why",
        "kpki why nodes/cp1/apiserver",
        "See what an artifact depends on, and what changed.",
    ),
    row("diff", "kpki diff HEAD~1", "See what changed in meaning since the commit before."),
    row("diff", "kpki diff old.crt new.crt", "Compare two certificates."),
    row("check", "kpki check --no-plaintext", "Fail if Git would take a secret in the clear."),
    row(
        "verify",
        "kpki verify /etc/kubernetes",
        "Look for mistakes in what kubeadm or a person made.",
    ),
    row("verify", "kpki verify --live", "Look at what the cluster serves, and whom it lets in."),
    row("explain", "kpki explain user", "See what a word of cluster.kdl means, with an example."),
    row(
        "explain",
        "kpki explain component.etcd.topology",
        "See its values, and what holds without it.",
    ),
    row("explain", "kpki explain ca-reuse", "See why a finding of verify matters, and what to do."),
    row("setup", "kpki setup git", "See certificates in words in git diff, in this clone."),
    row("setup git", "kpki setup git", "See certificates in words in git diff, in this clone."),
    row("completions", "kpki completions bash", "Print a script for bash; source it in ~/.bashrc."),
    row("man", "kpki man plan", "Print a page; man -l - shows it."),
    row("man", "kpki man --out ~/.local/share/man", "Write all pages where man looks for them."),
];

/// Those of one command.
pub fn of(command: &str) -> impl Iterator<Item = &'static Example> + use<'_> {
    EXAMPLES.iter().filter(move |example| example.command == command)
}
