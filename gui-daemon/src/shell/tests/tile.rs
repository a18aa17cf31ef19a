//! Windows that fill a part of an output.

use super::*;

const RIGHT: Rect = Rect::new(1920, 0, 1280, 1024);

fn tile(shell: &Shell, id: Id) -> Option<Tile> {
    state(shell, id).tile()
}

/// Takes a window by its title to a place, without letting go.
fn drag(shell: &mut Shell, id: Id, to: Point) {
    let from = title_of(shell, id);
    shell.pointer_press(from);
    shell.pointer_motion(to);
}

#[test]
fn tiles_share_an_output_without_a_gap() {
    for output in [OUTPUT, RIGHT, Rect::new(-7, 13, 801, 601), Rect::new(0, 0, 1, 1)] {
        let area = |tile: Tile| tile.of(output).area();
        assert_eq!(area(Tile::Left) + area(Tile::Right), output.area());
        let [_, _, quarters @ ..] = Tile::ALL;
        assert_eq!(quarters.map(area).iter().sum::<i64>(), output.area());
        for (n, one) in quarters.iter().enumerate() {
            assert!(output.encloses(one.of(output)));
            let is_clear = |other: &Tile| one.of(output).intersection(other.of(output)).is_empty();
            assert!(quarters[..n].iter().all(is_clear), "{one:?} of {output:?}");
        }
        for tile in Tile::ALL {
            assert_eq!(Tile::at(tile.edges()), Some(tile));
        }
    }
    assert_eq!(Tile::at(Edges::NONE), None);
}

#[test]
fn two_halves_lie_beside_each_other_in_their_frames() {
    let mut shell = small_desktop();
    let a = shown(&mut shell, WORK, cells(3, 4, 12, 5));
    let b = shown(&mut shell, RED, cells(12, 8, 16, 4));
    shell.request_tile(a, Some(Tile::Left));
    shell.request_tile(b, Some(Tile::LowerRight));
    assert_picture(
        &shell,
        "
        AAAAAAAAAAAAAA__^xx#····················
        AAAAAAAAAAAAAA__^xx#····················
        %aaaaaaaaaaaaaaaaaa#····················
        %aaaaaaaaaaaaaaaaaa#····················
        %aaaaaaaaaaaaaaaaaa#····················
        %aaaaaaaaaaaaaaaaaa#····················
        %aaaaaaaaaaaaaaaaaa#····················
        %aaaaaaaaaaaaaaaaaa#····················
        %aaaaaaaaaaaaaaaaaa#####################
        %aaaaaaaaaaaaaaaaaa##BBBBBBBBBBBBB__^xxB
        %aaaaaaaaaaaaaaaaaa##bbbbbbbbbbbbbbbbbb%
        %aaaaaaaaaaaaaaaaaa##bbbbbbbbbbbbbbbbbb%
        %aaaaaaaaaaaaaaaaaa##bbbbbbbbbbbbbbbbbb%
        %aaaaaaaaaaaaaaaaaa##bbbbbbbbbbbbbbbbbb%
        %aaaaaaaaaaaaaaaaaa##bbbbbbbbbbbbbbbbbb%
        %%%%%%%%%%%%%%%%%%%##%%%%%%%%%%%%%%%%%%%
        ",
    );
}

#[test]
fn a_tile_is_undone_by_asking_again_and_step_by_step() {
    let mut shell = desktop();
    let place = Rect::new(500, 400, 400, 300);
    let id = shown(&mut shell, WORK, place);
    shell.toggle_tile(id, Tile::Left);
    assert_eq!(frame(&shell, id), Rect::new(0, 0, 960, 1080));
    shell.toggle_tile(id, Tile::Right);
    assert_eq!(frame(&shell, id), Rect::new(960, 0, 960, 1080));
    shell.toggle_tile(id, Tile::Right);
    assert_eq!((tile(&shell, id), content(&shell, id)), (None, place));

    shell.toggle_tile(id, Tile::Right);
    shell.request_maximise(id, true);
    assert_eq!((tile(&shell, id), frame(&shell, id)), (None, OUTPUT));
    shell.step_back(id);
    assert_eq!(frame(&shell, id), Rect::new(960, 0, 960, 1080), "as it was before");
    shell.step_back(id);
    assert_eq!(content(&shell, id), place);
    shell.step_back(id);
    assert!(state(&shell, id).minimised);

    shell.request_focus(id);
    shell.request_maximise(id, true);
    shell.toggle_tile(id, Tile::Left);
    assert_eq!(tile(&shell, id), Some(Tile::Left), "a maximised window needs no way over its normal place");
}

#[test]
fn a_fullscreen_window_is_not_tiled_but_can_step_back() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.set_allow_fullscreen(id, true);
    shell.request_fullscreen(id, true);
    shell.toggle_tile(id, Tile::Left);
    assert_eq!((state(&shell, id).tiled, frame(&shell, id)), (None, OUTPUT));
    shell.step_back(id);
    assert_eq!(state(&shell, id), State::default());
}

#[test]
fn its_owner_cannot_choose_the_size_of_a_tile_and_is_told_it() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    effects(&mut shell);
    shell.request_tile(id, Some(Tile::Left));
    let inside = Rect::new(4, 28, 952, 1048);
    let told = effects(&mut shell);
    let states = State { tiled: Some(Tile::Left), ..State::default() };
    assert!(told.contains(&Effect::Configure { id, content: inside, states }), "{told:?}");
    shell.request_geometry(id, Rect::new(0, 0, 10, 10));
    assert_eq!(configured(&mut shell, id), Some(inside));
}

