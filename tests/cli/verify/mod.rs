//! `kpki verify` over trees that it did not make: kubeadm's form, public mistakes, and one mistake a rule.

mod any_bytes;
mod contents;
mod kubeconfig_files;
mod layouts;
mod many;
mod model;
mod mutations;
mod public_mistakes;
mod random_mutations;
mod random_trees;
mod right_trees;
mod secrets;
mod tree;
mod trees;
