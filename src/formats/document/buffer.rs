//! A reader with a window: what is under work stays in memory, what is done leaves it.

use std::io::{self, Read};

use super::MAX_ITEM;

/// Bytes that are asked of the reader at once; the window grows beyond only for a longer item.
const CHUNK: usize = 64 * 1024;

/// A reader, and the bytes of it that were read but not consumed.
pub(super) struct Buffer<R> {
    reader: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(reader: R) -> Buffer<R> {
        Buffer {
            reader,
            bytes: Vec::new(),
            start: 0,
            end: 0,
        }
    }

    /// Returns what was read and not consumed.
    pub(super) fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads more; false where there is no more, or where the window is as large as it may become.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.end == self.bytes.len() {
            self.make_room();
        }
        let Some(room) = self.bytes.get_mut(self.end..) else {
            return Ok(false);
        };
        loop {
            match self.reader.read(room) {
                Ok(count) => {
                    self.end += count.min(room.len());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < CHUNK / 2 {
            let doubled = (self.bytes.len() * 2).clamp(CHUNK, MAX_ITEM + CHUNK);
            self.bytes.resize(doubled, 0);
        }
    }

    /// Lets go of the first `count` bytes of the data.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Returns the first byte; none where the input ends.
    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        while self.start == self.end {
            if !self.fill()? {
                return Ok(None);
            }
        }
        Ok(self.data().first().copied())
    }

    /// Reads on until `count` bytes are there or the input ends.
    pub(super) fn want(&mut self, count: usize) -> io::Result<()> {
        while self.end - self.start < count {
            if !self.fill()? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the first character; none where the data is not UTF-8, or there is none.
    pub(super) fn first_char(&mut self) -> io::Result<Option<char>> {
        // As many bytes as a character can have.
        self.want(4)?;
        let data = self.data();
        let head = data.get(..4).unwrap_or(data);
        Ok(head
            .utf8_chunks()
            .next()
            .and_then(|chunk| chunk.valid().chars().next()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::Trickle;
    use super::*;

    #[test]
    fn all_bytes_come_by_however_they_are_read_and_consumed() {
        let text: Vec<u8> = (0..300_000u32).map(|number| number as u8).collect();
        for step in [1, 3, 1000, 100_000] {
            let mut buffer = Buffer::new(Trickle::new(&text, step));
            let mut found = Vec::new();
            while buffer.peek().expect("no error").is_some() {
                buffer.want(step).expect("no error");
                let count = buffer.data().len().min(step);
                found.extend_from_slice(&buffer.data()[..count]);
                buffer.consume(count);
            }
            assert!(found == text, "in steps of {step}");
        }
    }

    #[test]
    fn the_window_has_a_largest_size() {
        let mut buffer = Buffer::new(io::repeat(b'x'));
        while buffer.fill().expect("no error") {}
        assert_eq!(buffer.data().len(), MAX_ITEM + CHUNK);
        buffer.consume(10);
        assert!(buffer.fill().expect("no error"));
    }
}
