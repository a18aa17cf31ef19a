//! Keys and pointer go to one window, and the compositor's own combinations to none.

use crate::fixture::{App, Dom0, Personal, Untrusted, Who, Work, World, code};

/// Windows of three domains and of dom0 side by side, the last with the focus, and nothing in their inboxes.
fn four(world: &mut World) -> [App; 4] {
    let mut place = 0;
    let apps = [Personal, Work, Untrusted, Dom0].map(|who| {
        let app = world.app(who, 180, 150);
        world.put(app.id, 4 + 195 * place, 100);
        place += 1;
        app
    });
    forget(world, &apps);
    apps
}

fn forget(world: &mut World, apps: &[App]) {
    for app in apps {
        world.client(app.client).take_input();
    }
}

/// What each application got since last asked.
fn got(world: &mut World, apps: &[App; 4]) -> [Vec<String>; 4] {
    apps.each_ref().map(|app| world.client(app.client).take_input())
}

fn nothing() -> [Vec<String>; 4] {
    Default::default()
}

/// The middle of a window.
fn middle(world: &mut World, app: &App) -> (i32, i32) {
    let middle = world.content(app.id).centre();
    (middle.x, middle.y)
}

#[test]
fn keys_reach_the_focused_window_only() {
    let mut world = World::new();
    let apps = four(&mut world);
    for focused in [3, 0, 1, 2] {
        let (x, y) = middle(&mut world, &apps[focused]);
        world.click(x, y);
        assert_eq!(world.focused(), Some(apps[focused].id));
        // the pointer over another window changes nothing
        let (x, y) = middle(&mut world, &apps[(focused + 1) % 4]);
        world.motion(x, y);
        forget(&mut world, &apps);
        world.tap(code::A);
        let mut expected = nothing();
        expected[focused] = vec!["key 30 down".into(), "key 30 up".into()];
        assert_eq!(got(&mut world, &apps), expected);
    }
}

#[test]
fn modifiers_come_with_the_keys() {
    for mut world in [World::new(), World::of_1_8()] {
        let apps = four(&mut world);
        let (x, y) = middle(&mut world, &apps[0]);
        world.click(x, y);
        forget(&mut world, &apps);
        world.key(code::LEFT_SHIFT, true);
        world.tap(code::A);
        world.key(code::LEFT_SHIFT, false);
        let expected = [
            "key 42 down",
            "modifiers 0x1 locked 0x0",
            "key 30 down",
            "key 30 up",
            "key 42 up",
            "modifiers 0x0 locked 0x0",
        ];
        assert_eq!(got(&mut world, &apps)[0], expected);
    }
}

#[test]
fn a_held_key_stays_where_it_went_down() {
    let mut world = World::new();
    let apps = four(&mut world);
    let (x, y) = middle(&mut world, &apps[0]);
    world.click(x, y);
    forget(&mut world, &apps);
    world.key(code::LEFT_SHIFT, true);
    let (x, y) = middle(&mut world, &apps[1]);
    world.click(x, y);
    let input = got(&mut world, &apps);
    // the window that is left is not told of a release that has not been; leaving ends it all the same
    assert!(input[0].contains(&"key 42 down".into()) && input[0].contains(&"keyboard out".into()));
    // the one that comes next knows that Shift is down, but has not seen it go down
    assert!(!input[1].iter().any(|it| it.starts_with("key 42")), "{:?}", input[1]);
    assert!(input[1].contains(&"modifiers 0x1 locked 0x0".into()), "{:?}", input[1]);
    world.tap(code::A);
    let input = got(&mut world, &apps);
    assert_eq!(input[1], ["key 30 down", "key 30 up"]);
    world.key(code::LEFT_SHIFT, false);
    let input = got(&mut world, &apps);
    assert!(!input.iter().flatten().any(|it| it.contains("42")), "{input:?}");
}

#[test]
fn a_click_raises_and_focuses() {
    let mut world = World::new();
    let below = world.app(Personal, 200, 200);
    world.put(below.id, 50, 50);
    let above = world.app(Work, 200, 200);
    world.put(above.id, 150, 150);
    assert_eq!(world.focused(), Some(above.id));
    let seen_below = (120, 120);
    world.client(below.client).take_input();
    world.client(above.client).take_input();
    world.click(seen_below.0, seen_below.1);
    assert_eq!(world.focused(), Some(below.id));
    assert_eq!(world.windows().last().unwrap().id, below.id);
    world.assert_shown(below.id, Personal.colour());
    let local = (seen_below.0 - 54, seen_below.1 - 78);
    let input = world.client(below.client).take_input();
    assert_eq!(input[0], format!("pointer in {} {}", local.0, local.1));
    assert!(input.contains(&"keyboard in".into()), "{input:?}");
    assert_eq!(
        input.iter().filter(|it| it.starts_with("button")).collect::<Vec<_>>(),
        ["button 0x110 down", "button 0x110 up"]
    );
    let input = world.client(above.client).take_input();
    assert!(input.contains(&"keyboard out".into()), "{input:?}");
    assert!(!input.iter().any(|it| it.starts_with("button") || it.starts_with("pointer")), "{input:?}");
}

#[test]
fn alt_tab_goes_to_the_window_before() {
    let mut world = World::new();
    let apps = four(&mut world);
    let order = |world: &mut World| world.windows().iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(order(&mut world), apps.each_ref().map(|app| app.id));

    world.key(code::LEFT_ALT, true);
    world.tap(code::TAB);
    assert_eq!(world.focused(), Some(apps[3].id), "nothing is decided yet");
    world.tap(code::TAB);
    world.key(code::LEFT_ALT, false);
    assert_eq!(world.focused(), Some(apps[1].id), "two back");
    assert_eq!(order(&mut world).last(), Some(&apps[1].id));

    // none has seen the Tab, and those passed by nothing at all
    let input = got(&mut world, &apps);
    assert!(input[0].is_empty() && input[2].is_empty(), "{input:?}");
    assert!(!input.iter().flatten().any(|it| it.starts_with("key 15")), "{input:?}");

    world.key(code::LEFT_ALT, true);
    world.tap(code::TAB);
    world.key(code::LEFT_ALT, false);
    assert_eq!(world.focused(), Some(apps[3].id), "and back again");
}

