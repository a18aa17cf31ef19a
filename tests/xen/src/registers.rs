//! Whether a domain's vector registers stay its own while other domains run.
//!
//! The compiler keeps floating point numbers in vector registers. A calculation in which every step needs the last one's
//! result, and in which the smallest difference grows, is repeated; if anything else ever writes to a register on the
//! way, it ends elsewhere than the time before.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::report::Report;

/// Long against a domain's turn on the processor, which is 30 ms at most under Xen's default scheduler.
const STEPS: u32 = 3_000_000;
/// The logistic map is chaotic here.
const RATE: f64 = 3.99;

/// Calculates again and again for `duration`, and longer if it takes, but at least twice.
pub fn run(report: &mut Report, duration: Duration) {
    let expected = calculate();
    let end = Instant::now() + duration;
    let (mut rounds, mut wrong) = (0_u32, 0_u32);
    while rounds == 0 || Instant::now() < end {
        rounds += 1;
        wrong += u32::from(calculate() != expected);
    }
    report.check("vector registers keep what was written to them", || {
        anyhow::ensure!(wrong == 0, "{wrong} of {rounds} calculations came out otherwise than the first");
        Ok(())
    });
}

fn calculate() -> [u64; 4] {
    let mut values = black_box([0.1, 0.2, 0.3, 0.4]);
    for _ in 0..STEPS {
        for value in &mut values {
            *value = RATE * *value * (1.0 - *value);
        }
    }
    values.map(f64::to_bits)
}
