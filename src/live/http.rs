//! One request of HTTP/1.1, and as much of the answer as is needed (RFC 9112). No header is believed beyond
//! how long the body is.

use super::answer::Response;

/// A status line that is longer is none.
const STATUS_LINE: usize = 1024;
/// A head that is longer is not read (Go's servers send less).
const HEAD: usize = 16 << 10;
/// The key sets of several service-account keys fit many times.
const BODY: usize = 256 << 10;

pub fn request(host: &str, get: &str) -> Vec<u8> {
    format!(
        "GET {get} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kpki\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

/// What can be said of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    More,
    NotHttp,
    Done(Response),
}

/// `is_all`: nothing more will come.
pub fn read(bytes: &[u8], wants_body: bool, is_all: bool) -> Read {
    let Some((line, _)) = split_at(bytes, b"\r\n") else {
        let is_hopeless = bytes.len() > STATUS_LINE || !starts_like_http(bytes);
        return if is_all || is_hopeless { Read::NotHttp } else { Read::More };
    };
    let Some(status) = status(line).filter(|_| line.len() <= STATUS_LINE) else {
        return Read::NotHttp;
    };
    let done = |body| Read::Done(Response { status, body });
    if !wants_body {
        return done(None);
    }
    let Some((head, rest)) = split_at(bytes, b"\r\n\r\n") else {
        let is_over = is_all || bytes.len() > HEAD;
        return if is_over { done(None) } else { Read::More };
    };
    if rest.len() > BODY {
        return done(None);
    }
    match body(head, rest) {
        Body::Whole(body) => done(Some(body)),
        Body::UntilTheEnd if is_all => done(Some(rest.to_vec())),
        Body::Damaged => done(None),
        Body::Cut | Body::UntilTheEnd if is_all => done(None),
        Body::Cut | Body::UntilTheEnd => Read::More,
    }
}

fn starts_like_http(bytes: &[u8]) -> bool {
    let start = b"HTTP/1.";
    let length = bytes.len().min(start.len());
    bytes.get(..length) == start.get(..length)
}

fn split_at<'a>(bytes: &'a [u8], end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memchr::memmem::find(bytes, end)?;
    Some((bytes.get(..at)?, bytes.get(at + end.len()..)?))
}

/// `HTTP/1.1 200 OK`
fn status(line: &[u8]) -> Option<u16> {
    let text = str::from_utf8(line).ok()?;
    let rest = text.strip_prefix("HTTP/1.0 ").or_else(|| text.strip_prefix("HTTP/1.1 "))?;
    let digits = rest.split(' ').next()?;
    let is_status = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|status| is_status && *status >= 100)
}

enum Body {
    Whole(Vec<u8>),
    Cut,
    Damaged,
    UntilTheEnd,
}

fn body(head: &[u8], rest: &[u8]) -> Body {
    let Ok(head) = str::from_utf8(head) else { return Body::Damaged };
    let field = |wanted: &str| {
        let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    match (field("transfer-encoding"), field("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => chunks(rest),
        (Some(_), _) => Body::Damaged,
        (None, Some(length)) => match length.parse::<usize>() {
            Err(_) => Body::Damaged,
            Ok(length) => rest.get(..length).map_or(Body::Cut, |body| Body::Whole(body.to_vec())),
        },
        (None, None) => Body::UntilTheEnd,
    }
}

/// RFC 9112 7.1.
fn chunks(mut rest: &[u8]) -> Body {
    let mut whole = Vec::new();
    loop {
        let Some((line, after)) = split_at(rest, b"\r\n") else { return Body::Cut };
        let size = str::from_utf8(line)
            .ok()
            .and_then(|line| usize::from_str_radix(line.split(';').next()?.trim(), 16).ok());
        let Some(size) = size.filter(|size| *size <= BODY) else { return Body::Damaged };
        if size == 0 {
            return Body::Whole(whole);
        }
        match (after.get(..size), after.get(size..size + 2), after.get(size + 2..)) {
            (Some(piece), Some(b"\r\n"), Some(next)) => {
                whole.extend_from_slice(piece);
                rest = next;
            }
            (Some(_), Some(_), _) => return Body::Damaged,
            _ => return Body::Cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(status: u16, body: Option<&str>) -> Read {
        Read::Done(Response { status, body: body.map(|body| body.as_bytes().to_vec()) })
    }

    /// RFC 9112 4, 6.3 and 7.1.
    #[test]
    fn an_answer_is_read_as_far_as_it_is_needed() {
        let cases: &[(&str, bool, bool, Read)] = &[
            ("", false, false, Read::More),
            ("", false, true, Read::NotHttp),
            ("HTTP/1.1 4", false, false, Read::More),
            ("HTTP/1.1 4", false, true, Read::NotHttp),
            ("HTTP/1.1 401 Unauthorized\r\n", false, false, done(401, None)),
            ("HTTP/1.0 403 \r\n", false, false, done(403, None)),
            ("HTTP/1.1 200\r\n", false, false, done(200, None)),
            ("HTTP/2 200 OK\r\n", false, false, Read::NotHttp),
            ("HTTP/1.1 +20 OK\r\n", false, false, Read::NotHttp),
            ("HTTP/1.1 2000 OK\r\n", false, false, Read::NotHttp),
            ("SSH-2.0-OpenSSH_9.2\r\n", false, false, Read::NotHttp),
            ("\0\0\x12", false, false, Read::NotHttp),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", true, false, Read::More),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}x", true, false, done(200, Some("{}"))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", true, true, done(200, None)),
            ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", true, true, done(200, None)),
            ("HTTP/1.1 200 OK\r\n\r\n{}", true, false, Read::More),
            ("HTTP/1.1 200 OK\r\n\r\n{}", true, true, done(200, Some("{}"))),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n",
                true,
                false,
                done(200, Some("{}")),
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{",
                true,
                false,
                Read::More,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                true,
                false,
                done(200, None),
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n1", true, false, done(200, None)),
        ];
        for (text, wants_body, is_all, expected) in cases {
            assert_eq!(&read(text.as_bytes(), *wants_body, *is_all), expected, "{text:?}");
        }
        let endless = "HTTP/1.1 ".to_owned() + &"a".repeat(STATUS_LINE);
        assert_eq!(read(endless.as_bytes(), false, false), Read::NotHttp);
    }
}
