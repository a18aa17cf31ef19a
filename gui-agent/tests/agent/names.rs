//! Names, icons and wishes of windows, with a daemon that has all of them.

use gui_protocol::{CrossingInput, CursorLook, Edges, PointerNeeds, Wish};
use transom_tests::client::show;
use wayland_protocols::xdg::shell::client::xdg_toplevel::{ResizeEdge, WmCapabilities};

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, RED, another_window, window},
};

#[test]
fn long_names_come_whole() {
    let mut world = World::extended();
    let (_, toplevel, _buffer, id) = window(&mut world, 20, 20, RED);
    let (title, app_id) = ("Ü".repeat(512), "org.example.".repeat(20));
    toplevel.toplevel.set_title(title.clone());
    toplevel.toplevel.set_app_id(app_id.clone());
    world.settle();
    let seen = world.daemon().seen(id);
    assert_eq!((&seen.title, &seen.app_id), (&title, &app_id));
    // one more byte, and whole characters all the same
    toplevel.toplevel.set_title(format!("x{title}"));
    world.settle();
    assert_eq!(world.daemon().seen(id).title, format!("x{}", "Ü".repeat(511)));
}

#[test]
fn a_dialog_has_a_parent_as_soon_as_that_is_there() {
    let mut world = World::extended();
    let (client, dialog, _buffer, id) = window(&mut world, 20, 20, RED);
    let main = world.client(client).toplevel();
    dialog.toplevel.set_parent(Some(&main.toplevel));
    world.settle();
    assert_eq!(world.daemon().seen(id).parent, None);
    let main_buffer = world.client(client).buffer(30, 30, BLUE);
    world.client(client).ack(&main.xdg_surface);
    show(&main.surface, &main_buffer);
    world.settle();
    let main_id = world.daemon().newest();
    assert_eq!(world.daemon().seen(id).parent, Some(main_id));
    dialog.toplevel.set_parent(None);
    world.settle();
    assert_eq!(world.daemon().seen(id).parent, None);
}

#[test]
fn a_window_may_begin_as_a_dialog() {
    let mut world = World::extended();
    let (client, main, _buffer, main_id) = window(&mut world, 20, 20, RED);
    let dialog = world.client(client).toplevel();
    dialog.toplevel.set_parent(Some(&main.toplevel));
    world.settle();
    let buffer = world.client(client).buffer(10, 10, BLUE);
    world.client(client).ack(&dialog.xdg_surface);
    show(&dialog.surface, &buffer);
    world.settle();
    let id = world.daemon().newest();
    assert_eq!(world.daemon().seen(id).parent, Some(main_id));
}

#[test]
fn wishes_are_passed_on() {
    let mut world = World::extended();
    let (client, window, _buffer, id) = window(&mut world, 20, 20, RED);
    assert_eq!(world.daemon().seen(id).wishes, []);
    let (seat, serial) = (world.client(client).seat.clone().unwrap(), 1);
    let toplevel = &window.toplevel;
    let asks: [(&dyn Fn(), Wish); 9] = [
        (&|| toplevel.set_maximized(), Wish::Maximised(true)),
        (&|| toplevel.unset_maximized(), Wish::Maximised(false)),
        (&|| toplevel.set_fullscreen(None), Wish::Fullscreen(true)),
        (&|| toplevel.unset_fullscreen(), Wish::Fullscreen(false)),
        (&|| toplevel.set_minimized(), Wish::Minimised),
        (&|| toplevel._move(&seat, serial), Wish::Move),
        (&|| toplevel.resize(&seat, serial, ResizeEdge::TopRight), Wish::Resize(Edges::TOP | Edges::RIGHT)),
        (&|| toplevel.resize(&seat, serial, ResizeEdge::Left), Wish::Resize(Edges::LEFT)),
        (&|| toplevel.show_window_menu(&seat, serial, 5, 5), Wish::WindowMenu),
    ];
    for (ask, wish) in asks {
        ask();
        world.settle();
        assert_eq!(std::mem::take(&mut world.daemon().seen(id).wishes), [wish]);
    }
    toplevel.resize(&seat, serial, ResizeEdge::None);
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes, [], "there is nothing to resize by");
    assert_eq!(world.client(client).error, None);
}

#[test]
fn wishes_made_early_are_not_forgotten() {
    let mut world = World::extended();
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    toplevel.toplevel.set_maximized();
    toplevel.toplevel.set_fullscreen(None);
    toplevel.toplevel.unset_maximized();
    toplevel.toplevel.set_maximized();
    world.settle();
    let buffer = world.client(client).buffer(20, 20, RED);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    let id = world.daemon().newest();
    let wishes = &world.daemon().seen(id).wishes;
    assert!(
        wishes.contains(&Wish::Fullscreen(true)) && wishes.contains(&Wish::Maximised(true)),
        "{wishes:?}"
    );
    assert_eq!(wishes.len(), 2);
}

