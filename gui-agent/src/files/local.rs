//! What `gui-agent send` and the agent say to each other on a socket of this user's.
//!
//! The program says how long its list of files is (4 bytes) and the list, as the protocol writes it. The agent answers
//! [`GO`]; the program then writes the bytes of all files, one after another. The agent's last byte says how it ended.

use std::path::{Path, PathBuf};

use gui_protocol::FilesEnd;

/// The files are taken: their bytes may come.
pub(super) const GO: u8 = b'+';
/// There is no GUI domain that takes files.
pub(super) const NOBODY: u8 = b'?';

/// The byte that says how it ended.
pub(super) fn end_byte(end: FilesEnd) -> u8 {
    u8::try_from(end.to_wire()).map_or(NOBODY, |number| b'0'.saturating_add(number))
}

/// What [`end_byte`] says.
pub(super) fn end_of_byte(byte: u8) -> Option<FilesEnd> {
    FilesEnd::from_wire(u32::from(byte.checked_sub(b'0')?))
}

/// Where an agent is found by the path of its Wayland socket.
pub(super) fn socket_beside(wayland: &Path) -> PathBuf {
    let mut name = wayland.as_os_str().to_owned();
    name.push(".files");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_name_ends() {
        for number in 0..=6 {
            let end = FilesEnd::from_wire(number).unwrap();
            assert_eq!(end_of_byte(end_byte(end)), Some(end));
        }
        for other in [GO, NOBODY, b'7', 0, 0xff] {
            assert_eq!(end_of_byte(other), None);
        }
    }
}
