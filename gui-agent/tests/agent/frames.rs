//! What a frame costs, when a client gets its buffers back, and that all this shows nowhere in the pictures.

use gui_protocol::WindowId;
use proptest::{prelude::*, test_runner::TestRunner};
use transom_tests::client::{Buffer, Toplevel, show};
use wayland_client::{
    Proxy,
    protocol::{wl_output::Transform, wl_subsurface::WlSubsurface, wl_surface::WlSurface},
};
use wayland_protocols::wp::viewporter::client::wp_viewport::WpViewport;

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, LETTERS, RED, window},
};

/// Commits a buffer of which this much has changed.
pub fn update(surface: &WlSurface, buffer: &Buffer, x: i32, y: i32, width: i32, height: i32) {
    surface.attach(Some(&buffer.buffer), 0, 0);
    surface.damage_buffer(x, y, width, height);
    surface.commit();
}

pub fn bytes_of(world: &mut World, act: impl FnOnce(&mut World)) -> u64 {
    let before = world.agent.bytes_written();
    act(world);
    world.settle();
    world.agent.bytes_written() - before
}

#[test]
fn a_frame_costs_its_damage_and_nothing_else() {
    let mut world = World::new();
    let (_, toplevel, buffer, _) = window(&mut world, 1920, 1080, RED);
    let small = bytes_of(&mut world, |_| update(&toplevel.surface, &buffer, 700, 500, 64, 64));
    assert_eq!(small, 64 * 64 * 4);
    // what was damaged twice is not moved twice
    let twice = bytes_of(&mut world, |_| {
        toplevel.surface.damage_buffer(700, 500, 64, 64);
        update(&toplevel.surface, &buffer, 732, 500, 64, 64);
    });
    assert_eq!(twice, 96 * 64 * 4);
    let whole = bytes_of(&mut world, |_| show(&toplevel.surface, &buffer));
    assert_eq!(whole, 1920 * 1080 * 4);
    let nothing = bytes_of(&mut world, |_| toplevel.surface.commit());
    assert_eq!(nothing, 0);
}

#[test]
fn a_buffer_comes_back_as_soon_as_it_is_copied() {
    let mut world = World::new();
    let (client, toplevel, buffer, id) = window(&mut world, 32, 32, RED);
    assert_eq!(world.client(client).inbox.buffers_released, [buffer.buffer.id()]);

    // one that was replaced before anyone looked comes back as well
    let (green, blue) =
        (world.client(client).buffer(32, 32, GREEN), world.client(client).buffer(32, 32, BLUE));
    show(&toplevel.surface, &green);
    show(&toplevel.surface, &blue);
    world.settle();
    let released = &world.client(client).inbox.buffers_released;
    assert_eq!(released[1..], [green.buffer.id(), blue.buffer.id()]);
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "BB\nBB");
}

#[test]
fn a_buffer_that_may_be_read_again_is_kept() {
    let mut world = World::new();
    let (client, toplevel, _first, _) = window(&mut world, 64, 64, RED);
    toplevel.xdg_surface.set_window_geometry(16, 16, 32, 32);
    let shadowed = world.client(client).buffer(64, 64, GREEN);
    show(&toplevel.surface, &shadowed);
    world.settle();
    assert_eq!(world.client(client).inbox.buffers_released.len(), 1, "only the first");

    // the window is larger now, and nothing was attached
    toplevel.xdg_surface.set_window_geometry(0, 0, 64, 64);
    toplevel.surface.commit();
    world.settle();
    let id = world.daemon().only();
    assert_eq!(world.daemon().image(id).grid(32, &LETTERS), "GG\nGG");
    assert_eq!(world.client(client).inbox.buffers_released.len(), 2, "its last pixel is copied");
}

