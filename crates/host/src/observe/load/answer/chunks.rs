//! A body in chunks (RFC 9112, section 7.1).

/// The longest line with a size and its extensions, and the longest trailer: 8 KiB.
const LONGEST_LINE: u32 = 8 * 1024;

/// Where in a chunked body one is.
#[derive(Default)]
pub(super) struct Chunks {
    state: State,
    /// Of the chunk under way.
    size: u64,
    digits: u32,
    /// Bytes of the line under way.
    line: u32,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    /// After the size, up to the end of its line.
    Extension,
    Data,
    /// The line break after the data.
    DataEnd,
    /// Lines after the last chunk; an empty one ends it all.
    Trailer,
    Whole,
}

impl Chunks {
    /// Takes bytes from the front: how many, and how many of them are data.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(usize, u64), String> {
        let (mut at, mut data) = (0, 0);
        while at < bytes.len() && self.state != State::Whole {
            if self.state == State::Data {
                let step = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len() - at);
                self.size -= step as u64;
                data += step as u64;
                at += step;
                if self.size == 0 {
                    self.begin(State::DataEnd);
                }
                continue;
            }
            self.one(bytes[at])?;
            at += 1;
        }
        Ok((at, data))
    }

    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.line = 0;
    }

    fn one(&mut self, byte: u8) -> Result<(), String> {
        let wrong = || Err("the answer is not HTTP: its chunks are broken".to_owned());
        self.line += 1;
        if self.line > LONGEST_LINE {
            return wrong();
        }
        match (&self.state, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.digits < 16 => {
                let digit = (byte as char).to_digit(16).unwrap_or_default();
                self.size = self.size << 4 | u64::from(digit);
                self.digits += 1;
            }
            (State::Size, b'\r' | b';' | b' ' | b'\t') if self.digits > 0 => self.state = State::Extension,
            (State::Size | State::Extension, b'\n') if self.digits > 0 => {
                self.digits = 0;
                self.begin(if self.size == 0 { State::Trailer } else { State::Data });
            }
            (State::Extension, _) => {}
            (State::DataEnd, b'\r') if self.line == 1 => {}
            (State::DataEnd, b'\n') => self.begin(State::Size),
            // A line that holds nothing but its break is the last one.
            (State::Trailer, b'\n') if self.line == 1 || self.size == 1 => self.state = State::Whole,
            (State::Trailer, b'\n') => self.begin(State::Trailer),
            (State::Trailer, b'\r') => self.size = u64::from(self.line == 1),
            (State::Trailer, _) => self.size = 0,
            _ => return wrong(),
        }
        Ok(())
    }
}
