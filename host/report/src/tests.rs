//! Whole reports through the public door: schemas, hostile texts, one set of bytes.

mod demo;
mod hostile;
mod order;
mod schemas;
