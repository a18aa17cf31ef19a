//! The whole path: daemon, agents and applications in one thread, and what a user or a peer sees of them.

mod clients;
mod damage;
mod fixture;
mod frames;
mod hostile;
mod input;
mod life;
mod management;
