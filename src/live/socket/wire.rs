//! A connection that keeps its time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub fn left(ends: Instant) -> Duration {
    ends.saturating_duration_since(Instant::now())
}

/// A stream whose every operation ends in time.
pub struct Wire {
    stream: TcpStream,
    pub ends: Instant,
    /// What the server began with.
    pub start: Vec<u8>,
    /// What is sent at once, with the next flush: a server that has read half of a client's messages when it
    /// refuses it resets the connection.
    unsent: Vec<u8>,
}

impl Wire {
    pub fn new(stream: TcpStream, ends: Instant) -> Self {
        Wire { stream, ends, start: Vec::new(), unsent: Vec::new() }
    }

    fn left(&self) -> std::io::Result<Option<Duration>> {
        let left = left(self.ends);
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

fn is_deaf(why: &std::io::Error) -> bool {
    matches!(why.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.flush()?;
        self.stream.set_read_timeout(self.left()?)?;
        let count = self.stream.read(into)?;
        let missing = 5_usize.saturating_sub(self.start.len()).min(count);
        self.start.extend_from_slice(into.get(..missing).unwrap_or(&[]));
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
        self.unsent.extend_from_slice(from);
        Ok(from.len())
    }

    /// Where the server hears nothing more, what it said before is still to be read: that tells.
    fn flush(&mut self) -> std::io::Result<()> {
        let unsent = std::mem::take(&mut self.unsent);
        let mut rest = unsent.as_slice();
        while !rest.is_empty() {
            self.stream.set_write_timeout(self.left()?)?;
            match self.stream.write(rest) {
                Ok(0) => break,
                Ok(count) => rest = rest.get(count..).unwrap_or(&[]),
                Err(why) if is_deaf(&why) => break,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }
}
