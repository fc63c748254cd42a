//! Numbers and texts to bytes and back, for what is kept in the state.

/// Writes what [`Input`] reads.
#[derive(Debug, Default)]
pub(crate) struct Output(pub(crate) Vec<u8>);

impl Output {
    /// Seven bits a byte, the low ones first (LEB128).
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn texts<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t String>) {
        self.number(texts.len() as u64);
        texts.for_each(|text| self.text(text));
    }
}

/// Reads; nothing where the bytes are not what was written.
#[derive(Debug)]
pub(crate) struct Input<'b>(pub(crate) &'b [u8]);

impl<'b> Input<'b> {
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A count of things that have at least one byte each.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }

    pub(crate) fn texts(&mut self) -> Option<Vec<String>> {
        (0..self.count()?).map(|_| self.text()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Output};

    #[test]
    fn what_is_written_is_read() {
        let mut output = Output::default();
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            output.number(number);
        }
        output.texts(["a".to_owned(), "é".to_owned()].iter());
        let mut input = Input(&output.0);
        let numbers: Vec<u64> = (0..6).map(|_| input.number().unwrap()).collect();
        assert_eq!(numbers, [0, 1, 127, 128, 300, u64::MAX]);
        assert_eq!(input.texts().unwrap(), ["a", "é"]);
        assert_eq!(input.number(), None);
        assert_eq!(Input(&[0xff; 20]).number(), None);
        assert_eq!(Input(&[200, 1, b'a']).text(), None);
    }
}
