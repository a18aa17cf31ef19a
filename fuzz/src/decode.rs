//! Any bytes as a stream of messages: what is understood comes back byte for byte, however it was cut.

use core::fmt::Debug;

use gui_protocol::framing::Framer;
use gui_protocol::message::{AgentMessage, DaemonMessage, Message};
use gui_protocol::{Version, Violation, WindowId};

use crate::input::version;

/// What agents say.
pub fn agent(data: &[u8]) {
    decode::<AgentMessage>(data);
}

/// What daemons say.
pub fn daemon(data: &[u8]) {
    decode::<DaemonMessage>(data);
}

type Pulled<M> = (Vec<(WindowId, M)>, Option<Violation>);

/// One byte for the version, one for where to cut, then the stream.
fn decode<M: Message + Debug + PartialEq>(data: &[u8]) {
    let [minor, cut, stream @ ..] = data else { return };
    let version = version(*minor);
    let whole = in_one_piece::<M>(version, stream);
    let cut = in_pieces::<M>(version, stream, usize::from(*cut) + 1);
    assert_eq!(whole, cut);
}

fn in_one_piece<M: Message + Debug + PartialEq>(version: Version, stream: &[u8]) -> Pulled<M> {
    let mut framer = Framer::<M>::new(version);
    let mut rest = stream;
    let mut messages = Vec::new();
    loop {
        let (window, message) = match framer.pull(&mut rest) {
            Ok(Some(pulled)) => pulled,
            Ok(None) => return (messages, None),
            Err(violation) => return (messages, Some(violation)),
        };
        let mut again = Vec::new();
        message.encode(window, version, &mut again);
        // Older versions accept what they do not say: wrong lengths.
        if version >= Version::minor(6) {
            let read = stream.get(..stream.len() - rest.len()).unwrap_or_default();
            assert!(read.ends_with(&again), "{message:?} is said as {again:?}");
        }
        let mut again = again.as_slice();
        let pulled = Framer::<M>::new(version).pull(&mut again);
        assert!(
            matches!(pulled, Ok(Some((_, pulled))) if pulled == message),
            "{message:?} is not understood"
        );
        messages.push((window, message));
    }
}

fn in_pieces<M: Message>(version: Version, stream: &[u8], length: usize) -> Pulled<M> {
    let mut framer = Framer::new(version);
    let mut messages = Vec::new();
    for mut piece in stream.chunks(length) {
        loop {
            match framer.pull(&mut piece) {
                Ok(Some(pulled)) => messages.push(pulled),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
        assert!(piece.is_empty());
    }
    (messages, None)
}
