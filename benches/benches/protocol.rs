//! Messages per second: taken from the stream (`decode`), and taken in by the connections, which check them against the
//! state of their windows and give events (`validate`).

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use gui_protocol::{
    AgentConfig, AgentConn, BufferSerial, DaemonConfig, DaemonConn, GrantRef, Limits, NewCommit, PixelFormat,
    Rect, Screen, Version, WindowId,
    framing::Framer,
    message::{AgentMessage, DaemonMessage, Message, Row},
};

/// Messages handled at a time: more than the daemon reads at once of the small ones, so that the loop is what counts.
const BATCH: usize = 64;
/// Pages of a 1920x1080 window.
const PAGES: u32 = 2025;
const WINDOW: WindowId = WindowId(1);
const SCREEN: Screen = Screen { width: 1920, height: 1080, depth: 24, mem_kib: 8100 };
const GEOMETRY: Rect = Rect::new(100, 100, 1920, 1080);
const NOW: Duration = Duration::ZERO;

fn decode(criterion: &mut Criterion) {
    decode_direction::<AgentMessage>(criterion, "decode/agent");
    decode_direction::<DaemonMessage>(criterion, "decode/daemon");
}

fn decode_direction<M: Message>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(BATCH as u64));
    for row in M::TABLE {
        let message = M::decode(row.kind, &vec![0; usual_bytes(row)]).expect("a length of the table");
        let bytes = encode(&[message]).repeat(BATCH);
        group.bench_function(row.name, |bencher| {
            let mut framer = Framer::<M>::new(Version::BASE);
            bencher.iter(|| {
                let mut input = black_box(bytes.as_slice());
                while let Some(message) = framer.pull(&mut input).expect("a legal message") {
                    black_box(message);
                }
            });
        });
    }
    group.finish();
}

/// Bytes of a body as it usually is: the largest window's buffer and the longest clipboard are rare.
fn usual_bytes(row: &Row) -> usize {
    let usual = match row.name {
        "WINDOW_DUMP" | "MFNDUMP" => row.length.min + 4 * PAGES,
        "CLIPBOARD_DATA" => 1024,
        _ => row.length.min,
    };
    usual as usize
}

fn encode<M: Message>(messages: &[M]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        message.encode(WINDOW, Version::BASE, &mut bytes);
    }
    bytes
}

/// The daemon's end, each time with one mapped window that has a buffer.
fn validate_agent(criterion: &mut Criterion) {
    use AgentMessage as M;
    let Rect { x, y, width, height } = GEOMETRY;
    let create = M::Create { x, y, width, height, parent: WindowId(0), override_redirect: 0 };
    let map = M::Map { transient_for: WindowId(0), override_redirect: 0 };
    let dump = M::WindowDump {
        kind: 0,
        width,
        height,
        bits_per_pixel: 24,
        refs: (0..PAGES).map(GrantRef).collect(),
    };
    let hints = M::WindowHints {
        flags: 16 | 32,
        min_width: 100,
        min_height: 100,
        max_width: 1920,
        max_height: 1080,
        width_increment: 0,
        height_increment: 0,
        base_width: 0,
        base_height: 0,
    };
    let mut title = [0; 128];
    title[..14].copy_from_slice(b"a window title");
    let class = M::WmClass { class: [b'a'; 64], name: [b'b'; 64] };
    let window = encode(&[create.clone(), map.clone(), dump.clone()]);

    let mut group = criterion.benchmark_group("validate/agent");
    let mut case = |name: &str, before: &[M], messages: &[M], commands: fn(&mut DaemonConn)| {
        let (before, bytes) = (encode(before), encode(messages).repeat(BATCH));
        let prepare = || {
            let mut conn = daemon_conn();
            take_in(&mut conn, &window);
            take_in(&mut conn, &before);
            commands(&mut conn);
            conn
        };
        bench_connection(&mut group, name, messages.len(), prepare, |conn| take_in(conn, black_box(&bytes)));
    };
    let nothing: fn(&mut DaemonConn) = |_| {};
    case("CREATE and DESTROY", &[M::Destroy {}], &[create, M::Destroy {}], nothing);
    case("MAP and UNMAP", &[M::Unmap {}], &[map, M::Unmap {}], nothing);
    let configure = |x| M::Configure { x, y, width, height, override_redirect: 0 };
    case("CONFIGURE", &[], &[configure(1), configure(2)], nothing);
    case("SHMIMAGE", &[], &[M::ShmImage { x: 10, y: 10, width: 64, height: 64 }], nothing);
    case("CLIPBOARD_DATA", &[], &[M::ClipboardData { data: vec![b'x'; 1024] }], |conn| {
        conn.request_clipboard(WINDOW);
    });
    case("WMNAME", &[], &[M::WmName { title }], nothing);
    case("DOCK", &[M::Unmap {}], &[M::Dock {}], nothing);
    case("WINDOW_HINTS", &[], &[hints], nothing);
    case("WINDOW_FLAGS", &[], &[M::WindowFlags { set: 1, unset: 4 }], nothing);
    case("WMCLASS", &[M::Unmap {}], &[class], nothing);
    case("WINDOW_DUMP", &[], &[dump], nothing);
    case("CURSOR", &[], &[M::Cursor { cursor: 0x144 }], nothing);
    group.finish();
}

