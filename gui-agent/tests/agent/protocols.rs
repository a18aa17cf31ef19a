//! Protocols beside the ones every window needs: what clients of them see, what the daemon does, and what ends a client
//! that breaks their rules.

use gui_protocol::Wish;
use transom_tests::client::show;
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::wp::content_type::v1::client::wp_content_type_v1::Type;

use crate::{
    fixture::World,
    misbehaviour::{ends_its_client, is_borne},
    windows::{BLUE, GREEN, LETTERS, RED, another_window, window},
};

const MAX: u32 = u32::MAX;

fn show_pixel(world: &mut World, client: usize, surface: &WlSurface, pixel: [u32; 4]) {
    let buffer = world.client(client).pixel(pixel);
    surface.attach(Some(&buffer), 0, 0);
    surface.damage(0, 0, i32::MAX, i32::MAX);
    surface.commit();
    world.settle();
}

#[test]
fn a_colour_fills_a_window_and_a_subsurface() {
    for mut world in [World::new(), World::extended()] {
        let (client, toplevel, _buffer, id) = window(&mut world, 32, 32, RED);
        let viewport = world.client(client).viewport(&toplevel.surface);
        viewport.set_destination(32, 16);
        show_pixel(&mut world, client, &toplevel.surface, [0, MAX, 0, MAX]);
        assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "GG");
        assert!(world.client(client).inbox.buffers_released.len() >= 2, "it is needed no more");

        let (child, _role) = world.client(client).subsurface(&toplevel.surface);
        let viewport = world.client(client).viewport(&child);
        viewport.set_destination(16, 16);
        show_pixel(&mut world, client, &child, [0, 0, MAX, MAX]);
        toplevel.surface.commit();
        world.settle();
        assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "BG");
        // half of it is seen through; no colour is brighter than its opacity
        show_pixel(&mut world, client, &child, [MAX, 0, 0, MAX / 2]);
        toplevel.surface.commit();
        world.settle();
        let mixed = world.daemon().image(id).pixel(4, 4);
        assert!([0x7f7f00, 0x7f8000, 0x808000, 0x807f00].contains(&mixed), "{mixed:#x}");
        assert_eq!(world.client(client).error, None);
    }
}

#[test]
fn a_surface_is_as_opaque_as_its_client_says() {
    for mut world in [World::new(), World::extended()] {
        let (client, toplevel, _buffer, id) = window(&mut world, 32, 16, RED);
        let (child, _role) = world.client(client).subsurface(&toplevel.surface);
        let buffer = world.client(client).buffer(16, 16, BLUE);
        show(&child, &buffer);
        let opacity = world.client(client).opacity(&child);
        let mut seen = |opacity_is: Option<u32>| {
            match opacity_is {
                Some(factor) => opacity.set_multiplier(factor),
                None => opacity.destroy(),
            }
            child.commit();
            toplevel.surface.commit();
            world.settle();
            world.daemon().image(id).pixel(4, 4)
        };
        assert_eq!(seen(Some(MAX)), 0x00_00ff);
        let half = seen(Some(MAX / 2));
        assert!([0x7f_007f, 0x7f_0080, 0x80_007f, 0x80_0080].contains(&half), "{half:#x}");
        assert_eq!(seen(Some(0)), 0xff_0000);
        assert_eq!(seen(None), 0x00_00ff, "without the object it is as before");
    }
}

#[test]
fn a_window_alone_is_drawn_by_its_opacity_and_back() {
    let mut world = World::extended();
    let (client, toplevel, buffer, id) = window(&mut world, 16, 16, RED);
    let opacity = world.client(client).opacity(&toplevel.surface);
    opacity.set_multiplier(0);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), ".");
    // what it was given once is still known when it is opaque again
    opacity.set_multiplier(MAX);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "R");
}

#[test]
fn a_surface_has_one_opacity_object_and_it_needs_the_surface() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        world.client(client).opacity(&surface);
        world.client(client).opacity(&surface);
    });
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        let opacity = world.client(client).opacity(&surface);
        surface.destroy();
        opacity.set_multiplier(1);
    });
}

#[test]
fn content_types_are_taken_and_change_nothing() {
    is_borne(|world, client| {
        let surface = world.client(client).surface();
        let content = world.client(client).content_type(&surface);
        content.set_content_type(Type::Video);
        surface.commit();
        content.destroy();
        world.client(client).content_type(&surface).set_content_type(Type::Game);
        surface.destroy();
    });
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        world.client(client).content_type(&surface);
        world.client(client).content_type(&surface);
    });
}

#[test]
fn a_window_keeps_the_screens_on_while_it_shows_who_asks_for_that() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 32, 16, RED);
    let (video, _role) = world.client(client).subsurface(&toplevel.surface);
    let inhibitors = [(); 2].map(|()| world.client(client).keep_awake(&video));
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes, [], "it is not shown");
    let buffer = world.client(client).buffer(16, 16, BLUE);
    show(&video, &buffer);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes, [Wish::KeepAwake(true)]);

    // another daemon is told as well
    world.daemon = None;
    world.settle();
    world.start_extended_daemon();
    assert_eq!(world.daemon().seen(id).wishes, [Wish::KeepAwake(true)]);

    let [first, second] = inhibitors;
    first.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes, [Wish::KeepAwake(true)], "there is another");
    video.attach(None, 0, 0);
    video.commit();
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes[1..], [Wish::KeepAwake(false)]);
    show(&video, &buffer);
    toplevel.surface.commit();
    world.settle();
    second.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes[2..], [Wish::KeepAwake(true), Wish::KeepAwake(false)]);
}

#[test]
fn inhibitors_outlive_their_surface() {
    is_borne(|world, client| {
        let surface = world.client(client).surface();
        let inhibitor = world.client(client).keep_awake(&surface);
        surface.destroy();
        inhibitor.destroy();
    });
}

