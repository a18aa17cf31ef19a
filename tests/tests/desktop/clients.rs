//! A Wayland client breaks the rules, or only stretches them, at an agent and at the daemon, which serves dom0's. It
//! may lose its own connection; the other clients of the same compositor go on.

use shm_grant::Backend;
use transom_tests::client::show;
use wayland_client::protocol::{wl_shm::Format, wl_surface::WlSurface};
use wayland_protocols::xdg::shell::client::{
    xdg_positioner::{Anchor, ConstraintAdjustment, Gravity, XdgPositioner},
    xdg_surface::XdgSurface,
};

use crate::fixture::{App, Dom0, Personal, World, screen::all};

const EXTREMES: [i32; 5] = [i32::MIN, -1, 0, 1, i32::MAX];

/// Lets a client with a window do something, at an agent and at the daemon, and sees that another is served as ever.
/// Returns why the client was disconnected, by each.
#[track_caller]
fn tried(act: impl Fn(&mut World, &App)) -> [Option<String>; 2] {
    [Personal, Dom0].map(|who| {
        let mut world = World::with(Backend::Socket, &[Personal], "");
        let honest = world.app(who, 100, 100);
        let app = world.app(who, 64, 64);
        act(&mut world, &app);
        world.settle();
        // whatever came of it is looked at from all sides
        let middle = all().centre();
        world.click(middle.x, middle.y);
        let content = world.content(honest.id);
        world.motion(content.x + 1, content.y + 1);

        let before = world.client(honest.client).inbox.frames_done;
        world.client(honest.client).frame(&honest.toplevel.surface);
        show(&honest.toplevel.surface, &honest.buffer);
        world.settle();
        assert_eq!(world.client(honest.client).error, None, "{who:?}");
        // it may be covered by now, and then waits a little
        world.until("a frame", |world| world.client(honest.client).inbox.frames_done == before + 1);
        let error = world.client(app.client).error.clone();
        if error.is_some() {
            assert_eq!(world.windows().len(), 1, "{who:?}: windows of a client that is gone");
            world.assert_shown(honest.id, who.colour());
        }
        error
    })
}

#[track_caller]
fn ends_its_client(why: &str, misbehave: impl Fn(&mut World, &App)) {
    for error in tried(misbehave) {
        let error = error.expect("such a client is to be disconnected");
        assert!(error.contains(why), "{error}");
    }
}

#[track_caller]
fn is_borne(act: impl Fn(&mut World, &App)) {
    assert_eq!(tried(act), [None, None]);
}

fn positioner(world: &mut World, app: &App) -> XdgPositioner {
    let positioner = world.client(app.client).positioner();
    positioner.set_size(5, 5);
    positioner.set_anchor_rect(0, 0, 1, 1);
    positioner
}

#[test]
fn a_pool_resized_to_nothing() {
    for size in [0, -1, i32::MIN] {
        ends_its_client("wl_shm_pool", |_, app| app.buffer.pool.resize(size));
    }
}

#[test]
fn rows_that_begin_between_pixels() {
    ends_its_client("wl_shm_pool", |world, app| {
        world.client(app.client).unchecked_buffer(8, 8, 33, Format::Xrgb8888);
    });
}

#[test]
fn a_buffer_that_cannot_be_divided_by_its_scale() {
    ends_its_client("wl_surface", |world, app| {
        let buffer = world.client(app.client).buffer(9, 9, 0);
        app.toplevel.surface.set_buffer_scale(2);
        show(&app.toplevel.surface, &buffer);
    });
}

#[test]
fn an_absurd_scale() {
    is_borne(|_, app| {
        app.toplevel.surface.set_buffer_scale(i32::MAX);
        show(&app.toplevel.surface, &app.buffer);
    });
}

#[test]
fn a_viewport_on_half_a_pixel() {
    ends_its_client("wl_surface", |world, app| {
        let viewport = world.client(app.client).viewport(&app.toplevel.surface);
        viewport.set_source(0.0, 0.0, 0.5, 0.5);
        show(&app.toplevel.surface, &app.buffer);
    });
}

#[test]
fn an_empty_window_geometry() {
    for (width, height) in [(0, 5), (5, 0), (i32::MIN, i32::MIN)] {
        ends_its_client("xdg_surface", |_, app| {
            app.toplevel.xdg_surface.set_window_geometry(0, 0, width, height);
        });
    }
}

#[test]
fn negative_size_limits() {
    ends_its_client("xdg_toplevel", |_, app| app.toplevel.toplevel.set_min_size(-1, 5));
    ends_its_client("xdg_toplevel", |_, app| app.toplevel.toplevel.set_max_size(5, i32::MIN));
}

#[test]
fn absurd_size_limits() {
    for (min, max) in [(i32::MAX, i32::MAX), (i32::MAX, 1), (i32::MAX, 0), (500, 5)] {
        // one that the protocol calls an error is one as the client's window stands
        tried(|world, app| {
            app.toplevel.toplevel.set_min_size(min, min);
            app.toplevel.toplevel.set_max_size(max, max);
            app.toplevel.surface.commit();
            world.settle();
            app.toplevel.toplevel.set_maximized();
            app.toplevel.toplevel.unset_maximized();
        });
    }
}

#[test]
fn absurd_damage_and_regions() {
    is_borne(|world, app| {
        let region = world.client(app.client).region();
        let surface = &app.toplevel.surface;
        for x in EXTREMES {
            for width in EXTREMES {
                region.add(x, x, width, width);
                region.subtract(x, width, x, width);
                surface.damage(x, x, width, width);
                surface.damage_buffer(x, x, width, width);
            }
            surface.offset(x, x);
            surface.set_opaque_region(Some(&region));
            surface.set_input_region(Some(&region));
            show(surface, &app.buffer);
            world.settle();
            let content = world.content(app.id);
            world.motion(content.x + 1, content.y + 1);
        }
    });
}

