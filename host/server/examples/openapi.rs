//! Prints the description of the API: `cargo run -p certus-server --example openapi > docs/openapi.json`.

#![expect(clippy::print_stdout, reason = "printing is the point")]

fn main() {
    println!("{}", certus_server::openapi().to_pretty_json().expect("the description is text"));
}
