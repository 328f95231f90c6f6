//! One address: the stranger goes first, then a client of each keypair.

use super::accepted::{Acceptance, ClientsOf, Takes, acceptance, takes};
use super::answer::{Answer, Call, Dialler, Visit};
use super::client::Client;
use super::served::judge;
use super::service::{Refuses, Service};
use super::target::Target;
use super::token_keys;
use super::trust::{Known, TrustedKeypair};
use super::verdict::{Fault, FaultKind, Verdict};
use crate::name::Endpoint;

pub fn visit(known: &Known, target: &Target, dialler: &dyn Dialler) -> Verdict {
    let mut verdict = Verdict {
        service: target.row.service,
        node: target.node.clone(),
        address: target.at.as_ref().map_or_else(|_| String::new(), ToString::to_string),
        served: None,
        clients: Vec::new(),
        faults: Vec::new(),
        unproven: Vec::new(),
        notes: Vec::new(),
    };
    let at = match &target.at {
        Ok(at) => at,
        Err(why) => {
            verdict.unproven.push(why.clone());
            return verdict;
        }
    };
    let place = Place { known, target, at, visit: dialler.visit(at) };
    let asks = target.row.refuses != Refuses::NotAsked;
    let stranger = known.stranger.as_ref().ok().filter(|_| asks);
    let answer = place.dial(stranger, target.row.get, false);
    let judged = judge(known, target, at, &answer);
    let is_heard = judged.is_heard;
    (verdict.served, verdict.faults) = (judged.served, judged.faults);
    (verdict.unproven, verdict.notes) = (judged.unproven, judged.notes);
    if verdict.served.is_none() || !asks {
        return verdict;
    }
    let control = match &known.stranger {
        Ok(_) => takes(target.row.refuses, &answer.end),
        Err(why) => Takes::Unclear(why.clone()),
    };
    for pair in known.keypairs(target.row.leaf.issuer) {
        let acceptance = if is_heard {
            place.try_client(pair, &control)
        } else {
            Acceptance::NotProven("who answers there is not who should".to_owned())
        };
        verdict.faults.extend(wrong(pair, &acceptance));
        verdict.clients.push(ClientsOf { keypair: pair.name.clone(), acceptance });
    }
    if target.row.service == Service::Apiserver && is_heard {
        let (faults, unproven) = place.token_keys(&verdict.clients);
        verdict.faults.extend(faults);
        verdict.unproven.extend(unproven);
    }
    verdict
}

fn wrong(pair: &TrustedKeypair, acceptance: &Acceptance) -> Option<Fault> {
    let name = &pair.name;
    match (pair.lets_in, acceptance) {
        (true, Acceptance::Refused) => {
            let text = format!("refuses clients of {name}, which it should trust");
            Some(Fault::new(FaultKind::ClientsRefused, text))
        }
        (false, Acceptance::Accepted) => {
            let text = format!("takes clients of {name}, which is for servers alone");
            Some(Fault::new(FaultKind::ClientsAccepted, text))
        }
        _ => None,
    }
}

struct Place<'a> {
    known: &'a Known,
    target: &'a Target,
    at: &'a Endpoint,
    visit: Box<dyn Visit + 'a>,
}

impl Place<'_> {
    fn dial(&self, client: Option<&Client>, get: &str, wants_body: bool) -> Answer {
        self.visit.dial(&Call { client, get, wants_body })
    }

    fn try_client(&self, pair: &TrustedKeypair, stranger: &Takes) -> Acceptance {
        let client = match (&pair.client, stranger) {
            (Err(why), _) => return Acceptance::NotProven(why.clone()),
            (Ok(client), Takes::NotTaken) => client,
            (Ok(_), _) => return acceptance(stranger, stranger),
        };
        let answer = self.dial(Some(client), self.target.row.get, false);
        // Whoever answers this time is judged, too: an address may move.
        if !answer.chain.is_empty() && !judge(self.known, self.target, self.at, &answer).is_heard {
            return Acceptance::NotProven("another server answered than before".to_owned());
        }
        acceptance(stranger, &takes(self.target.row.refuses, &answer.end))
    }

    /// Asked as a client that is known, where there is one: more is let see them than strangers.
    fn token_keys(&self, clients: &[ClientsOf]) -> (Vec<Fault>, Vec<String>) {
        let is_known = |pair: &&TrustedKeypair| {
            let mut known = clients.iter().filter(|one| one.acceptance == Acceptance::Accepted);
            known.any(|one| one.keypair == pair.name)
        };
        let pairs = self.known.keypairs(self.target.row.leaf.issuer);
        let client = pairs.iter().find(is_known).and_then(|pair| pair.client.as_ref().ok());
        let answer = self.dial(client, token_keys::KEY_SET, true);
        if !judge(self.known, self.target, self.at, &answer).is_heard {
            return (Vec::new(), vec![format!("{}: {}", token_keys::KEY_SET, answer.end)]);
        }
        token_keys::judge(&self.known.token_keys, &answer)
    }
}
