//! A buffer per thread to read into, so that a connection at rest holds no memory and a chunk allocates none.

use std::cell::RefCell;

/// Bytes a single read takes at most.
pub(crate) const SIZE: usize = 64 * 1024;

thread_local! {
    static FREE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with the thread's buffer; a call within a call gets another one.
pub(crate) fn with<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; SIZE].into_boxed_slice());
    let result = work(&mut buffer);
    FREE.with_borrow_mut(|free| free.push(buffer));
    result
}