#[test]
fn a_modal_dialog_is_one_to_the_gui_domain() {
    let mut world = World::extended();
    let (client, parent, _buffer, parent_id) = window(&mut world, 32, 32, RED);
    let question = world.client(client).toplevel();
    question.toplevel.set_parent(Some(&parent.toplevel));
    let dialog = world.client(client).dialog(&question.toplevel);
    dialog.set_modal();
    world.settle();
    let buffer = world.client(client).buffer(16, 16, BLUE);
    world.client(client).ack(&question.xdg_surface);
    show(&question.surface, &buffer);
    world.settle();
    let id = world.daemon().newest();
    assert_eq!(world.daemon().seen(id).parent, Some(parent_id));
    assert_eq!(world.daemon().seen(id).wishes, [Wish::Modal(true)]);
    dialog.unset_modal();
    dialog.set_modal();
    world.settle();
    let last = *world.daemon().seen(id).wishes.last().unwrap();
    assert_eq!(last, Wish::Modal(true));
    dialog.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes.last(), Some(&Wish::Modal(false)));
    // and it may get another
    world.client(client).dialog(&question.toplevel).set_modal();
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes.last(), Some(&Wish::Modal(true)));
    assert_eq!(world.client(client).error, None);
}

#[test]
fn a_toplevel_has_one_dialog_object() {
    ends_its_client(|world, client| {
        let toplevel = world.client(client).toplevel().toplevel;
        world.client(client).dialog(&toplevel);
        world.client(client).dialog(&toplevel);
    });
    is_borne(|world, client| {
        let toplevel = world.client(client).toplevel();
        let dialog = world.client(client).dialog(&toplevel.toplevel);
        toplevel.toplevel.destroy();
        toplevel.xdg_surface.destroy();
        toplevel.surface.destroy();
        dialog.set_modal();
        dialog.destroy();
    });
}

/// A window of one client as the parent of another's.
struct Foreign {
    world: World,
    exporter: usize,
    exported: wayland_protocols::xdg::foreign::zv2::client::zxdg_exported_v2::ZxdgExportedV2,
    importer: usize,
    imported: wayland_protocols::xdg::foreign::zv2::client::zxdg_imported_v2::ZxdgImportedV2,
    child: gui_protocol::WindowId,
}

fn foreign() -> Foreign {
    let mut world = World::extended();
    let (exporter, main, _buffer, parent) = window(&mut world, 32, 32, RED);
    let exported = world.client(exporter).export(&main.surface);
    world.settle();
    let name = world.client(exporter).inbox.exported.pop().unwrap();
    assert_eq!(name.len(), 32);
    let (importer, portal, _buffer, child) = window(&mut world, 16, 16, GREEN);
    let imported = world.client(importer).import(&name);
    imported.set_parent_of(&portal.surface);
    world.settle();
    assert_eq!(world.daemon().seen(child).parent, Some(parent));
    Foreign { world, exporter, exported, importer, imported, child }
}

#[test]
fn a_window_is_the_dialog_of_another_programs() {
    let Foreign { mut world, imported, child, .. } = foreign();
    imported.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(child).parent, None, "that ends with the import");
}

#[test]
fn an_export_ends_with_its_imports() {
    let Foreign { mut world, exported, importer, child, .. } = foreign();
    exported.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(child).parent, None);
    assert_eq!(world.client(importer).inbox.imports_ended, 1);
    // the same when the program ends
    let Foreign { mut world, exporter, importer, child, .. } = foreign();
    world.clients.remove(exporter);
    world.settle();
    assert_eq!(world.client(importer - 1).inbox.imports_ended, 1);
    assert_eq!(world.daemon().seen(child).parent, None);
}

#[test]
fn a_name_that_nobody_gave_stands_for_nothing() {
    let mut world = World::new();
    let client = world.connect();
    world.client(client).import("no such window");
    world.settle();
    assert_eq!(world.client(client).inbox.imports_ended, 1);
    assert_eq!(world.client(client).error, None);
}

#[test]
fn only_windows_are_exported_and_adopted_and_none_by_itself() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        world.client(client).export(&surface);
    });
    let adopt = |own: bool| {
        ends_its_client(|world, client| {
            let (parent, _buffer, _) = another_window(world, client, 16, 16, RED);
            world.client(client).export(&parent.surface);
            world.settle();
            let name = world.client(client).inbox.exported.pop().unwrap();
            let bare = world.client(client).surface();
            world.client(client).import(&name).set_parent_of(if own { &parent.surface } else { &bare });
        });
    };
    adopt(true);
    adopt(false);
    ends_its_client(|world, client| {
        let (parent, _buffer, _) = another_window(world, client, 16, 16, RED);
        let (child, _child_buffer, _) = another_window(world, client, 16, 16, RED);
        child.toplevel.set_parent(Some(&parent.toplevel));
        world.client(client).export(&child.surface);
        world.settle();
        let name = world.client(client).inbox.exported.pop().unwrap();
        world.client(client).import(&name).set_parent_of(&parent.surface);
    });
}

#[test]
fn a_token_that_was_asked_for_is_changed_no_more() {
    ends_its_client(|world, client| world.client(client).ask_for_token(None).set_app_id("late".into()));
    ends_its_client(|world, client| world.client(client).ask_for_token(None).commit());
}

#[test]
fn a_surface_has_one_scale_object_and_a_window_one_decoration() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        world.client(client).fractional_scale(&surface);
        world.client(client).fractional_scale(&surface);
    });
    ends_its_client(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.client(client).decoration(&toplevel.toplevel);
        world.client(client).decoration(&toplevel.toplevel);
    });
}
