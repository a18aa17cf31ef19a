//! Toplevels: what is shown, what is copied, who decides on sizes and states.

use std::time::Duration;

use gui_protocol::{Rect, SizeHints, WindowFlags, WindowId};
use transom_tests::client::{Buffer, Toplevel, show};
use wayland_protocols::xdg::{
    decoration::zv1::client::zxdg_toplevel_decoration_v1::Mode, shell::client::xdg_toplevel::State,
};

use crate::fixture::World;

pub const RED: u32 = 0xffff_0000;
pub const GREEN: u32 = 0xff00_ff00;
pub const BLUE: u32 = 0xff00_00ff;
pub const LETTERS: [(u32, char); 4] = [(0xff_0000, 'R'), (0x00_ff00, 'G'), (0x00_00ff, 'B'), (0, '.')];

/// A client with one window of one colour, shown.
pub fn window(
    world: &mut World,
    width: i32,
    height: i32,
    colour: u32,
) -> (usize, Toplevel, Buffer, WindowId) {
    let client = world.connect();
    let (toplevel, buffer, id) = another_window(world, client, width, height, colour);
    (client, toplevel, buffer, id)
}

pub fn another_window(
    world: &mut World,
    client: usize,
    width: i32,
    height: i32,
    colour: u32,
) -> (Toplevel, Buffer, WindowId) {
    let toplevel = world.client(client).toplevel();
    world.settle();
    let buffer = world.client(client).buffer(width, height, colour);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    let id = world.daemon().newest();
    world.daemon().take_damage(id);
    (toplevel, buffer, id)
}

#[test]
fn a_window_appears_with_its_first_content() {
    let mut world = World::new();
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    toplevel.toplevel.set_title("Straße".into());
    toplevel.toplevel.set_app_id("org.example.App".into());
    toplevel.toplevel.set_min_size(20, 10);
    toplevel.toplevel.set_max_size(2000, 1000);
    world.settle();
    assert_eq!(world.client(client).sizes(&toplevel), [(0, 0)], "its size is its own choice");
    assert!(world.daemon().windows.is_empty(), "there is nothing to show yet");

    let mut buffer = world.client(client).buffer(64, 32, GREEN);
    buffer.fill(|x, y| if x < 32 && y < 16 { RED } else { GREEN });
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();

    let id = world.daemon().only();
    let seen = world.daemon().seen(id);
    assert!(seen.mapped && !seen.override_redirect);
    assert_eq!((seen.geometry.width, seen.geometry.height), (64, 32));
    assert_eq!((seen.title.as_str(), seen.class.as_str()), ("Straße", "org.example.App"));
    let limits = SizeHints { min: Some((20, 10)), max: Some((2000, 1000)), ..SizeHints::default() };
    assert_eq!(seen.hints, limits);
    assert_eq!(seen.damage, [Rect::new(0, 0, 64, 32)]);
    assert_eq!(seen.image.as_ref().unwrap().grid(16, &LETTERS), "RRGG\nGGGG");

    toplevel.toplevel.set_title("x".into());
    world.settle();
    assert_eq!(world.daemon().seen(id).title, "x");
}

#[test]
fn only_what_is_damaged_is_copied() {
    let mut world = World::new();
    let (_, toplevel, mut buffer, id) = window(&mut world, 64, 64, RED);

    // the whole buffer changes, but the client vouches for one corner only
    buffer.fill(|_, _| BLUE);
    toplevel.surface.attach(Some(&buffer.buffer), 0, 0);
    toplevel.surface.damage_buffer(16, 32, 16, 16);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().take_damage(id), [Rect::new(16, 32, 16, 16)]);
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRRR\nRRRR\nRBRR\nRRRR");
    assert_eq!(world.daemon().seen(id).buffers, 1, "the pages stay the same");

    // nothing new: nothing to say
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().take_damage(id), []);
}

fn covered(rects: &[Rect]) -> Rect {
    rects.iter().copied().reduce(Rect::union).unwrap()
}

#[test]
fn subsurfaces_are_part_of_their_window() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    let (child, subsurface) = world.client(client).subsurface(&toplevel.surface);
    subsurface.set_position(16, 16);
    let child_buffer = world.client(client).buffer(16, 32, GREEN);
    show(&child, &child_buffer);
    world.settle();
    assert_eq!(world.daemon().take_damage(id), [], "a synchronous child waits for its parent");

    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRRR\nRGRR\nRGRR\nRRRR");
    world.daemon().take_damage(id);

    subsurface.set_position(32, 16);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRRR\nRRGR\nRRGR\nRRRR");
    assert_eq!(covered(&world.daemon().take_damage(id)), Rect::new(16, 16, 32, 32), "both places");
    assert_eq!(world.daemon().windows.len(), 1);

    subsurface.set_desync();
    let other = world.client(client).buffer(16, 32, BLUE);
    show(&child, &other);
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRRR\nRRBR\nRRBR\nRRRR");
    assert_eq!(world.daemon().take_damage(id), [Rect::new(32, 16, 16, 32)]);
    subsurface.destroy();
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRRR\nRRRR\nRRRR\nRRRR");
}

