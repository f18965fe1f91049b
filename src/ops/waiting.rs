//! Inputs that somebody may still be writing: a pipe, a terminal, a socket. What
//! is left of one is put aside before a transaction begins, so that nobody who
//! wants to write the catalog waits for a slow sender.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// An input that can be put aside.
pub struct Waiting(Rc<RefCell<Box<dyn Read>>>);

/// What is left of an input, to be read or to be put aside.
pub struct Rest(Rc<RefCell<Box<dyn Read>>>);

impl Waiting {
    /// Returns an input, and its rest.
    #[must_use]
    pub fn new(input: Box<dyn Read>) -> (Self, Rest) {
        let shared = Rc::new(RefCell::new(input));
        (Self(Rc::clone(&shared)), Rest(shared))
    }
}

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buffer)
    }
}

impl Rest {
    /// Waits for the end of the input and puts it into a file without a name,
    /// where it is read from then on.
    ///
    /// # Errors
    /// Those of the input and of the file.
    pub fn put_aside(&self) -> io::Result<()> {
        let mut input = self.0.borrow_mut();
        let mut file: File = tempfile::tempfile()?;
        io::copy(&mut *input, &mut file)?;
        file.seek(SeekFrom::Start(0))?;
        *input = Box::new(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_is_put_aside_goes_on_where_it_was() {
        let (mut input, rest) = Waiting::new(Box::new(&b"one two three"[..]));
        let mut first = [0; 4];
        input.read_exact(&mut first).expect("read");
        rest.put_aside().expect("put aside");
        let mut others = String::new();
        input.read_to_string(&mut others).expect("read");
        assert_eq!((&first, others.as_str()), (b"one ", "two three"));
    }
}