#[test]
fn the_compositors_combinations_reach_nobody() {
    for who in [Personal, Dom0] {
        let mut world = World::new();
        let app = world.app(who, 100, 100);
        world.client(app.client).take_input();
        world.key(code::LEFT_ALT, true);
        world.tap(code::F4);
        world.tap(code::TAB);
        world.key(code::LEFT_ALT, false);
        let input = world.client(app.client).take_input();
        let keys: Vec<_> = input.iter().filter(|it| it.starts_with("key ")).collect();
        assert_eq!(keys, ["key 56 down", "key 56 up"], "Alt alone");
        assert_eq!(world.client(app.client).inbox.close_requests, 1, "Alt-F4 closes");
        // and without Alt the same keys are any keys
        world.tap(code::F4);
        assert_eq!(world.client(app.client).take_input(), ["key 62 down", "key 62 up"]);
    }
}

#[test]
fn the_pointer_enters_moves_and_leaves() {
    for who in [Personal, Dom0] {
        let mut world = World::new();
        let app = world.app(who, 200, 100);
        world.put(app.id, 100, 100);
        let content = world.content(app.id);
        world.client(app.client).take_input();
        world.motion(content.x, content.y);
        world.motion(content.x + 7, content.y + 9);
        world.motion(content.right() - 1, content.bottom() - 1);
        world.motion(content.right(), content.bottom() - 1);
        let input = world.client(app.client).take_input();
        assert_eq!(input, ["pointer in 0 0", "pointer 7 9", "pointer 199 99", "pointer out"], "{who:?}");
        // the frame is not the window's
        world.motion(content.x + 50, content.y - 10);
        assert_eq!(world.client(app.client).take_input(), [""; 0]);
    }
}

#[test]
fn buttons_and_wheels_arrive() {
    for who in [Personal, Dom0] {
        let mut world = World::of_1_8();
        let app = world.app(who, 200, 100);
        world.put(app.id, 100, 100);
        let content = world.content(app.id);
        world.motion(content.x + 5, content.y + 6);
        world.client(app.client).take_input();
        world.button(code::RIGHT, true);
        world.button(code::RIGHT, false);
        world.wheel(0.0, 1.0);
        world.wheel(0.0, -2.0);
        world.wheel(1.0, 0.0);
        let mut input = world.client(app.client).take_input();
        input.retain(|it| !it.starts_with("pointer "));
        let up: &[&str] = if who == Dom0 { &["wheel 0 -240"] } else { &["wheel 0 -120", "wheel 0 -120"] };
        let expected =
            [&["button 0x111 down", "button 0x111 up", "wheel 0 120"], up, &["wheel 1 120"]].concat();
        assert_eq!(input, expected);
    }
}

#[test]
fn a_button_held_down_keeps_the_pointer() {
    let mut world = World::new();
    let apps = four(&mut world);
    let content = world.content(apps[0].id);
    world.motion(content.x + 10, content.y + 10);
    world.button(code::LEFT, true);
    forget(&mut world, &apps);
    let (x, y) = middle(&mut world, &apps[1]);
    world.motion(x, y);
    let input = got(&mut world, &apps);
    assert_eq!(input[0], [format!("pointer {} {}", x - content.x, y - content.y)]);
    assert_eq!(input[1], [""; 0]);
    world.button(code::LEFT, false);
    let mut input = got(&mut world, &apps);
    // with a button comes the place where it was used, known already or not
    input[0].retain(|it| !it.starts_with("pointer 2"));
    assert_eq!(input[0], ["button 0x110 up", "pointer out"]);
    assert_eq!(input[1].len(), 1, "{input:?}");
    assert!(input[1][0].starts_with("pointer in"), "{input:?}");
}

/// A key held down, until it has repeated a few times.
fn hold(world: &mut World, app: &App) -> Vec<String> {
    world.client(app.client).take_input();
    world.key(code::A, true);
    world.until("repeats", |world| world.client(app.client).inbox.input.len() >= 7);
    world.key(code::A, false);
    world.client(app.client).take_input()
}

#[test]
fn a_held_key_repeats_as_release_and_press() {
    let mut world = World::new();
    let app = world.app(Personal, 100, 100);
    let input = hold(&mut world, &app);
    let expected: Vec<&str> = ["key 30 down", "key 30 up"].into_iter().cycle().take(input.len()).collect();
    assert_eq!(input, expected);
    assert_eq!(input.len() % 2, 0, "the last is a release");
}

#[test]
fn repeats_stop_with_the_focus() {
    let mut world = World::new();
    let apps = [Personal, Work].map(|who: Who| world.app(who, 100, 100));
    world.put(apps[0].id, 10, 10);
    world.put(apps[1].id, 300, 10);
    let app = &apps[1];
    world.client(app.client).take_input();
    world.key(code::A, true);
    world.until("repeats", |world| world.client(app.client).inbox.input.len() >= 3);
    world.click(60, 60);
    forget(&mut world, &apps);
    // the key stays down, but nobody has seen it go down
    let started = std::time::Instant::now();
    world.until("five repeats' time", |_| started.elapsed().as_millis() >= 50);
    assert_eq!(world.client(apps[0].client).take_input(), [""; 0]);
    assert_eq!(world.client(apps[1].client).take_input(), [""; 0]);
}
