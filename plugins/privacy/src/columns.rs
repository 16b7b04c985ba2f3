//! Which column a value stands in, in files that name their columns once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use crate::place::Kind;
use crate::shape::is_word;

/// The longest head of a table that is read, in bytes.
const HEAD: usize = 64 * 1024;

/// A longer name is cut: what looks for words in it looks once for every value.
const NAME: usize = 128;

/// Goes through a file once, from value to value, and counts fields.
pub(crate) struct Columns<'a> {
    content: &'a [u8],
    form: Form,
    names: Rc<[Range<usize>]>,
    at: usize,
    index: usize,
    field: usize,
    quoted: bool,
}

enum Form {
    /// Rows are lines.
    Lines {
        delimiter: u8,
    },
    Sql(Sql),
}

#[derive(Default)]
struct Sql {
    depth: usize,
    /// Within the rows of `COPY`, which are lines.
    copy: bool,
    /// Columns by the name of their table, as `CREATE TABLE` said.
    tables: BTreeMap<Vec<u8>, Rc<[Range<usize>]>>,
}

impl<'a> Columns<'a> {
    /// Nothing for a file that has no columns.
    pub(crate) fn of(content: &'a [u8], kind: Kind) -> Option<Self> {
        let (form, names, at) = match kind {
            Kind::Table(delimiter) => {
                let head = content[..content.len().min(HEAD)].split(|&byte| byte == b'\n').next()?;
                let delimiter = delimiter.unwrap_or_else(|| most_frequent(head));
                (Form::Lines { delimiter }, fields(head, delimiter), head.len())
            }
            Kind::Sql => (Form::Sql(Sql::default()), Vec::new(), 0),
            _ => return None,
        };
        Some(Self { content, form, names: names.into(), at, index: 0, field: 0, quoted: false })
    }

    /// The name of the column that `to` stands in, and where the field begins. What lies before an
    /// earlier `to` is not read again.
    pub(crate) fn at(&mut self, to: usize) -> (&'a [u8], usize) {
        while self.at < to {
            match self.form {
                Form::Lines { delimiter } => self.line_byte(delimiter),
                Form::Sql(Sql { copy: true, .. }) => self.copy_byte(),
                Form::Sql(_) => self.sql_byte(),
            }
        }
        let name = self.names.get(self.index).map_or(&self.content[..0], |name| &self.content[name.clone()]);
        (&name[..name.len().min(NAME)], self.field)
    }

    fn next_field(&mut self, index: usize) {
        self.index = index;
        self.field = self.at;
    }

    fn line_byte(&mut self, delimiter: u8) {
        let byte = self.content[self.at];
        self.at += 1;
        match byte {
            // A field that spans lines is rare, a lost quote is not: a line begins a row.
            b'\n' => {
                self.quoted = false;
                self.next_field(0);
            }
            b'"' => self.quoted = !self.quoted,
            byte if byte == delimiter && !self.quoted => self.next_field(self.index + 1),
            _ => {}
        }
    }

    fn copy_byte(&mut self) {
        self.line_byte(b'\t');
        self.quoted = false;
        if self.content[self.at - 1] == b'\n' && self.content[self.at..].starts_with(b"\\.") {
            self.set_copy(false);
            self.names = Rc::default();
        }
    }

    fn sql_byte(&mut self) {
        let Form::Sql(Sql { depth, .. }) = &mut self.form else {
            return;
        };
        let byte = self.content[self.at];
        self.at += 1;
        match byte {
            b'\'' => self.quoted = !self.quoted,
            b'\\' if self.quoted => self.at += 1,
            _ if self.quoted => {}
            b'(' => {
                *depth += 1;
                if *depth == 1 {
                    self.next_field(0);
                }
            }
            b')' => *depth = depth.saturating_sub(1),
            b';' => *depth = 0,
            b',' if *depth == 1 => self.next_field(self.index + 1),
            b'i' | b'I' | b'c' | b'C' if *depth == 0 => self.statement(self.at - 1),
            _ => {}
        }
    }

    fn set_copy(&mut self, copies: bool) {
        if let Form::Sql(sql) = &mut self.form {
            sql.copy = copies;
        }
    }

