//! Colours and silence.

use crate::testkit::{FolderProject, ended, refused};

const ONE: &str = "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n";

#[test]
fn colours_are_where_they_are_asked_for() {
    let lab = FolderProject::described(ONE);
    let shown = |words: &str, variables: &[(&str, &str)], code| {
        let mut command = lab.typed(words);
        ended(&command.envs(variables.iter().copied()).output().unwrap(), code)
    };
    for (words, variables, is_colored) in [
        // No terminal reads it here.
        ("status", &[][..], false),
        ("--color auto status", &[], false),
        ("--color always status", &[], true),
        ("status --color=always", &[("NO_COLOR", "1")], true),
        ("status --color=never", &[("CLICOLOR_FORCE", "1")], false),
        ("status", &[("CLICOLOR_FORCE", "1")], true),
        ("status", &[("KPKI_COLOR", "always")], true),
        ("--color never status", &[("KPKI_COLOR", "always")], false),
        ("--color always --help", &[], true),
        ("--color never --help", &[("CLICOLOR_FORCE", "1")], false),
    ] {
        let text = shown(words, variables, 0);
        assert_eq!(text.contains('\u{1b}'), is_colored, "{words} {variables:?}\n{text}");
    }
    // Mistakes, too: in the command line, in the description.
    assert!(shown("--color always paln", &[], 64).contains('\u{1b}'));
    assert!(!shown("--color never paln", &[("CLICOLOR_FORCE", "1")], 64).contains('\u{1b}'));
    lab.describe("cluster \"lab\" { foo }\n");
    assert!(shown("--color always plan", &[], 1).contains('\u{1b}'));
    assert!(!shown("--color never plan", &[("CLICOLOR_FORCE", "1")], 1).contains('\u{1b}'));
}

#[test]
fn quiet_leaves_the_product_and_errors() {
    let lab = FolderProject::described(ONE).applied();
    std::fs::create_dir(lab.path("below")).unwrap();
    let run = |words: &str| {
        let mut kpki = crate::testkit::commands::kpki(&lab.path("below"));
        kpki.args(words.split(' ')).output().unwrap()
    };
    let (loud, quiet) = (run("plan"), run("plan -q"));
    assert!(!loud.stderr.is_empty() && quiet.stderr.is_empty());
    assert_eq!(loud.stdout, quiet.stdout);
    assert!(refused(&run("--quiet show nothing-like-this"), 64).contains("error: no artifact"));
    assert!(refused(&run("-q --nonsense"), 64).contains("--nonsense"));
}
