//! A graph as SVG, laid out in ranks from top to bottom by `layout-rs`.

use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::{Point, Position};
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind};
use layout::topo::layout::VisualGraph;
use maud::{Markup, html};

use crate::report::wrapped;

/// Width of a character, about: the real one depends on the reader's fonts.
const CHARACTER: f64 = 7.3;
/// Height of a line.
const LINE: f64 = 18.0;
/// Around the text of a node.
const PADDING: f64 = 12.0;
/// Lines of a node are broken after as many characters.
const LINE_MAX: usize = 44;
/// Room around a node.
const HALO: Point = Point { x: 34.0, y: 52.0 };
/// Around the whole graph.
const BORDER: f64 = 6.0;

/// A box with lines of text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node {
    /// Classes for the style sheet.
    pub(super) class: String,
    /// Each line's class and text.
    pub(super) lines: Vec<(&'static str, String)>,
}

/// An arrow from one node to another, both by index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Classes for the style sheet.
    pub(super) class: &'static str,
}

impl Node {
    /// Returns the lines, each short enough.
    fn broken(&self) -> Vec<(&'static str, String)> {
        let lines = self.lines.iter();
        lines
            .flat_map(|(class, text)| wrapped(text, LINE_MAX).into_iter().map(move |line| (*class, line)))
            .collect()
    }
}

/// The layout: a rectangle for each node, a path for each edge, in the order in which they were added.
#[derive(Default)]
struct Places {
    boxes: Vec<(Point, Point)>,
    arrows: Vec<Curve>,
}

/// An edge's path.
struct Curve {
    /// Index of the edge.
    edge: usize,
    /// The place where it leaves and its direction there, then how it comes to each further point.
    path: Vec<(Point, Point)>,
    /// The layout turned the edge round, to rank a cycle: its head is where the path begins.
    turned: bool,
}

impl RenderBackend for Places {
    fn draw_rect(
        &mut self,
        corner: Point,
        size: Point,
        _look: &StyleAttr,
        _properties: Option<String>,
        _clip: Option<ClipHandle>,
    ) {
        self.boxes.push((corner, size));
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _dashed: bool,
        head: (bool, bool),
        _look: &StyleAttr,
        properties: Option<String>,
        _text: &str,
    ) {
        let index = properties.and_then(|index| index.parse().ok());
        self.arrows.push(Curve {
            edge: index.expect("every edge carries its index"),
            path: path.to_vec(),
            turned: head.0,
        });
    }

    fn draw_line(&mut self, _start: Point, _stop: Point, _look: &StyleAttr, _properties: Option<String>) {}

    fn draw_circle(&mut self, _center: Point, _size: Point, _look: &StyleAttr, _properties: Option<String>) {}

    fn draw_text(&mut self, _center: Point, _text: &str, _look: &StyleAttr) {}

    fn create_clip(&mut self, _corner: Point, _size: Point, _rounded: usize) -> ClipHandle {
        0
    }
}

/// A graph with a place for everything.
pub(super) struct Graph {
    lines: Vec<Vec<(&'static str, String)>>,
    places: Places,
    /// Width of the drawing, in pixels.
    pub(super) width: f64,
    height: f64,
}

impl Graph {
    /// Lays a graph out.
    pub(super) fn of(nodes: &[Node], edges: &[Edge]) -> Self {
        let lines: Vec<Vec<(&str, String)>> = nodes.iter().map(Node::broken).collect();
        let places = places(&lines, edges);
        let (width, height) = size(&places);
        Self {
            lines,
            places,
            width,
            height,
        }
    }

    /// Returns the drawing of the graph that was laid out; `title` is what a screen reader says it is.
    pub(super) fn svg(&self, title: &str, nodes: &[Node], edges: &[Edge]) -> Markup {
        let (width, height) = (self.width, self.height);
        html! {
            svg role="img" aria-label=(title) width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } {
                defs {
                    marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" {
                        path d="M0 0.6L8 4L0 7.4z" {}
                    }
                }
                @for arrow in &self.places.arrows {
                    g class={ "edge " (edges[arrow.edge].class) } {
                        @if arrow.turned {
                            path d=(curve(&arrow.path)) marker-start="url(#arrow)" {}
                        } @else {
                            path d=(curve(&arrow.path)) marker-end="url(#arrow)" {}
                        }
                    }
                }
                @for ((node, lines), place) in nodes.iter().zip(&self.lines).zip(&self.places.boxes) {
                    (drawn(node, lines, place))
                }
            }
        }
    }
}

