//! Where a window that is being moved will be if it is let go of: a veil in its frame's colour, with a rim.

use smithay::backend::renderer::Color32F;

use super::{
    Color,
    elements::{Area, Fill, Mapping},
    frame::FillState,
    opaque,
};
use crate::shell::geom::{Insets, Rect};

/// Thickness of the rim, in logical pixels.
const RIM: i32 = 4;
/// How much of what lies below the veil hides.
const VEIL: f32 = 0.3;

/// Knows when the veil changed.
#[derive(Debug, Default)]
pub(super) struct Landing(FillState);

impl Landing {
    pub(super) fn element(&mut self, area: Rect, color: Color, mapping: Mapping) -> Fill {
        let outer = mapping.rect(area);
        let inner = mapping.rect(area.inset(Insets::uniform(RIM)));
        let from_corner = |rect: Area| Area::new(rect.loc - outer.loc, rect.size);
        let rim = outer.subtract_rect(inner).into_iter().map(|rect| (from_corner(rect), opaque(color)));
        let parts = rim.chain([(from_corner(inner), veil(color))]).collect();
        Fill { covers: false, ..self.0.element(outer, parts) }
    }
}

/// Colours are multiplied by the opacity, as pixman has them.
fn veil(color: Color) -> Color32F {
    opaque(color) * VEIL
}
