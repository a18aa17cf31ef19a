//! Opening Xen's devices, saying what is missing where that fails, and sending requests to them.

use std::ffi::c_void;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::ptr::from_mut;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::ioctl::opcode::from_components;
use rustix::ioctl::{Direction, Ioctl, IoctlOutput, Opcode, ioctl};

/// A device node and the kernel module that makes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) path: &'static str,
    pub(super) module: &'static str,
}

/// Why a device of Xen cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The kernel does not run in a domain of Xen.
    #[error("{0} is missing because this machine does not run under Xen: start it as a domain of Xen")]
    NoXen(&'static str),
    /// The kernel does, and has not loaded the module.
    #[error("{path} is missing: load its kernel module with `modprobe {module}`")]
    NoModule {
        /// The device.
        path: &'static str,
        /// The module that makes it.
        module: &'static str,
    },
    /// A group may open the device, of which this process is not a member.
    #[error("no permission to open {path}: run as a member of the group {group}, which owns it")]
    NotInGroup {
        /// The device.
        path: &'static str,
        /// The name of the group, or its number if it has none.
        group: String,
    },
    /// Only the superuser may open the device.
    #[error("no permission to open {0}: give it to a group of this user with a udev rule, or run as root")]
    OnlyRoot(&'static str),
    /// The system refused for another reason.
    #[error("cannot open {path}: {source}")]
    Io {
        /// The device.
        path: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Node {
    pub(super) fn open(self, flags: OFlags) -> Result<OwnedFd, DeviceError> {
        open(self.path, OFlags::RDWR | OFlags::CLOEXEC | flags, Mode::empty()).map_err(|error| {
            let owner = fs::metadata(self.path).ok().map(|node| (node.gid(), node.mode()));
            self.explain(error, under_xen(), owner)
        })
    }

    /// `owner` is the group of the node and its mode.
    fn explain(self, error: Errno, under_xen: bool, owner: Option<(u32, u32)>) -> DeviceError {
        let Self { path, module } = self;
        match error {
            // A node that was made by hand says the latter two when no driver stands behind it.
            Errno::NOENT | Errno::NODEV | Errno::NXIO if under_xen => DeviceError::NoModule { path, module },
            Errno::NOENT | Errno::NODEV | Errno::NXIO => DeviceError::NoXen(path),
            Errno::ACCESS | Errno::PERM => match owner {
                Some((group, mode)) if group != 0 && mode & 0o060 == 0o060 => {
                    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
                    DeviceError::NotInGroup { path, group: group_name(&groups, group) }
                }
                _ => DeviceError::OnlyRoot(path),
            },
            error => DeviceError::Io { path, source: error.into() },
        }
    }
}

/// Whether the kernel says that it runs in a domain of Xen.
fn under_xen() -> bool {
    fs::read_to_string("/sys/hypervisor/type").is_ok_and(|kind| kind.trim_end() == "xen")
}

/// The name of a group in the text of `/etc/group`, or its number.
fn group_name(groups: &str, number: u32) -> String {
    let number = number.to_string();
    let mut entries = groups.lines().map(|line| line.split(':'));
    let name = entries.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    name.unwrap_or(number)
}

/// A parameter of a kernel module, where it can be read.
pub(super) fn module_parameter(path: &str) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim_end().parse().ok()
}

/// The number of a request whose argument is a `T`. Xen's devices name no direction.
pub(super) const fn opcode<T>(group: u8, number: u8) -> Opcode {
    from_components(Direction::None, group, number, size_of::<T>())
}

/// Sends a request to a device and returns the number it answers with, which most leave 0.
///
/// # Safety
///
/// Given `OPCODE`, the device must read and write nothing but `argument` and what that names.
pub(super) unsafe fn request<const OPCODE: Opcode, T: ?Sized>(
    device: impl AsFd,
    argument: &mut T,
) -> io::Result<u32> {
    let call = Call::<OPCODE>(from_mut(argument).cast());
    // SAFETY: the caller's promise, which `Call` passes on as it is.
    Ok(unsafe { ioctl(device, call) }?)
}

struct Call<const OPCODE: Opcode>(*mut c_void);

// SAFETY: the opcode and the pointer are those given, whose soundness the caller of `request` has promised; the
// answer is the return value alone.
unsafe impl<const OPCODE: Opcode> Ioctl for Call<OPCODE> {
    type Output = u32;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        OPCODE
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.0
    }

    unsafe fn output_from_ptr(answer: IoctlOutput, _: *mut c_void) -> rustix::io::Result<u32> {
        // A negative answer is an error and does not come here.
        Ok(answer.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Node = Node { path: "/dev/xen/gntdev", module: "xen-gntdev" };

    fn says(error: Errno, under_xen: bool, owner: Option<(u32, u32)>) -> String {
        NODE.explain(error, under_xen, owner).to_string()
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let module = "/dev/xen/gntdev is missing: load its kernel module with `modprobe xen-gntdev`";
        assert_eq!(says(Errno::NOENT, true, None), module);
        assert_eq!(says(Errno::NODEV, true, Some((0, 0o20600))), module);
        assert_eq!(
            says(Errno::NOENT, false, None),
            "/dev/xen/gntdev is missing because this machine does not run under Xen: start it as a domain of Xen"
        );
    }

    #[test]
    fn a_refusal_says_who_may() {
        let group =
            "no permission to open /dev/xen/gntdev: run as a member of the group 4000000, which owns it";
        let root = "no permission to open /dev/xen/gntdev: give it to a group of this user with a udev rule, or run as \
                    root";
        assert_eq!(says(Errno::ACCESS, true, Some((4_000_000, 0o20660))), group);
        assert_eq!(says(Errno::PERM, true, Some((4_000_000, 0o20660))), group);
        assert_eq!(says(Errno::ACCESS, true, Some((4_000_000, 0o20600))), root);
        assert_eq!(says(Errno::ACCESS, true, Some((0, 0o20660))), root);
        assert_eq!(says(Errno::ACCESS, true, None), root);
        assert_eq!(
            says(Errno::MFILE, true, None),
            "cannot open /dev/xen/gntdev: Too many open files (os error 24)"
        );
    }

    #[test]
    fn a_group_is_named() {
        let groups = "root:x:0:\nbroken\ntransom:x:107:me,you\n";
        assert_eq!(group_name(groups, 107), "transom");
        assert_eq!(group_name(groups, 10), "10");
    }

    #[test]
    fn a_device_that_is_not_there_is_explained() {
        let missing = Node { path: "/dev/xen/no-such-device", module: "xen-none" };
        let error = missing.open(OFlags::empty()).unwrap_err();
        assert!(matches!(error, DeviceError::NoXen(_) | DeviceError::NoModule { .. }), "{error}");
    }

    #[test]
    fn parameters_are_numbers_in_files() {
        assert_eq!(module_parameter("/sys/module/no-such-module/parameters/limit"), None);
    }
}