fn drawn(node: &Node, lines: &[(&str, String)], (corner, size): &(Point, Point)) -> Markup {
    html! {
        g class={ "node " (node.class) } {
            rect x=(round(corner.x)) y=(round(corner.y)) width=(round(size.x)) height=(round(size.y)) rx="8" {}
            @for (index, (class, text)) in lines.iter().enumerate() {
                @let height = PADDING + LINE * (index as f64 + 0.72);
                text class=(class) x=(round(corner.x + PADDING)) y=(round(corner.y + height)) { (text) }
            }
        }
    }
}

fn places(lines: &[Vec<(&'static str, String)>], edges: &[Edge]) -> Places {
    let mut layout = VisualGraph::new(Orientation::TopToBottom);
    let look = StyleAttr::simple();
    let mut handles = Vec::new();
    for lines in lines {
        let longest = lines.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
        let size = Point::new(
            longest as f64 * CHARACTER + 2.0 * PADDING,
            lines.len() as f64 * LINE + 2.0 * PADDING,
        );
        let mut element = Element::create(ShapeKind::new_box(""), look.clone(), Orientation::TopToBottom, size);
        element.pos = Position::new(Point::zero(), size, Point::zero(), HALO);
        handles.push(layout.add_node(element));
    }
    for (index, edge) in edges.iter().enumerate() {
        let arrow = Arrow::with_properties(
            LineEndKind::None,
            LineEndKind::Arrow,
            LineStyleKind::Normal,
            "",
            &look,
            index.to_string(),
            &None,
            &None,
        );
        layout.add_edge(arrow, handles[edge.from], handles[edge.to]);
    }
    let mut places = Places::default();
    layout.do_it(false, false, false, &mut places);
    places.moved_to_corner();
    places
}

impl Places {
    /// Moves everything to where the drawing begins.
    fn moved_to_corner(&mut self) {
        let corners = self.boxes.iter().map(|(corner, _)| *corner);
        let first = corners.reduce(|one, other| Point::new(one.x.min(other.x), one.y.min(other.y)));
        let Some(first) = first else { return };
        let by = Point::splat(BORDER).sub(first);
        for (corner, _) in &mut self.boxes {
            *corner = corner.add(by);
        }
        for (one, other) in self.arrows.iter_mut().flat_map(|arrow| &mut arrow.path) {
            *one = one.add(by);
            *other = other.add(by);
        }
    }
}

fn size(places: &Places) -> (f64, f64) {
    let ends = places.boxes.iter().map(|(corner, size)| corner.add(*size));
    let ends = ends.chain(
        places
            .arrows
            .iter()
            .flat_map(|arrow| arrow.path.iter().map(|(_, end)| *end)),
    );
    let last = ends.fold(Point::zero(), |one, other| {
        Point::new(one.x.max(other.x), one.y.max(other.y))
    });
    (round(last.x + BORDER), round(last.y + BORDER))
}

fn round(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

/// Returns the path of an arrow, for SVG.
fn curve(path: &[(Point, Point)]) -> String {
    let point = |point: Point| format!("{} {}", round(point.x), round(point.y));
    let mut text = format!("M{}C{}", point(path[0].0), point(path[0].1));
    for (index, (control, end)) in path.iter().enumerate().skip(1) {
        let before = if index == 1 { ", " } else { "S" };
        text.push_str(&format!("{before}{}, {}", point(*control), point(*end)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Edge, Graph, Node};

    fn drawn(edges: &[(usize, usize)]) -> String {
        let nodes: Vec<Node> = (0..5)
            .map(|index| Node {
                class: format!("p{index}"),
                lines: vec![("title", format!("node {index}"))],
            })
            .collect();
        let edges: Vec<Edge> = edges.iter().map(|&(from, to)| Edge { from, to, class: "" }).collect();
        Graph::of(&nodes, &edges).svg("a graph", &nodes, &edges).into_string()
    }

    #[test]
    fn every_node_and_edge_is_drawn_cycles_included_the_same_each_time() {
        for edges in [
            &[(0, 1), (1, 2), (0, 3), (3, 2), (2, 4)][..],
            &[(0, 1), (1, 2), (2, 0), (2, 3), (3, 3)],
            &[],
        ] {
            let svg = drawn(edges);
            assert_eq!(svg.matches("<rect").count(), 5);
            assert_eq!(svg.matches("<g class=\"edge").count(), edges.len());
            for _ in 0..10 {
                assert_eq!(svg, drawn(edges));
            }
        }
    }
}
