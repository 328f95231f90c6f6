//! Whether a port lets clients in, told from what it does with one it should know and one it cannot know.

use super::answer::{AlertMeans, End, alert_means};
use super::service::Refuses;
use crate::name::ArtifactName;

/// What becomes of the clients of one keypair.
pub struct ClientsOf {
    pub keypair: ArtifactName,
    pub acceptance: Acceptance,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    Accepted,
    Refused,
    NotProven(String),
}

/// What a port did with one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Takes {
    Taken,
    NotTaken,
    Unclear(String),
}

pub(super) fn takes(refuses: Refuses, end: &End) -> Takes {
    match (refuses, end) {
        (_, End::Alert(number)) if alert_means(*number) == AlertMeans::NotTaken => Takes::NotTaken,
        (Refuses::Unauthorized, End::Answered(response)) => match response.status {
            401 => Takes::NotTaken,
            200 | 403 => Takes::Taken,
            status => Takes::Unclear(format!("answers {status}, which tells nothing")),
        },
        (Refuses::Handshake, End::Answered(_)) => Takes::Taken,
        (_, end) => Takes::Unclear(end.to_string()),
    }
}

/// The stranger decides whether the other answer means anything.
pub(super) fn acceptance(stranger: &Takes, client: &Takes) -> Acceptance {
    match (stranger, client) {
        (Takes::Taken, _) => {
            Acceptance::NotProven("a client of a CA that nobody trusts is taken, too".to_owned())
        }
        (Takes::Unclear(why), _) => Acceptance::NotProven(format!(
            "it is unclear whether a client of a CA that nobody trusts is refused: {why}"
        )),
        (Takes::NotTaken, Takes::Taken) => Acceptance::Accepted,
        (Takes::NotTaken, Takes::NotTaken) => Acceptance::Refused,
        (Takes::NotTaken, Takes::Unclear(why)) => Acceptance::NotProven(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::answer::{Response, Stage};

    /// k8s.io/apiserver's authentication filter, etcd's handshake, RFC 8446 6.2.
    #[test]
    fn only_what_says_so_is_taken_or_not_taken() {
        let status = |status| End::Answered(Response { status, body: None });
        for (end, by_status, by_handshake) in [
            (status(200), Some(true), Some(true)),
            (status(403), Some(true), Some(true)),
            (status(401), Some(false), Some(true)),
            (status(404), None, Some(true)),
            (status(500), None, Some(true)),
            (status(429), None, Some(true)),
            (End::Alert(42), Some(false), Some(false)),
            (End::Alert(48), Some(false), Some(false)),
            (End::Alert(51), Some(false), Some(false)),
            (End::Alert(45), None, None),
            (End::Alert(80), None, None),
            (End::Alert(255), None, None),
            (End::Closed(Stage::Request), None, None),
            (End::Silent(Stage::Request), None, None),
            (End::Refused, None, None),
            (End::NotHttp, None, None),
        ] {
            for (refuses, expected) in
                [(Refuses::Unauthorized, by_status), (Refuses::Handshake, by_handshake)]
            {
                let found = match takes(refuses, &end) {
                    Takes::Taken => Some(true),
                    Takes::NotTaken => Some(false),
                    Takes::Unclear(_) => None,
                };
                assert_eq!(found, expected, "{refuses:?} {end:?}");
            }
        }
    }

    #[test]
    fn nothing_is_proven_where_a_stranger_is_not_refused() {
        let unclear = || Takes::Unclear(String::new());
        for client in [Takes::Taken, Takes::NotTaken, unclear()] {
            for stranger in [Takes::Taken, unclear()] {
                let found = acceptance(&stranger, &client);
                assert!(matches!(found, Acceptance::NotProven(_)), "{stranger:?} {client:?}");
            }
        }
        assert_eq!(acceptance(&Takes::NotTaken, &Takes::Taken), Acceptance::Accepted);
        assert_eq!(acceptance(&Takes::NotTaken, &Takes::NotTaken), Acceptance::Refused);
    }
}
