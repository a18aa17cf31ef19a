//! What the suite calls, and the way from its threads to the one that the agent lives in.

use std::{
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    sync::mpsc,
    thread::{self, JoinHandle},
};

use calloop::channel::{self, Sender};
use wayland_sys::{
    client::{wl_display, wl_proxy},
    common::wl_fixed_t,
};
use wlcs::{
    Pointer, Touch, Wlcs, extension_list,
    ffi_display_server_api::{WlcsExtensionDescriptor, WlcsIntegrationDescriptor},
};

use crate::{
    desk::Finger,
    pointers::ClientSurface,
    world::{Job, World},
};

/// What the agent serves. The suite skips tests of what is not here, and believes that the rest is meant to pass.
static EXTENSIONS: &[WlcsExtensionDescriptor] = extension_list!(
    ("wl_compositor", 6),
    ("wl_subcompositor", 1),
    ("wl_data_device_manager", 3),
    ("wl_seat", 9),
    ("wl_output", 4),
    ("xdg_wm_base", 6),
    ("zwlr_layer_shell_v1", 4),
    ("zxdg_output_manager_v1", 3),
    ("zwp_input_method_manager_v2", 1),
    ("zwp_relative_pointer_manager_v1", 1),
    ("zwp_text_input_manager_v3", 1),
    ("zwp_pointer_constraints_v1", 1),
    ("zwp_primary_selection_device_manager_v1", 1),
);

static DESCRIPTOR: WlcsIntegrationDescriptor = WlcsIntegrationDescriptor {
    version: 1,
    num_extensions: EXTENSIONS.len(),
    supported_extensions: EXTENSIONS.as_ptr(),
};

/// One display server of the suite.
#[derive(Default)]
pub struct Server {
    running: Option<(Jobs, JoinHandle<()>)>,
    fingers: u32,
}

/// The way to the agent's thread.
#[derive(Clone)]
pub struct Jobs(Sender<Job>);

impl Jobs {
    /// Has this done there, and waits until everything that follows from it has happened. `None`: the thread has ended,
    /// which it has said why.
    fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut World) -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        let job = move |world: &mut World| {
            world.settle();
            let result = job(world);
            world.settle();
            // the suite waits for it
            let _ = answer.send(result);
        };
        self.0.send(Box::new(job)).ok()?;
        answered.recv().ok()
    }
}

impl Wlcs for Server {
    type Pointer = DeskPointer;
    type Touch = DeskTouch;

    fn new() -> Self {
        Self::default()
    }

    fn start(&mut self) {
        let (sender, jobs) = channel::channel();
        let thread = thread::spawn(move || {
            if let Err(error) = World::new(jobs).and_then(World::live) {
                eprintln!("the agent has ended: {error:#}");
            }
        });
        let jobs = Jobs(sender);
        jobs.run(World::greet);
        self.running = Some((jobs, thread));
    }

    fn stop(&mut self) {
        if let Some((jobs, thread)) = self.running.take() {
            // the thread ends when nobody can give it work
            drop(jobs);
            // a panic there has been printed
            let _ = thread.join();
        }
    }

    fn create_client_socket(&self) -> io::Result<OwnedFd> {
        let (ours, theirs) = UnixStream::pair()?;
        let connection = theirs.as_raw_fd();
        self.jobs()
            .and_then(|jobs| jobs.run(move |world| world.add_client(connection, ours)))
            .unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))?;
        Ok(theirs.into())
    }

    fn position_window_absolute(&self, display: *mut wl_display, surface: *mut wl_proxy, x: i32, y: i32) {
        let surface = ClientSurface::of(display, surface);
        if let Some(jobs) = self.jobs() {
            jobs.run(move |world| world.place(surface, (x, y)));
        }
    }

    fn create_pointer(&mut self) -> Option<DeskPointer> {
        Some(DeskPointer(self.jobs()?.clone()))
    }

    fn create_touch(&mut self) -> Option<DeskTouch> {
        let jobs = self.jobs()?.clone();
        self.fingers += 1;
        Some(DeskTouch { jobs, finger: Finger(self.fingers) })
    }

    fn get_descriptor(&self) -> &WlcsIntegrationDescriptor {
        &DESCRIPTOR
    }
}

impl Server {
    fn jobs(&self) -> Option<&Jobs> {
        self.running.as_ref().map(|(jobs, _)| jobs)
    }
}

/// The suite's hand on the mouse.
pub struct DeskPointer(Jobs);

impl Pointer for DeskPointer {
    fn move_absolute(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.0.run(move |world| world.desk.move_to((pixels(x), pixels(y))));
    }

    fn move_relative(&mut self, dx: wl_fixed_t, dy: wl_fixed_t) {
        self.0.run(move |world| world.desk.move_by((pixels(dx), pixels(dy))));
    }

    fn button_up(&mut self, button: i32) {
        self.0.run(move |world| world.desk.button(button, false));
    }

    fn button_down(&mut self, button: i32) {
        self.0.run(move |world| world.desk.button(button, true));
    }
}

/// One of the suite's fingers.
pub struct DeskTouch {
    jobs: Jobs,
    finger: Finger,
}

impl Touch for DeskTouch {
    // whatever the header says, these come as whole pixels
    fn touch_down(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        let finger = self.finger;
        self.jobs.run(move |world| world.desk.touch_down(finger, (x, y)));
    }

    fn touch_move(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        let finger = self.finger;
        self.jobs.run(move |world| world.desk.touch_move(finger, (x, y)));
    }

    fn touch_up(&mut self) {
        let finger = self.finger;
        self.jobs.run(move |world| world.desk.touch_up(finger));
    }
}

/// The suite's mouse moves by whole pixels.
fn pixels(number: wl_fixed_t) -> i32 {
    number >> 8
}