#[test]
fn absurd_window_geometries() {
    is_borne(|world, app| {
        for x in EXTREMES {
            for width in [1, i32::MAX] {
                app.toplevel.xdg_surface.set_window_geometry(x, x, width, width);
                app.toplevel.surface.commit();
                world.settle();
                let content = world.content(app.id);
                world.motion(content.x, content.y);
            }
        }
    });
}

#[test]
fn a_window_larger_than_any_screen() {
    is_borne(|world, app| {
        let viewport = world.client(app.client).viewport(&app.toplevel.surface);
        viewport.set_destination(i32::MAX, i32::MAX);
        app.toplevel.surface.commit();
    });
}

#[test]
fn absurd_positions_of_subsurfaces() {
    is_borne(|world, app| {
        let mut parent = app.toplevel.surface.clone();
        for x in EXTREMES.into_iter().chain([i32::MAX, i32::MIN, i32::MIN]) {
            let (child, subsurface) = world.client(app.client).subsurface(&parent);
            subsurface.set_position(x, x);
            subsurface.set_desync();
            show(&child, &app.buffer);
            parent.commit();
            world.settle();
            parent = child;
        }
        app.toplevel.surface.commit();
    });
}

#[test]
fn absurd_positioners() {
    for x in EXTREMES {
        is_borne(|world, app| {
            let positioner = positioner(world, app);
            positioner.set_size(i32::MAX, i32::MAX);
            positioner.set_anchor_rect(x, x, i32::MAX, i32::MAX);
            positioner.set_offset(x, x);
            positioner.set_anchor(Anchor::BottomRight);
            positioner.set_gravity(Gravity::TopLeft);
            positioner.set_constraint_adjustment(ConstraintAdjustment::all());
            positioner.set_reactive();
            positioner.set_parent_size(x, x);
            let popup = world.client(app.client).popup(&app.toplevel.xdg_surface, &positioner);
            world.settle();
            world.client(app.client).ack(&popup.xdg_surface);
            show(&popup.surface, &app.buffer);
            world.settle();
            popup.popup.reposition(&positioner, 1);
        });
    }
}

#[test]
fn popups_in_a_circle() {
    ends_its_client("xdg_popup", |world, app| {
        let positioner = positioner(world, app);
        let surface = world.client(app.client).surface();
        let own = world.client(app.client).xdg_surface(&surface);
        let popup = world.client(app.client).popup_on(&own, Some(&own), &positioner);
        popup.grab(&world.client(app.client).seat.clone().unwrap(), 1);
        surface.commit();
    });
    ends_its_client("xdg_popup", |world, app| {
        let positioner = positioner(world, app);
        let surfaces = [(); 2].map(|()| world.client(app.client).surface());
        let [a, b] = surfaces.each_ref().map(|it| world.client(app.client).xdg_surface(it));
        world.client(app.client).popup_on(&a, Some(&b), &positioner);
        world.client(app.client).popup_on(&b, Some(&a), &positioner);
        surfaces.iter().for_each(WlSurface::commit);
    });
}

#[test]
fn a_popup_on_nothing() {
    ends_its_client("xdg_popup", |world, app| {
        let positioner = positioner(world, app);
        world.client(app.client).bare_popup(None, &positioner);
    });
}

/// Opens popups, each on the one before.
fn popups(world: &mut World, app: &App, count: usize) {
    let positioner = positioner(world, app);
    let mut parent: XdgSurface = app.toplevel.xdg_surface.clone();
    for _ in 0..count {
        let popup = world.client(app.client).popup(&parent, &positioner);
        world.settle();
        if world.client(app.client).error.is_some() {
            return;
        }
        world.client(app.client).ack(&popup.xdg_surface);
        show(&popup.surface, &app.buffer);
        world.settle();
        parent = popup.xdg_surface;
    }
}

#[test]
fn a_chain_of_popups_has_an_end() {
    is_borne(|world, app| popups(world, app, 32));
    ends_its_client("xdg_popup", |world, app| popups(world, app, 33));
}

/// Puts subsurfaces on one another, beginning at the window or at the far end, and shows them all.
fn subsurfaces(world: &mut World, app: &App, count: usize, upwards: bool) {
    let mut chain = vec![app.toplevel.surface.clone()];
    chain.extend((0..count).map(|_| world.client(app.client).surface()));
    let mut links: Vec<_> = chain.windows(2).collect();
    if upwards {
        links.reverse();
    }
    for link in links {
        world.client(app.client).subsurface_of(&link[1], &link[0]);
    }
    for surface in chain.iter().rev() {
        show(surface, &app.buffer);
    }
}

#[test]
fn a_pile_of_subsurfaces_has_an_end() {
    for upwards in [false, true] {
        is_borne(|world, app| subsurfaces(world, app, 64, upwards));
        ends_its_client("wl_subcompositor", |world, app| subsurfaces(world, app, 65, upwards));
    }
}

#[test]
fn windows_that_are_each_others_parents() {
    // whether this is forgiven is smithay's business
    tried(|world, app| {
        let other = world.app_of(app.client, 20, 20, 0);
        app.toplevel.toplevel.set_parent(Some(&other.toplevel.toplevel));
        world.settle();
        other.toplevel.toplevel.set_parent(Some(&app.toplevel.toplevel));
        world.settle();
        app.toplevel.toplevel.set_parent(Some(&app.toplevel.toplevel));
    });
}
