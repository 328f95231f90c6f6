//! HTML as it is written: markup stands in the program, and whatever else there is gets escaped.

use super::super::text::harmless;

/// A piece of a page.
#[derive(Debug, Default)]
pub(super) struct Html(String);

/// What can stand between markup.
pub(super) trait Piece {
    fn add_to(&self, html: &mut Html);
}

impl Html {
    /// Makes a piece of markup, of which each `{}` is a value.
    pub fn of(markup: &'static str, values: &[&dyn Piece]) -> Self {
        let mut html = Html::default();
        html.add(markup, values);
        html
    }

    /// Makes a piece of a text that has no markup.
    pub fn text(text: &str) -> Self {
        Html::of("{}", &[&text])
    }

    /// Adds markup, of which each `{}` is a value.
    pub fn add(&mut self, markup: &'static str, values: &[&dyn Piece]) {
        debug_assert_eq!(markup.matches("{}").count(), values.len(), "{markup}");
        let mut values = values.iter();
        for (index, own) in markup.split("{}").enumerate() {
            if index > 0
                && let Some(value) = values.next()
            {
                value.add_to(self);
            }
            self.0.push_str(own);
        }
    }

    /// Adds a file of ours as it is: a style sheet or a script, which has braces of its own.
    pub fn add_file(&mut self, file: &'static str) {
        self.0.push_str(file);
    }

    /// Adds JSON that cannot end the element around it: `<` has an escape in JSON's strings and stands
    /// nowhere else.
    pub fn add_json(&mut self, json: &str) {
        let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
        self.0.push_str(&json);
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl Piece for Html {
    fn add_to(&self, html: &mut Html) {
        html.0.push_str(&self.0);
    }
}

/// As HTML shows it, in an element or in an attribute's quotes.
impl Piece for str {
    fn add_to(&self, html: &mut Html) {
        for c in harmless(self).chars() {
            match c {
                '&' => html.0.push_str("&amp;"),
                '<' => html.0.push_str("&lt;"),
                '>' => html.0.push_str("&gt;"),
                '"' => html.0.push_str("&quot;"),
                '\'' => html.0.push_str("&#39;"),
                _ => html.0.push(c),
            }
        }
    }
}

impl Piece for String {
    fn add_to(&self, html: &mut Html) {
        self.as_str().add_to(html);
    }
}

impl Piece for usize {
    fn add_to(&self, html: &mut Html) {
        html.0.push_str(&self.to_string());
    }
}

impl<T: Piece + ?Sized> Piece for &T {
    fn add_to(&self, html: &mut Html) {
        (*self).add_to(html);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_never_markup() {
        assert_eq!(
            Html::text("</script><img src=\"x\" onerror='y'>&\u{1b}\u{202e}{}").into_string(),
            "&lt;/script&gt;&lt;img src=&quot;x&quot; onerror=&#39;y&#39;&gt;&amp;\\u{1b}\\u{202e}{}"
        );
        let item = Html::of("<b>{}</b>", &[&"<"]);
        let list = Html::of("{} of {}: {}", &[&1, &"a & b", &item]);
        assert_eq!(list.into_string(), "1 of a &amp; b: <b>&lt;</b>");
    }
}
