//! What is taken of real dma-bufs, and what is refused of them though they are real.

use anyhow::{Context as _, ensure};
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{wl_buffer::WlBuffer, wl_registry};
use wayland_client::{Connection, Dispatch, EventQueue, QueueHandle, delegate_noop, event_created_child};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::{self, Flags, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

use super::{Card, Memory};
use crate::report::Report;

/// How many an agent takes at a time.
const MOST: usize = 256;

/// A side of the buffers, in pixels.
const SIDE: u32 = 16;

/// # Errors
/// If there is no such driver, or no compositor that takes its memory.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let card = Card::open()?;
    let memory = card.memory(SIDE, SIDE)?;
    let mut client = Client::connect()?;
    report.check("one is taken", || {
        client.asks(&card, &memory, Flags::empty())?.context("it was refused")?.destroy();
        Ok(())
    });
    report.check("fields are taken as the rows they lie in", || {
        client.asks(&card, &memory, Flags::Interlaced)?.context("it was refused")?.destroy();
        Ok(())
    });
    report.check("one that is upside down is refused", || {
        ensure!(client.asks(&card, &memory, Flags::YInvert)?.is_none(), "it was taken");
        Ok(())
    });
    report.check("so many are taken and no more, of all clients together", || {
        let mut neighbour = Client::connect()?;
        let mut taken = Vec::new();
        for number in 0..MOST {
            let client = if number % 2 == 0 { &mut client } else { &mut neighbour };
            let buffer = client.asks(&card, &memory, Flags::empty())?;
            taken.push(buffer.with_context(|| format!("the one after {number} was refused"))?);
        }
        ensure!(client.asks(&card, &memory, Flags::empty())?.is_none(), "one more was taken of a client");
        ensure!(neighbour.asks(&card, &memory, Flags::empty())?.is_none(), "one more was taken of the other");
        taken.pop().context("there are none")?.destroy();
        neighbour.queue.roundtrip(&mut neighbour.inbox)?;
        client.asks(&card, &memory, Flags::empty())?.context("no other was taken in the place of one")?;
        Ok(())
    });
    report.check("those of clients that have gone are forgotten", || {
        drop(client);
        let mut client = Client::connect()?;
        client.asks(&card, &memory, Flags::empty())?.context("it was refused")?;
        Ok(())
    });
    Ok(())
}

struct Client {
    queue: EventQueue<Inbox>,
    handle: QueueHandle<Inbox>,
    dmabuf: ZwpLinuxDmabufV1,
    inbox: Inbox,
}

/// What has become of the buffer that was asked for last.
#[derive(Default)]
struct Inbox {
    made: Option<Option<WlBuffer>>,
}

impl Client {
    fn connect() -> anyhow::Result<Self> {
        let (globals, queue) = registry_queue_init(&Connection::connect_to_env()?)?;
        let handle = queue.handle();
        let dmabuf = globals.bind(&handle, 3..=3, ())?;
        Ok(Self { queue, handle, dmabuf, inbox: Inbox::default() })
    }

    /// Asks for a buffer, and has it if it was made.
    fn asks(&mut self, card: &Card, memory: &Memory, flags: Flags) -> anyhow::Result<Option<WlBuffer>> {
        let params = card.describe(memory, &self.dmabuf, &self.handle)?;
        let [width, height] = memory.size();
        params.create(width, height, Memory::FORMAT, flags);
        self.queue.roundtrip(&mut self.inbox)?;
        params.destroy();
        self.inbox.made.take().context("no answer came")
    }
}

impl Dispatch<ZwpLinuxBufferParamsV1, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &ZwpLinuxBufferParamsV1,
        event: zwp_linux_buffer_params_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        inbox.made = Some(match event {
            zwp_linux_buffer_params_v1::Event::Created { buffer } => Some(buffer),
            _ => None,
        });
    }

    event_created_child!(Self, ZwpLinuxBufferParamsV1, [
        zwp_linux_buffer_params_v1::EVT_CREATED_OPCODE => (WlBuffer, ())
    ]);
}

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for Inbox {
    fn event(
        _: &mut Self,
        _: &wl_registry::WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(Inbox: ignore ZwpLinuxDmabufV1);
delegate_noop!(Inbox: ignore WlBuffer);
