//! From `out/` to the nodes: install, export, and what must not get into Git.

mod check;
mod crash;
mod decide;
mod exchanged;
mod export;
mod history;
mod install;
mod kill;
mod node;
mod older;
mod owners;
mod refusals;
mod self_rotated;
mod stages;
mod ways;
