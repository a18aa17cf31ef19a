//! Licence expressions as crates state them (SPDX), and whether they can be met with permitted licences alone.

/// Whether `expression` leaves a choice in which every licence is `permitted`.
///
/// Understands `OR`, `AND`, brackets, `WITH` and the older `/` for `OR`; anything else is not permitted.
pub fn is_met(expression: &str, permitted: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens = spaced.split_whitespace().peekable();
    let mut parser = Parser { tokens: &mut tokens, permitted };
    parser.any().is_some_and(|met| met && parser.tokens.peek().is_none())
}

/// Each method takes one construct off the tokens and says whether it is met; None if there is no such construct.
struct Parser<'a, 'b, I: Iterator<Item = &'a str>> {
    tokens: &'b mut std::iter::Peekable<I>,
    permitted: &'b dyn Fn(&str) -> bool,
}

impl<'a, I: Iterator<Item = &'a str>> Parser<'a, '_, I> {
    fn any(&mut self) -> Option<bool> {
        let mut met = self.all()?;
        while self.tokens.next_if_eq(&"OR").is_some() {
            met |= self.all()?;
        }
        Some(met)
    }

    fn all(&mut self) -> Option<bool> {
        let mut met = self.one()?;
        while self.tokens.next_if_eq(&"AND").is_some() {
            met &= self.one()?;
        }
        Some(met)
    }

    fn one(&mut self) -> Option<bool> {
        match self.tokens.next()? {
            "(" => {
                let met = self.any()?;
                self.tokens.next_if_eq(&")").map(|_| met)
            }
            ")" | "OR" | "AND" | "WITH" => None,
            licence if self.tokens.next_if_eq(&"WITH").is_some() => {
                let exception = self.tokens.next()?;
                Some((self.permitted)(&format!("{licence} WITH {exception}")))
            }
            licence => Some((self.permitted)(licence)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> bool {
        is_met(expression, &|licence| ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].contains(&licence))
    }

    #[test]
    fn one_permitted_choice_is_enough() {
        assert!(met("MIT"));
        assert!(met("GPL-3.0 OR MIT"));
        assert!(met("MIT/GPL-3.0"));
        assert!(met("GPL-3.0 AND Zlib OR MIT"));
        assert!(met("GPL-3.0 OR Apache-2.0 WITH LLVM-exception"));
    }

    #[test]
    fn all_of_a_conjunction_must_be_permitted() {
        assert!(met("(GPL-3.0 OR MIT) AND Zlib"));
        assert!(!met("(GPL-3.0 OR MIT) AND Apache-2.0"));
        assert!(!met("MIT AND GPL-3.0"));
        assert!(!met("MIT WITH LLVM-exception"));
    }

    #[test]
    fn what_is_not_understood_is_not_met() {
        for expression in ["", "MIT Zlib", "MIT OR", "AND MIT", "(MIT", "MIT)", "MIT WITH", "()"] {
            assert!(!met(expression), "{expression:?}");
        }
    }
}
