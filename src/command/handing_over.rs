//! Waits until the kubelet has replaced the controller-manager's pod, as far as this machine's processes show
//! it.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::terminal;
use crate::error::{Error, Result};
use crate::install::Handover;
use crate::profile::Process;
use crate::visible;

/// The kubelet sees a manifest within 20 seconds, and took 45 to replace a pod of a real cluster.
const LIMIT: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(500);

const PROCESSES: &str = "/proc";

/// `root`: where the node's files are. Only those of this machine have processes that can be seen.
pub(super) fn wait(root: &Path, handover: &Handover) -> Result<()> {
    let name = Process::ControllerManager.name();
    if std::fs::canonicalize(root).is_ok_and(|root| root == Path::new("/")) {
        let is_old = |words: &[String]| handover.is_old(words.iter().map(String::as_str));
        let state = wait_for(Path::new(PROCESSES), LIMIT, handover.expects_process(), &is_old);
        match state {
            State::HandedOver | State::NobodyStartsIt => return Ok(()),
            State::Old | State::Starting => return Err(late(&state, handover)),
            State::Unseen => {}
        }
    }
    terminal::talk(&format!(
        "note: below {} nobody can see whether {name} runs from its new manifest; should it end before the kubelet \
         has replaced its pod, it starts only after that",
        visible::path(root)
    ));
    Ok(())
}

/// The last state, once nothing is left to wait for or the time is over.
fn wait_for(processes: &Path, limit: Duration, is_expected: bool, is_old: IsOld<'_>) -> State {
    let begin = Instant::now();
    let mut is_told = false;
    loop {
        let mut state = State::of(&command_lines(processes), is_old);
        if state == State::Starting && !is_expected {
            state = State::NobodyStartsIt;
        }
        if !matches!(state, State::Old | State::Starting) || begin.elapsed() >= limit {
            return state;
        }
        if !is_told {
            is_told = true;
            terminal::talk(&format!(
                "waiting until {} runs from its new manifest, at most {} seconds",
                Process::ControllerManager.name(),
                limit.as_secs()
            ));
        }
        sleep(PAUSE.min(limit));
    }
}

/// Whether a controller-manager that was started by these words is the one before.
type IsOld<'a> = &'a dyn Fn(&[String]) -> bool;

fn late(state: &State, handover: &Handover) -> Error {
    let name = Process::ControllerManager.name();
    let Handover { signing, bundle, .. } = handover;
    let what = match state {
        State::Old => format!("{name} still signs with /{bundle}"),
        _ => format!("{name} does not run"),
    };
    Error::refused(format!(
        "{what}, {} seconds after its manifest and /{signing} were put in place; /{bundle} stays as it is, for {name} \
         would exit at each start",
        LIMIT.as_secs()
    ))
    .help("see what the kubelet says (journalctl -u kubelet)")
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// One signs with the file that is to hold several certificates.
    Old,
    /// None runs, and a kubelet does: it may start the old one.
    Starting,
    HandedOver,
    NobodyStartsIt,
    /// No process can be seen, not even this one.
    Unseen,
}

impl State {
    fn of(command_lines: &[Vec<String>], is_old: IsOld<'_>) -> State {
        if command_lines.is_empty() {
            return State::Unseen;
        }
        let called = |name: &'static str| {
            let is_called = move |words: &&Vec<String>| {
                let program = words.first().map(Path::new).and_then(Path::file_name);
                program.is_some_and(|program| program == name)
            };
            command_lines.iter().filter(is_called)
        };
        let mut managers = called(Process::ControllerManager.name()).peekable();
        if managers.peek().is_some() {
            let any_is_old = managers.any(|words| is_old(words));
            return if any_is_old { State::Old } else { State::HandedOver };
        }
        if called("kubelet").next().is_some() { State::Starting } else { State::NobodyStartsIt }
    }
}

/// Of each process that can be seen.
fn command_lines(processes: &Path) -> Vec<Vec<String>> {
    let Ok(entries) = std::fs::read_dir(processes) else { return Vec::new() };
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        if !name.to_str()?.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // It may have ended meanwhile.
        let text = std::fs::read(entry.path().join("cmdline")).ok()?;
        let words = text.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        Some(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    };
    entries.flatten().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "/usr/local/bin/kube-controller-manager\0--old\0";
    const NEW: &str = "kube-controller-manager\0--new\0";
    const KUBELET: &str = "/usr/bin/kubelet\0--config=x\0";

    fn is_old(words: &[String]) -> bool {
        words.iter().any(|word| word == "--old")
    }

    fn put(folder: &Path, number: &str, command_line: &str) {
        let process = folder.join(number);
        std::fs::create_dir_all(&process).unwrap();
        std::fs::write(process.join("cmdline"), command_line).unwrap();
    }

    #[test]
    fn what_processes_show() {
        for (processes, state) in [
            (vec![], State::Unseen),
            // A shell that names it, a kernel thread, somebody else's program.
            (vec!["sh\0-c\0kube-controller-manager\0", "", "etcd\0"], State::NobodyStartsIt),
            (vec![KUBELET], State::Starting),
            (vec![KUBELET, NEW], State::HandedOver),
            (vec![KUBELET, OLD], State::Old),
            (vec![KUBELET, NEW, OLD], State::Old),
            (vec![OLD], State::Old),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for (number, command_line) in processes.iter().enumerate() {
                put(folder.path(), &number.to_string(), command_line);
            }
            put(folder.path(), "self", OLD);
            let lines = command_lines(folder.path());
            assert_eq!(State::of(&lines, &is_old), state, "{processes:?}");
        }
        let nowhere = Path::new("/nonexistent");
        assert_eq!(State::of(&command_lines(nowhere), &is_old), State::Unseen);
    }

    #[test]
    fn it_waits_for_the_new_process_and_no_longer_than_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "1", KUBELET);
        put(folder.path(), "7", OLD);
        let short = Duration::from_millis(20);
        assert_eq!(wait_for(folder.path(), short, true, &is_old), State::Old);
        put(folder.path(), "7", "");
        assert_eq!(wait_for(folder.path(), short, true, &is_old), State::Starting);
        // Nothing that the kubelet reads keeps one running.
        assert_eq!(wait_for(folder.path(), short, false, &is_old), State::NobodyStartsIt);
        put(folder.path(), "7", OLD);
        let ended = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait_for(folder.path(), LIMIT, true, &is_old));
            std::fs::remove_file(folder.path().join("7/cmdline")).unwrap();
            sleep(PAUSE * 2);
            assert!(!waiting.is_finished(), "it went on while nobody ran");
            put(folder.path(), "8", NEW);
            waiting.join().unwrap()
        });
        assert_eq!(ended, State::HandedOver);
    }
}