#[test]
fn an_edge_of_the_output_means_its_part_there() {
    let places = [
        ((0, 540), Tile::Left.of(OUTPUT)),
        ((7, 300), Tile::Left.of(OUTPUT)),
        ((1912, 540), Tile::Right.of(OUTPUT)),
        ((0, 269), Tile::UpperLeft.of(OUTPUT)),
        ((0, 0), Tile::UpperLeft.of(OUTPUT)),
        ((1919, 810), Tile::LowerRight.of(OUTPUT)),
        ((0, 1079), Tile::LowerLeft.of(OUTPUT)),
        ((1919, 0), Tile::UpperRight.of(OUTPUT)),
        ((960, 7), OUTPUT),
    ];
    for ((x, y), area) in places {
        let mut shell = desktop();
        let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
        drag(&mut shell, id, Point::new(x, y));
        assert_eq!(shell.landing_place(), Some((id, area)), "{x},{y}");
        assert_ne!(frame(&shell, id), area, "not before it is let go of");
        shell.pointer_release();
        assert_eq!((frame(&shell, id), shell.landing_place()), (area, None), "{x},{y}");
        assert_eq!(state(&shell, id).maximised, area == OUTPUT);
    }
    for (x, y) in [(8, 540), (1911, 540), (960, 8), (960, 1079)] {
        let mut shell = desktop();
        let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
        drag(&mut shell, id, Point::new(x, y));
        assert_eq!(shell.landing_place(), None, "{x},{y}");
        shell.pointer_release();
        assert_eq!(state(&shell, id), State::default(), "{x},{y}");
    }
}

#[test]
fn a_window_that_begins_at_the_edge_is_only_moved_along_it() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 28, 400, 300));
    shell.begin_move(id, Point::new(600, 6));
    shell.pointer_motion(Point::new(700, 6));
    assert_eq!(shell.landing_place(), None);
    shell.pointer_motion(Point::new(700, 100));
    shell.pointer_motion(Point::new(700, 6));
    assert_eq!(shell.landing_place(), Some((id, OUTPUT)), "it has been away");
    shell.pointer_motion(Point::new(700, 100));
    shell.pointer_release();
    assert_eq!(state(&shell, id), State::default(), "only where it is let go of counts");
}

#[test]
fn a_tile_comes_off_under_the_pointer_and_keeps_its_size_when_resized() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.request_tile(id, Some(Tile::Right));
    shell.pointer_press(Point::new(1440, 14));
    shell.pointer_motion(Point::new(1443, 16));
    assert_eq!(tile(&shell, id), Some(Tile::Right), "a hand may shake");
    shell.pointer_motion(Point::new(1440, 200));
    assert_eq!((tile(&shell, id), frame(&shell, id)), (None, Rect::new(1440 - 204, 186, 408, 332)));
    shell.pointer_release();

    shell.request_tile(id, Some(Tile::Right));
    let hit = shell.pointer_press(Point::new(961, 500));
    assert_eq!(hit, Hit::Frame { id, part: FramePart::Edge(Edges { left: true, ..Edges::NONE }) });
    shell.pointer_motion(Point::new(861, 500));
    assert_eq!((state(&shell, id), frame(&shell, id)), (State::default(), Rect::new(860, 0, 1060, 1080)));
}

#[test]
fn a_tile_follows_its_output() {
    let mut shell = Shell::new(Metrics::default(), vec![OUTPUT, RIGHT]);
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    drag(&mut shell, id, Point::new(3199, 500));
    shell.pointer_release();
    assert_eq!(frame(&shell, id), Tile::Right.of(RIGHT));
    let smaller = Rect::new(1920, 0, 800, 600);
    shell.set_outputs(vec![OUTPUT, smaller]);
    assert_eq!(frame(&shell, id), Tile::Right.of(smaller));
    shell.set_outputs(vec![OUTPUT]);
    assert_eq!(frame(&shell, id), Tile::Right.of(OUTPUT));
}

#[test]
fn the_output_with_the_pointer_is_filled_however_large_the_window_is() {
    let mut shell = Shell::new(Metrics::default(), vec![OUTPUT, RIGHT]);
    let id = shown(&mut shell, WORK, Rect::new(100, 100, 1700, 900));
    shell.begin_move(id, Point::new(1750, 90));
    shell.pointer_motion(Point::new(1924, 500));
    assert!(frame(&shell, id).x < 300, "most of it is on the other one");
    shell.pointer_release();
    assert_eq!(frame(&shell, id), Tile::Left.of(RIGHT));
    shell.step_back(id);
    assert!(RIGHT.encloses(frame(&shell, id)), "and restored on it: {:?}", frame(&shell, id));
}

#[test]
fn a_tile_that_draws_at_its_size_waits_for_its_content() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.set_patient(id, true);
    shell.drawn(id, Size::new(400, 300), true);
    effects(&mut shell);
    shell.request_tile(id, Some(Tile::Left));
    assert_eq!(configured(&mut shell, id), Some(Rect::new(4, 28, 952, 1048)));
    assert_eq!(content(&shell, id), Rect::new(500, 400, 400, 300), "not yet");
    shell.drawn(id, Size::new(950, 1040), true);
    assert_eq!(frame(&shell, id), Tile::Left.of(OUTPUT), "its own size does not change the frame");
}
