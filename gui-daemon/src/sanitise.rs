//! Making a domain's text fit to be shown to a person.
//!
//! A title must not be able to pass for something else, reorder what stands around it, hide, or spill over its place.
//! So what has no shape of its own goes: controls, format characters (which include the bidirectional controls and the
//! zero-width joiners, and which Rust's `is_control` does not find), separators of lines and paragraphs, characters
//! for private use and such as are not assigned. What is left is letters, marks, digits, punctuation, symbols and
//! single spaces, with no more than a few marks on one letter.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Marks on one letter that are kept. Vietnamese needs two and vocalised Hebrew three; floods of them leave the line.
const MAX_MARKS: usize = 3;

const ELLIPSIS: char = '…';

/// `text` as one line of at most `max_chars` characters for display, with an ellipsis last where it was cut. May be
/// empty.
pub fn sanitise(text: &str, max_chars: usize) -> String {
    let mut shown = Vec::new();
    let mut marks = 0;
    for character in text.chars() {
        let letter = match kind(character) {
            Kind::Hidden => continue,
            Kind::Space => ' ',
            Kind::Mark | Kind::Visible => character,
        };
        marks = if kind(letter) == Kind::Mark { marks + 1 } else { 0 };
        // A mark on nothing, or on a space, would be drawn over whatever stands before the text.
        let bare = matches!(shown.last(), None | Some(' '));
        if marks > MAX_MARKS || (bare && (marks > 0 || letter == ' ')) {
            continue;
        }
        shown.push(letter);
        if shown.len() > max_chars.saturating_add(1) {
            break;
        }
    }
    if shown.last() == Some(&' ') {
        shown.pop();
    }
    cut(shown, max_chars)
}

/// `text` for a log line of at most `max_chars` characters: what [`sanitise`] would hide, and the backslash, is
/// written as its Rust escape, so that the log shows what was sent and cannot be made to lie. An ellipsis is last where
/// it was cut.
pub fn escape_for_log(text: &str, max_chars: usize) -> String {
    let escaped = text.chars().flat_map(|character| {
        let plain = character != '\\' && (character == ' ' || kind(character) == Kind::Visible);
        let escape = (!plain).then(|| character.escape_default());
        plain.then_some(character).into_iter().chain(escape.into_iter().flatten())
    });
    cut(escaped.take(max_chars.saturating_add(1)).collect(), max_chars)
}

fn cut(mut characters: Vec<char>, max_chars: usize) -> String {
    if characters.len() > max_chars {
        characters.truncate(max_chars.saturating_sub(1));
        while characters.last().is_some_and(|last| *last == ' ') {
            characters.pop();
        }
        if max_chars > 0 {
            characters.push(ELLIPSIS);
        }
    }
    characters.into_iter().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Has a shape of its own.
    Visible,
    /// Is drawn onto the letter before it.
    Mark,
    /// Is blank.
    Space,
    /// Changes how other characters look, or has no agreed look.
    Hidden,
}