#[test]
fn pixels_given_back_are_there_when_a_subsurface_comes_and_goes() {
    let mut world = World::new();
    let (client, toplevel, mut buffer, id) = window(&mut world, 48, 48, RED);
    // what the client does with its memory now is its own affair
    buffer.fill(|_, _| BLUE);
    let (child, subsurface) = world.client(client).subsurface(&toplevel.surface);
    subsurface.set_position(16, 16);
    let child_buffer = world.client(client).buffer(16, 16, GREEN);
    show(&child, &child_buffer);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRR\nRGR\nRRR");
    subsurface.set_position(32, 0);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRG\nRRR\nRRR");
    subsurface.destroy();
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRR\nRRR\nRRR");
    // and when the window becomes a part of what it was
    toplevel.xdg_surface.set_window_geometry(16, 16, 16, 16);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "R");
    toplevel.xdg_surface.set_window_geometry(0, 0, 48, 48);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRR\nRRR\nRRR");
}

#[test]
fn what_lies_under_opaque_subsurfaces_is_not_drawn() {
    let mut world = World::new();
    let (client, toplevel, buffer, _) = window(&mut world, 64, 64, RED);
    let (child, subsurface) = world.client(client).subsurface(&toplevel.surface);
    subsurface.set_desync();
    let region = world.client(client).region();
    region.add(0, 0, 64, 64);
    child.set_opaque_region(Some(&region));
    let child_buffer = world.client(client).buffer(64, 64, GREEN);
    show(&child, &child_buffer);
    toplevel.surface.commit();
    world.settle();
    let hidden = bytes_of(&mut world, |_| update(&toplevel.surface, &buffer, 0, 0, 8, 8));
    assert_eq!(hidden, 8 * 8 * 4, "the child's pixels once, the parent's not at all");
}

#[test]
fn a_turned_buffer_is_turned_back() {
    let mut world = World::new();
    let (client, toplevel, _first, id) = window(&mut world, 16, 32, BLUE);
    let mut buffer = world.client(client).buffer(32, 16, RED);
    buffer.fill(|x, _| if x < 16 { RED } else { GREEN });
    // turned against the clock by the client: what is its left is the window's top
    toplevel.surface.set_buffer_transform(Transform::_90);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "R\nG");
    toplevel.surface.set_buffer_transform(Transform::_270);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "G\nR");
}

/// A surface of the property test and what its client wants of it.
struct Shown {
    surface: WlSurface,
    viewport: WpViewport,
    state: Look,
}

/// Everything about a surface that shows, and nothing else.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Of the buffer: sides in pixels, and a number its colours follow from.
    width: i32,
    height: i32,
    seed: u32,
    scale: i32,
    transform: Transform,
    source: Option<(f64, f64, f64, f64)>,
    size: Option<(i32, i32)>,
    translucent: bool,
}

const TRANSFORMS: [Transform; 8] = [
    Transform::Normal,
    Transform::_90,
    Transform::_180,
    Transform::_270,
    Transform::Flipped,
    Transform::Flipped90,
    Transform::Flipped180,
    Transform::Flipped270,
];

fn look(translucent: bool) -> impl Strategy<Value = Look> {
    let source = prop::option::of((0_i32..2, 0_i32..2, 4_i32..12, 4_i32..12));
    let size = prop::option::of((8_i32..48, 8_i32..48));
    (8_i32..24, 8_i32..24, any::<u32>(), 1_i32..3, 0_usize..16, source, size).prop_map(
        move |(width, height, seed, scale, transform, source, size)| Look {
            width: width * 2,
            height: height * 2,
            seed,
            scale,
            // half of all surfaces are upright
            transform: *TRANSFORMS.get(transform).unwrap_or(&Transform::Normal),
            source: source
                .map(|(x, y, w, h)| (x.into(), y.into(), f64::from(w) / 2.0 + 0.5, f64::from(h) / 2.0 + 0.5)),
            // a source of halves needs a size
            size: source.map(|_| (20, 16)).or(size),
            translucent,
        },
    )
}