    /// Reads the head of a statement that names columns, if one begins at `start`.
    fn statement(&mut self, start: usize) {
        let rest = &self.content[start..self.content.len().min(start + HEAD)];
        let Some((kind, head)) = Statement::of(rest) else {
            return;
        };
        let Form::Sql(sql) = &mut self.form else {
            return;
        };
        let table = head.table.iter().map(u8::to_ascii_lowercase).collect();
        let names: Rc<[Range<usize>]> = head.columns.iter().map(|name| start + name.start..start + name.end).collect();
        self.names = match kind {
            _ if names.is_empty() => sql.tables.get::<Vec<u8>>(&table).cloned().unwrap_or_default(),
            Statement::Create => {
                sql.tables.insert(table, names);
                Rc::default()
            }
            _ => names,
        };
        self.at = start + head.end;
        if kind == Statement::Copy {
            let line = self.content[self.at..].iter().position(|&byte| byte == b'\n');
            self.at = line.map_or(self.content.len(), |newline| self.at + newline + 1);
            self.set_copy(true);
            self.next_field(0);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statement {
    Create,
    Insert,
    Copy,
}

struct Head<'a> {
    table: &'a [u8],
    columns: Vec<Range<usize>>,
    end: usize,
}

impl Statement {
    fn of(rest: &[u8]) -> Option<(Self, Head<'_>)> {
        let begins =
            |words: &str| rest.get(..words.len()).is_some_and(|head| head.eq_ignore_ascii_case(words.as_bytes()));
        let (kind, words) = [
            (Self::Insert, "insert into "),
            (Self::Copy, "copy "),
            (Self::Create, "create table if not exists "),
            (Self::Create, "create table "),
        ]
        .into_iter()
        .find(|(_, words)| begins(words))?;
        let name = rest[words.len()..].iter().take_while(|byte| is_word(**byte) || b".`\"[]".contains(byte)).count();
        let table = name_of(&rest[words.len()..words.len() + name]);
        let after = words.len() + name;
        let blanks = rest[after..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let open = after + blanks;
        if rest.get(open) != Some(&b'(') {
            return Some((kind, Head { table, columns: Vec::new(), end: after }));
        }
        let (columns, end) = columns(rest, open + 1);
        Some((kind, Head { table, columns, end }))
    }
}

/// The first word of each part of a list in parentheses, and where the list ends.
fn columns(rest: &[u8], start: usize) -> (Vec<Range<usize>>, usize) {
    let (mut columns, mut depth, mut part) = (Vec::new(), 1, start);
    for (at, &byte) in rest.iter().enumerate().skip(start) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && byte == b',' {
            columns.push(first_word(rest, part..at));
            part = at + 1;
        }
        if depth == 0 {
            return (columns, at + 1);
        }
    }
    (columns, rest.len())
}

fn first_word(rest: &[u8], part: Range<usize>) -> Range<usize> {
    let start = part.start + rest[part.clone()].iter().take_while(|byte| !is_word(**byte)).count();
    let length = rest[start..part.end].iter().take_while(|byte| is_word(**byte)).count();
    start..start + length
}

/// The last part of a table's name, without schema and quotes.
fn name_of(name: &[u8]) -> &[u8] {
    name.split(|byte| !is_word(*byte)).rfind(|part| !part.is_empty()).unwrap_or_default()
}

fn most_frequent(head: &[u8]) -> u8 {
    let count = |delimiter: &u8| head.iter().filter(|byte| *byte == delimiter).count();
    // Of equals the last one wins: a comma where there is nothing to tell by.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn fields(head: &[u8], delimiter: u8) -> Vec<Range<usize>> {
    let mut start = 0;
    let ends = head.split(|&byte| byte == delimiter).map(|field| {
        let range = start..start + field.len();
        start = range.end + 1;
        range
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(text: &str, kind: Kind, value: &str) -> String {
        let mut columns = Columns::of(text.as_bytes(), kind).expect("the file has columns");
        let at = text.find(value).expect("the value is there");
        String::from_utf8_lossy(columns.at(at).0).into_owned()
    }

    #[test]
    fn a_table_names_its_columns_in_the_first_line() {
        let table = Kind::Table(None);
        assert_eq!(column("id;name;ssn\n1;Ann;x9\n", table, "x9"), "ssn");
        assert_eq!(column("id,name,ssn\n1,\"Doe, Ann\",x9\n", table, "x9"), "ssn");
        assert_eq!(column("id,name,ssn\n1,\"Ann,2\n3,Bo,x9\n", table, "x9"), "ssn");
        assert_eq!(column("a\tb\n1\tx9\n", Kind::Table(Some(b'\t')), "x9"), "b");
        assert_eq!(column("a,b\n1,2,x9\n", table, "x9"), "");
        assert!(Columns::of(b"a", Kind::Other).is_none());
    }

    #[test]
    fn statements_name_their_columns() {
        let sql = Kind::Sql;
        assert_eq!(column("INSERT INTO t (id, `ssn`) VALUES\n(1, 'a,b'), (2, 'x9');", sql, "x9"), "ssn");
        assert_eq!(column("INSERT INTO t (id, n, ssn) VALUES (1, 'it''s, \\' ok', 'x9');", sql, "x9"), "ssn");
        let created = "CREATE TABLE `t` (\n `id` int(11),\n `ssn` varchar(9),\n PRIMARY KEY (`id`)\n);\n";
        assert_eq!(column(&format!("{created}INSERT INTO `t` VALUES (1,'x9');"), sql, "x9"), "ssn");
        assert_eq!(column(&format!("{created}INSERT INTO `u` VALUES (1,'x9');"), sql, "x9"), "");
        let copy = "COPY public.t (id, ssn) FROM stdin;\n1\tx8\n2\tx9\n\\.\n";
        assert_eq!(column(copy, sql, "x9"), "ssn");
        assert_eq!(column(&format!("{copy}INSERT INTO v (a, b) VALUES (1, 'x7')"), sql, "x7"), "b");
    }

    #[test]
    fn heads_without_end_are_read_once() {
        let text = "create table t (".repeat(20_000) + "x9";
        assert_eq!(column(&text, Kind::Sql, "x9"), "");
    }
}
