//! The whole path: daemon, agents and applications in one thread, and what a user or a peer sees of them.

mod anything;
mod clients;
mod clipboard;
mod damage;
mod devices;
mod extended;
mod files;
mod fixture;
mod frames;
mod grants;
mod hostile;
mod input;
mod life;
mod management;
mod outputs;
mod pacing;
mod pairings;
mod pointer;
mod popups;
mod resize;
mod tablets;
mod tiling;
mod tray;
mod xen;