#[derive(Debug, Clone)]
enum Op {
    /// Other pixels in a part of a surface, in a buffer that is otherwise the same.
    Paint { surface: usize, x: i32, y: i32, width: i32, height: i32, seed: u32, by_surface: bool },
    /// The child looks like this from now on.
    Become(Look),
    /// The child is there.
    Move(i32, i32),
    /// The child is below its parent, or above.
    Stack(bool),
    /// The child is there or not.
    Show(bool),
    /// The window is this part of its surfaces.
    Geometry(i32, i32, i32, i32),
}

fn op() -> impl Strategy<Value = Op> {
    let rect = || (0_i32..40, 0_i32..40, 1_i32..30, 1_i32..30);
    prop_oneof![
        4 => (0_usize..2, rect(), any::<u32>(), any::<bool>()).prop_map(
            |(surface, (x, y, width, height), seed, by_surface)| Op::Paint { surface, x, y, width, height, seed, by_surface }
        ),
        2 => any::<bool>().prop_flat_map(look).prop_map(Op::Become),
        1 => (-20_i32..60, -20_i32..60).prop_map(|(x, y)| Op::Move(x, y)),
        1 => any::<bool>().prop_map(Op::Stack),
        1 => any::<bool>().prop_map(Op::Show),
        1 => rect().prop_map(|(x, y, width, height)| Op::Geometry(x, y, width, height)),
    ]
}

/// What a client has drawn: patches of colour, each over those before.
type Patches = Vec<(i32, i32, i32, i32, u32)>;

fn colour(patches: &Patches, look: &Look, x: i32, y: i32) -> u32 {
    let inside = |(left, top, width, height, _): &&(i32, i32, i32, i32, u32)| {
        (*left..left + width).contains(&x) && (*top..top + height).contains(&y)
    };
    let seed = patches.iter().rev().find(inside).map_or(look.seed, |patch| patch.4);
    let mixed = (seed ^ (x as u32 / 3).wrapping_mul(0x9e37_79b9) ^ (y as u32 / 3).wrapping_mul(0x85eb_ca6b))
        .wrapping_mul(0x2c1b_3c6d);
    if look.translucent { 0x8000_0000 | mixed & 0x007f_7f7f } else { 0xff00_0000 | mixed }
}

/// One client's window with one subsurface.
struct Pair {
    client: usize,
    id: WindowId,
    toplevel: Toplevel,
    parent: Shown,
    child: Shown,
    subsurface: WlSubsurface,
    /// Those that may be in use.
    buffers: Vec<Buffer>,
}

/// The state of a [`Pair`] as its client sees it.
#[derive(Clone)]
struct Scene {
    looks: [Look; 2],
    patches: [Patches; 2],
    at: (i32, i32),
    below: bool,
    shown: bool,
    geometry: (i32, i32, i32, i32),
}

impl Pair {
    fn new(world: &mut World, scene: &Scene) -> Self {
        let client = world.connect();
        let toplevel = world.client(client).toplevel();
        world.settle();
        world.client(client).ack(&toplevel.xdg_surface);
        let (child, subsurface) = world.client(client).subsurface(&toplevel.surface);
        let viewports = [&toplevel.surface, &child].map(|surface| world.client(client).viewport(surface));
        let [parent_viewport, child_viewport] = viewports;
        let parent =
            Shown { surface: toplevel.surface.clone(), viewport: parent_viewport, state: scene.looks[0] };
        let child = Shown { surface: child, viewport: child_viewport, state: scene.looks[1] };
        let mut pair =
            Self { client, id: WindowId(0), toplevel, parent, child, subsurface, buffers: Vec::new() };
        pair.show(world, scene, 0, None);
        pair.show(world, scene, 1, None);
        pair.arrange(scene);
        world.settle();
        pair.id = world.daemon().newest();
        pair
    }

