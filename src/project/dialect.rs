//! The SQL that expressions are written in: the standard's core, with letters of any script in names.
//!
//! A dialect of our own rather than the parser's generic one, because that one accepts what no engine
//! of ours knows (lambdas, dictionaries, hints) and reads a failed `CAST(` a second time as a call of a
//! function `cast`, which doubles the work at every level of nesting.

use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;

/// The dialect of expressions.
#[derive(Debug)]
pub struct ExpressionDialect;

impl Dialect for ExpressionDialect {
    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_'
    }

    /// Words that begin something and are never tried again as a name.
    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        matches!(
            keyword,
            Keyword::ARRAY
                | Keyword::CASE
                | Keyword::CAST
                | Keyword::CEIL
                | Keyword::CONVERT
                | Keyword::CURRENT_DATE
                | Keyword::CURRENT_TIME
                | Keyword::CURRENT_TIMESTAMP
                | Keyword::EXISTS
                | Keyword::EXTRACT
                | Keyword::FLOOR
                | Keyword::INTERVAL
                | Keyword::LOCALTIME
                | Keyword::LOCALTIMESTAMP
                | Keyword::NOT
                | Keyword::OVERLAY
                | Keyword::POSITION
                | Keyword::SAFE_CAST
                | Keyword::STRUCT
                | Keyword::SUBSTR
                | Keyword::SUBSTRING
                | Keyword::TRIM
                | Keyword::TRY_CAST
        )
    }
}