fn kind(character: char) -> Kind {
    if character.is_whitespace() {
        return Kind::Space;
    }
    match character {
        // Fillers and a pattern without dots: letters and symbols by category, but blank.
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => return Kind::Space,
        // Joiners and selectors that are marks by category, but have no shape.
        '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' => {
            return Kind::Hidden;
        }
        '\u{e0100}'..='\u{e01ef}' => return Kind::Hidden,
        _ => {}
    }
    match (character.general_category_group(), character.general_category()) {
        (_, GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark) => Kind::Mark,
        (GeneralCategoryGroup::Other, _) => Kind::Hidden,
        _ => Kind::Visible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_title_is_left_alone() {
        for title in
            ["~/src/transom — vim", "Überweisung (3) – Bank", "日本語のタイトル", "שלום עולם", "Việt Nam"]
        {
            assert_eq!(sanitise(title, 127), title);
        }
    }

    #[test]
    fn emoji_stay() {
        assert_eq!(sanitise("build 🎉 done 🇩🇪", 40), "build 🎉 done 🇩🇪");
        // a joined sequence falls apart into its members, each of them visible
        assert_eq!(sanitise("👩\u{200d}💻", 40), "👩💻");
    }

    #[test]
    fn text_cannot_be_reordered() {
        // shown unsanitised, this reads "invoice exe.pdf"
        assert_eq!(sanitise("invoice \u{202e}fdp.exe", 40), "invoice fdp.exe");
        for control in
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
                .chars()
        {
            assert_eq!(sanitise(&format!("a{control}b"), 40), "ab", "{}", control.escape_unicode());
        }
    }

    #[test]
    fn nothing_invisible_is_left() {
        for hidden in "\0\u{7}\u{1b}\u{7f}\u{9b}\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{fff9}\u{e0041}\u{fe0f}\u{34f}".chars() {
            assert_eq!(sanitise(&format!("a{hidden}b"), 40), "ab", "{}", hidden.escape_unicode());
        }
        for unassigned in "\u{e000}\u{f8ff}\u{f0000}\u{10ffff}\u{fdd0}\u{ffff}\u{378}".chars() {
            assert_eq!(sanitise(&format!("a{unassigned}b"), 40), "ab", "{}", unassigned.escape_unicode());
        }
    }

    #[test]
    fn blanks_become_single_spaces() {
        let text = " \t one\n\r two\u{2028}three\u{2029}\u{a0}\u{3000}four\u{2800}\u{3164}five \u{200b} ";
        assert_eq!(sanitise(text, 40), "one two three four five");
        assert_eq!(sanitise(" \u{200b}\n ", 40), "");
    }

    #[test]
    fn marks_do_not_pile_up() {
        let flood = format!("Z{}algo", "\u{353}\u{321}".repeat(40));
        assert_eq!(sanitise(&flood, 200), "Z\u{353}\u{321}\u{353}algo");
        // nor do they sit on what stands before the text, also not with something hidden in between
        assert_eq!(sanitise("\u{20dd}\u{200d}\u{301}a \u{301}b", 40), "a b");
        let sneaky = format!("a{}", "\u{301}\u{200d}".repeat(9));
        assert_eq!(sanitise(&sneaky, 40), "a\u{301}\u{301}\u{301}");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis_within_the_limit() {
        assert_eq!(sanitise("abcdef", 6), "abcdef");
        assert_eq!(sanitise("abcdefg", 6), "abcde…");
        assert_eq!(sanitise("abcd efg", 6), "abcd…");
        assert_eq!(sanitise("abcdef  ", 6), "abcdef");
        assert_eq!(sanitise("äöüäöü", 3), "äö…");
        assert_eq!(sanitise("ab", 1), "…");
        assert_eq!(sanitise("ab", 0), "");
    }

    #[test]
    fn a_log_line_shows_what_was_sent_without_obeying_it() {
        assert_eq!(escape_for_log("a\u{202e}b\n\x1b[2J\\ é", 80), r"a\u{202e}b\n\u{1b}[2J\\ é");
        assert_eq!(escape_for_log("e\u{301}\u{e000}\u{a0}x", 80), r"e\u{301}\u{e000}\u{a0}x");
        assert_eq!(escape_for_log("ab\n", 3), "ab…");
        assert_eq!(escape_for_log(&"\n".repeat(1000), 10), r"\n\n\n\n\…");
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_in_one_short_visible_line_comes_out(text: String, max in 0usize..80) {
            let shown = sanitise(&text, max);
            proptest::prop_assert!(shown.chars().count() <= max);
            proptest::prop_assert!(shown.chars().all(|c| c == ' ' || matches!(kind(c), Kind::Visible | Kind::Mark)));
            proptest::prop_assert!(!shown.contains("  ") && shown.trim() == shown);
            proptest::prop_assert_eq!(sanitise(&shown, max), shown);
            let logged = escape_for_log(&text, max);
            proptest::prop_assert!(logged.chars().all(|c| c == ' ' || kind(c) == Kind::Visible));
        }
    }
}
