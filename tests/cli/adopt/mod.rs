//! `kpki adopt` on clusters of kubeadm's of every shape.

mod adopted;
mod folders;
mod generator;
mod later;
mod lines;
mod page;
mod proof;
mod refused;
mod rotated;
mod shape;
