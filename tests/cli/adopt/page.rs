//! docs/adopt.md: its copy line is run against folders that stand for machines, and its commands print what
//! it says.

use std::path::Path;

use super::proof::Desk;
use crate::pages::{blocks, runs};
use crate::testkit::kubeadm::{Cluster, Keys, config_map};
use crate::testkit::{path_with_kpki, printed, put, set_mode, shell};

const PAGE: &str = "docs/adopt.md";

/// `ssh NODE sudo tar --ignore-failed-read -C / …`, where a node's root is a folder here.
const SSH: &str = r#"#!/bin/sh
set -eu
[ "$2 $3 $4 $5 $6" = "sudo tar --ignore-failed-read -C /" ] || { echo "ssh: $*" >&2; exit 1; }
node=$1
shift 6
exec tar --ignore-failed-read -C "nodes/$node" "$@"
"#;

fn command(folder: &Path, name: &str, script: &str) {
    let path = folder.join("bin").join(name);
    put(&path, script);
    set_mode(path, 0o755);
}

#[test]
fn commands_print_what_the_page_says() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let cluster = Cluster { keys: Keys::Rsa2048, ..Cluster::large() };
    let desk = Desk::new(cluster.trees());
    let folder = desk.path("");
    command(&folder, "ssh", SSH);
    command(&folder, "kubectl", &format!("#!/bin/sh\ncat <<'END'\n{}END\n", config_map(&cluster)));
    let all = blocks(&page);
    let copy = all.iter().find(|block| block.text.contains("ssh $node")).unwrap();
    let path = format!("{}/bin:{}", folder.display(), path_with_kpki());
    printed(shell(&folder, &copy.text).env("PATH", path));
    runs(PAGE, &folder);
}
