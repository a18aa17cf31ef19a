//! What is tried on the machine, one file per subject.

mod desktop;
mod driver;
mod figures;
mod grants;
mod hostile;
mod kms;
mod machine;
mod vchan;

use super::scenario::Scenario;

/// The domains with applications.
pub const DOMAINS: [&str; 2] = ["work", "untrusted"];

/// All, in the order in which they run.
pub const ALL: &[Scenario] = &[
    Scenario { name: "display_and_input", run: machine::display_and_input },
    // Before the first that needs a domain: what domains print is kept in files of the shared folder, and that is unmounted.
    Scenario { name: "sleep_and_wake", run: kms::sleep_and_wake },
    Scenario { name: "packages_are_installed", run: machine::packages_are_installed },
    Scenario { name: "two_domains_run_commands", run: machine::two_domains_run_commands },
    Scenario { name: "registers_do_not_leak", run: machine::registers_do_not_leak },
    Scenario { name: "events", run: grants::events },
    Scenario { name: "grants", run: grants::grants },
    Scenario { name: "nothing_leaks", run: grants::nothing_leaks },
    Scenario { name: "mapping_beats_copying", run: grants::mapping_beats_copying },
    Scenario { name: "links", run: vchan::links },
    Scenario { name: "a_destroyed_domain_is_noticed", run: vchan::a_destroyed_domain_is_noticed },
    Scenario { name: "a_domain_comes_again", run: machine::a_domain_comes_again },
    Scenario { name: "the_daemon_has_the_display", run: kms::the_daemon_has_the_display },
    Scenario { name: "another_terminal_and_back", run: kms::another_terminal_and_back },
    Scenario { name: "screens_are_plugged_in_and_out", run: kms::screens_are_plugged_in_and_out },
    Scenario { name: "a_keyboard_is_plugged_in_and_out", run: kms::a_keyboard_is_plugged_in_and_out },
    Scenario { name: "the_gpu_path_draws", run: kms::the_gpu_path_draws },
    Scenario { name: "dma_bufs_are_drawn", run: driver::dma_bufs_are_drawn },
    Scenario { name: "two_domains", run: desktop::two_domains },
    Scenario { name: "input_reaches_one_domain", run: desktop::input_reaches_one_domain },
    Scenario { name: "copy_and_paste", run: desktop::copy_and_paste },
    Scenario { name: "fullscreen_is_refused", run: desktop::fullscreen_is_refused },
    Scenario { name: "frames_through_xen", run: figures::frames_through_xen },
    Scenario { name: "a_hostile_agent", run: hostile::a_hostile_agent },
    Scenario { name: "daemon_comes_again", run: desktop::daemon_comes_again },
    Scenario { name: "domain_comes_again", run: desktop::domain_comes_again },
];