/// The agent's end, each time with one mapped window that has a buffer.
fn validate_daemon(criterion: &mut Criterion) {
    use DaemonMessage as M;
    let Rect { x, y, width, height } = GEOMETRY;
    let mut group = criterion.benchmark_group("validate/daemon");
    let mut case = |name: &str, message: M, commands: fn(&mut AgentConn)| {
        let bytes = encode(&[message]).repeat(BATCH);
        let prepare = || {
            let mut conn = agent_conn();
            commands(&mut conn);
            flush(&mut conn);
            conn
        };
        bench_connection(&mut group, name, 1, prepare, |conn| {
            conn.handle_bytes(black_box(&bytes), NOW).expect("legal messages");
            while let Some(event) = conn.poll_event() {
                black_box(event);
            }
            flush(conn);
        });
    };
    let nothing: fn(&mut AgentConn) = |_| {};
    case("KEYPRESS", M::Keypress { kind: 2, x: 5, y: 5, state: 0, keycode: 38 }, nothing);
    case("BUTTON", M::Button { kind: 4, x: 5, y: 5, state: 0, button: 1 }, nothing);
    case("MOTION", M::Motion { x: 5, y: 5, state: 0, is_hint: 0 }, nothing);
    let crossing = M::Crossing { kind: 7, x: 5, y: 5, state: 0, mode: 0, detail: 0, focus: 1 };
    case("CROSSING", crossing, nothing);
    case("FOCUS", M::Focus { kind: 9, mode: 0, detail: 0 }, nothing);
    case("MAP", M::Map { transient_for: WindowId(0), override_redirect: 0 }, nothing);
    case("CONFIGURE", M::Configure { x, y, width, height, override_redirect: 0 }, nothing);
    case("CLOSE", M::Close {}, nothing);
    case("CLIPBOARD_REQ", M::ClipboardReq {}, nothing);
    case("CLIPBOARD_DATA", M::ClipboardData { data: vec![b'x'; 1024] }, nothing);
    case("KEYMAP_NOTIFY", M::KeymapNotify { keys: [0; 32] }, nothing);
    case("WINDOW_FLAGS", M::WindowFlags { set: 1, unset: 0 }, nothing);
    case("WINDOW_DUMP_ACK", M::WindowDumpAck {}, |conn| {
        // with the one that the window has already
        (1..BATCH).for_each(|_| give_buffer(conn));
    });
    group.finish();
}

fn bench_connection<C>(
    group: &mut criterion::BenchmarkGroup<'_, WallTime>,
    name: &str,
    messages: usize,
    prepare: impl Fn() -> C,
    handle: impl Fn(&mut C),
) {
    group.throughput(Throughput::Elements((messages * BATCH) as u64));
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            &prepare,
            |mut conn| {
                handle(&mut conn);
                conn
            },
            BatchSize::SmallInput,
        );
    });
}

/// A daemon's end after the greetings, with no window.
fn daemon_conn() -> DaemonConn {
    let config = DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor: Version::BASE.minor };
    let mut conn = DaemonConn::new(config, NOW);
    take_in(&mut conn, &Version::BASE.to_wire().to_le_bytes());
    conn
}

/// What a daemon does with what it reads.
fn take_in(conn: &mut DaemonConn, bytes: &[u8]) {
    conn.handle_bytes(bytes, NOW).expect("legal messages");
    while let Some(event) = conn.poll_event() {
        if let gui_protocol::DaemonEvent::Buffer { window, .. } = &event {
            conn.buffer_done(*window);
        }
        black_box(event);
    }
    conn.transmitted(conn.transmit().len());
}

/// An agent's end after the greetings, with one mapped window.
fn agent_conn() -> AgentConn {
    let mut conn = AgentConn::new(AgentConfig { max_minor: Version::BASE.minor }, NOW);
    conn.connected(NOW);
    flush(&mut conn);
    let Screen { width, height, depth, mem_kib } = SCREEN;
    let greeting = [Version::BASE.to_wire(), width, height, depth, mem_kib];
    let greeting: Vec<u8> = greeting.into_iter().flat_map(u32::to_le_bytes).collect();
    conn.handle_bytes(&greeting, NOW).expect("a greeting");
    conn.create(WINDOW, GEOMETRY, None, false).expect("the first window");
    give_buffer(&mut conn);
    conn.map(WINDOW, None);
    while conn.poll_event().is_some() {}
    flush(&mut conn);
    conn
}

fn give_buffer(conn: &mut AgentConn) {
    let refs = (0..PAGES).map(GrantRef).collect();
    let Rect { width, height, .. } = GEOMETRY;
    let buffer = conn.add_buffer(WINDOW, width, height, PixelFormat::Xrgb8888, refs);
    conn.commit(WINDOW, NewCommit::whole(buffer, width, height));
    if let Some(before) = buffer.0.checked_sub(1) {
        conn.remove_buffer(WINDOW, BufferSerial(before));
    }
    flush(conn);
}

/// The channel takes everything.
fn flush(conn: &mut AgentConn) {
    while !conn.transmit().is_empty() {
        conn.transmitted(conn.transmit().len());
    }
}

/// Figures within a few per cent, and the whole in half a minute: there are sixty of them.
fn settings() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
}

criterion_group! { name = benches; config = settings(); targets = decode, validate_agent, validate_daemon }
criterion_main!(benches);
