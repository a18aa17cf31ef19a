//! Bytes per second through one thread: the ring in memory alone, and whole links with their system calls.

use std::{sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shm_grant::{
    Address, Backend, Client, DomId, Event, Pages, Server,
    ring::{Layout, Order, Ring, RingPages},
};

/// A `SHMIMAGE` message, two small ones of the usual sizes, and as much as a ring of the GUI protocol holds.
const CHUNKS: [usize; 4] = [28, 256, 1024, 4096];

fn ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    for (name, order) in [("1 page", Order::ONE_PAGE), ("256 pages", Order::new(20).expect("an order"))] {
        for chunk in CHUNKS {
            let (mut server, mut client) = ring_pair(order);
            let (bytes, mut into) = (vec![7; chunk], vec![0; chunk]);
            group.throughput(Throughput::Bytes(chunk as u64));
            group.bench_function(BenchmarkId::new(name, chunk), |bencher| {
                bencher.iter(|| {
                    let written = server.write(&bytes).expect("a sound ring");
                    let read = client.read(&mut into).expect("a sound ring");
                    assert_eq!((written.bytes, read.bytes), (chunk, chunk));
                });
            });
        }
    }
    group.finish();
}

fn ring_pair(order: Order) -> (Ring, Ring) {
    let layout = Layout::new(order, order).expect("two rings in pages of their own");
    let pages = |bytes| Arc::new(Pages::anonymous(bytes).expect("memory"));
    let control = pages(1);
    let ring = || RingPages::Writable(pages(order.bytes() as usize));
    let (left, right) = (ring(), ring());
    let server = Ring::serve(layout, control.clone(), left.clone(), right.clone(), &[]);
    let client = Ring::join(layout, control, left, right);
    (server.expect("a server's end"), client.expect("a client's end"))
}

fn link(criterion: &mut Criterion) {
    for (name, backend) in [("link/socket", Backend::Socket), ("link/ring", Backend::Ring)] {
        let mut group = criterion.benchmark_group(name);
        for chunk in CHUNKS {
            let mut pair = LinkPair::connect(backend);
            let (bytes, mut into) = (vec![7; chunk], vec![0; chunk]);
            group.throughput(Throughput::Bytes(chunk as u64));
            group.bench_function(BenchmarkId::from_parameter(chunk), |bencher| {
                bencher.iter(|| pair.transfer(&bytes, &mut into));
            });
        }
        group.finish();
    }
}

/// Both ends of a link. The folder of their sockets goes last.
struct LinkPair {
    server: Server,
    client: Client,
    _directory: tempfile::TempDir,
}

impl LinkPair {
    fn connect(backend: Backend) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let address = Address::new(backend, DomId(5), DomId(0), 6000).in_directory(directory.path());
        let server = Server::bind(&address).expect("a server");
        let client = Client::new(&address).expect("a client");
        let mut pair = Self { server, client, _directory: directory };
        let (mut served, mut joined) = (false, false);
        while !(served && joined) {
            while let Some(event) = pair.server.poll_event() {
                served |= matches!(event, Event::Connected);
            }
            while let Some(event) = pair.client.poll_event() {
                joined |= matches!(event, Event::Connected);
            }
        }
        pair
    }

    /// Both ends as their event loops drive them, without the waiting.
    fn transfer(&mut self, bytes: &[u8], into: &mut [u8]) {
        let (mut written, mut read) = (0, 0);
        while read < bytes.len() {
            while self.server.poll_event().is_some() {}
            written += self.server.write(&bytes[written..]);
            while let Some(event) = self.client.poll_event() {
                assert!(!matches!(event, Event::Disconnected(_)), "{event:?}");
                if matches!(event, Event::Readable) {
                    read += self.client.read(&mut into[read..]);
                }
            }
        }
    }
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
}

criterion_group! { name = benches; config = settings(); targets = ring, link }
criterion_main!(benches);
