//! The vDSO of a process: the little library of the kernel's in which programs read clocks without calling it.

use object::{
    Object, ObjectSection, ObjectSymbol,
    elf::FileHeader64,
    read::elf::{ElfFile64, FileHeader},
};

use crate::{
    LinuxError,
    trace::{Mapping, Memory},
};

/// It, as it stands in a process.
pub(super) struct Vdso {
    pub start: u64,
    pub image: Vec<u8>,
}

impl Vdso {
    /// Reads it.
    ///
    /// # Errors
    /// [`LinuxError::Missing`] for a process without.
    pub(super) fn read(mappings: &[Mapping], memory: &Memory) -> Result<Self, LinuxError> {
        let missing = || LinuxError::Missing { what: "find its vDSO, where programs read clocks".to_owned() };
        let Mapping { start, end, .. } =
            mappings.iter().find(|mapping| mapping.name == "[vdso]").ok_or_else(missing)?;
        let mut image = vec![0; usize::try_from(end - start).map_err(|_| missing())?];
        if memory.read(*start, &mut image)? { Ok(Self { start: *start, image }) } else { Err(missing()) }
    }

    /// Where in the image a function is; `None` where there is none, or none long enough.
    pub(super) fn function(&self, name: &str, length: usize) -> Option<usize> {
        let file = self.file()?;
        let mut symbols = file.dynamic_symbols();
        let found = symbols.find(|symbol| symbol.name() == Ok(name) && symbol.size() >= length as u64)?;
        let at = usize::try_from(found.address()).ok()?;
        (at + length <= self.image.len()).then_some(at)
    }

    /// Where in the image nothing is any more: behind its sections and the table of them, up to the end of the page.
    pub(super) fn free(&self) -> Option<usize> {
        let file = self.file()?;
        let (endian, header): (_, &FileHeader64<_>) = (file.endian(), file.elf_header());
        let table = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
        let ranges = file.sections().filter_map(|section| section.file_range());
        let ends = ranges.map(|(at, length)| at + length);
        let end = ends.chain([header.e_shoff(endian) + table]).max()?;
        usize::try_from(end.next_multiple_of(64)).ok().filter(|end| *end <= self.image.len())
    }

    fn file(&self) -> Option<ElfFile64<'_>> {
        ElfFile64::parse(&*self.image).ok()
    }
}
