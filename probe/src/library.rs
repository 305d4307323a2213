//! TensorFlow's library in this process: which build it is, and where its functions are.

use std::ffi::{CStr, CString, c_int, c_void};
use std::sync::OnceLock;

/// Part of the name of the library that has what is hooked.
const NAME: &str = "_pywrap_tensorflow_internal";
/// Parts of the names of libraries that are TensorFlow, known or not.
const ANY: [&str; 2] = [NAME, "libtensorflow"];
/// The builds that the offsets hold for: build id of the library, and what it is.
const KNOWN: [(&str, &str); 1] = [(
    "615f4ac9cd40ead97cb57953b1941fc9b6da7cf9",
    "the released wheel of 1.12.0 for CPython 2.7mu",
)];

/// The TensorFlow that is loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Library {
    /// A known build; all that is hooked is there.
    Known(Objects),
    /// Another one: why it is refused.
    Refused(String),
}

/// The handle of the library, for looking up names in it and in what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Objects {
    handle: usize,
}

/// A loaded object.
struct Loaded {
    path: CString,
    build: String,
}

/// Returns the library, once one is loaded.
pub(crate) fn library() -> Option<&'static Library> {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    if let Some(library) = LIBRARY.get() {
        return Some(library);
    }
    let found = find()?;
    Some(LIBRARY.get_or_init(|| found))
}

fn find() -> Option<Library> {
    let objects = loaded();
    let named = |part: &str| {
        objects
            .iter()
            .find(|object| object.path.to_string_lossy().contains(part))
    };
    let object = ANY.iter().find_map(|part| named(part))?;
    let refuse = |reason: String| Some(Library::Refused(format!("{reason}; known is {}", KNOWN[0].1)));
    if !KNOWN.iter().any(|(build, _)| *build == object.build) {
        let build = if object.build.is_empty() { "none" } else { &object.build };
        return refuse(format!("build id {build} of {}", object.path.to_string_lossy()));
    }
    let handle = open(&object.path)?;
    let missing = crate::hooks::SYMBOLS
        .iter()
        .find(|symbol| look_up(handle, symbol).is_none());
    if let Some(symbol) = missing {
        return refuse(format!(
            "{} has no {}",
            object.path.to_string_lossy(),
            symbol.to_string_lossy()
        ));
    }
    Some(Library::Known(Objects { handle }))
}

impl Objects {
    /// Returns the address of a function.
    pub(crate) fn function(self, symbol: &CStr) -> Option<usize> {
        look_up(self.handle, symbol)
    }
}

/// Returns the address of the function that a hook stands before, in whatever object has it.
pub(crate) fn behind(symbol: &CStr, hook: usize) -> Option<usize> {
    let mut all = loaded();
    // The library first: others may have a function of that name, too.
    all.sort_by_key(|object| !object.path.to_string_lossy().contains(NAME));
    let mut found = all.iter().filter_map(|object| look_up(open(&object.path)?, symbol));
    found.find(|address| *address != hook)
}

/// Returns the next function of a name after the probe's own, for functions of the C library.
pub(crate) fn next(symbol: &CStr) -> Option<usize> {
    // SAFETY: a text that ends with a zero; the handle is one of those that are always there.
    let address = unsafe { libc::dlsym(libc::RTLD_NEXT, symbol.as_ptr()) };
    (!address.is_null()).then_some(address as usize)
}

fn open(path: &CStr) -> Option<usize> {
    // SAFETY: nothing is loaded, and the object is never given back.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY) };
    (!handle.is_null()).then_some(handle as usize)
}

fn look_up(handle: usize, symbol: &CStr) -> Option<usize> {
    // SAFETY: a handle of `open`, and a text that ends with a zero.
    let address = unsafe { libc::dlsym(handle as *mut c_void, symbol.as_ptr()) };
    (!address.is_null()).then_some(address as usize)
}

/// Returns every object of the process that has a name.
fn loaded() -> Vec<Loaded> {
    unsafe extern "C" fn collect(info: *mut libc::dl_phdr_info, _: libc::size_t, to: *mut c_void) -> c_int {
        // SAFETY: the loader gives a valid object, and `to` is the list below, which outlives the call.
        unsafe {
            let (info, to) = (&*info, &mut *to.cast::<Vec<Loaded>>());
            let path = CStr::from_ptr(info.dlpi_name).to_owned();
            if !path.is_empty() {
                to.push(Loaded {
                    path,
                    build: build_id(info),
                });
            }
        }
        0
    }
    let mut objects: Vec<Loaded> = Vec::new();
    // SAFETY: the list is there for as long as the call lasts.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut objects).cast()) };
    objects
}

/// Reads the build id of a loaded object from its notes; empty if it has none.
///
/// # Safety
/// `info` is of a loaded object.
unsafe fn build_id(info: &libc::dl_phdr_info) -> String {
    // SAFETY: headers and segments of a loaded object are mapped.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    for header in headers.iter().filter(|header| header.p_type == libc::PT_NOTE) {
        let start = (info.dlpi_addr + header.p_vaddr) as *const u8;
        // SAFETY: as above.
        let notes = unsafe { std::slice::from_raw_parts(start, header.p_memsz as usize) };
        if let Some(id) = gnu_build_id(notes) {
            return id.iter().map(|byte| format!("{byte:02x}")).collect();
        }
    }
    String::new()
}

/// Finds the build id among notes: each has the lengths of its name and of its contents, its type, and then the two, padded.
fn gnu_build_id(mut notes: &[u8]) -> Option<&[u8]> {
    loop {
        let number = |at: usize| Some(u32::from_ne_bytes(notes.get(at..at + 4)?.try_into().ok()?) as usize);
        let (name, contents, kind) = (number(0)?, number(4)?, number(8)?);
        let start = 12 + name.next_multiple_of(4);
        if kind == 3 && notes.get(12..12 + name)? == b"GNU\0" {
            return notes.get(start..start + contents);
        }
        notes = notes.get(start + contents.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, contents: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for number in [name.len() as u32, contents.len() as u32, kind] {
            note.extend(number.to_ne_bytes());
        }
        for part in [name, contents] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn a_build_id_is_found_among_other_notes() {
        let notes = [note(b"GNU\0", 4, b"gold 1.11"), note(b"GNU\0", 3, &[0xab, 0xcd])].concat();
        assert_eq!(gnu_build_id(&notes), Some([0xab, 0xcd].as_slice()));
        assert_eq!(gnu_build_id(&notes[..20]), None);
    }

    #[test]
    fn this_process_has_no_tensorflow() {
        assert_eq!(library(), None);
    }
}
