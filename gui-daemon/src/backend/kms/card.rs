//! A DRM device, and the screens that are plugged into it.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};
use smithay::{
    backend::{
        drm::{DrmDevice, DrmDeviceFd, DrmError},
        session::{
            AsErrno as _, Session as _,
            libseat::{Error as SeatError, LibSeatSession},
        },
    },
    reexports::drm::{
        Device as _, DriverCapability,
        control::{Device as _, Mode, ModeFlags, ModeTypeFlags, connector, crtc},
    },
    utils::DeviceFd,
};
use tracing::warn;

use super::{gpu::CardGpu, modes::Timing};

/// Why a DRM device cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The seat does not hand it out.
    #[error("{}: {error}: the user must be in seatd's group (\"video\"), or logged in at this seat", path.display())]
    Refused {
        /// The device.
        path: PathBuf,
        /// Why not.
        error: SeatError,
    },
    /// Somebody else has it.
    #[error("{} is held by another display server: end that one, or start from another virtual terminal", path.display())]
    Busy {
        /// The device.
        path: PathBuf,
    },
    /// It has no screens, or no memory that the CPU can draw to.
    #[error("{} cannot show pictures that the CPU has drawn: {what}", path.display())]
    Useless {
        /// The device.
        path: PathBuf,
        /// What it lacks.
        what: String,
    },
}

impl CardError {
    fn path(&self) -> &Path {
        match self {
            Self::Refused { path, .. } | Self::Busy { path } | Self::Useless { path, .. } => path,
        }
    }
}

/// One DRM device.
#[derive(Debug)]
pub(super) struct Card {
    /// Its device number.
    pub id: u64,
    pub path: PathBuf,
    pub device: DrmDevice,
    pub gpu: CardGpu,
}

/// A place to plug a screen in, with a screen in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Connector {
    /// The device number of its card.
    pub card: u64,
    pub handle: connector::Handle,
    /// What feeds it, and no other.
    pub crtc: crtc::Handle,
    /// As the kernel names it: `HDMI-A-1`.
    pub name: String,
    /// The screen's modes, the best first.
    pub modes: Vec<Mode>,
}

impl Connector {
    pub fn timings(&self) -> Vec<Timing> {
        self.modes.iter().map(timing).collect()
    }
}

impl Card {
    /// Opens a device through the seat and turns off whatever it shows.
    pub fn open(session: &mut LibSeatSession, id: u64, path: &Path) -> Result<Self, CardError> {
        let path = path.to_owned();
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let fd = match session.open(&path, flags) {
            Ok(fd) => fd,
            Err(error) if error.as_errno() == Some(Errno::BUSY.raw_os_error()) => {
                return Err(CardError::Busy { path });
            }
            Err(error) => return Err(CardError::Refused { path, error }),
        };
        let fd = DeviceFd::from(fd);
        Self::of(fd.clone(), id, path).inspect_err(|error| give_back(session, fd, error.path()))
    }

    fn of(fd: DeviceFd, id: u64, path: PathBuf) -> Result<Self, CardError> {
        let fd = DrmDeviceFd::new(fd);
        if fd.get_driver_capability(DriverCapability::DumbBuffer).unwrap_or(0) == 0 {
            return Err(CardError::Useless { path, what: "no memory for it".to_owned() });
        }
        match DrmDevice::new(fd, true) {
            // Page flips are read with the other devices', not by the source that comes with it.
            Ok((device, _)) => Ok(Self { id, path, device, gpu: CardGpu::Unknown }),
            Err(DrmError::Access(error)) if is_refusal(&error.source) => Err(CardError::Busy { path }),
            Err(error) => Err(CardError::Useless { path, what: error.to_string() }),
        }
    }

    /// Lets go of a device that is not there any more.
    pub fn close(self, session: &mut LibSeatSession) {
        let Self { path, mut device, .. } = self;
        // There is nobody left to be asked for anything, but the seat has lent it.
        device.pause();
        let fd = device.device_fd().device_fd();
        drop(device);
        give_back(session, fd, &path);
    }

    /// The screens that are plugged in, looked for anew; of more than the device can feed at once, the first.
    pub fn connectors(&self) -> Vec<Connector> {
        self.find_connectors().unwrap_or_else(|error| {
            warn!(card = %self.path.display(), %error, "the screens cannot be listed");
            Vec::new()
        })
    }

