//! Hostile guests and hostile content, each contained or refused, each with a twin that passes when
//! permitted, each failing when the limit under test is switched off.

mod admission;
mod budget;
mod cache;
mod execution;
mod findings;
mod network;
mod repositories;
mod worker;
mod workspace;