#[test]
fn what_a_client_may_ask_for_depends_on_the_daemon() {
    let mut world = World::new();
    let (client, toplevel, _buffer, _) = window(&mut world, 20, 20, RED);
    let plain = [WmCapabilities::Fullscreen as u32, WmCapabilities::Minimize as u32];
    let capabilities = |world: &mut World| {
        let mut all = world.client(client).capabilities(&toplevel);
        all.sort_unstable();
        all
    };
    assert_eq!(capabilities(&mut world), plain);
    world.daemon = None;
    world.settle();
    world.start_extended_daemon();
    let more = [WmCapabilities::WindowMenu as u32, WmCapabilities::Maximize as u32];
    let mut all = [plain, more].concat();
    all.sort_unstable();
    assert_eq!(capabilities(&mut world), all);
    world.daemon = None;
    world.settle();
    world.start_daemon();
    assert_eq!(capabilities(&mut world), plain);
}

#[test]
fn an_icon_comes_as_pixels() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 20, 20, RED);
    let (small, large) =
        (world.client(client).buffer(16, 16, GREEN), world.client(client).buffer(64, 64, BLUE));
    let icon = world.client(client).icon(&[&small, &large]);
    world.client(client).set_icon(&toplevel, Some(&icon));
    world.settle();
    assert_eq!(world.daemon().seen(id).icon, None, "it comes with the commit");
    toplevel.surface.commit();
    world.settle();
    let told = world.daemon().seen(id).icon.clone().unwrap();
    assert_eq!((told.width, told.height), (64, 64));
    assert!(told.pixels.chunks(4).all(|pixel| pixel == BLUE.to_le_bytes()));

    world.client(client).set_icon(&toplevel, None);
    toplevel.surface.commit();
    world.settle();
    assert!(world.daemon().seen(id).icon.as_ref().unwrap().is_empty(), "none any more");
    assert_eq!(world.client(client).error, None);
}

#[test]
fn a_large_icon_is_shrunk_and_a_translucent_one_stays_so() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 20, 20, RED);
    let half_green = 0x8000_8000u32;
    let huge = world.client(client).buffer(600, 600, half_green);
    let icon = world.client(client).icon(&[&huge]);
    world.client(client).set_icon(&toplevel, Some(&icon));
    toplevel.surface.commit();
    world.settle();
    let told = world.daemon().seen(id).icon.clone().unwrap();
    assert_eq!((told.width, told.height), (256, 256));
    let middle = (128 * 256 + 128) * 4;
    assert_eq!(told.pixels[middle..middle + 4], half_green.to_le_bytes());
}

#[test]
fn an_icon_set_before_the_window_is_there_comes_with_it() {
    let mut world = World::extended();
    let (client, _first, _first_buffer, _) = window(&mut world, 20, 20, RED);
    let toplevel = world.client(client).toplevel();
    world.settle();
    let small = world.client(client).buffer(8, 8, GREEN);
    let icon = world.client(client).icon(&[&small]);
    world.client(client).set_icon(&toplevel, Some(&icon));
    let buffer = world.client(client).buffer(20, 20, RED);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    let id = world.daemon().newest();
    let told = world.daemon().seen(id).icon.clone().unwrap();
    assert_eq!((told.width, told.height), (8, 8));
    // an icon may go to several windows
    let (other, _other_buffer, other_id) = another_window(&mut world, client, 20, 20, RED);
    world.client(client).set_icon(&other, Some(&icon));
    other.surface.commit();
    world.settle();
    assert_eq!(world.daemon().seen(other_id).icon.as_ref().unwrap().width, 8);
}

#[test]
fn the_next_daemon_is_told_all_of_it() {
    let mut world = World::extended();
    let (client, main, _main_buffer, main_id) = window(&mut world, 30, 30, BLUE);
    let (dialog, _buffer, id) = another_window(&mut world, client, 20, 20, RED);
    dialog.toplevel.set_title("Straße".into());
    dialog.toplevel.set_app_id("org.example.App".into());
    dialog.toplevel.set_parent(Some(&main.toplevel));
    dialog.toplevel.set_maximized();
    let picture = world.client(client).buffer(16, 16, GREEN);
    let icon = world.client(client).icon(&[&picture]);
    world.client(client).set_icon(&dialog, Some(&icon));
    dialog.surface.commit();
    world.client(client).relative_pointer();
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(id, entered, &[0; 32]);
    world.settle();
    let cursor = world.client(client).surface();
    world.client(client).set_cursor(Some(&cursor), (2, 3));
    show(&cursor, &picture);
    world.settle();

    world.daemon = None;
    world.settle();
    world.start_extended_daemon();
    let seen = world.daemon().seen(id);
    assert_eq!((seen.title.as_str(), seen.app_id.as_str()), ("Straße", "org.example.App"));
    assert_eq!(seen.parent, Some(main_id));
    assert_eq!(seen.wishes, [Wish::Maximised(true)]);
    assert_eq!(seen.icon.as_ref().map(|icon| (icon.width, icon.height)), Some((16, 16)));
    assert_eq!(seen.needs, PointerNeeds::RELATIVE_MOTION);
    assert!(matches!(&seen.look, CursorLook::Image(image) if (image.hot_x, image.hot_y) == (2, 3)));
}
