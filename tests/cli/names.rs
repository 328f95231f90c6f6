//! Names that a person types: shortened, misspelt, or of another tool.

use crate::testkit::{FolderProject, ended};

const ONE_NODE: &str = r#"
cluster "lab"
node "cp1" role="control-plane" address="10.0.0.11"
user "jane" { group "dev"; revision 2 }
certificate "web" { ca "kubernetes"; usage "server"; san "a.lab" }
"#;

fn says(lab: &FolderProject, words: &str, code: i32) -> String {
    ended(&lab.typed(words).output().unwrap(), code)
}

#[test]
fn every_option_takes_the_end_of_a_name_where_it_is_the_only_one() {
    let lab = FolderProject::described(ONE_NODE).applied();
    for (words, code, told) in [
        ("show apiserver", 0, "nodes/cp1/apiserver (certificate)"),
        ("why apiserver", 0, "nodes/cp1/apiserver"),
        ("plan --renew apiserver", 0, "next: kpki apply --renew nodes/cp1/apiserver\n"),
        ("plan --renew cp1/apiserver", 0, "next: kpki apply --renew nodes/cp1/apiserver\n"),
        ("plan --rekey web", 0, "next: kpki apply --rekey certificates/web\n"),
        ("plan --renew cp1/*", 0, "next: kpki apply --renew 'nodes/cp1/*'\n"),
        // Of those that end so the one that it can be said of.
        ("show etcd", 64, "3 artifacts are named etcd\n  ca/etcd\n"),
        ("plan --rekey etcd", 0, "kpki apply --rekey ca/etcd --allow replace:ca/etcd"),
        (
            "plan --rekey etcd --allow replace:etcd",
            64,
            "--allow replace:etcd permits nothing\nhelp: did you mean --allow replace:ca/etcd?",
        ),
        ("plan --allow lost-key:jane", 0, "nothing to do"),
        ("plan --renew admin.conf", 64, "--renew nodes/cp1/admin.conf asks for nothing"),
        ("plan --renew apisrver", 64, "did you mean nodes/cp1/apiserver?"),
        ("plan --renew cp2/*", 64, "no artifact is named cp2/*\nhelp: did you mean nodes/cp1/*?"),
        ("plan --allow replace:etc", 64, "did you mean ca/etcd?"),
        ("plan --allow escalation:foo", 64, "--allow escalation:foo permits nothing"),
        ("plan --allow escalation:jan", 64, "did you mean jane?"),
        ("explain stray", 64, "no word or rule is named stray\nhelp: did you mean stray-manifest?"),
        ("explain banana", 64, "kpki explain lists them all"),
        ("show banana", 64, "no artifact is named banana"),
        ("export cp2 -o x.tar", 64, "did you mean cp1?"),
        ("list", 64, "tip: kpki status lists every certificate"),
        ("adopt", 64, "NODE=SOURCE"),
        ("import", 64, "tip: kpki adopt takes over a cluster that runs"),
        ("paln", 64, "tip: did you mean plan?"),
    ] {
        let text = says(&lab, words, code);
        assert!(text.contains(told), "{words}: {told}\n{text}");
    }
    let two = "node \"cp2\" role=\"control-plane\" address=\"10.0.0.12\"\n";
    let lab = FolderProject::described(
        &ONE_NODE.replace("cluster \"lab\"", "cluster \"lab\" { endpoint \"a.lab\" }"),
    );
    lab.describe_more(two);
    let text = says(&lab, "plan --renew apiserver", 64);
    assert!(text.contains("2 artifacts are named apiserver\n  nodes/cp1/apiserver\n"), "{text}");
}

/// Every page that a page names can be made.
#[test]
fn the_manual_refers_to_pages_that_there_are() {
    let lab = FolderProject::empty();
    let mut waiting = vec![String::new()];
    let mut made = 0;
    while let Some(command) = waiting.pop() {
        let page = says(&lab, format!("man {command}").trim(), 0);
        let name = format!("kpki {command}").trim().replace(' ', "-");
        assert!(page.contains(&format!(".TH {name} 1")), "{name}\n{page}");
        let refers = page.lines().map(|line| line.replace("\\-", "-"));
        for other in refers.filter_map(|line| line.strip_suffix("(1)").map(str::to_owned)) {
            let below = other.strip_prefix(&format!("{name}-")).expect(&other);
            waiting.push(format!("{command} {below}").trim().to_owned());
        }
        made += 1;
    }
    assert!(made > 20, "{made}");
    assert!(says(&lab, "man plan", 0).contains("detailed\\-exitcode"));
    assert!(says(&lab, "man pln", 64).contains("did you mean plan?"));
}

#[test]
fn a_change_says_what_it_was() {
    let lab = FolderProject::described(ONE_NODE).applied();
    let wish = says(&lab, "show users/jane", 0);
    for field in ["common name   jane", "organization  dev", "revision      2"] {
        let line = wish.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
        assert!(line.ends_with("(cluster.kdl:4)"), "{wish}");
    }
    let wish = says(&lab, "show web", 0);
    assert!(wish.lines().any(|line| line.contains("a.lab") && line.ends_with("(cluster.kdl:5)")));
    // A second after issuing.
    let status = says(&lab, "status", 0);
    assert!(status.contains("365 days") && !status.contains("364 days"), "{status}");

    lab.edit("cluster.kdl", "cluster \"lab\"", "cluster \"other\"");
    let text = says(&lab, "plan", 0);
    assert!(!text.contains("out of date"), "{text}");
    let line = text.lines().find(|line| line.contains("nodes/cp1/admin.conf")).unwrap();
    assert!(line.ends_with("cluster: lab -> other"), "{text}");
    lab.edit("cluster.kdl", "cluster \"other\"", "cluster \"lab\"");

    lab.edit("cluster.kdl", "address=\"10.0.0.11\"", "address=\"10.0.0.11\" revision=2");
    let text = says(&lab, "plan", 0);
    let line = text.lines().find(|line| line.contains("nodes/cp1/kubelet ")).unwrap();
    assert!(line.ends_with("the node's revision: 1 -> 2"), "{text}");
}

#[test]
fn a_flag_and_its_sign_stay_apart() {
    let lab = FolderProject::described(ONE_NODE).applied();
    lab.git(&["init", "-q"]);
    lab.commit("first");
    lab.describe_more("component \"apiserver\" { flag \"anonymous-auth\" \"false\"; flag \"enable-bootstrap-token-auth\" #null }\n");
    let text = says(&lab, "diff", 2);
    assert!(text.contains("- --enable-bootstrap-token-auth="), "{text}");
    assert!(text.contains("+ --anonymous-auth=false"), "{text}");
    assert!(!text.contains("---") && !text.contains("+--"), "{text}");
}
