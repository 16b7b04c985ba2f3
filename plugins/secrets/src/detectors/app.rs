//! Secrets of frameworks, URLs, connection strings, commands and headers.

use certus_sdk_files::Confidence::{High, Medium};

use crate::candidate::{Candidate, Judgement};
use crate::check::base64::holds_credentials;
use crate::check::placeholder::{is_stand_in, names_a_password};
use crate::check::shape::{is_chosen, is_dense, is_hex_dense, is_not_stand_in, is_random};
use crate::check::{contains, not_illustrative, prefer, require};
use crate::detector::Detector;
use crate::finish;

pub(super) const ROWS: &[Detector] = &[
    // https://developer.wordpress.org/advanced-administration/wordpress/wp-config/
    Detector::value(
        "wordpress-config-secret",
        &["db_password"],
        r#"DB_PASSWORD["'][ \t]*,[ \t]*(?:"([^"\r\n]+)"|'([^'\r\n]+)')"#,
    )
    .named(WP_CONFIG)
    .sure(High)
    .checks(&[is_chosen]),
    Detector::material(
        "wordpress-config-secret",
        &["_key'", "_salt'", "_key\"", "_salt\""],
        r#"_(?:KEY|SALT)["'][ \t]*,[ \t]*["']([^"'\r\n]{32,96})["']"#,
    )
    .named(WP_CONFIG)
    .sure(High)
    .checks(&[is_dense]),
    // https://docs.djangoproject.com/en/stable/ref/settings/#secret-key
    Detector::material("django-secret-key", &["secret_key"], r#"SECRET_KEY[ \t]*=[ \t]*["']([^"'\r\n]{50,})["']"#)
        .checks(&[is_dense, not_illustrative]),
    // https://guides.rubyonrails.org/security.html#custom-credentials
    Detector::assigned("rails-secret-key-base", &["secret_key_base", "secret_token"], RAILS)
        .checks(&[is_hex_dense, not_illustrative]),
    Detector::assigned("rails-master-key", &["rails_master_key"], assigned!("rails_master_key", "[0-9a-f]{32}"))
        .checks(&[is_hex_dense]),
    // https://laravel.com/docs/encryption#configuration
    Detector::assigned("laravel-app-key", &["base64:"], "base64:([A-Za-z0-9+/]{43,44}=?)")
        .checks(&[|candidate| require(contains(candidate.line_before(), "key")), not_illustrative]),
    // https://jsforce.github.io/document/#connection
    Detector::value(
        "salesforce-login",
        &[".login("],
        r#"\.login\([ \t]*["'][^"'\s@]+@[^"'\s]+["'][ \t]*,[ \t]*["']([^"'\r\n]+)["']"#,
    )
    .checks(&[is_not_stand_in, not_illustrative]),
    // RFC 3986, section 3.2.1, in the form that database drivers take.
    Detector::value("database-url-password", &["://"], URL)
        .sure(High)
        .finish(finish::before_last_at)
        .checks(&[is_database, is_url_password]),
    Detector::value("url-password", &["://"], URL).finish(finish::before_last_at).checks(&[is_url_password]),
    // https://learn.microsoft.com/dotnet/framework/data/adonet/connection-string-syntax and
    // https://jdbc.postgresql.org/documentation/use/
    Detector::value("connection-string-password", &["password=", "pwd="], r#"(?i:password|pwd)=([^;"'`<>&\s)]{4,})"#)
        .checks(&[
            |candidate| require(candidate.secret().len() <= 128),
            is_connection_string,
            is_not_stand_in,
            not_illustrative,
        ]),
    // https://dev.mysql.com/doc/refman/8.4/en/connecting.html
    Detector::value("command-password", &["mysql"], MYSQL).reach(COMMAND).checks(&[is_not_stand_in, not_illustrative]),
    Detector::value("command-password", &["--password="], r#"--password=["']?([^\s"'|;&)\]]{4,})"#)
        .checks(&[is_not_stand_in, not_illustrative]),
    // https://curl.se/docs/manpage.html#-u
    Detector::value("command-password", &["curl "], CURL).reach(COMMAND).checks(&[is_not_stand_in, not_illustrative]),
    // https://linux.die.net/man/1/sshpass
    Detector::value("command-password", &["sshpass "], r#"sshpass[ \t]+-p[ \t]*["']?([^\s"']+)"#)
        .checks(&[is_not_stand_in, not_illustrative]),
    // https://www.postgresql.org/docs/current/sql-createrole.html, https://dev.mysql.com/doc/refman/8.4/en/create-user.html
    Detector::value("sql-user-password", &["identified by", "with password"], SQL).checks(&[
        |candidate| {
            require(["user", "role", "login", "grant"].iter().any(|word| contains(candidate.line_before(), word)))
        },
        is_not_stand_in,
        not_illustrative,
    ]),
    // RFC 7617.
    Detector::value(
        "http-basic-credentials",
        &["authorization"],
        r#"(?i:authorization)["']?[ \t]*[:=,][ \t]*["']?(?i:basic)[ \t]+([A-Za-z0-9+/=]{8,})"#,
    )
    .checks(&[holds_credentials, not_illustrative]),
    // RFC 6750.
    Detector::value(
        "http-bearer-token",
        &["authorization"],
        r#"(?i:authorization)["']?[ \t]*[:=,][ \t]*["']?(?i:bearer)[ \t]+([A-Za-z0-9._~+/=\-]{16,})"#,
    )
    .sure(Medium)
    .checks(&[is_random]),
];

/// WordPress's own name for it and those of backups.
const WP_CONFIG: &[&str] = &["wp-config.php", "wp-config.php.bak", "wp-config.old", "wp-config.txt"];

const RAILS: &str = r#"secret_(?:key_base|token)["']?[ \t]*(?:=>?|:)[ \t]*["']?([0-9a-f]{64,128})"#;

/// User and password within the authority.
const URL: &str = r#"://[^\s:/?#"'<>`@(){}\[\]\\|,]*:([^\s/?#"'<>`\\]+)"#;

/// How far into a command its password is looked for.
const COMMAND: usize = 192;

/// Options and their arguments, then `-p` with the password right behind it.
const MYSQL: &str = concat!(
    r"mysql[a-z]*[ \t]+-+(?:[A-Za-oq-z][^\s]*[ \t]+(?:[^\s\-][^\s]*[ \t]+)*-+)*",
    r#"p["']?([^\s"'|;&)]{4,})"#,
);

/// Options and their arguments, then `-u` or `--user` and a name.
const CURL: &str = concat!(
    r"curl[ \t]+(?:[^\s\-][^\s]*[ \t]+)*-+(?:[A-Za-tv-z][^\s]*[ \t]+(?:[^\s\-][^\s]*[ \t]+)*-+)*",
    r#"u(?:ser)?[ \t=]+["']?[^\s:="'$<{]+:([^\s"']{3,})"#,
);

const SQL: &str = r"(?i:identified[ \t]+by[ \t]+(?:password[ \t]+)?|with[ \t]+password[ \t]+)'([^'\r\n]{4,})'";

const DATABASES: &[&str] = &[
    "amqp",
    "amqps",
    "clickhouse",
    "cockroachdb",
    "couchbase",
    "db2",
    "jdbc",
    "ldap",
    "ldaps",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "mssql",
    "mysql",
    "mysql2",
    "mysqlx",
    "neo4j",
    "oracle",
    "postgres",
    "postgresql",
    "postgis",
    "redis",
    "rediss",
    "snowflake",
    "sqlserver",
    "stomp",
];

/// The scheme is one of a database, with a driver's name behind `+` or not.
fn is_database(candidate: &Candidate<'_>) -> Judgement {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let length = candidate.content[..candidate.hit].iter().rev().take(32).take_while(is_part).count();
    let scheme = &candidate.content[candidate.hit - length..candidate.hit];
    let name = scheme.split(|&byte| byte == b'+').next().unwrap_or(scheme);
    let is_listed =
        |known: &&str| known.as_bytes().eq_ignore_ascii_case(scheme) || known.as_bytes().eq_ignore_ascii_case(name);
    require(DATABASES.iter().any(is_listed))
}

/// The password is one, and the host is more than an example. What any container has for a default
/// is kept in doubt, and so is a password for a local host.
fn is_url_password(candidate: &Candidate<'_>) -> Judgement {
    let rest = &candidate.content[candidate.secret.end + 1..];
    let host = &rest[..rest.iter().take(128).take_while(|&&byte| is_host(byte)).count()];
    let user = &candidate.content[candidate.hit + 3..candidate.secret.start - 1];
    let password = candidate.secret();
    let is_example = ["example", "yourhost", "your-", "your_"].iter().any(|word| contains(host, word))
        || ["", "host", "hostname", "server", "domain.com"]
            .iter()
            .any(|word| host.eq_ignore_ascii_case(word.as_bytes()));
    // A list of hosts with ports looks like a user and a password.
    let has_list = password.iter().any(|byte| matches!(byte, b':' | b','));
    let is_local = !host.contains(&b'.') || host.starts_with(b"127.") || host.starts_with(b"0.0.0.0");
    require(
        password.len() >= 3
            && !is_example
            && user != password
            && !names_a_password(password)
            && !contains(password, "\\"),
    )
    .max(prefer(!is_local && !is_stand_in(password) && !has_list))
    .max(require(!candidate.place.illustrative))
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':')
}

/// Other parts of a connection string stand around it.
fn is_connection_string(candidate: &Candidate<'_>) -> Judgement {
    let end = candidate.content.len().min(candidate.secret.end + 256);
    let after = &candidate.content[candidate.secret.end..end];
    let after = after.split(|&byte| byte == b'\n').next().unwrap_or(after);
    let is_part = |text: &[u8]| {
        ["server=", "data source=", "user id=", "uid=", "initial catalog=", "database=", "jdbc:", "accountname="]
            .iter()
            .any(|part| contains(text, part))
    };
    require(is_part(candidate.line_before()) || after.starts_with(b";") && is_part(after))
}