#[test]
fn the_window_geometry_is_what_is_shown() {
    let mut world = World::new();
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    world.settle();
    // a shadow of 16 pixels around the window
    let mut buffer = world.client(client).buffer(64, 64, 0);
    buffer.fill(|x, y| if (16..48).contains(&x) && (16..48).contains(&y) { GREEN } else { 0x8000_0000 });
    world.client(client).ack(&toplevel.xdg_surface);
    toplevel.xdg_surface.set_window_geometry(16, 16, 32, 32);
    show(&toplevel.surface, &buffer);
    world.settle();
    let id = world.daemon().only();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "GG\nGG");
}

#[test]
fn a_viewport_scales() {
    let mut world = World::new();
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    world.settle();
    let viewport = world.client(client).viewport(&toplevel.surface);
    viewport.set_destination(64, 32);
    let buffer = world.client(client).buffer(1, 1, GREEN);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    let id = world.daemon().only();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "GGGG\nGGGG");
}

#[test]
fn the_gui_domains_size_is_passed_on_and_drawn() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.daemon().configure(id, Rect::new(100, 50, 96, 32));
    world.settle();
    assert_eq!(world.client(client).sizes(&toplevel), [(0, 0), (96, 32)]);

    let buffer = world.client(client).buffer(96, 32, GREEN);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.daemon().image(id).grid(32, &LETTERS), "GGG");
    assert_eq!(world.daemon().seen(id).buffers, 2);
    assert!(world.daemon().seen(id).requests.is_empty(), "all agree");

    // a move alone is none of the client's business
    world.daemon().configure(id, Rect::new(0, 0, 96, 32));
    world.settle();
    assert_eq!(world.client(client).sizes(&toplevel).len(), 2);
}

/// A terminal rounds the size it is given down to whole cells.
fn obey_in_cells(world: &mut World, client: usize, toplevel: &Toplevel) -> Buffer {
    let (width, height) = *world.client(client).sizes(toplevel).last().unwrap();
    let buffer = world.client(client).buffer(width / 10 * 10, height / 10 * 10, GREEN);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    buffer
}

#[test]
fn a_clients_own_size_is_asked_for_once_if_granted() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 60, 60, RED);
    world.daemon().configure(id, Rect::new(0, 0, 87, 45));
    world.settle();
    let _buffer = obey_in_cells(&mut world, client, &toplevel);
    assert_eq!(world.daemon().seen(id).requests, [Rect::new(0, 0, 80, 40)]);
    assert_eq!(world.daemon().seen(id).geometry, Rect::new(0, 0, 80, 40));
    assert_eq!(world.client(client).sizes(&toplevel).len(), 2, "the client has what it wants");

    // and again when the user makes it larger
    world.daemon().configure(id, Rect::new(0, 0, 93, 51));
    world.settle();
    let _buffer = obey_in_cells(&mut world, client, &toplevel);
    assert_eq!(world.daemon().seen(id).requests.len(), 2);
    assert_eq!(world.daemon().seen(id).geometry, Rect::new(0, 0, 90, 50));
}

#[test]
fn a_clients_own_size_is_asked_for_once_if_refused() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 60, 60, RED);
    world.daemon().grants_requests = false;
    world.daemon().configure(id, Rect::new(0, 0, 87, 45));
    world.settle();
    for _ in 0..5 {
        let _buffer = obey_in_cells(&mut world, client, &toplevel);
    }
    assert_eq!(world.daemon().seen(id).requests, [Rect::new(0, 0, 80, 40)], "the answer was no");
    assert_eq!(world.daemon().seen(id).geometry, Rect::new(0, 0, 87, 45));
    assert_eq!(world.daemon().image(id).width, 80, "it is shown at its own size all the same");
    assert!(world.client(client).sizes(&toplevel).len() <= 3, "and left in peace");
}

#[test]
fn replaced_pages_live_until_they_are_let_go_of() {
    let mut world = World::new();
    world.daemon().acks_buffers = false;
    let (client, toplevel, _buffer, id) = window(&mut world, 32, 32, RED);
    let large = world.client(client).buffer(64, 64, GREEN);
    let larger = world.client(client).buffer(96, 96, BLUE);
    for buffer in [&large, &larger] {
        show(&toplevel.surface, buffer);
        world.client(client).pump();
        world.agent.dispatch(Some(Duration::ZERO)).unwrap();
    }
    // the agent has replaced the first by the second before the daemon comes to map either
    world.settle();
    assert_eq!(world.daemon().seen(id).buffers, 3);
    assert_eq!(world.daemon().image(id).grid(32, &LETTERS), "BBB\nBBB\nBBB");
}

