//! The project is found from its subfolders, and no stranger's is.

use crate::testkit::{FolderProject, ended, refused, set_mode};

use super::super::testkit::commands;

const ONE: &str = "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n";

/// `kpki` in a folder below the project.
fn below(lab: &FolderProject, folder: &str, words: &str) -> std::process::Output {
    std::fs::create_dir_all(lab.path(folder)).unwrap();
    let mut kpki = commands::kpki(&lab.path(folder));
    kpki.args(words.split(' ')).output().unwrap()
}

#[test]
fn a_command_in_a_subfolder_is_about_the_project() {
    let lab = FolderProject::described(ONE).applied();
    for (folder, up) in [("out", ".."), ("out/ca", "../.."), ("docs/a/b", "../../..")] {
        let output = below(&lab, folder, "plan");
        let text = ended(&output, 0);
        assert!(text.contains("nothing to do: 29 artifacts up to date"), "{text}");
        let note = format!("note: the project is in {up}; its paths start there\n");
        assert_eq!(String::from_utf8_lossy(&output.stderr), note);
        // What is typed is a path from here.
        assert!(
            ended(&below(&lab, folder, &format!("show {up}/out/ca/etcd.crt")), 0)
                .contains("ca/etcd")
        );
    }
    // What is to be typed next works from here, and what is written lands here.
    let text = ended(&below(&lab, "docs", "plan --renew nodes/cp1/apiserver"), 0);
    assert!(text.contains("kpki -C .. apply --renew nodes/cp1/apiserver\n"), "{text}");
    ended(&below(&lab, "docs", "report -o page.html"), 0);
    assert!(lab.path("docs/page.html").exists());
    // A mistake is told with a path that leads there.
    let err = refused(&below(&lab, "docs", "report -o ../out/page.html"), 64);
    assert!(err.contains("../out/page.html is inside of out/"), "{err}");
    // The nearest one counts; what begins a project never looks for one.
    ended(&below(&lab, "docs/inner", "init"), 0);
    assert!(lab.path("docs/inner/cluster.kdl").exists());
    let text = ended(&below(&lab, "docs/inner/deep", "validate"), 0);
    assert!(text.contains("description of inner"), "{text}");
    // Where it is named nothing is looked for.
    let err = refused(&below(&lab, "docs/empty", "-C . plan"), 1);
    assert!(err.contains("there is no ./cluster.kdl"), "{err}");
}

#[test]
fn without_a_project_above_nothing_is_taken_for_one() {
    let empty = FolderProject::empty();
    let err = refused(&below(&empty, "a/b", "plan"), 1);
    assert!(err.contains("there is no ./cluster.kdl, nor one in a folder above\n"), "{err}");
    assert!(err.contains("-C DIR"), "{err}");
}

/// As Git's safe.directory: whoever may write above must not choose what is applied.
#[test]
fn a_description_that_anybody_may_have_put_there_is_passed_over() {
    let lab = FolderProject::described(ONE);
    std::fs::create_dir_all(lab.path("own/deep")).unwrap();
    set_mode(lab.folder(), 0o1777);
    let err = refused(&below(&lab, "own/deep", "plan"), 1);
    assert!(err.contains("note: ../../cluster.kdl is passed over: everybody may write to its folder; -C ../.. takes it\n"), "{err}");
    assert!(err.contains("error: there is no ./cluster.kdl"), "{err}");
    // Whoever says so takes it.
    assert!(ended(&below(&lab, "own/deep", "-C ../.. plan"), 0).contains("ca/kubernetes"));
    // Nor is anything looked for above such a folder.
    std::fs::rename(lab.path("cluster.kdl"), lab.path("own/none.kdl")).unwrap();
    let lab = FolderProject::described(ONE);
    std::fs::create_dir(lab.path("all")).unwrap();
    set_mode(lab.path("all"), 0o1777);
    let err = refused(&below(&lab, "all/own", "plan"), 1);
    assert!(!err.contains("note:") && err.contains("there is no ./cluster.kdl"), "{err}");
    // Where the user stands is their choice.
    assert!(ended(&below(&lab, "all", "plan"), 0).contains("ca/kubernetes"));
}
