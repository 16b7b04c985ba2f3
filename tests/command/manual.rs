//! What is made of the command line itself: completions and manual pages.

use crate::support::home::Home;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = home.run(&["completions", shell]);
        assert_eq!(ended.code, 0, "{shell}: {}", ended.stderr);
        for word in ["submit", "verify", "fail-on", "completions"] {
            assert!(ended.stdout.contains(word), "{shell}: no {word}");
        }
    }
    assert_eq!(home.run(&["completions", "csh"]).code, 64);
    // What bash itself makes of it.
    let script = home.write("certus.bash", home.run(&["completions", "bash"]).stdout);
    let asked =
        "source \"$1\"; COMP_WORDS=(certus sub); COMP_CWORD=1; _certus certus sub certus; echo \"${COMPREPLY[@]}\"";
    let output =
        std::process::Command::new("bash").args(["-c", asked, "bash"]).arg(script).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "submit", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_command_has_a_page() {
    let home = Home::new();
    assert_eq!(home.run(&["man", "share/man/man1"]).code, 0);
    for (page, word) in
        [("certus", "SUBCOMMANDS"), ("certus-scan", "fail"), ("certus-submit", "wait"), ("certus-fetch", "out")]
    {
        let text = std::fs::read_to_string(home.path(&format!("share/man/man1/{page}.1"))).expect(page);
        assert!(text.starts_with(".ie") && text.contains(word), "{page}");
    }
    home.write("file", "in the way");
    assert_eq!(home.run(&["man", "file/man1"]).code, 1);
}
