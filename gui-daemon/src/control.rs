//! What the control socket asks for, carried out.

use std::path::Path;

use tracing::debug;

use crate::{
    config::{OutputConfig, SCREEN_SIDE},
    ipc::{
        ClientId, DomainInfo, Event, Extent, Geometry, KeyboardInfo, OutputChange, OutputInfo, OutputMode,
        Request, Response, WindowInfo, WindowKind,
    },
    outputs::{OutputError, Screen},
    render::picture,
    shell::{self, Owner, Role},
    state::State,
    windows::{Source, Window},
};

impl State {
    /// Carries out one request of a control client.
    pub fn handle_request(&mut self, client: ClientId, request: Request) {
        debug!(?request, "control request");
        let response = match request {
            Request::Domains => Ok(Response::Domains(self.domain_infos())),
            Request::Windows => Ok(Response::Windows(self.window_infos())),
            Request::Outputs => Ok(Response::Outputs(self.output_infos())),
            Request::Output { name, change } => self.change_output(&name, change).map(done),
            Request::Screenshot { path, output } => self.screenshot(&path, output.as_deref()),
            Request::Close { id } => self.window_named(id).map(|id| self.close(id)).map(done),
            Request::Focus { id } => self.window_named(id).map(|id| self.activate(id)).map(done),
            Request::Quit => {
                self.stop();
                Ok(Response::Done {})
            }
            Request::Subscribe => {
                self.reply(client, Response::Done {});
                self.send(client, Event::DomainsChanged(self.domain_infos()));
                self.send(client, Event::WindowsChanged(self.window_infos()));
                self.send(client, Event::ClipboardChanged(self.clipboard_info()));
                self.send(client, Event::FilesChanged(self.files_info()));
                return;
            }
            Request::Sync => {
                if !self.frame_is_queued() {
                    Ok(Response::Done {})
                } else {
                    self.waiting_for_frame.push(client);
                    return;
                }
            }
            Request::SyncDomain { domain } => match self.sync_domain(client, &domain) {
                Ok(()) => return,
                Err(reason) => Err(reason),
            },
            Request::Run { domain, argv } => match self.run(client, &domain, &argv) {
                Ok(()) => return,
                Err(reason) => Err(reason),
            },
            Request::Frames => Ok(Response::Frames(self.frames_drawn())),
            Request::InputKey { .. }
            | Request::InputText { .. }
            | Request::InputMove { .. }
            | Request::InputButton { .. }
            | Request::InputScroll { .. }
            | Request::InputRelative { .. }
            | Request::InputFingerScroll { .. }
            | Request::InputGesture(_)
            | Request::InputTouch(_)
            | Request::InputTablet(_)
                if !self.backend.takes_injected_input() =>
            {
                Err("input can be injected on the headless backend only".to_owned())
            }
            Request::InputKey { name } => self.inject_key(&name).map(done),
            Request::InputText { string } => self.inject_text(&string).map(done),
            Request::InputMove { x, y } => self.inject_motion(x, y).map(done),
            Request::InputButton { name, action } => {
                self.inject_button(name.code(), action);
                Ok(Response::Done {})
            }
            Request::InputScroll { dx, dy } => self.inject_scroll(dx, dy).map(done),
            Request::InputRelative { dx, dy } => self.inject_relative(dx, dy).map(done),
            Request::InputFingerScroll { dx, dy, lift } => self.inject_finger_scroll(dx, dy, lift).map(done),
            Request::InputGesture(input) => self.inject_gesture(input).map(done),
            Request::InputTouch(input) => self.inject_touch(input).map(done),
            Request::InputTablet(input) => self.inject_tablet(&input).map(done),
            Request::Clipboard => Ok(Response::Clipboard(self.clipboard_info())),
            Request::Files => Ok(Response::Files(self.files_info())),
            Request::Keyboard => Ok(Response::Keyboard(self.keyboard_info())),
            Request::Layout { wanted } => self.choose_layout(&wanted).map(done),
        };
        self.reply(client, response.unwrap_or_else(Response::Error));
    }

    pub(crate) fn reply(&self, client: ClientId, response: Response) {
        self.ipc.reply(client, &response);
    }

    fn send(&self, client: ClientId, event: Event) {
        self.ipc.send(client, &event);
    }

    /// Tells subscribers how things stand.
    pub fn broadcast(&self) {
        if self.ipc.has_subscribers() {
            self.ipc.broadcast(&Event::DomainsChanged(self.domain_infos()));
            self.ipc.broadcast(&Event::WindowsChanged(self.window_infos()));
            self.ipc.broadcast(&Event::ClipboardChanged(self.clipboard_info()));
            self.ipc.broadcast(&Event::FilesChanged(self.files_info()));
        }
    }

    /// Answers the clients that wait for everything before to be drawn.
    pub fn answer_syncs(&mut self) {
        if !self.frame_is_queued() {
            for client in std::mem::take(&mut self.waiting_for_frame) {
                self.reply(client, Response::Done {});
            }
        }
    }

    /// How the domains stand.
    pub fn domain_infos(&self) -> Vec<DomainInfo> {
        self.domains
            .iter()
            .map(|domain| DomainInfo {
                name: domain.config.name.clone(),
                label: domain.config.label.to_string(),
                transport: domain.config.transport.to_string(),
                domid: domain.domid().map(|domid| domid.0),
                state: domain.link_state(),
                windows: domain.window_count(),
                responding: !domain.liveness.is_unresponsive(),
            })
            .collect()
    }

    /// All windows, topmost last, the hidden ones first.
    pub fn window_infos(&self) -> Vec<WindowInfo> {
        self.shell.all_windows().filter_map(|window| self.window_info(window)).collect()
    }

