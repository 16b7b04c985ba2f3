//! Hostile guests and hostile content, each contained or refused, each with a twin that passes when
//! permitted, each failing when the limit under test is switched off.

mod admission;
mod boundary;
mod browser;
mod budget;
mod cache;
mod execution;
mod filesystem;
mod findings;
mod inodes;
mod languages;
mod memory;
mod network;
mod order;
pub(crate) mod outbound;
mod output;
mod proposals;
mod registry;
mod reports;
mod repositories;
mod response;
mod smith;
mod soak;
mod wasi;
mod worker;
mod workspace;
