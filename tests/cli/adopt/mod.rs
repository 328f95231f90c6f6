//! `kpki adopt` on clusters of kubeadm's of every shape.

mod generator;