#[test]
fn states_go_both_ways() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    toplevel.toplevel.set_fullscreen(None);
    toplevel.toplevel.unset_fullscreen();
    toplevel.toplevel.set_minimized();
    toplevel.toplevel.set_maximized();
    world.settle();
    let (full, mini) = (WindowFlags::FULLSCREEN, WindowFlags::MINIMIZE);
    let asked = [(full, mini), (WindowFlags::empty(), full), (mini, full)];
    assert_eq!(world.daemon().seen(id).flags_requested, asked);

    world.daemon().conn.flags(id, full, WindowFlags::empty());
    world.settle();
    assert_eq!(world.client(client).states(&toplevel), [State::Fullscreen as u32]);
    world.daemon().conn.flags(id, WindowFlags::empty(), full);
    world.settle();
    assert_eq!(world.client(client).states(&toplevel), []);
}

#[test]
fn a_state_asked_for_before_the_window_is_there_is_not_forgotten() {
    let mut world = World::new();
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    toplevel.toplevel.set_fullscreen(None);
    world.settle();
    let buffer = world.client(client).buffer(64, 64, RED);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    let id = world.daemon().only();
    let asked = [(WindowFlags::FULLSCREEN, WindowFlags::empty())];
    assert_eq!(world.daemon().seen(id).flags_requested, asked);
}

#[test]
fn frames_are_always_drawn_by_the_gui_domain() {
    let mut world = World::new();
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    let decoration = world.client(client).decoration(&toplevel.toplevel);
    decoration.set_mode(Mode::ClientSide);
    world.settle();
    assert_eq!(world.client(client).inbox.decoration, Some(Mode::ServerSide as u32));
}

#[test]
fn the_screen_is_the_gui_domains() {
    let mut world = World::new();
    let (client, ..) = window(&mut world, 64, 64, RED);
    assert_eq!(world.client(client).inbox.output_mode, (1280, 800));
}

#[test]
fn closing_is_up_to_the_client() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.daemon().conn.close(id);
    world.settle();
    assert_eq!(world.client(client).inbox.close_requests, 1);
    assert_eq!(world.daemon().windows.len(), 1);
    toplevel.toplevel.destroy();
    toplevel.xdg_surface.destroy();
    world.settle();
    assert!(world.daemon().windows.is_empty());
}

#[test]
fn a_window_without_content_is_no_window() {
    let mut world = World::new();
    let (client, toplevel, buffer, id) = window(&mut world, 64, 64, RED);
    toplevel.surface.attach(None, 0, 0);
    toplevel.surface.commit();
    world.settle();
    assert!(world.daemon().windows.is_empty());

    // shown again, it goes through the whole greeting again
    toplevel.surface.commit();
    world.settle();
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_ne!(world.daemon().only(), id, "the daemon may still speak of the old one");
}

#[test]
fn a_dialog_belongs_above_its_window() {
    let mut world = World::new();
    let (client, parent, _buffer, id) = window(&mut world, 64, 64, RED);
    let dialog = world.client(client).toplevel();
    dialog.toplevel.set_parent(Some(&parent.toplevel));
    world.settle();
    let buffer = world.client(client).buffer(32, 32, GREEN);
    world.client(client).ack(&dialog.xdg_surface);
    show(&dialog.surface, &buffer);
    world.settle();
    let newest = world.daemon().newest();
    assert_eq!(world.daemon().seen(newest).transient_for, Some(id));
}

#[test]
fn translucent_content_is_seen_on_black() {
    let mut world = World::new();
    let (client, toplevel, _opaque, id) = window(&mut world, 32, 32, RED);
    // premultiplied: green at half strength, and a corner that is not there at all
    let mut buffer = world.client(client).buffer(32, 32, 0);
    buffer.fill(|x, y| if x < 16 && y < 16 { 0 } else { 0x8000_8000 });
    show(&toplevel.surface, &buffer);
    world.settle();
    let half = [(0x00_8000, 'g'), (0, '.')];
    assert_eq!(world.daemon().image(id).grid(16, &half), ".g\ngg");
    world.daemon().take_damage(id);

    // drawn anew where it changes, not on top of what was there
    buffer.fill(|_, _| 0x8000_8000);
    toplevel.surface.attach(Some(&buffer.buffer), 0, 0);
    toplevel.surface.damage_buffer(0, 0, 16, 32);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &half), "gg\ngg");
    assert_eq!(world.daemon().take_damage(id), [Rect::new(0, 0, 16, 32)]);

    // the client vouches for its being opaque from now on
    let region = world.client(client).region();
    region.add(0, 0, 32, 32);
    toplevel.surface.set_opaque_region(Some(&region));
    buffer.fill(|_, _| BLUE);
    toplevel.surface.attach(Some(&buffer.buffer), 0, 0);
    toplevel.surface.damage_buffer(0, 16, 32, 16);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &[(0x00_8000, 'g'), (0xff, 'B')]), "gg\nBB");
}
