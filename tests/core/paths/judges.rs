//! What each implementation says of the cases.

use std::collections::BTreeMap;
use std::time::Duration;

use kpki::facts::{ExtendedKeyUsage, certificate_pem};
use kpki::holdings::Certificate;
use kpki::path::{Reader, validate};
use kpki::time::Timestamp;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::random::{ASKS, AT, Asks, Case, DIALLED};
use crate::testkit::Desk;

/// Why it is refused, if it is.
pub type Verdict = Result<(), String>;

pub fn ours(case: &Case) -> Verdict {
    let read = |der: &Vec<u8>| Certificate::from_der(der).map_err(|error| error.to_string());
    let leaf = read(&case.leaf)?;
    // A file with a certificate that Go does not read is loaded without it.
    let readable = |all: &[Vec<u8>]| all.iter().flat_map(read).collect::<Vec<_>>();
    let (anchors, intermediates) = (readable(&case.anchors), readable(&case.intermediates));
    let usage = match case.asks {
        Asks::Server | Asks::ServerNamed => Some(ExtendedKeyUsage::Server),
        Asks::Client => Some(ExtendedKeyUsage::Client),
        Asks::Any => None,
    };
    let reader = Reader {
        anchors: &anchors.iter().collect::<Vec<_>>(),
        intermediates: &intermediates.iter().collect::<Vec<_>>(),
        usage: usage.as_ref(),
        name: (case.asks == Asks::ServerNamed).then_some(DIALLED),
        at: Timestamp::from_unix(AT),
    };
    validate(&leaf, &reader).map(|_| ()).map_err(|refusal| refusal.to_string())
}

pub fn webpki(case: &Case) -> Verdict {
    let say = |error: webpki::Error| format!("{error:?}");
    let anchors: Vec<CertificateDer<'_>> =
        case.anchors.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors: Vec<_> = anchors.iter().flat_map(anchor_from_trusted_cert).collect();
    let intermediates: Vec<CertificateDer<'_>> =
        case.intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let leaf = CertificateDer::from(case.leaf.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(say)?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(AT.unsigned_abs()));
    let usage = match case.asks {
        Asks::Client => KeyUsage::client_auth(),
        _ => KeyUsage::server_auth(),
    };
    leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &intermediates, now, usage, None, None)
        .map_err(say)?;
    match case.asks {
        Asks::ServerNamed => {
            let name = ServerName::try_from(DIALLED).unwrap();
            leaf.verify_is_valid_for_subject_name(&name).map_err(say)
        }
        _ => Ok(()),
    }
}

/// `-partial_chain` makes an anchor of every certificate of the CA file, as Go has it. One call for all that
/// ask for the same: names are of one case alone.
pub fn openssl(cases: &[Case]) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = cases.iter().map(|_| Err("not judged".into())).collect();
    for asks in ASKS {
        let desk = Desk::new();
        let (mut anchors, mut intermediates) = (String::new(), String::new());
        let mut arguments: Vec<String> = Vec::new();
        for (number, case) in cases.iter().enumerate().filter(|(_, case)| case.asks == asks) {
            anchors.extend(case.anchors.iter().map(|der| certificate_pem(der)));
            intermediates.extend(case.intermediates.iter().map(|der| certificate_pem(der)));
            let name = format!("{number}.crt");
            desk.put(&name, certificate_pem(&case.leaf));
            arguments.push(name);
        }
        desk.put("anchors.crt", anchors);
        desk.put("intermediates.crt", intermediates);
        let purpose = match asks {
            Asks::Server => "-purpose sslserver",
            Asks::ServerNamed => "-purpose sslserver -verify_hostname api.lab",
            Asks::Client => "-purpose sslclient",
            Asks::Any => "-purpose any",
        };
        let (_, text) = desk.try_openssl(&format!(
            "verify -partial_chain -policy_check -attime {AT} {purpose} -CAfile anchors.crt -untrusted \
             intermediates.crt {}",
            arguments.join(" ")
        ));
        for (number, verdict) in said(&text) {
            verdicts[number] = verdict;
        }
    }
    verdicts
}

/// `7.crt: OK`, or `error 7.crt: verification failed` behind lines with the reasons.
fn said(text: &str) -> BTreeMap<usize, Verdict> {
    let mut verdicts = BTreeMap::new();
    let mut reasons = Vec::new();
    for line in text.lines() {
        let number = |name: &str| name.strip_suffix(".crt")?.parse::<usize>().ok();
        if let Some(number) = line.strip_suffix(": OK").and_then(number) {
            verdicts.insert(number, Ok(()));
            reasons.clear();
        } else if let Some(failed) = line.strip_prefix("error ")
            && let Some(number) = failed.split(": ").next().and_then(number)
        {
            verdicts.insert(number, Err(reasons.join("; ")));
            reasons.clear();
        } else if line.starts_with("error ") {
            reasons.push(line.split(": ").nth(1).unwrap_or(line).to_owned());
        }
    }
    verdicts
}
