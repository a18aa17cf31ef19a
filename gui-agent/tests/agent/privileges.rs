//! What applications may bind, and what only the programs that were started for it may.

use std::collections::BTreeSet;

use gui_agent::Privilege;

use crate::{
    fixture::World,
    windows::{RED, window},
};

/// Nothing that lets an application see or steer others: no picture of the screen, no list of windows, no virtual input, no
/// layers, no lock, no clipboard without the keyboard.
const EVERYONES: [&str; 30] = [
    "org_kde_kwin_server_decoration_manager",
    "wl_compositor",
    "wl_data_device_manager",
    "wl_output",
    "wl_seat",
    "wl_shm",
    "wl_subcompositor",
    "wp_alpha_modifier_v1",
    "wp_content_type_manager_v1",
    "wp_cursor_shape_manager_v1",
    "wp_fractional_scale_manager_v1",
    "wp_presentation",
    "wp_single_pixel_buffer_manager_v1",
    "wp_viewporter",
    "xdg_activation_v1",
    "xdg_toplevel_icon_manager_v1",
    "xdg_wm_base",
    "xdg_wm_dialog_v1",
    "zwp_idle_inhibit_manager_v1",
    "zwp_linux_dmabuf_v1",
    "zwp_pointer_constraints_v1",
    "zwp_pointer_gestures_v1",
    "zwp_primary_selection_device_manager_v1",
    "zwp_relative_pointer_manager_v1",
    "zwp_tablet_manager_v2",
    "zwp_text_input_manager_v3",
    "zxdg_decoration_manager_v1",
    "zxdg_exporter_v2",
    "zxdg_importer_v2",
    "zxdg_output_manager_v1",
];

fn with<const N: usize>(more: [&'static str; N]) -> Vec<&'static str> {
    let mut all: Vec<_> = EVERYONES.into_iter().chain(more).collect();
    all.sort_unstable();
    all
}

#[test]
fn an_application_sees_these_globals_and_no_other() {
    let mut world = World::new();
    // even beside programs that may more
    world.connect_as(Privilege::InputMethod);
    world.connect_as(Privilege::ClipboardManager);
    world.connect_as(Privilege::Tray);
    let client = world.connect();
    assert_eq!(world.client(client).globals(), EVERYONES);
}

#[test]
fn a_privilege_is_one_and_not_the_other() {
    let mut world = World::new();
    let ime = world.connect_as(Privilege::InputMethod);
    let more = ["zwp_input_method_manager_v2", "zwp_virtual_keyboard_manager_v1"];
    assert_eq!(world.client(ime).globals(), with(more));
    let manager = world.connect_as(Privilege::ClipboardManager);
    let more = ["ext_data_control_manager_v1", "zwlr_data_control_manager_v1"];
    assert_eq!(world.client(manager).globals(), with(more));
    let tray = world.connect_as(Privilege::Tray);
    assert_eq!(world.client(tray).globals(), with(["zwlr_layer_shell_v1"]));
}

#[test]
fn a_clipboard_manager_sees_what_is_copied_without_the_keyboard() {
    let mut world = World::new();
    let manager = world.connect_as(Privilege::ClipboardManager);
    let _device = world.client(manager).data_control();
    world.settle();
    assert_eq!(world.client(manager).take_input(), ["repeats 0", "no clipboard"]);
    let (app, _toplevel, _buffer, id) = window(&mut world, 16, 16, RED);
    world.daemon().conn.focus(id, true, &[0; 32]);
    world.settle();
    world.client(app).take_part();
    world.settle();
    world.client(app).copy(&["text/plain"]);
    world.settle();
    assert_eq!(world.client(manager).take_input(), ["offered text/plain", "clipboard"]);
}

#[test]
fn a_privileged_program_gets_a_connection_of_its_own_and_another_when_it_has_failed() {
    let mut world = World::without_daemon(0);
    let (script, out) = (world.dir.path().join("program"), world.dir.path().join("out"));
    // fails twice, and then stays
    let text = format!(
        "echo $(readlink /proc/self/fd/$WAYLAND_SOCKET) $1 >> {0}\n[ $(wc -l < {0}) -lt 3 ] || exec cat; kill -9 $$",
        out.display()
    );
    std::fs::write(&script, text).unwrap();
    let line = ["sh".into(), script.into_os_string(), "word".into()];
    world.agent.start_privileged(line.into(), Privilege::InputMethod).unwrap();
    let mut words = String::new();
    world.until("the program's words", |_| {
        words = std::fs::read_to_string(&out).unwrap_or_default();
        words.lines().count() == 3
    });
    let told: BTreeSet<_> = words.lines().collect();
    assert!(told.iter().all(|words| words.starts_with("socket:[") && words.ends_with("] word")), "{words}");
    assert_eq!(told.len(), 3, "{words}");
    assert!(world.agent.start_privileged(vec![], Privilege::InputMethod).is_err());
}
