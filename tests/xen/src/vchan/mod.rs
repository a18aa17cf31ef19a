//! Links between this domain and another: with libxenvchan at one end or at none, over rings of all sizes, broken in all
//! ways.

pub mod destroyed;
pub mod end;
mod hostile;
mod interop;

use shm_grant::DomId;

use crate::remote::Remote;
use crate::report::Report;

pub use hostile::{CLIENT_LIVE, ORDERS, RIGHT_PROD};

pub fn run(report: &mut Report, domain: DomId, filter: &str) -> anyhow::Result<()> {
    let mut remote = Remote::connect(domain)?;
    hostile::run(report, &mut remote, filter);
    interop::run(report, &mut remote, filter);
    Ok(())
}