    fn find_connectors(&self) -> io::Result<Vec<Connector>> {
        let resources = self.device.resource_handles()?;
        let mut infos = Vec::new();
        for handle in resources.connectors() {
            let info = self.device.get_connector(*handle, true)?;
            // One that cannot tell is one that a screen is built into, such as a panel without EDID.
            if info.state() != connector::State::Disconnected && !info.modes().is_empty() {
                infos.push(info);
            }
        }
        let feeds = |info: &connector::Info| -> Vec<crtc::Handle> {
            let encoders = info.encoders().iter().filter_map(|handle| self.device.get_encoder(*handle).ok());
            encoders.flat_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs())).collect()
        };
        let feeds = assign(&infos.iter().map(feeds).collect::<Vec<_>>());
        let mut connectors = Vec::with_capacity(infos.len());
        for (info, crtc) in infos.iter().zip(feeds) {
            let name = format!("{}-{}", info.interface().as_str(), info.interface_id());
            let Some(crtc) = crtc else {
                warn!(screen = name, "the screen stays dark: its device cannot feed one more");
                continue;
            };
            let (handle, modes) = (info.handle(), info.modes().to_vec());
            connectors.push(Connector { card: self.id, handle, crtc, name, modes });
        }
        Ok(connectors)
    }
}

/// Gives each of those who choose one of their choices, none twice; as many as possible get one, and the first come first.
fn assign<T: Copy + PartialEq>(choices: &[Vec<T>]) -> Vec<Option<T>> {
    let mut given = vec![None; choices.len()];
    for at in 0..choices.len() {
        offer(at, choices, &mut given, &mut Vec::new());
    }
    given
}

/// Gives one of them a choice that is free, or else one whose holder can take another of his.
fn offer<T: Copy + PartialEq>(
    at: usize,
    choices: &[Vec<T>],
    given: &mut [Option<T>],
    tried: &mut Vec<T>,
) -> bool {
    let Some(wanted) = choices.get(at) else { return false };
    let free = wanted.iter().find(|choice| !given.contains(&Some(**choice))).copied();
    let gained = free.or_else(|| {
        wanted.iter().copied().find(|choice| {
            if tried.contains(choice) {
                return false;
            }
            tried.push(*choice);
            let holder = given.iter().position(|it| *it == Some(*choice));
            holder.is_some_and(|holder| offer(holder, choices, given, tried))
        })
    });
    if let Some(place) = given.get_mut(at).filter(|_| gained.is_some()) {
        *place = gained;
    }
    gained.is_some()
}

/// Gives a device back to the seat that has lent it, once nobody else here has it.
fn give_back(session: &mut LibSeatSession, fd: DeviceFd, path: &Path) {
    let fd: Result<OwnedFd, _> = fd.try_into();
    if let Ok(fd) = fd
        && let Err(error) = session.close(fd)
    {
        warn!(card = %path.display(), "{error}");
    }
}

/// Whether only the one who holds the device may do this.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

fn timing(mode: &Mode) -> Timing {
    let (width, height) = mode.size();
    let interlaced = mode.flags().contains(ModeFlags::INTERLACE);
    Timing {
        width: width.into(),
        height: height.into(),
        refresh_mhz: refresh_mhz(mode),
        preferred: mode.mode_type().contains(ModeTypeFlags::PREFERRED),
        interlaced,
    }
}

/// Frames in 1000 s; as the driver rounds it where it gives no pixel clock.
pub(super) fn refresh_mhz(mode: &Mode) -> u32 {
    let (_, _, across) = mode.hsync();
    let (_, _, down) = mode.vsync();
    let mut pixels = u64::from(across) * u64::from(down);
    if mode.flags().contains(ModeFlags::DBLSCAN) {
        pixels *= 2;
    }
    pixels *= u64::from(mode.vscan()).max(1);
    let mut millis = u64::from(mode.clock()) * 1_000_000;
    if mode.flags().contains(ModeFlags::INTERLACE) {
        millis *= 2;
    }
    match millis.checked_div(pixels).and_then(|rate| u32::try_from(rate).ok()) {
        Some(rate) if rate > 0 => rate,
        _ => mode.vrefresh().saturating_mul(1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_screens_as_can_be_are_fed() {
        assert_eq!(assign(&[vec![1, 2], vec![1]]), [Some(2), Some(1)]);
        assert_eq!(assign(&[vec![1, 2, 3], vec![1, 2, 3], vec![3]]), [Some(1), Some(2), Some(3)]);
        assert_eq!(assign(&[vec![1, 2], vec![1, 2], vec![1, 2], vec![]]), [Some(1), Some(2), None, None]);
    }
}
