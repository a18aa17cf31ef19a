//! Icons of the tray.

use super::{
    OUTPUT, RED, WORK, added, click, configured, content, desktop, effects, frame, popup, shown, stack,
};
use crate::shell::geom::{Point, Rect, Size};
use crate::shell::tray::{ICON, MAX_SHOWN};
use crate::shell::{Direction, Hit, Id, Metrics, Owner, Role, Shell, Tile};

/// Height of the strip with the default measures.
const STRIP: i32 = ICON + 2 * 4 + 2 * 2;

const SOMEWHERE: Rect = Rect::new(100, 100, 300, 200);

fn docked(shell: &mut Shell, owner: Owner) -> Id {
    let id = added(shell, owner, Role::Toplevel, SOMEWHERE);
    shell.dock(id);
    id
}

fn middle(shell: &Shell, id: Id) -> Point {
    content(shell, id).centre()
}

/// What of the first output is left to windows.
fn work_area(shell: &Shell) -> Rect {
    shell.work_area(OUTPUT)
}

#[test]
fn icons_lie_at_the_lower_right_by_domain_and_age() {
    let mut shell = desktop();
    let red = docked(&mut shell, RED);
    let [first, second] = [WORK, WORK].map(|owner| docked(&mut shell, owner));
    let left = |column: i32| OUTPUT.right() - column * (ICON + 8 + 2) + 4;
    let y = OUTPUT.bottom() - 2 - 4 - ICON;
    for (id, column) in [(first, 1), (second, 2), (red, 3)] {
        assert_eq!(content(&shell, id), Rect::new(left(column), y, ICON, ICON));
        assert_eq!(frame(&shell, id), Rect::new(left(column) - 4, y - 4, ICON + 8, ICON + 8));
    }
    shell.remove(first);
    assert_eq!([second, red].map(|id| content(&shell, id).x), [left(1), left(2)]);
}

#[test]
fn the_owner_is_told_the_cell_and_nothing_else_is_to_be_had() {
    let mut shell = desktop();
    let id = docked(&mut shell, WORK);
    let cell = content(&shell, id);
    assert_eq!(configured(&mut shell, id), Some(cell));
    shell.request_geometry(id, SOMEWHERE);
    assert_eq!(configured(&mut shell, id), Some(cell), "a wish is answered by what is");
    shell.set_patient(id, true);
    shell.drawn(id, Size::new(4000, 4000), true);
    for change in [Shell::map, Shell::unmap, Shell::dock, Shell::toggle_maximise, Shell::step_back] {
        change(&mut shell, id);
    }
    shell.request_fullscreen(id, true);
    shell.request_minimise(id, true);
    shell.request_tile(id, Some(Tile::Left));
    shell.set_role(id, Role::Toplevel);
    shell.begin_move(id, cell.centre());
    shell.pointer_motion(Point::new(300, 300));
    assert_eq!((content(&shell, id), configured(&mut shell, id)), (cell, None));
    assert_eq!(shell.window(id).unwrap().role, Role::Icon);
}

#[test]
fn a_window_on_the_desktop_is_not_docked() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, SOMEWHERE);
    shell.dock(id);
    assert_eq!((shell.window(id).unwrap().role, work_area(&shell)), (Role::Toplevel, OUTPUT));
}

#[test]
fn windows_stay_clear_of_the_strip_until_the_tray_has_ended() {
    let mut shell = desktop();
    let [maximised, tiled, low] = [WORK, RED, WORK].map(|owner| shown(&mut shell, owner, SOMEWHERE));
    shell.request_maximise(maximised, true);
    shell.request_tile(tiled, Some(Tile::LowerRight));
    shell.request_geometry(low, Rect { y: OUTPUT.bottom() - 1, ..SOMEWHERE });
    let icon = docked(&mut shell, RED);
    let area = Rect { height: OUTPUT.height - STRIP, ..OUTPUT };
    assert_eq!(work_area(&shell), area);
    assert_eq!(frame(&shell, maximised), area);
    assert_eq!(frame(&shell, tiled), Tile::LowerRight.of(area));
    assert_eq!(frame(&shell, low).y, area.bottom() - Metrics::default().title_height, "can be grabbed");
    let menu = popup(&mut shell, WORK, Some(low), Rect::new(500, OUTPUT.bottom() - 20, 100, 60));
    assert_eq!(frame(&shell, menu).bottom(), area.bottom());

    shell.end_tray();
    assert_eq!(work_area(&shell), area, "not with an icon in it");
    shell.remove(icon);
    assert!(shell.tray_is_idle());
    assert_eq!(frame(&shell, maximised), area, "not before it is said");
    shell.end_tray();
    assert_eq!((frame(&shell, maximised), shell.tray_is_idle()), (OUTPUT, false));
}

#[test]
fn only_fullscreen_windows_cover_the_strip_and_only_while_nothing_is_over_them() {
    let mut shell = desktop();
    let [full, low] = [WORK, RED].map(|owner| shown(&mut shell, owner, SOMEWHERE));
    let high = shown(&mut shell, RED, SOMEWHERE);
    let icon = docked(&mut shell, RED);
    let reaching = Rect { y: OUTPUT.bottom() - 100, x: OUTPUT.right() - 350, ..SOMEWHERE };
    shell.request_geometry(low, reaching);
    let at = middle(&shell, icon);
    let is_seen = |shell: &Shell| matches!(shell.hit(at), Hit::Content { id, .. } if id == icon);
    assert!(is_seen(&shell));
    shell.raise(low);
    assert!(is_seen(&shell), "above a window that was raised");
    shell.set_allow_fullscreen(full, true);
    shell.request_fullscreen(full, true);
    shell.request_focus(full);
    assert!(!is_seen(&shell));
    assert_eq!(frame(&shell, full), OUTPUT);
    let menu = popup(&mut shell, WORK, Some(full), Rect { y: OUTPUT.bottom() - 50, ..reaching });
    assert!(!is_seen(&shell));
    assert_eq!(frame(&shell, menu).bottom(), OUTPUT.bottom(), "its menus have the whole output");
    shell.raise(high);
    assert!(!is_seen(&shell), "a window elsewhere does not bring the strip back");
    shell.raise(low);
    assert!(is_seen(&shell));
}

