//! Files that hold nothing but credentials, or have one place for them.

use certus_sdk_files::Confidence::{High, Medium};

use crate::check::shape::{is_chosen, is_not_stand_in};
use crate::check::{contains, not_illustrative, require};
use crate::detector::Detector;
use crate::finish;

/// `"password": "..."` and the like in JSON.
const JSON: &str = r#"(?i:pass)[A-Za-z]*"[ \t]*:[ \t]*"([^"\r\n]+)""#;

pub(super) const ROWS: &[Detector] = &[
    // https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html
    Detector::value("netrc-password", &["password"], r"password[ \t\r\n]+([^\s]+)")
        .named(&[".netrc", "_netrc"])
        .sure(High)
        .checks(&[is_chosen]),
    // https://www.postgresql.org/docs/current/libpq-pgpass.html: the server's port stands second.
    Detector::value("pgpass-password", &[":543", ":*:"], r":[0-9*]+:[^:\r\n]+:[^:\r\n]+:([^\r\n]+)")
        .named(&[".pgpass", "pgpass.conf"])
        .sure(High)
        .checks(&[is_chosen]),
    // https://man7.org/linux/man-pages/man5/shadow.5.html
    Detector::material("shadow-password-hash", &["$1$", "$5$", "$6$", "$y$", "$2a$", "$2b$", "$2y$"], CRYPT)
        .named(&["shadow", "shadow-", "master.passwd"])
        .sure(High),
    Detector::material("shadow-password-hash", &["$5$", "$6$"], CRYPT_ROUNDS)
        .named(&["shadow", "shadow-", "master.passwd"])
        .sure(High),
    // https://www.cisco.com/c/en/us/support/docs/security-vpn/remote-authentication-dial-user-service-radius/107614-64.html
    Detector::material("cisco-password", &["password 7 ", "secret 5 ", "secret 8 ", "secret 9 "], CISCO)
        .checks(&[|candidate| require(is_cisco(candidate.line_before())), not_illustrative]),
    // https://httpd.apache.org/docs/2.4/misc/password_encryptions.html
    Detector::material(
        "htpasswd-hash",
        &["$apr1$", "{sha}"],
        r"(?:\$apr1\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{22}|\{SHA\}[A-Za-z0-9+/]{27}=)",
    )
    .sure(High)
    .checks(&[not_illustrative]),
    // https://man7.org/linux/man-pages/man5/crypt.5.html
    Detector::material("password-hash", &["$1$", "$5$", "$6$", "$y$", "$2a$", "$2b$", "$2y$"], CRYPT)
        .checks(&[not_illustrative]),
    Detector::material("password-hash", &["$5$", "$6$"], CRYPT_ROUNDS).checks(&[not_illustrative]),
    // https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
    Detector::material(
        "password-hash",
        &["$argon2"],
        r"\$argon2(?:id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}",
    )
    .checks(&[not_illustrative]),
    // https://git-scm.com/docs/git-credential-store#_storage_format
    Detector::value("git-credentials", &["://"], r"://[^\s:]+:([^\s/]+)")
        .named(&[".git-credentials", "git-credentials"])
        .sure(High)
        .finish(finish::before_last_at)
        .checks(&[is_chosen]),
    // https://wiki.filezilla-project.org/FileZilla_Client: sites and recent servers.
    Detector::value("filezilla-password", &["<pass"], r#"<Pass(?: encoding="base64")?>([^<\r\n]+)</Pass>"#)
        .named(&["filezilla.xml", "recentservers.xml", "sitemanager.xml"])
        .sure(High)
        .checks(&[is_chosen]),
    // https://support.mozilla.org/kb/profiles-where-firefox-stores-user-data: decrypted by key4.db beside it.
    Detector::material(
        "firefox-login",
        &["encryptedusername", "encryptedpassword"],
        r#"encrypted(?:Username|Password)"[ \t]*:[ \t]*"(M[A-Za-z0-9+/]{30,}={0,2})""#,
    )
    .named(&["logins.json", "logins-backup.json"])
    .sure(High)
    .reach(2048),
    // https://www.jetbrains.com/help/webstorm/uploading-and-downloading-files.html: obfuscated, not encrypted.
    Detector::material("jetbrains-server-password", &["password="], r#"password="([0-9a-f]{8,})""#)
        .named(&["webservers.xml"])
        .sure(High)
        .reach(1024),
    // https://dbeaver.com/docs/dbeaver/Admin-Manage-Connections/
    Detector::value("dbeaver-password", &["password="], r#"password="([^"\r\n]+)""#)
        .named(&["data-sources.xml"])
        .sure(High)
        .checks(&[|candidate| require(candidate.name() == b"password"), is_chosen]),
    // https://github.com/Studio3T/robomongo/wiki
    Detector::value("robomongo-password", &["password\"", "passphrase\""], JSON)
        .named(&["robomongo.json", "robo3t.json"])
        .sure(High)
        .checks(&[is_chosen]),
    // Settings of editors' upload plug-ins: https://codexns.io/products/sftp_for_subl/settings,
    // https://github.com/Natizyskunk/vscode-sftp/wiki/Configuration, https://atom.io/packages/remote-ftp
    Detector::value("sftp-config-password", &["pass\"", "password\"", "passphrase\""], JSON)
        .named(&[
            "sftp-config.json",
            "sftp.json",
            ".remote-sync.json",
            "deployment-config.json",
            ".ftpconfig",
            ".ftpconfig.json",
        ])
        .sure(High)
        .checks(&[is_chosen]),
    // https://hub.github.com/hub.1.html#configuration, https://cli.github.com/manual/gh_help_environment
    Detector::value("github-cli-token", &["oauth_token"], r#"oauth_token:[ \t]*["']?([A-Za-z0-9_]{36,})"#)
        .named(&["hub", "hosts.yml"])
        .sure(High),
    // https://dev.mysql.com/doc/refman/8.4/en/option-files.html
    Detector::value("mysql-option-password", &["password"], r#"password[ \t]*=[ \t]*["']?([^\s"']+)"#)
        .named(&[".my.cnf", "my.cnf"])
        .sure(High)
        .checks(&[is_chosen]),
    // https://marlam.de/msmtp/msmtp.html#Configuration-files, https://esmtp.sourceforge.net/manual.html
    Detector::value("mail-client-password", &["password"], r#"password[ \t]+["']?([^\s"']+)"#)
        .named(&[".esmtprc", ".msmtprc", ".fetchmailrc", "esmtprc", "msmtprc"])
        .sure(High)
        .checks(&[is_chosen]),
    // https://s3tools.org/kb/item14.htm
    Detector::value("s3cmd-secret-key", &["secret_key", "access_key"], r"(?:secret|access)_key[ \t]*=[ \t]*([^\s]+)")
        .named(&[".s3cfg", "s3cfg"])
        .sure(High)
        .checks(&[is_chosen]),
    // http://www.ventrilo.com/setup.php
    Detector::value("ventrilo-password", &["password="], r"(?i:password)=([^\r\n]+)")
        .named(&["ventrilo_srv.ini"])
        .sure(High)
        .checks(&[is_chosen]),
    // https://maven.apache.org/settings.html#Servers
    Detector::value(
        "maven-server-password",
        &["<password>", "<passphrase>"],
        r"<(?:password|passphrase)>([^<\r\n]+)</",
    )
    .named(&["settings.xml"])
    .sure(Medium)
    .checks(&[is_not_stand_in]),
];

const CRYPT: &str = concat!(
    r"\$(?:1\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{22}",
    r"|5\$[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{43}",
    r"|6\$[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{86}",
    r"|y\$[A-Za-z0-9./]{3,}\$[A-Za-z0-9./]{8,}\$[A-Za-z0-9./]{43}",
    r"|2[aby]\$[0-9]{2}\$[A-Za-z0-9./]{53})",
);

/// The same with the number of rounds in front of the salt.
const CRYPT_ROUNDS: &str = r"\$[56]\$rounds=[0-9]+\$[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{43,86}";

const CISCO: &str = concat!(
    r"(?:password 7 ([0-9]{2}[0-9A-F]{6,})",
    r"|secret (?:5 (\$1\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{22})|[89] (\$[89]\$[A-Za-z0-9./]{14}\$[A-Za-z0-9./]{43})))",
);

/// Cisco's `enable secret`, `username NAME password` and `line vty` blocks.
fn is_cisco(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    ["enable", "username", "password", "secret", "key", "neighbor", "ppp"]
        .iter()
        .any(|word| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())))
        || contains(line, "server")
}