    fn window_info(&self, window: &shell::Window) -> Option<WindowInfo> {
        let named = self.windows.get(window.id)?;
        let (domain, label) = self.owner_names(window.owner);
        Some(WindowInfo {
            id: window.id.0,
            domain,
            label,
            title: Window::title(named).to_owned(),
            geometry: Geometry {
                x: window.content.x,
                y: window.content.y,
                width: window.content.width,
                height: window.content.height,
            },
            drawn: match &named.source {
                Source::Guest(guest) => guest.pool.image().map(|image| {
                    let shell::geom::Size { width, height } = image.shown_size();
                    Extent { width, height }
                }),
                Source::Local(_) => None,
            },
            focused: self.shell.focused() == Some(window.id),
            mapped: window.mapped,
            minimised: window.state.minimised,
            maximised: window.state.maximised,
            attention: named.wants_attention,
            kind: match window.role {
                Role::Toplevel => WindowKind::Toplevel,
                Role::Popup { .. } => WindowKind::Popup,
                Role::Icon => WindowKind::Docked,
            },
        })
    }

    fn owner_names(&self, owner: Owner) -> (String, String) {
        match self.domains.owner(owner) {
            Some(domain) => (domain.config.name.clone(), domain.config.label.to_string()),
            None => ("dom0".into(), "black".into()),
        }
    }

    fn window_named(&self, id: u64) -> Result<shell::Id, String> {
        let found = self.shell.all_windows().find(|window| window.id.0 == id);
        found.map(|window| window.id).ok_or_else(|| format!("no window has id {id}"))
    }

    fn activate(&mut self, id: shell::Id) {
        self.shell.request_focus(id);
        self.apply_effects();
    }

    fn keyboard_info(&self) -> KeyboardInfo {
        let layouts = self.keyboard.layouts().map(str::to_owned).collect();
        KeyboardInfo { layouts, current: self.keyboard.layout() }
    }

    fn choose_layout(&mut self, wanted: &str) -> Result<(), String> {
        let number = self.keyboard.find(wanted).ok_or_else(|| {
            let known: Vec<&str> = self.keyboard.layouts().collect();
            format!("no layout is {wanted:?}: there are {}", known.join(", "))
        })?;
        self.set_layout(number);
        Ok(())
    }

    /// The outputs, the primary one first.
    pub fn output_infos(&self) -> Vec<OutputInfo> {
        let info = |screen: &Screen| {
            let (config, area) = (screen.config(), screen.area());
            OutputInfo {
                name: config.name.clone(),
                geometry: Geometry { x: area.x, y: area.y, width: area.width, height: area.height },
                mode: OutputMode {
                    width: config.width,
                    height: config.height,
                    refresh_hz: self.backend.refresh_mhz(config).unsigned_abs() / 1000,
                },
                scale: config.scale,
                frames: screen.frames(),
            }
        };
        self.outputs.iter().map(info).collect()
    }

    /// Changes, adds or removes an output, where they are virtual.
    ///
    /// # Errors
    /// Why not, in one line.
    pub fn change_output(&mut self, name: &str, change: OutputChange) -> Result<(), String> {
        if !self.backend.outputs_are_virtual() {
            return Err(OutputError::NotVirtual.to_string());
        }
        if let OutputChange::Mode(mode) | OutputChange::Add { mode, .. } = change
            && ![mode.width, mode.height].iter().all(|side| SCREEN_SIDE.contains(side))
        {
            return Err(format!("output {name:?}: a screen has sides of 64 to 16384 pixels"));
        }
        let mut outputs = self.outputs.configs();
        let known = outputs.iter_mut().find(|output| output.name == name);
        match (known, change) {
            (Some(output), OutputChange::Scale(scale)) => output.scale = scale,
            (Some(output), OutputChange::Position { x, y }) => (output.x, output.y) = (x, y),
            (Some(output), OutputChange::Mode(mode)) => set_mode(output, mode),
            (Some(_), OutputChange::Remove {}) => outputs.retain(|output| output.name != name),
            (Some(_), OutputChange::Add { .. }) => {
                return Err(format!("there is an output {name:?} already"));
            }
            (None, OutputChange::Add { mode, scale }) => {
                let (x, y) = (self.outputs.bounds().right(), self.outputs.bounds().y);
                let mut output =
                    OutputConfig { name: name.to_owned(), x, y, scale, ..OutputConfig::default() };
                set_mode(&mut output, mode);
                outputs.push(output);
            }
            (None, _) => return Err(format!("there is no output {name:?}")),
        }
        self.set_outputs(&outputs).map_err(|err| err.to_string())
    }

    fn screenshot(&mut self, path: &Path, output: Option<&str>) -> Result<Response, String> {
        // What was asked for before the picture is in the picture.
        self.queue_changed();
        let queued: Vec<_> =
            self.outputs.iter().filter(|screen| screen.is_queued()).map(Screen::id).collect();
        queued.into_iter().for_each(|id| self.draw_frame(id));
        let png = match output {
            Some(name) => {
                let screen =
                    self.outputs.named(name).ok_or_else(|| format!("there is no output {name:?}"))?;
                screen.canvas.screenshot()
            }
            None => picture(&self.outputs.iter().map(|screen| &screen.canvas).collect::<Vec<_>>()),
        };
        let png = png.map_err(|err| err.to_string())?;
        std::fs::write(path, png).map_err(|err| format!("{}: {err}", path.display()))?;
        Ok(Response::Done {})
    }
}

fn set_mode(output: &mut OutputConfig, mode: OutputMode) {
    (output.width, output.height, output.refresh_hz) = (mode.width, mode.height, mode.refresh_hz);
}

fn done((): ()) -> Response {
    Response::Done {}
}
