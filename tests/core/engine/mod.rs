//! The engine as a whole, in memory: description in, files out, again and again.

mod clock;
mod convergence;
mod damage;
mod flags;
mod hashes;
mod judgement;
mod kubelet_config;
mod operators_manifests;
mod orphans;
mod privileges;
mod reissue;
mod reproducible;
mod restarts;
mod sealing;

mod smuggled_privileges;
mod trust_roots;
mod unreadable;
mod users;
