//! One cluster to take over, and what must come of it.

use crate::testkit::kubeadm::{Cluster, Entry, NodeTree, NodeTrees};

/// What differs from what kubeadm made, and cannot be told in a `Cluster`: a file of a node.
#[derive(Clone, Debug)]
pub enum Edit {
    Remove(&'static str, &'static str),
    /// Node, path, mode, text.
    Put(&'static str, &'static str, u32, &'static str),
    /// Node, path, what is there, what takes its place.
    Replace(&'static str, &'static str, &'static str, &'static str),
    /// The file's first bytes alone.
    Cut(&'static str, &'static str, usize),
    /// As the same node of a cluster of the same shape with other keys has it.
    Foreign(&'static str, &'static str),
    /// What the other cluster has follows what is there.
    ForeignBehind(&'static str, &'static str),
    /// A second copy of a file: from, to.
    Copy(&'static str, &'static str, &'static str),
    /// The file lies at the second place, and a link with this text at the first.
    Linked {
        node: &'static str,
        path: &'static str,
        real: &'static str,
        text: &'static str,
    },
    Link(&'static str, &'static str, &'static str),
    Fifo(&'static str, &'static str),
    /// Everything of the node.
    Clear(&'static str),
    /// The node is not handed over.
    NotGiven(&'static str),
    /// The node is given under another name.
    Named(&'static str, &'static str),
}

#[derive(Clone, Debug)]
pub enum Outcome {
    /// The steps of the plan that follows; mostly none.
    Adopted(&'static [&'static str]),
    /// Node and file as the message names them, if it does, and words of the reason.
    Refused { node: &'static str, file: &'static str, words: &'static [&'static str] },
}

#[derive(Clone, Debug)]
pub struct Shape {
    pub name: &'static str,
    pub cluster: Cluster,
    pub edits: Vec<Edit>,
    /// `--kubeadm-config`
    pub kubeadm_config: Option<&'static str>,
    /// More of the command line.
    pub words: &'static [&'static str],
    /// What the dry run must say.
    pub says: &'static [&'static str],
    pub outcome: Outcome,
}

impl Shape {
    pub fn adopted(name: &'static str, cluster: Cluster) -> Self {
        Shape {
            name,
            cluster,
            edits: Vec::new(),
            kubeadm_config: None,
            words: &[],
            says: &[],
            outcome: Outcome::Adopted(&[]),
        }
    }

    pub fn refused(
        name: &'static str,
        cluster: Cluster,
        edits: &[Edit],
        (node, file): (&'static str, &'static str),
        words: &'static [&'static str],
    ) -> Self {
        Shape {
            edits: edits.to_vec(),
            outcome: Outcome::Refused { node, file, words },
            ..Shape::adopted(name, cluster)
        }
    }

    pub fn with(self, edits: &[Edit]) -> Self {
        Shape { edits: edits.to_vec(), ..self }
    }

    pub fn words(self, words: &'static [&'static str]) -> Self {
        Shape { words, ..self }
    }

    pub fn says(self, says: &'static [&'static str]) -> Self {
        Shape { says, ..self }
    }

    pub fn then(self, steps: &'static [&'static str]) -> Self {
        Shape { outcome: Outcome::Adopted(steps), ..self }
    }

    pub fn config(self, text: &'static str) -> Self {
        Shape { kubeadm_config: Some(text), ..self }
    }

    pub fn trees(&self) -> NodeTrees {
        let mut trees = self.cluster.trees();
        for edit in &self.edits {
            self.edit(edit, &mut trees);
        }
        trees
    }

    fn foreign(&self, node: &str, path: &str) -> Vec<u8> {
        let other = Cluster { material: "another", ..self.cluster.clone() };
        other.trees()[node].bytes(path).to_vec()
    }

    fn edit(&self, edit: &Edit, trees: &mut NodeTrees) {
        match *edit {
            Edit::Remove(node, path) => of(trees, node).remove(path),
            Edit::Put(node, path, mode, text) => of(trees, node).file(path, mode, text),
            Edit::Replace(node, path, from, to) => {
                let text = of(trees, node).text(path);
                assert!(text.contains(from), "{}: {path} lacks {from}", self.name);
                of(trees, node).set(path, text.replace(from, to));
            }
            Edit::Cut(node, path, length) => {
                let bytes = of(trees, node).bytes(path)[..length].to_vec();
                of(trees, node).set(path, bytes);
            }
            Edit::Foreign(node, path) => of(trees, node).set(path, self.foreign(node, path)),
            Edit::ForeignBehind(node, path) => {
                let both = [of(trees, node).bytes(path), &self.foreign(node, path)].concat();
                of(trees, node).set(path, both);
            }
            Edit::Copy(node, from, to) => {
                let entry = of(trees, node).0[from].clone();
                of(trees, node).0.insert(to.to_owned(), entry);
            }
            Edit::Linked { node, path, real, text } => {
                let tree = of(trees, node);
                let file = tree.0.remove(path).unwrap();
                tree.0.insert(real.to_owned(), file);
                tree.link(path, text);
            }
            Edit::Link(node, path, text) => of(trees, node).link(path, text),
            Edit::Fifo(node, path) => {
                of(trees, node).0.insert(path.to_owned(), Entry::Fifo);
            }
            Edit::Clear(node) => of(trees, node).0.clear(),
            Edit::NotGiven(node) => {
                trees.remove(node).unwrap();
            }
            Edit::Named(node, name) => {
                let tree = trees.remove(node).unwrap();
                trees.insert(name.to_owned(), tree);
            }
        }
    }
}

fn of<'t>(trees: &'t mut NodeTrees, node: &str) -> &'t mut NodeTree {
    trees.get_mut(node).unwrap_or_else(|| panic!("no node {node}"))
}
