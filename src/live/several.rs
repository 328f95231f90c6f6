//! Several visits at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does the work for each, for `most` of them at a time: they wait for others, so more than there are cores.
pub fn at_once<T: Sync, R: Send>(most: usize, all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(all.len()));
    std::thread::scope(|scope| {
        for _ in 0..most.min(all.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = all.get(at) else { return };
                    let result = work(one);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_done_once_and_no_more_at_a_time() {
        let all: Vec<usize> = (0..100).collect();
        let (busy, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let done = at_once(7, &all, |number| {
            most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(1));
            busy.fetch_sub(1, Ordering::SeqCst);
            number * 2
        });
        assert_eq!(done, all.iter().map(|number| number * 2).collect::<Vec<_>>());
        assert!((2..=7).contains(&most.into_inner()));
        assert!(at_once(7, &[] as &[u8], |_| ()).is_empty());
    }
}
