//! Programs started for the GUI domain, who may come to the front, and the barrier.

use std::{fs, io::ErrorKind};

use gui_protocol::{ButtonInput, CrossingInput, Wish};
use rustix::process::{Pid, test_kill_process};
use transom_tests::client::show;

use crate::{
    fixture::World,
    windows::{BLUE, RED, another_window, window},
};

/// Runs a line of shell and waits for the file it makes, whose content is returned with the process's number.
fn run(world: &mut World, token: u32, script: &str) -> (u32, String) {
    let out = world.dir.path().join("out");
    let script = format!("({script}) > {0}.part; mv {0}.part {0}", out.display());
    assert!(world.daemon().conn.run(token, &["sh", "-c", &script]));
    let mut content = String::new();
    world.until("the program's words", |_| match fs::read_to_string(&out) {
        Ok(read) => {
            content = read;
            true
        }
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => panic!("{error}"),
    });
    fs::remove_file(out).unwrap();
    world.settle();
    let (ran, result) = world.daemon().run_results.pop().unwrap();
    assert_eq!(ran, token);
    (result.unwrap(), content)
}

#[test]
fn a_program_runs_among_this_domains_applications() {
    let mut world = World::extended();
    let (pid, words) = run(
        &mut world,
        5,
        "echo $WAYLAND_DISPLAY; echo ${DISPLAY-none} ${WAYLAND_SOCKET-none} $XDG_SESSION_TYPE; \
         test -n \"$XDG_ACTIVATION_TOKEN\" && test \"$XDG_ACTIVATION_TOKEN\" = \"$DESKTOP_STARTUP_ID\" && echo tokens; \
         readlink /proc/self/fd/0; cut -d ' ' -f 5 /proc/$$/stat; echo $$",
    );
    let words: Vec<_> = words.lines().collect();
    let socket = world.agent.socket_path();
    assert_eq!(words[..4], [socket.to_str().unwrap(), "none none wayland", "tokens", "/dev/null"]);
    assert_eq!(words[4..], [pid.to_string(), pid.to_string()], "it leads a process group of its own");
    // and leaves nothing behind
    let pid = Pid::from_raw(pid as i32).unwrap();
    world.until("the end of the program", |_| test_kill_process(pid).is_err());
}

#[test]
fn words_are_not_given_to_a_shell() {
    let mut world = World::extended();
    let file = world.dir.path().join("a b;c");
    assert!(world.daemon().conn.run(1, &["touch", file.to_str().unwrap()]));
    world.until("the file", |_| file.exists());
}

#[test]
fn what_cannot_be_started_is_an_error_number() {
    let mut world = World::extended();
    let no_program = world.dir.path().join("nothing");
    let no_program = no_program.to_str().unwrap();
    let no_permission = world.dir.path().join("text");
    fs::write(&no_permission, "").unwrap();
    world.daemon().conn.run(1, &[no_program]);
    world.daemon().conn.run(2, &[no_permission.to_str().unwrap(), "x"]);
    world.settle();
    let number = |error: rustix::io::Errno| Err(error.raw_os_error() as u32);
    let expected = [(1, number(rustix::io::Errno::NOENT)), (2, number(rustix::io::Errno::ACCESS))];
    assert_eq!(world.daemon().run_results, expected);
}

#[test]
fn a_program_brings_its_window_to_the_front_by_its_token() {
    let mut world = World::extended();
    let (_, token) = run(&mut world, 77, "echo $XDG_ACTIVATION_TOKEN");
    let (client, toplevel, _buffer, id) = window(&mut world, 20, 20, RED);
    world.client(client).activate("no such token", &toplevel.surface);
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes, []);
    world.client(client).activate(token.trim(), &toplevel.surface);
    world.client(client).activate(token.trim(), &toplevel.surface);
    world.settle();
    assert_eq!(world.daemon().seen(id).wishes, [Wish::Activate(77)], "once");
}

#[test]
fn a_window_activated_before_it_is_there_comes_to_the_front() {
    let mut world = World::extended();
    let (_, token) = run(&mut world, 78, "echo $XDG_ACTIVATION_TOKEN");
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    world.client(client).activate(token.trim(), &toplevel.surface);
    world.settle();
    let buffer = world.client(client).buffer(20, 20, RED);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    let id = world.daemon().newest();
    assert_eq!(world.daemon().seen(id).wishes, [Wish::Activate(78)]);
}

#[test]
fn an_application_may_ask_for_attention_while_the_user_is_at_it() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 20, 20, RED);
    let (other, _other_buffer, other_id) = another_window(&mut world, client, 20, 20, BLUE);
    let activate_by = |world: &mut World, serial| {
        world.client(client).ask_for_token(serial);
        world.settle();
        let token = world.client(client).inbox.tokens.pop().expect("a token in any case");
        world.client(client).activate(&token, &other.surface);
        world.settle();
        std::mem::take(&mut world.daemon().seen(other_id).wishes)
    };
    assert_eq!(activate_by(&mut world, None), [], "for no reason");
    assert_eq!(activate_by(&mut world, Some(u32::MAX)), [], "the user is elsewhere");
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(id, entered, &[0; 32]);
    world.daemon().conn.button(id, ButtonInput { pressed: true, x: 1, y: 1, state: 0, button: 1 });
    world.settle();
    let click = world.client(client).inbox.serial;
    assert_eq!(activate_by(&mut world, Some(click)), [Wish::Activate(0)]);
    assert_eq!(activate_by(&mut world, Some(click.wrapping_sub(1000))), [], "long ago");
    drop(toplevel);
}

#[test]
fn the_answer_to_a_barrier_comes_last() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.client(client).take_input();
    world.daemon().conn.focus(id, true, &[0; 32]);
    assert!(world.daemon().conn.sync(9));
    world.until("the answer", |world| world.daemon().synced == [9]);
    // all that came before has reached the client's socket by then
    world.client(client).pump();
    assert!(world.client(client).take_input().contains(&"keyboard in".into()));
    drop(toplevel);
}
