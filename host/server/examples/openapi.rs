//! Prints the description of the API: `cargo run -p certus-server --example openapi > docs/openapi.json`.

fn main() {
    println!("{}", certus_server::openapi().to_pretty_json().expect("the description is text"));
}
