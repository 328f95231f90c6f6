//! `--rejoin`: why a node cannot join etcd again, and what to do instead.

use crate::engine::Project;
use crate::error::{Error, Kind, Result};
use crate::first_few;
use crate::name::NodeName;
use crate::plan::{Intent, NoRejoin, rejoin};
use crate::shell::quoted;
use crate::time::Timestamp;
use crate::words::did_you_mean;

/// An order that cannot be followed is refused as a whole.
pub(super) fn refuse(intent: &Intent, project: &Project) -> Result<()> {
    // Nothing of it depends on the time.
    let world = project.world(Timestamp::from_unix(0));
    for node in &intent.rejoin {
        if let Err(why) = rejoin(world, &project.spec, intent, node) {
            return Err(refusal(node, &why));
        }
    }
    Ok(())
}

/// How many members a message names.
const NAMED: usize = 7;

fn refusal(node: &NodeName, why: &NoRejoin) -> Error {
    match why {
        NoRejoin::NoMember { members } => {
            let near = did_you_mean(node.as_str(), members.iter().map(NodeName::as_str));
            let all = || format!("the members are {}", first_few::names(NAMED, members));
            Error::new(Kind::Usage, format!("no member of etcd is called {node}"))
                .help(near.unwrap_or_else(all))
        }
        NoRejoin::NoManifest => {
            let message = format!("kpki writes no manifest of etcd for {node}");
            Error::refused(message).help(format!(
                "where etcd is started otherwise, tell it itself: etcdctl member remove, etcdctl member add {node}; then \
                 start it there with an empty data folder, --initial-cluster-state=existing and the --initial-cluster that \
                 member add prints; kpki install {node} brings its certificates"
            ))
        }
        NoRejoin::NotMade => {
            let message =
                format!("{node} was never a member: its manifest of etcd was not made yet");
            Error::new(Kind::Usage, message)
                .help("kpki apply makes it for a member that joins, and says what to tell etcd")
        }
        NoRejoin::Sole { peer_url } => {
            let message = format!("no other member of etcd would be left that {node} could join");
            let cluster = quoted(&format!("{node}={peer_url}"));
            Error::refused(message).help(format!(
                "restore it from a snapshot instead; the manifest stays as it is. On {node}: \
                 etcdutl snapshot restore SNAPSHOT.db --data-dir /var/lib/etcd --name {node} --initial-cluster {cluster} \
                 --initial-advertise-peer-urls {}; then kpki install {node}",
                quoted(peer_url)
            ))
        }
        NoRejoin::Given { flag } => {
            let message = format!("the description sets --{flag} for every member of etcd");
            Error::refused(message).help(format!(
                "take `flag \"{flag}\"` out of component \"etcd\", so that the manifest of {node} can say that it joins; kpki \
                 plan says what that changes for the others"
            ))
        }
        NoRejoin::Unwritten { file, own_file, flags } => {
            let message = format!(
                "the flags of etcd on {node} are yours, and {file} does not say that it joins"
            );
            let [cluster, state] = flags;
            let place = match own_file {
                Some(own) => {
                    format!("copy {file} to {own}, which is for {node} alone, and write there")
                }
                None => format!("write in {file}"),
            };
            Error::refused(message).help(format!("{place}: {cluster} {state}; then order it again"))
        }
    }
}
