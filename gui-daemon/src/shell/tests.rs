//! The rules one by one; then any operations in any order against what must always hold.

mod grips;
mod hold;
mod operations;
mod picture;
mod placing;
mod stacking;
mod states;
mod tile;
mod tray;
mod wishes;

use picture::{METRICS, assert_picture, cell, cells};

use super::geom::{Edges, Insets, Point, Rect, Size};
use super::window::MAX_CONTENT;
use super::*;

const OUTPUT: Rect = Rect::new(0, 0, 1920, 1080);
const WORK: Owner = Owner::Domain(1);
const RED: Owner = Owner::Domain(2);

fn desktop() -> Shell {
    Shell::new(Metrics::default(), vec![OUTPUT])
}

/// A desktop of 40 by 16 cells, to be drawn.
fn small_desktop() -> Shell {
    Shell::new(METRICS, vec![cells(0, 0, 40, 16)])
}

fn added(shell: &mut Shell, owner: Owner, role: Role, content: Rect) -> Id {
    shell.add(NewWindow { owner, role, content, placed: true })
}

fn shown(shell: &mut Shell, owner: Owner, content: Rect) -> Id {
    let id = added(shell, owner, Role::Toplevel, content);
    shell.map(id);
    id
}

fn popup(shell: &mut Shell, owner: Owner, parent: Option<Id>, content: Rect) -> Id {
    let id = added(shell, owner, Role::Popup { parent }, content);
    shell.map(id);
    id
}

fn unplaced(shell: &mut Shell, width: i32, height: i32) -> Id {
    let content = Rect::new(0, 0, width, height);
    let id = shell.add(NewWindow { owner: WORK, role: Role::Toplevel, content, placed: false });
    shell.map(id);
    id
}

fn content(shell: &Shell, id: Id) -> Rect {
    shell.window(id).unwrap().content
}

fn frame(shell: &Shell, id: Id) -> Rect {
    shell.window(id).unwrap().frame
}

fn state(shell: &Shell, id: Id) -> State {
    shell.window(id).unwrap().state
}

fn stack(shell: &Shell) -> Vec<Id> {
    shell.stack().map(|window| window.id).collect()
}

/// All but that windows are to be told of the focus, which they are whenever it moves.
fn effects(shell: &mut Shell) -> Vec<Effect> {
    let all = std::iter::from_fn(|| shell.poll_effect());
    all.filter(|effect| !matches!(effect, Effect::Restyled { .. })).collect()
}

fn configured(shell: &mut Shell, id: Id) -> Option<Rect> {
    effects(shell).into_iter().find_map(|effect| match effect {
        Effect::Configure { id: of, content, .. } if of == id => Some(content),
        _ => None,
    })
}

fn title_of(shell: &Shell, id: Id) -> Point {
    frame(shell, id).origin().plus(Point::new(40, 14))
}

fn middle_of(shell: &Shell, id: Id, button: Button) -> Point {
    let window = shell.window(id).unwrap();
    window.frame.origin().plus(button.rect(window.frame.size(), window.insets).centre())
}

fn click(shell: &mut Shell, at: Point) {
    shell.pointer_motion(at);
    shell.pointer_press(at);
    shell.pointer_release();
}