#[test]
fn a_click_gives_an_icon_the_keyboard_until_its_menu_closes() {
    let mut shell = desktop();
    let window = shown(&mut shell, WORK, SOMEWHERE);
    let other = shown(&mut shell, RED, Rect { x: 1500, y: 700, ..SOMEWHERE });
    let icon = docked(&mut shell, WORK);
    assert_eq!(shell.focused(), Some(other), "not by itself");
    let at = middle(&shell, icon);
    click(&mut shell, at);
    assert_eq!(shell.focused(), Some(icon));

    let menu = popup(&mut shell, WORK, Some(icon), Rect { x: 1600, y: 800, ..SOMEWHERE });
    assert_eq!(shell.base_of(menu), Some(icon));
    assert_eq!(stack(&shell), [window, other, menu, icon], "above the windows, and clear of the strip");
    assert_eq!(frame(&shell, menu).bottom(), 1000);
    shell.remove(menu);
    assert_eq!(shell.focused(), Some(other), "back where it was");

    click(&mut shell, at);
    shell.alt_tab(Direction::Forward);
    shell.alt_tab_end();
    assert_eq!(
        shell.focused(),
        Some(other),
        "icons are not gone through, and the window used last is the first"
    );
    click(&mut shell, at);
    shell.remove(icon);
    assert_eq!(shell.focused(), Some(other));
}

#[test]
fn a_press_elsewhere_takes_the_keyboard_from_an_icon() {
    let mut shell = desktop();
    let icon = docked(&mut shell, WORK);
    let (at, empty) = (middle(&shell, icon), Point::new(5, 1000));
    click(&mut shell, at);
    assert_eq!(shell.focused(), Some(icon));
    click(&mut shell, empty);
    assert_eq!(shell.focused(), None, "there is no window");

    let window = shown(&mut shell, RED, SOMEWHERE);
    // which belongs to no window, as menus of X11 programs do that say so little
    let [own, foreign] =
        [(WORK, 500), (RED, 700)].map(|(owner, x)| popup(&mut shell, owner, None, Rect { x, ..SOMEWHERE }));
    for (place, left) in [
        (empty, Some(window)),
        (middle(&shell, foreign), Some(window)),
        (middle(&shell, window), Some(window)),
        (middle(&shell, own), Some(icon)),
    ] {
        click(&mut shell, at);
        assert_eq!(shell.focused(), Some(icon));
        click(&mut shell, place);
        assert_eq!(shell.focused(), left, "{place:?}");
    }
}

#[test]
fn popups_of_icons_are_not_above_windows_for_ever() {
    let mut shell = desktop();
    let icon = docked(&mut shell, RED);
    let menu = popup(&mut shell, RED, Some(icon), SOMEWHERE);
    let window = shown(&mut shell, WORK, SOMEWHERE);
    assert_eq!(stack(&shell), [menu, window, icon]);
    // nor do dialogs get there by an icon
    let dialog = shown(&mut shell, RED, SOMEWHERE);
    shell.set_transient(dialog, Some(icon));
    shell.request_focus(window);
    assert_eq!(stack(&shell).last_chunk(), Some(&[window, icon]));
}

#[test]
fn a_domain_has_so_many_cells_and_leaves_some_to_others() {
    let mut shell = desktop();
    let cells = |shell: &Shell, owner| {
        shell.stack().filter(|window| window.role == Role::Icon && window.owner == owner).count()
    };
    let hostile: Vec<Id> = (0..1000).map(|_| docked(&mut shell, RED)).collect();
    assert_eq!(cells(&shell, RED), MAX_SHOWN);
    let late = docked(&mut shell, WORK);
    assert!(shell.is_visible(late));
    shell.remove(hostile[3]);
    assert!(shell.is_visible(hostile[MAX_SHOWN]), "the oldest that had none moves up");
    assert!(!shell.is_visible(hostile[MAX_SHOWN + 1]));

    // an output for 9 cells
    shell.set_outputs(vec![Rect::new(0, 0, 9 * (ICON + 10) + 2, 600)]);
    assert_eq!([cells(&shell, RED), cells(&shell, WORK)], [8, 1]);
    docked(&mut shell, WORK);
    assert_eq!([cells(&shell, RED), cells(&shell, WORK)], [7, 2]);
    for _ in 0..20 {
        docked(&mut shell, WORK);
    }
    assert_eq!([cells(&shell, RED), cells(&shell, WORK)], [4, 4]);
    let output = shell.outputs()[0];
    assert!(shell.stack().all(|window| output.encloses(window.frame)));
    // one that is too low for a strip
    shell.set_outputs(vec![Rect::new(0, 0, 600, 100)]);
    assert_eq!(shell.stack().count(), 0);
    assert_eq!(shell.work_area(shell.outputs()[0]), shell.outputs()[0]);
    effects(&mut shell);
    shell.remove_owner(RED);
    shell.remove_owner(WORK);
    assert!(shell.tray_is_idle());
}
