//! The engine as a whole, in memory: description in, files out, again and again.

mod adopted_pods;
mod as_found;
mod brought_cas;
mod brought_limits;
mod clock;
mod convergence;
mod daily_changes;
mod damage;
mod flags;
mod hashes;
mod judgement;
mod kubelet_config;
mod operators_manifests;
mod orphans;
mod owners;
mod policies;
mod privileges;
mod reissue;
mod rejoin;
mod reproducible;
mod restarts;
mod review_mutations;
mod rotation;
mod safeguards;
mod sealing;
mod self_rotated;

mod smuggled_privileges;
mod static_pod_review;
mod trust_roots;
mod turns;
mod unreadable;
mod users;
mod version_steps;
