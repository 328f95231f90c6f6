//! What a cluster serves, for a person: an address is a block, those that are right are few.

use std::fmt::Write as _;

use super::live::{
    AcceptanceReport, AddressReport, HeldReport, LiveReport, ServedReport, ServiceReport,
};
use super::report::Report;
use super::style::{CHANGE, DANGER, GOOD, STRONG, paint};
use super::text::{Cell, Table, counted, paragraph};
use crate::first_few::more;

/// Of the addresses of one service without a fault so many are shown; JSON has them all.
const SHOWN: usize = 8;

/// A process that dials most often reads its CA file once, at its start.
const DIALERS: &str = "which CAs the processes believe in that dial (API servers towards etcd and kubelets, \
    kubelets, controller-manager, scheduler, people's kubectl): no port shows that. Each must have been \
    restarted, or must have read its files again, since they last changed";

impl Report for LiveReport {
    fn text(&self, columns: usize) -> String {
        text(self, columns)
    }
}

fn text(report: &LiveReport, columns: usize) -> String {
    let mut text = String::new();
    for group in report.addresses.chunk_by(|one, other| one.service == other.service) {
        let mut shown = 0;
        for one in group {
            let is_right = one.faults.is_empty();
            if is_right && shown == SHOWN {
                continue;
            }
            shown += usize::from(is_right);
            text.push_str(&block(one, columns));
        }
        let right = group.iter().filter(|one| one.faults.is_empty()).count();
        if let (Some(more), Some(first)) = (more(right, SHOWN), group.first()) {
            let line = format!("{}: {more} without a fault", name(first.service));
            text.push_str(&paragraph("", 2, &line, columns));
        }
    }
    text.push('\n');
    let unproven = paint(CHANGE, "not proven");
    text.push_str(&paragraph("", 2, &format!("{unproven}: {DIALERS}"), columns));
    if let Some(probe) = &report.probe {
        let line = format!(
            "clients were tried with certificates made in memory and never written: CN={}, no group, no rights, \
             valid until {}",
            probe.common_name, probe.not_after
        );
        text.push_str(&paragraph("", 2, &line, columns));
    }
    let faults = match report.faults {
        0 => paint(GOOD, "no fault"),
        faults => paint(DANGER, &counted(faults, "fault")),
    };
    let addresses = match report.addresses.len() {
        1 => "1 address".to_owned(),
        count => format!("{count} addresses"),
    };
    let _ = writeln!(text, "{faults} at {addresses}, {} not proven", report.not_proven);
    text
}

fn name(service: ServiceReport) -> &'static str {
    match service {
        ServiceReport::Apiserver => "API server",
        ServiceReport::Endpoint => "endpoint",
        ServiceReport::Etcd => "etcd",
        ServiceReport::EtcdPeer => "etcd peer",
        ServiceReport::Kubelet => "kubelet",
    }
}

fn block(one: &AddressReport, columns: usize) -> String {
    let mut head = name(one.service).to_owned();
    for part in [&one.node, &one.address].into_iter().flatten() {
        head.push(' ');
        head.push_str(part);
    }
    let mut text = format!("{}\n", paint(STRONG, &head));
    let mut table = Table::new();
    if let Some(served) = &one.served {
        table.row(["serves".into(), shown(served).as_str().into()]);
        let names = if served.sans.is_empty() { "no name".into() } else { served.sans.join(", ") };
        table.row(["for".into(), names.as_str().into()]);
        table.row(["sha256".into(), served.sha256.as_str().into()]);
    }
    for of in &one.clients {
        let keypair = &of.signed_by;
        let (style, what) = match (of.are, &of.why) {
            (AcceptanceReport::Accepted, _) => {
                (GOOD, "accepted; one of an unknown CA is not".into())
            }
            (AcceptanceReport::Refused, _) => (DANGER, "refused".into()),
            (AcceptanceReport::NotProven, why) => {
                (CHANGE, format!("not proven: {}", why.as_deref().unwrap_or_default()))
            }
        };
        let text = format!("of {keypair}: {what}");
        table.row(["clients".into(), Cell::new(style, text)]);
    }
    for fault in &one.faults {
        table.row([Cell::new(DANGER, "fault"), fault.text.as_str().into()]);
        table.row(["help".into(), fault.help.as_str().into()]);
    }
    for why in &one.not_proven {
        table.row([Cell::new(CHANGE, "unproven"), why.as_str().into()]);
    }
    for note in &one.notes {
        table.row(["note".into(), note.as_str().into()]);
    }
    text.push_str(&table.render("  ", columns));
    text
}

fn shown(served: &ServedReport) -> String {
    let subject = if served.subject.is_empty() { "(no subject)" } else { &served.subject };
    let signed = match &served.signed_by {
        Some(keypair) => format!("signed by {keypair}"),
        None => "signed by no CA of the cluster".to_owned(),
    };
    let out = match served.out {
        HeldReport::Same => ", as in out/",
        HeldReport::Another | HeldReport::Nothing => "",
    };
    format!("{subject} until {}, {signed}{out}", served.not_after)
}
