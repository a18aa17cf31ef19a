//! The names that windows, programs and window managers know each other's properties and messages by.

use x11rb_protocol::protocol::xproto::Atom;

macro_rules! atoms {
    ($($field:ident: $name:literal,)*) => {
        /// What the server calls each name.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Atoms {
            $(pub(super) $field: Atom,)*
        }

        impl Atoms {
            /// All names.
            pub(super) const NAMES: &'static [&'static str] = &[$($name),*];

            /// From what the server answered, in the order of the names.
            pub(super) fn from_answers(answers: &[Atom]) -> Option<Self> {
                let mut answers = answers.iter().copied();
                Some(Self { $($field: answers.next()?,)* })
            }
        }
    };
}

atoms! {
    wl_surface_id: "WL_SURFACE_ID",
    utf8_string: "UTF8_STRING",

    // the window manager's own
    wm_s0: "WM_S0",
    net_wm_cm_s0: "_NET_WM_CM_S0",
    net_supported: "_NET_SUPPORTED",
    net_supporting_wm_check: "_NET_SUPPORTING_WM_CHECK",
    net_client_list: "_NET_CLIENT_LIST",
    net_client_list_stacking: "_NET_CLIENT_LIST_STACKING",
    net_active_window: "_NET_ACTIVE_WINDOW",

    // selections
    clipboard: "CLIPBOARD",
    targets: "TARGETS",
    timestamp: "TIMESTAMP",
    incr: "INCR",
    transom_selection: "_TRANSOM_SELECTION",

    // what is dragged
    xdnd_aware: "XdndAware",
    xdnd_selection: "XdndSelection",
    xdnd_type_list: "XdndTypeList",
    xdnd_action_list: "XdndActionList",
    xdnd_enter: "XdndEnter",
    xdnd_position: "XdndPosition",
    xdnd_status: "XdndStatus",
    xdnd_leave: "XdndLeave",
    xdnd_drop: "XdndDrop",
    xdnd_finished: "XdndFinished",
    xdnd_action_copy: "XdndActionCopy",
    xdnd_action_move: "XdndActionMove",
    xdnd_action_ask: "XdndActionAsk",

    // its other offices
    manager: "MANAGER",
    xsettings_s0: "_XSETTINGS_S0",
    xsettings_settings: "_XSETTINGS_SETTINGS",
    net_system_tray_s0: "_NET_SYSTEM_TRAY_S0",
    net_system_tray_opcode: "_NET_SYSTEM_TRAY_OPCODE",
    net_system_tray_orientation: "_NET_SYSTEM_TRAY_ORIENTATION",
    net_system_tray_visual: "_NET_SYSTEM_TRAY_VISUAL",
    xembed: "_XEMBED",
    xembed_info: "_XEMBED_INFO",

    // what windows say about themselves
    wm_protocols: "WM_PROTOCOLS",
    wm_delete_window: "WM_DELETE_WINDOW",
    wm_take_focus: "WM_TAKE_FOCUS",
    net_wm_name: "_NET_WM_NAME",
    net_wm_icon: "_NET_WM_ICON",
    net_startup_id: "_NET_STARTUP_ID",
    net_wm_window_type: "_NET_WM_WINDOW_TYPE",
    type_dropdown_menu: "_NET_WM_WINDOW_TYPE_DROPDOWN_MENU",
    type_popup_menu: "_NET_WM_WINDOW_TYPE_POPUP_MENU",
    type_tooltip: "_NET_WM_WINDOW_TYPE_TOOLTIP",
    type_notification: "_NET_WM_WINDOW_TYPE_NOTIFICATION",
    type_combo: "_NET_WM_WINDOW_TYPE_COMBO",
    type_dnd: "_NET_WM_WINDOW_TYPE_DND",

    // what becomes of them
    wm_state: "WM_STATE",
    wm_change_state: "WM_CHANGE_STATE",
    net_wm_state: "_NET_WM_STATE",
    state_maximized_vert: "_NET_WM_STATE_MAXIMIZED_VERT",
    state_maximized_horz: "_NET_WM_STATE_MAXIMIZED_HORZ",
    state_fullscreen: "_NET_WM_STATE_FULLSCREEN",
    state_hidden: "_NET_WM_STATE_HIDDEN",
    state_focused: "_NET_WM_STATE_FOCUSED",
    state_demands_attention: "_NET_WM_STATE_DEMANDS_ATTENTION",
    net_wm_moveresize: "_NET_WM_MOVERESIZE",
    net_close_window: "_NET_CLOSE_WINDOW",
    net_request_frame_extents: "_NET_REQUEST_FRAME_EXTENTS",
    net_frame_extents: "_NET_FRAME_EXTENTS",
}
