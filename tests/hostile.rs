//! Hostile guests and hostile content, each contained or refused, each with a twin that passes when
//! permitted, each failing when the limit under test is switched off.

mod admission;
mod browser;
mod budget;
mod cache;
mod execution;
mod findings;
mod network;
mod order;
mod reports;
mod repositories;
mod response;
mod worker;
mod workspace;
