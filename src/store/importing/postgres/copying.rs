//! Text for COPY (PostgreSQL manual, COPY, "Text Format").

use std::fmt::{Display, Write};

use sqlx::{Postgres, Transaction};

/// Rows to be copied.
#[derive(Default)]
pub struct CopyText {
    text: String,
    is_in_row: bool,
}

impl CopyText {
    /// A text, or nothing.
    pub fn text(&mut self, value: Option<&str>) -> &mut Self {
        self.separate();
        let Some(value) = value else {
            self.text.push_str("\\N");
            return self;
        };
        let mut rest = value;
        while let Some(at) = rest.find(['\\', '\t', '\n', '\r']) {
            let (plain, special) = rest.split_at(at);
            self.text.push_str(plain);
            self.text.push_str(match special.as_bytes().first() {
                Some(b'\t') => "\\t",
                Some(b'\n') => "\\n",
                Some(b'\r') => "\\r",
                _ => "\\\\",
            });
            rest = special.get(1..).unwrap_or_default();
        }
        self.text.push_str(rest);
        self
    }

    /// Anything that is written without a sign that means something else.
    pub fn plain(&mut self, value: impl Display) -> &mut Self {
        self.separate();
        // Writing into a string does not fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// The same, or nothing.
    pub fn maybe(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.plain(value),
            None => self.text(None),
        }
    }

    /// Ends the row.
    pub fn end(&mut self) {
        self.text.push('\n');
        self.is_in_row = false;
    }

    fn separate(&mut self) {
        if self.is_in_row {
            self.text.push('\t');
        }
        self.is_in_row = true;
    }

    /// Whether there is nothing to copy.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Copies the rows.
    pub async fn send(
        &self,
        turn: &mut Transaction<'_, Postgres>,
        statement: &str,
    ) -> sqlx::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut copy = turn.copy_in_raw(statement).await?;
        copy.send(self.text.as_bytes()).await?;
        copy.finish().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_mean_something_are_escaped() {
        let mut copy = CopyText::default();
        copy.text(Some("a\tb\\c\nd\re"))
            .text(None)
            .text(Some(""))
            .plain(7)
            .maybe(None::<i64>)
            .end();
        copy.text(Some("é\\N")).end();
        assert_eq!(copy.text, "a\\tb\\\\c\\nd\\re\t\\N\t\t7\t\\N\né\\\\N\n");
    }
}
