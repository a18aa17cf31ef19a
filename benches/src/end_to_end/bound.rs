//! What the machine can do at best: the copies and the drawing that the measured ways consist of, by themselves.

use std::{hint::black_box, time::Instant};

use anyhow::Context as _;
use pixman::{FormatCode, Image, Operation};
use serde_json::{Value, json};
use transom_benches::content::{Area, Case, PIXEL, Painter};

/// The median times for the pixels that a case changes, in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Of which case.
    pub case: Case,
    /// A memcpy, row by row between two images of the window.
    pub memcpy_us: f64,
    /// Pixman's composition of them onto a screen.
    pub composition_us: f64,
    /// The client's drawing, in turn into each of its buffers.
    pub draw_us: f64,
}

/// How often each is done.
const TURNS: usize = 101;
const BUFFERS: usize = 3;

impl Bound {
    /// Measures one case.
    pub fn measure(case: Case) -> anyhow::Result<Self> {
        let (window, damage) = (case.window(), case.damage());
        let bytes = window.pixels() * PIXEL;
        let (from, mut to) = (vec![0x5a_u8; bytes], vec![0_u8; bytes]);
        let memcpy_us = median_micros(|_| {
            for row in damage.rows(window) {
                to[row.clone()].copy_from_slice(black_box(&from[row]));
            }
            black_box(&mut to);
        });
        drop((from, to));

        let (source, mut screen) = (image(window)?, image(window)?);
        let Area { x, y, width, height } = damage;
        let [x, y, width, height] = [x, y, width, height].map(u32::cast_signed);
        let composition_us = median_micros(|_| {
            screen.composite32(Operation::Src, &source, None, (x, y), (0, 0), (x, y), (width, height));
        });
        drop((source, screen));

        let painter = Painter::new(case);
        let mut buffers = vec![vec![0; bytes]; BUFFERS];
        buffers.iter_mut().for_each(|buffer| painter.prepare(buffer));
        let draw_us = median_micros(|turn| {
            painter.draw(turn as u32, &mut buffers[turn % BUFFERS]);
            black_box(&mut buffers);
        });
        Ok(Self { case, memcpy_us, composition_us, draw_us })
    }

    /// Frames per second at which a frame's pixels can be copied twice and composed once, one after the other.
    pub fn fps(&self) -> f64 {
        1e6 / (2.0 * self.memcpy_us + self.composition_us)
    }

    /// As written to a file.
    pub fn json(&self) -> Value {
        json!({
            "memcpy_us": self.memcpy_us,
            "composition_us": self.composition_us,
            "draw_us": self.draw_us,
            "fps": self.fps(),
        })
    }
}

fn image(window: Area) -> anyhow::Result<Image<'static, 'static>> {
    let (width, height) = (window.width as usize, window.height as usize);
    let mut image = Image::new(FormatCode::X8R8G8B8, width, height, true).ok().context("no memory")?;
    // its pages are there only once they were written to
    let blank = Image::new(FormatCode::X8R8G8B8, width, height, true).ok().context("no memory")?;
    let extent = (window.width.cast_signed(), window.height.cast_signed());
    image.composite32(Operation::Src, &blank, None, (0, 0), (0, 0), (0, 0), extent);
    Ok(image)
}

fn median_micros(mut turn: impl FnMut(usize)) -> f64 {
    let mut times: Vec<_> = (0..TURNS)
        .map(|number| {
            let started = Instant::now();
            turn(number);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[TURNS / 2]
}
