//! The picture of trust as inline SVG: an authority is a frame around what it signs, clients on the left,
//! servers on the right, and an arrow from who dials to who answers.

use std::collections::BTreeMap;

use super::super::picture::{Dial, Picture, Realm};
use super::html::Html;

const WIDTH: usize = 980;
const BOX_WIDTH: usize = 400;
const LEFT: usize = 20;
const RIGHT: usize = WIDTH - LEFT - BOX_WIDTH;
const BOX_HEIGHT: usize = 62;
const STEP: usize = BOX_HEIGHT + 12;
const HEADING: usize = 56;
const GAP: usize = 18;
/// Characters that fit a box in its font.
const FITS: usize = 52;

struct Shape {
    x: usize,
    y: usize,
    class: &'static str,
    lines: Vec<String>,
}

pub(super) fn section(html: &mut Html, picture: &Picture) {
    html.add(
        "<section aria-labelledby=\"trust\">\n<h2 id=\"trust\">Trust</h2>\n\
         <p>A frame is an authority with the certificates that it signs. An arrow leads from who dials to who answers.</p>\n\
         <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Trust graph\">\n",
        &[],
    );
    let mut body = Html::default();
    let mut y = 1;
    for realm in &picture.realms {
        y += draw(&mut body, realm, &picture.dials, y) + GAP;
    }
    if let Some(key) = &picture.signing_key {
        let lines = [key.clone(), "signs the tokens of service accounts".to_owned()];
        frame(&mut body, y, HEADING, &lines);
        y += HEADING + GAP;
    }
    let height = y.saturating_sub(GAP) + 1;
    html.add(
        "<svg class=\"trust\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\" aria-labelledby=\"trust-title\">\n\
         <title id=\"trust-title\">{}</title>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
         {}</svg>\n</div>\n</section>\n",
        &[&WIDTH, &height, &WIDTH, &height, &in_words(picture), &body],
    );
}

/// The picture for those who do not see it.
fn in_words(picture: &Picture) -> String {
    let mut words = Vec::new();
    for realm in &picture.realms {
        let groups = realm.groups.iter();
        let groups: Vec<String> =
            groups.map(|group| format!("{} ({})", group.title, group.members)).collect();
        let name = realm.lines.first().map_or("", String::as_str);
        words.push(format!("{name} signs {}", groups.join(", ")));
    }
    words.join(". ")
}

/// Gives the height.
fn draw(body: &mut Html, realm: &Realm, dials: &[Dial], top: usize) -> usize {
    let mut shapes: BTreeMap<&str, Shape> = BTreeMap::new();
    let mut rows = [0, 0];
    let [left, right] = &mut rows;
    for group in &realm.groups {
        let (x, row) = if group.serves { (RIGHT, &mut *right) } else { (LEFT, &mut *left) };
        let dialled = dials.iter().find(|dial| dial.from == group.id);
        let mut lines = vec![group.title.clone(), group.members.clone()];
        lines.extend(dialled.map(|dial| dial.label.clone()));
        shapes.insert(&group.id, Shape { x, y: top + HEADING + *row * STEP, class: "leaf", lines });
        *row += 1;
    }
    for (id, who) in &realm.outsiders {
        let y = top + HEADING + *right * STEP;
        let lines = vec![(*who).to_owned(), "not signed by this authority".to_owned()];
        shapes.insert(id, Shape { x: RIGHT, y, class: "outside", lines });
        *right += 1;
    }
    let height = HEADING + (*left).max(*right) * STEP + 4;
    frame(body, top, height, &realm.lines);
    for dial in dials {
        if let (Some(from), Some(to)) =
            (shapes.get(dial.from.as_str()), shapes.get(dial.to.as_str()))
        {
            arrow(body, from, to);
        }
    }
    for shape in shapes.values() {
        boxed(body, shape);
    }
    height
}

fn frame(body: &mut Html, y: usize, height: usize, lines: &[String]) {
    body.add(
        "<rect class=\"frame\" x=\"1\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n",
        &[&y, &(WIDTH - 2), &height],
    );
    let title = lines.first().map_or("", String::as_str);
    let below = lines.get(1..).unwrap_or_default().join(", ");
    body.add(
        "<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>\n<text x=\"{}\" y=\"{}\">{}</text>\n",
        &[&LEFT, &(y + 22), &title, &LEFT, &(y + 42), &fitting(&below, 2 * FITS)],
    );
}

fn boxed(body: &mut Html, shape: &Shape) {
    let Shape { x, y, class, lines } = shape;
    body.add(
        "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n",
        &[class, x, y, &BOX_WIDTH, &BOX_HEIGHT],
    );
    for (index, line) in lines.iter().enumerate() {
        let (x, y) = (x + 12, y + 19 + index * 18);
        body.add(if index == 0 { "<text class=\"title\"" } else { "<text" }, &[]);
        body.add(" x=\"{}\" y=\"{}\">{}</text>\n", &[&x, &y, &fitting(line, FITS)]);
    }
}

fn arrow(body: &mut Html, from: &Shape, to: &Shape) {
    let middle = |shape: &Shape| shape.y + BOX_HEIGHT / 2;
    let (start, end) = (middle(from), middle(to));
    let path = if from.x == to.x {
        // Within one column, as etcd's peers do: around its outer side.
        let edge = from.x;
        let out = edge - 50;
        format!(
            "M{edge} {} C{out} {} {out} {} {edge} {}",
            start - 12,
            start - 12,
            end + 12,
            end + 12
        )
    } else {
        let (left, right) = (from.x + BOX_WIDTH, to.x);
        let bend = left + (right - left) / 2;
        format!("M{left} {start} C{bend} {start} {bend} {end} {right} {end}")
    };
    body.add("<path class=\"dial\" d=\"{}\" marker-end=\"url(#tip)\"/>\n", &[&path]);
}

/// Cut where it does not fit, with the whole beside it for the pointer.
fn fitting(text: &str, characters: usize) -> Html {
    if text.chars().count() <= characters {
        return Html::text(text);
    }
    let cut: String = text.chars().take(characters - 1).collect();
    Html::of("{}…<title>{}</title>", &[&cut, &text])
}
