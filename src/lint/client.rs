//! A kubeconfig as client-go uses it: with its own data, or those of the files that it names.

use super::holds::{Certificate, Holds, Kubeconfig, Source};
use super::tree::{Tree, Where};
use crate::facts::PublicKey;
use crate::profile::PkiFile;

pub(super) struct Client<'a> {
    /// The kubeconfig's.
    pub path: &'a str,
    pub config: &'a Kubeconfig,
    pub authorities: Given<'a, [Certificate]>,
    /// The client's, then its intermediates.
    pub certificates: Given<'a, [Certificate]>,
    pub key: Given<'a, PublicKey>,
    /// What it names, in the order of its fields.
    pub files: Vec<NamedFile<'a>>,
}

/// One of a kubeconfig's data.
pub(super) enum Given<'a, T: ?Sized> {
    Absent,
    /// Where it lies: the kubeconfig, or the file that it names.
    Here(&'a str, &'a T),
    /// Not in this tree, or unreadable, which is a finding of its own.
    Unknown,
}

pub(super) struct NamedFile<'a> {
    pub field: &'static str,
    /// As it is written.
    pub name: &'a str,
    pub file: Where,
    /// `None`: a token.
    pub holds: Option<PkiFile>,
}

impl<'a, T: ?Sized> Given<'a, T> {
    pub fn here(&self) -> Option<&'a T> {
        match self {
            Given::Here(_, what) => Some(what),
            Given::Absent | Given::Unknown => None,
        }
    }
}

impl<'a> Client<'a> {
    pub fn of(tree: &'a Tree, path: &'a str, config: &'a Kubeconfig) -> Self {
        let mut reading = Reading { tree, path, files: Vec::new() };
        let all = |certificates: &'a Vec<Certificate>| Some(certificates.as_slice());
        let certificates =
            |holds: &'a Holds| Some(holds.certificates.as_slice()).filter(|all| !all.is_empty());
        let field = ("certificate-authority", PkiFile::Certificate);
        let authorities = reading.given(field, &config.authorities, all, certificates);
        let field = ("client-certificate", PkiFile::Certificate);
        let own = reading.given(field, &config.client, all, certificates);
        let field = ("client-key", PkiFile::PrivateKey);
        let key = reading.given(field, &config.key, Some, |holds| holds.private_keys.first());
        if let Some(name) = &config.login.token_file {
            let file = tree.named(path, name);
            reading.files.push(NamedFile { field: "tokenFile", name, file, holds: None });
        }
        Client { path, config, authorities, certificates: own, key, files: reading.files }
    }

    /// Every kubeconfig of the tree.
    pub fn all(tree: &'a Tree) -> impl Iterator<Item = Client<'a>> {
        tree.files.iter().filter_map(|(path, file)| {
            Some(Client::of(tree, path, file.holds.kubeconfig.as_ref()?))
        })
    }

    /// The one at a path, or where links lead from there; `all` are by path.
    pub fn at<'c>(tree: &Tree, all: &'c [Client<'a>], path: &str) -> Option<&'c Client<'a>> {
        let (path, _) = tree.entry(path)?;
        let at = all.binary_search_by_key(&path, |client| client.path).ok()?;
        all.get(at)
    }
}

struct Reading<'a> {
    tree: &'a Tree,
    path: &'a str,
    files: Vec<NamedFile<'a>>,
}

impl<'a> Reading<'a> {
    fn given<D, T: ?Sized>(
        &mut self,
        (field, loads): (&'static str, PkiFile),
        source: &'a Source<D>,
        data: impl Fn(&'a D) -> Option<&'a T>,
        held: impl Fn(&'a Holds) -> Option<&'a T>,
    ) -> Given<'a, T> {
        let found = match source {
            Source::Absent => return Given::Absent,
            Source::Unreadable => None,
            Source::Data(own) => data(own).map(|what| (self.path, what)),
            Source::File(name) => {
                let file = self.tree.named(self.path, name);
                let found = match &file {
                    Where::At(path) => self.tree.files.get_key_value(path),
                    _ => None,
                };
                self.files.push(NamedFile { field, name, file, holds: Some(loads) });
                found.and_then(|(path, file)| Some((path.as_str(), held(&file.holds)?)))
            }
        };
        found.map_or(Given::Unknown, |(path, what)| Given::Here(path, what))
    }
}

/// The certificate that a process shows and where it lies: a file's first one, or a kubeconfig's.
pub(super) fn leaf<'a>(tree: &'a Tree, path: &str) -> Option<(&'a str, &'a Certificate)> {
    let (path, file) = tree.entry(path)?;
    let (path, all) = match &file.holds.kubeconfig {
        Some(config) => match Client::of(tree, path, config).certificates {
            Given::Here(path, all) => (path, all),
            Given::Absent | Given::Unknown => return None,
        },
        None => (path, file.holds.certificates.as_slice()),
    };
    all.first().map(|first| (path, first))
}
