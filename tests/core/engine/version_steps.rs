//! A cluster on its way through all minors: what each step of the version changes on the nodes, and why, in
//! the words of the plan. By hand, from Kubernetes' changelogs and kubeadm's pull requests (docs/kubeadm.md).

use std::collections::BTreeMap;

use crate::testkit::memory_project::MemoryProject;

fn described(version: &str) -> String {
    format!(
        r#"cluster "lab" {{ kubernetes "{version}"; endpoint "api.lab:6443" }}
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21"
"#
    )
}

const NAMED_PORT: [(&str, &str); 4] = [
    ("etcd", "port of the probes: 2381 -> probe-port (2381)"),
    ("kube-apiserver", "port of the probes: 6443 -> probe-port (6443)"),
    ("kube-controller-manager", "port of the probes: 10257 -> probe-port (10257)"),
    ("kube-scheduler", "port of the probes: 10259 -> probe-port (10259)"),
];

/// From and to which version, which etcd, and what else there is to say of which artifact.
struct Step {
    from: &'static str,
    to: &'static str,
    etcd: Option<(&'static str, &'static str)>,
    others: &'static [(&'static str, &'static str)],
}

const STEPS: &[Step] = &[
    Step {
        from: "1.28.15",
        to: "1.29.15",
        etcd: None,
        others: &[
            ("cluster/cluster-role-bindings", "new"),
            (
                "nodes/cp1/admin",
                "subject: O=system:masters, CN=kubernetes-admin -> \
                 O=kubeadm:cluster-admins, CN=kubernetes-admin",
            ),
            ("nodes/cp1/admin.conf", "follows nodes/cp1/admin"),
            (
                "nodes/cp1/apiserver-kubelet-client",
                "subject: O=system:masters, CN=kube-apiserver-kubelet-client -> \
                 O=kubeadm:cluster-admins, CN=kube-apiserver-kubelet-client",
            ),
            ("nodes/cp1/super-admin", "new"),
            ("nodes/cp1/super-admin.conf", "new"),
        ],
    },
    Step { from: "1.29.15", to: "1.30.14", etcd: None, others: &[] },
    Step {
        from: "1.30.14",
        to: "1.31.14",
        etcd: Some(("3.5.15-0", "3.5.24-0")),
        others: &[
            ("etcd", "liveness probe: /health?exclude=NOSPACE&serializable=true -> /livez"),
            ("etcd", "readiness probe: +/readyz"),
            ("etcd", "startup probe: /health?serializable=false -> /readyz"),
        ],
    },
    Step {
        from: "1.31.14",
        to: "1.32.13",
        etcd: None,
        others: &[
            ("kube-scheduler", "liveness probe: /healthz -> /livez"),
            ("kube-scheduler", "readiness probe: +/readyz"),
            ("kube-scheduler", "startup probe: /healthz -> /livez"),
        ],
    },
    Step {
        from: "1.32.13",
        to: "1.33.13",
        etcd: None,
        others: &[
            ("cluster/cluster-role-bindings", "binding: +kubeadm:apiserver-kubelet-client"),
            (
                "nodes/cp1/apiserver-kubelet-client",
                "subject: O=kubeadm:cluster-admins, CN=kube-apiserver-kubelet-client -> \
                 CN=kube-apiserver-kubelet-client",
            ),
            // Nothing of its certificate.
            ("nodes/cp1/kubelet.conf", "server: https://api.lab:6443 -> https://10.0.0.11:6443"),
        ],
    },
    Step {
        from: "1.33.13",
        to: "1.34.10",
        etcd: Some(("3.5.24-0", "3.6.5-0")),
        others: &[
            ("etcd", "flag: without --experimental-initial-corrupt-check=true"),
            ("etcd", "flag: without --experimental-watch-progress-notify-interval=5s"),
            ("etcd", "flag: with --feature-gates=InitialCorruptCheck=true"),
            ("etcd", "flag: with --watch-progress-notify-interval=5s"),
            NAMED_PORT[0],
            NAMED_PORT[1],
            NAMED_PORT[2],
            NAMED_PORT[3],
        ],
    },
    Step { from: "1.34.10", to: "1.35.8", etcd: Some(("3.6.5-0", "3.6.6-0")), others: &[] },
    Step {
        from: "1.35.8",
        to: "1.36.4",
        etcd: Some(("3.6.6-0", "3.6.8-0")),
        others: &[(
            "kube-controller-manager",
            "mount: -/usr/libexec/kubernetes/kubelet-plugins/volume/exec",
        )],
    },
    Step { from: "1.36.4", to: "1.37.2", etcd: Some(("3.6.8-0", "3.7.0-0")), others: &[] },
];

/// A short name is that of a process: its manifest on the only control-plane node.
fn expected(step: &Step) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |name: &str, reason: String| {
        let name = if name.contains('/') {
            name.to_owned()
        } else {
            format!("nodes/cp1/manifests/{name}")
        };
        all.entry(name).or_default().push(reason);
    };
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let image = |version| format!("registry.k8s.io/{name}:v{version}");
        add(name, format!("image: {} -> {}", image(step.from), image(step.to)));
    }
    if let Some((old, new)) = step.etcd {
        let image = |tag| format!("registry.k8s.io/etcd:{tag}");
        add("etcd", format!("image: {} -> {}", image(old), image(new)));
    }
    for (name, reason) in step.others {
        add(name, (*reason).to_owned());
    }
    for reasons in all.values_mut() {
        reasons.sort_unstable();
    }
    all
}

#[test]
fn every_step_says_what_changes_and_why() {
    let mut project = MemoryProject::applied(&described(STEPS[0].from));
    let mut wrong = Vec::new();
    for step in STEPS {
        project.description = described(step.to);
        let planned = project.plan();
        assert!(planned.blocked().is_empty(), "{:?}", planned.blocked());
        // An upgrade is nobody's gain.
        let stopping = planned.review.changes.iter().filter(|change| change.stops());
        assert_eq!(stopping.count(), 0, "{}", step.to);
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for judged in &planned.plan.steps {
            let name = planned.graph.get(judged.derivation).name.to_string();
            let mut reasons: Vec<String> = judged.reasons.iter().map(ToString::to_string).collect();
            reasons.sort_unstable();
            found.insert(name, reasons);
        }
        let expected = expected(step);
        if found != expected {
            wrong.push(format!("{} -> {}:\n{found:#?}\nnot\n{expected:#?}", step.from, step.to));
        }
        project.apply().unwrap();
        assert!(project.plan().plan.is_empty(), "{}", step.to);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// No minor is passed over.
#[test]
fn each_step_is_one_minor() {
    let minor = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    assert_eq!((minor(STEPS[0].from), STEPS.len()), (28, 9));
    for (at, step) in STEPS.iter().enumerate() {
        assert_eq!(minor(step.from) + 1, minor(step.to));
        assert!(at == 0 || STEPS[at - 1].to == step.from, "{}", step.from);
    }
}
