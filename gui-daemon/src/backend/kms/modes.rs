//! Which of its modes a screen is set to, and where on the desktop it goes.

use tracing::warn;

use crate::config::{MAX_OUTPUTS, OutputConfig, SCREEN_SIDE};

/// One of the modes a screen offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames in 1000 s.
    pub refresh_mhz: u32,
    /// Whether the screen likes this one best.
    pub preferred: bool,
    /// Whether every second line is drawn with every second frame.
    pub interlaced: bool,
}

impl Timing {
    fn is_usable(&self) -> bool {
        SCREEN_SIDE.contains(&self.width) && SCREEN_SIDE.contains(&self.height)
    }

    fn area(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// As the configuration has it.
    fn refresh_hz(&self) -> u32 {
        self.refresh_mhz.saturating_add(500) / 1000
    }
}

/// The place in `timings` of the mode that is set for an output: of the configured size if there is one, else of the
/// screen's own choice; of these, that which comes nearest to the configured refresh rate, or else the preferred or fastest.
pub(super) fn choose(timings: &[Timing], wanted: Option<&OutputConfig>) -> Option<usize> {
    let usable = || timings.iter().enumerate().filter(|(_, timing)| timing.is_usable());
    let own = usable().max_by_key(|(_, timing)| (timing.preferred, !timing.interlaced, timing.area()))?.1;
    let size = wanted.filter(|wanted| wanted.given.size).map(|wanted| (wanted.width, wanted.height));
    let has = |size| usable().any(|(_, timing)| (timing.width, timing.height) == size);
    let size = size.filter(|size| has(*size)).unwrap_or((own.width, own.height));
    let refresh =
        wanted.filter(|wanted| wanted.given.refresh).map(|wanted| wanted.refresh_hz.saturating_mul(1000));
    let fitting = usable().filter(|(_, timing)| (timing.width, timing.height) == size);
    let best = fitting.max_by_key(|(place, timing)| {
        let off = refresh.map_or(0, |refresh| timing.refresh_mhz.abs_diff(refresh));
        // Of equals the first: screens tell the best first.
        let order = (timing.preferred, timing.refresh_mhz, usize::MAX - place);
        (!timing.interlaced, u32::MAX - off, order)
    });
    best.map(|(place, _)| place)
}

/// The outputs for these screens, each its connector's name and modes: those that the configuration names first, in its
/// order, and all where it puts them; the others to the right. What the configuration says of an output without a name goes
/// for all that it does not name.
pub(super) fn arrange(screens: &[(&str, Vec<Timing>)], config: &[OutputConfig]) -> Vec<OutputConfig> {
    let named = |name: &str| config.iter().position(|output| output.given.name && output.name == name);
    let nameless = config.iter().find(|output| !output.given.name);
    let mut ordered: Vec<_> = screens.iter().collect();
    ordered.sort_by_key(|(name, _)| named(name).unwrap_or(usize::MAX));
    let mut outputs: Vec<OutputConfig> = Vec::with_capacity(ordered.len());
    for (name, timings) in ordered {
        let own = named(name).and_then(|place| config.get(place));
        let wanted = own.or(nameless);
        let Some(timing) = choose(timings, wanted).and_then(|place| timings.get(place)) else {
            warn!(output = name, "the screen has no mode that can be shown");
            continue;
        };
        if let Some(wanted) = wanted
            && wanted.given.size
            && (wanted.width, wanted.height) != (timing.width, timing.height)
        {
            let (width, height) = (wanted.width, wanted.height);
            warn!(
                output = name,
                "the screen has no mode of {width}x{height}: it shows {}x{}", timing.width, timing.height
            );
        }
        let mut output = OutputConfig {
            name: (*name).to_owned(),
            width: timing.width,
            height: timing.height,
            refresh_hz: timing.refresh_hz(),
            ..wanted.cloned().unwrap_or_default()
        };
        if !own.is_some_and(|own| own.given.place) {
            (output.x, output.y) = (right_of(&outputs), 0);
        }
        outputs.push(output);
    }
    outputs.truncate(MAX_OUTPUTS);
    if let Err(error) = OutputConfig::check(&outputs) {
        warn!("{error}: the screens are placed side by side instead");
        for at in 0..outputs.len() {
            let x = right_of(outputs.get(..at).unwrap_or_default());
            if let Some(output) = outputs.get_mut(at) {
                (output.x, output.y) = (x, 0);
            }
        }
        // A row that is too long for the desktop loses its end.
        while OutputConfig::check(&outputs).is_err() {
            outputs.pop();
        }
    }
    outputs
}

fn right_of(outputs: &[OutputConfig]) -> i32 {
    outputs.iter().map(|output| output.area().right()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn mode(width: u32, height: u32, refresh_mhz: u32) -> Timing {
        Timing { width, height, refresh_mhz, preferred: false, interlaced: false }
    }

    fn outputs(text: &str) -> Vec<OutputConfig> {
        Config::parse(text).unwrap().outputs
    }

    fn chosen(timings: &[Timing], text: &str) -> (u32, u32, u32) {
        let wanted = outputs(text);
        let at = choose(timings, wanted.first()).unwrap();
        (timings[at].width, timings[at].height, timings[at].refresh_mhz)
    }

    #[test]
    fn the_mode_is_the_preferred_one_or_that_of_the_configuration() {
        let timings = [
            mode(1024, 768, 60_000),
            Timing { preferred: true, ..mode(1920, 1080, 59_940) },
            mode(1920, 1080, 60_000),
            mode(1920, 1080, 144_000),
            Timing { interlaced: true, ..mode(3840, 2160, 30_000) },
            mode(800, 600, 75_000),
        ];
        assert_eq!(chosen(&timings, ""), (1920, 1080, 59_940));
        assert_eq!(chosen(&timings, "[output]\nrefresh_hz = 120"), (1920, 1080, 144_000));
        assert_eq!(chosen(&timings, "[output]\nrefresh_hz = 60"), (1920, 1080, 60_000));
        assert_eq!(chosen(&timings, "[output]\nwidth = 800\nheight = 600"), (800, 600, 75_000));
        assert_eq!(chosen(&timings, "[output]\nwidth = 801\nheight = 600"), (1920, 1080, 59_940));
        let none_preferred = [mode(800, 600, 60_000), mode(1280, 1024, 60_000), mode(1280, 1024, 75_000)];
        assert_eq!(chosen(&none_preferred, ""), (1280, 1024, 75_000));
    }

    #[test]
    fn a_mode_that_is_too_small_or_too_large_is_none() {
        let preferred = |width, height| Timing { preferred: true, ..mode(width, height, 60_000) };
        assert_eq!(choose(&[preferred(32, 32), preferred(20_000, 100)], None), None);
        assert_eq!(choose(&[preferred(32, 32), mode(640, 480, 60_000)], None), Some(1));
    }

    fn arranged(screens: &[(&str, u32, u32)], text: &str) -> Vec<String> {
        let screens: Vec<_> = screens.iter().map(|&(name, w, h)| (name, vec![mode(w, h, 60_000)])).collect();
        let shown = arrange(&screens, &outputs(text));
        let line = |output: &OutputConfig| {
            let area = output.area();
            format!("{} {}x{} at {},{}", output.name, area.width, area.height, area.x, area.y)
        };
        shown.iter().map(line).collect()
    }

    #[test]
    fn screens_stand_side_by_side_those_of_the_configuration_first() {
        let two = [("DP-1", 1920, 1080), ("HDMI-A-1", 1280, 1024)];
        assert_eq!(arranged(&two, ""), ["DP-1 1920x1080 at 0,0", "HDMI-A-1 1280x1024 at 1920,0"]);
        assert_eq!(
            arranged(&two, "[[output]]\nname = \"HDMI-A-1\"\nscale = 2"),
            ["HDMI-A-1 640x512 at 0,0", "DP-1 1920x1080 at 640,0"]
        );
        assert_eq!(
            arranged(
                &two,
                "[[output]]\nname = \"HDMI-A-1\"\nx = -1280\ny = 56\n[[output]]\nname = \"VGA-1\""
            ),
            ["HDMI-A-1 1280x1024 at -1280,56", "DP-1 1920x1080 at 0,0"]
        );
        assert_eq!(
            arranged(&two, "[output]\nscale = 2"),
            ["DP-1 960x540 at 0,0", "HDMI-A-1 640x512 at 960,0"]
        );
    }

    #[test]
    fn screens_that_would_overlap_are_put_side_by_side() {
        let text =
            "[[output]]\nname = \"DP-1\"\nwidth = 800\nheight = 600\n[[output]]\nname = \"DP-2\"\nx = 800\n";
        let two = [("DP-1", 1920, 1080), ("DP-2", 1280, 1024)];
        assert_eq!(arranged(&two, text), ["DP-1 1920x1080 at 0,0", "DP-2 1280x1024 at 1920,0"]);
        let wide = [("DP-1", 16384, 64), ("DP-2", 16384, 64), ("DP-3", 1024, 64)];
        assert_eq!(arranged(&wide, ""), ["DP-1 16384x64 at 0,0"]);
    }
}
