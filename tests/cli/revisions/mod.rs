//! A project in Git: `kpki diff`, and what `kpki setup git` installs.

mod authority;
mod diff;
mod files;
mod kubeconfigs;
mod repository;
mod setup_git;
