//! The README and every page of docs/: their commands are run and their descriptions parsed, so that they
//! cannot lie; their links lead somewhere; and the site that mdBook makes of them stands on its own.
//!
//! Each page is a test of its own, in a fresh folder.

mod descriptions;
mod links;
mod parts;
mod run;
mod site;

use std::collections::BTreeSet;
use std::path::Path;

use crate::testkit::files_below;

pub use parts::blocks;
pub use run::runs;

macro_rules! pages {
    ($($name:ident $path:literal)*) => {
        const PAGES: &[&str] = &[$($path),*];
        $(
            #[test]
            fn $name() {
                descriptions::are_accepted($path);
                runs($path, tempfile::tempdir().unwrap().path());
            }
        )*
    };
}

pages! {
    readme "README.md"
    company_ca "docs/company-ca.md"
    design "docs/design.md"
    guide_clear "docs/guide/clear.md"
    guide_kubelet "docs/guide/kubelet.md"
    guide_labs "docs/guide/labs.md"
    guide_monitoring "docs/guide/monitoring.md"
    guide_nodes "docs/guide/nodes.md"
    guide_own_manifests "docs/guide/own-manifests.md"
    guide_pictures "docs/guide/pictures.md"
    guide_renewal "docs/guide/renewal.md"
    guide_sealed "docs/guide/sealed.md"
    guide_static_pods "docs/guide/static-pods.md"
    guide_users "docs/guide/users.md"
    how_it_decides "docs/how-it-decides.md"
    index "docs/index.md"
    install "docs/install.md"
    kubeadm "docs/kubeadm.md"
    measured "docs/measured.md"
    recipe_backup "docs/recipes/backup.md"
    recipe_expired "docs/recipes/expired.md"
    recipe_key_leaked "docs/recipes/key-leaked.md"
    recipe_kpki_upgrade "docs/recipes/kpki-upgrade.md"
    recipe_kubernetes_upgrade "docs/recipes/kubernetes-upgrade.md"
    recipe_node_reinstalled "docs/recipes/node-reinstalled.md"
    recipe_somebody_leaves "docs/recipes/somebody-leaves.md"
    reference_command_line "docs/reference/command-line.md"
    reference_description "docs/reference/description.md"
    reference_files "docs/reference/files.md"
    reference_versions "docs/reference/versions.md"
    review_diff "docs/review/diff.md"
    review_git "docs/review/git.md"
    review_plan "docs/review/plan.md"
    review_policy "docs/review/policy.md"
    review_pull_request "docs/review/pull-request.md"
    review_saved_plans "docs/review/saved-plans.md"
    review_static_pods "docs/review/static-pods.md"
    review_stops "docs/review/stops.md"
    review_team "docs/review/team.md"
    rotate "docs/rotate.md"
    start "docs/start.md"
    threat_model "docs/threat-model.md"
    verify "docs/verify.md"
    verify_live "docs/verify-live.md"
}

/// Pages whose test needs more than a folder and a shell, and those that are generated from the tables of
/// words and commands.
const OF_THEIR_OWN: [&str; 3] =
    ["docs/adopt.md", "docs/reference/commands.md", "docs/reference/words.md"];

/// The README, and every page of docs/ but the list of them.
fn every_page() -> BTreeSet<String> {
    let docs = files_below(Path::new("docs")).into_iter();
    let docs = docs.map(|path| path.to_str().unwrap().to_owned());
    let pages = docs.filter(|path| path.ends_with(".md") && path != "docs/SUMMARY.md");
    pages.chain(["README.md".to_owned()]).collect()
}

#[test]
fn every_page_is_run() {
    let run: BTreeSet<String> =
        PAGES.iter().chain(&OF_THEIR_OWN).map(|path| (*path).to_owned()).collect();
    let there = every_page();
    let left: Vec<&String> = there.symmetric_difference(&run).collect();
    assert!(left.is_empty(), "not both in docs/ and in the list of this file: {left:?}");
    let commands = |path: &str| blocks(&std::fs::read_to_string(path).unwrap()).len();
    let all: usize = PAGES.iter().map(|path| commands(path)).sum();
    assert!(all > 100, "only {all} blocks");
}

/// Ten minutes of reading.
#[test]
fn the_readme_is_short() {
    let page = std::fs::read_to_string("README.md").unwrap();
    assert!(page.lines().count() <= 250, "{} lines", page.lines().count());
    assert!(page.split_whitespace().count() <= 2_200, "{} words", page.split_whitespace().count());
}

/// What the reference names is what the program ends with, and the other way round.
#[test]
fn exit_codes_are_the_written_ones() {
    let page = std::fs::read_to_string("docs/reference/command-line.md").unwrap();
    for (code, kind) in [
        (1, kpki::error::Kind::Refused),
        (3, kpki::error::Kind::NeedsAllow),
        (64, kpki::error::Kind::Usage),
        (70, kpki::error::Kind::Internal),
        (75, kpki::error::Kind::Busy),
    ] {
        assert_eq!(kind.exit_code(), code);
        assert!(page.contains(&format!("| {code} |")), "exit code {code}");
    }
}