    /// Commits a surface with a new buffer of which only `damage` is said to be new, or all.
    fn show(
        &mut self,
        world: &mut World,
        scene: &Scene,
        surface: usize,
        damage: Option<((i32, i32, i32, i32), bool)>,
    ) {
        let look = scene.looks[surface];
        let mut buffer = world.client(self.client).buffer(look.width, look.height, 0);
        buffer.fill(|x, y| colour(&scene.patches[surface], &look, x, y));
        let shown = if surface == 0 { &mut self.parent } else { &mut self.child };
        shown.state = look;
        shown.surface.set_buffer_scale(look.scale);
        shown.surface.set_buffer_transform(look.transform);
        let (x, y, w, h) = look.source.unwrap_or((-1.0, -1.0, -1.0, -1.0));
        shown.viewport.set_source(x, y, w, h);
        let (width, height) = look.size.unwrap_or((-1, -1));
        shown.viewport.set_destination(width, height);
        let attached = surface == 0 || scene.shown;
        shown.surface.attach(attached.then_some(&buffer.buffer), 0, 0);
        match damage {
            Some(((x, y, w, h), false)) => shown.surface.damage_buffer(x, y, w, h),
            // as a client that knows no better: all of the surface
            Some((_, true)) => shown.surface.damage(0, 0, i32::MAX, i32::MAX),
            None => shown.surface.damage_buffer(0, 0, i32::MAX, i32::MAX),
        }
        shown.surface.commit();
        self.buffers.push(buffer);
    }

    fn arrange(&mut self, scene: &Scene) {
        self.subsurface.set_position(scene.at.0, scene.at.1);
        match scene.below {
            true => self.subsurface.place_below(&self.parent.surface),
            false => self.subsurface.place_above(&self.parent.surface),
        }
        let (x, y, width, height) = scene.geometry;
        self.toplevel.xdg_surface.set_window_geometry(x, y, width, height);
        self.parent.surface.commit();
    }

    fn pixels(&self, world: &mut World) -> Vec<u32> {
        let image = world.daemon().image(self.id);
        let (width, height) = (image.width, image.height);
        let mut pixels = vec![width, height];
        pixels.extend(
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| image.pixel(x, y)),
        );
        pixels
    }
}

#[test]
fn a_window_looks_like_a_new_one_of_the_same() {
    looks_like_new(World::new);
}

#[test]
fn a_window_in_several_buffers_looks_like_a_new_one_of_the_same() {
    looks_like_new(World::extended);
}

/// Whatever a client does, and however little of it it says has changed, its window looks like a new one that shows the
/// same.
fn looks_like_new(world_of: fn() -> World) {
    let first = |seed| Look {
        width: 40,
        height: 40,
        seed,
        scale: 1,
        transform: Transform::Normal,
        source: None,
        size: None,
        translucent: false,
    };
    let ops = prop::collection::vec(op(), 1..12);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&ops, |ops| {
        let mut world = world_of();
        let mut scene = Scene {
            looks: [first(1), first(2)],
            patches: [Vec::new(), Vec::new()],
            at: (10, 10),
            below: false,
            shown: true,
            geometry: (0, 0, 40, 40),
        };
        let mut pair = Pair::new(&mut world, &scene);
        for op in ops {
            match op {
                Op::Paint { surface, x, y, width, height, seed, by_surface } => {
                    scene.patches[surface].push((x, y, width, height, seed));
                    pair.show(&mut world, &scene, surface, Some(((x, y, width, height), by_surface)));
                }
                Op::Become(look) => {
                    (scene.looks[1], scene.patches[1]) = (look, Vec::new());
                    pair.show(&mut world, &scene, 1, None);
                }
                Op::Move(x, y) => scene.at = (x, y),
                Op::Stack(below) => scene.below = below,
                Op::Show(shown) => {
                    scene.shown = shown;
                    pair.show(&mut world, &scene, 1, None);
                }
                Op::Geometry(x, y, width, height) => scene.geometry = (x, y, width, height),
            }
            pair.arrange(&scene);
            world.settle();
            prop_assert_eq!(&world.client(pair.client).error, &None);
            let mut fresh = world_of();
            let oracle = Pair::new(&mut fresh, &scene);
            prop_assert_eq!(pair.pixels(&mut world), oracle.pixels(&mut fresh));
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
