//! The meaning of the keys and the marks.

use maud::{Markup, html};

/// Writes what the marks of the timeline mean.
pub(super) fn legend() -> Markup {
    html! {
        details.marks {
            summary { "What the marks in the lanes mean" }
            ul.legend {
                (key("event; the thread can run", &html! { path class="life" d="M13 0V18" {} circle class="event" cx="13" cy="9" r="4" {} }))
                (key("the thread waits", &html! { path class="life waits" d="M13 0V18" {} }))
                (key("cancel", &html! { path class="event cancel" d="M13 3l6 6l-6 6l-6-6z" {} }))
                (key("abort", &html! { rect class="event abort" x="8" y="4" width="10" height="10" {} }))
                (key("message: sent, under way, taken", &html! { path class="message" d="M2 4H14Q21 4 21 9V10" {} path class="head" d="M17 9h8l-4 7z" {} }))
                (key("never taken", &html! { path class="message lost" d="M2 4H14Q21 4 21 9V18" {} }))
                (key("nobody waits for it", &html! { path class="message" d="M2 9H20" {} path class="dropped" d="M16 5l8 8m0 -8l-8 8" {} }))
                (key("holds a lock", &html! { path class="held" d="M13 0V18" {} }))
                (key("in a decisive race", &html! { circle class="ring" cx="13" cy="9" r="7" {} circle class="event" cx="13" cy="9" r="4" {} }))
            }
        }
    }
}

fn key(what: &str, drawn: &Markup) -> Markup {
    html! { li { svg width="26" height="18" viewBox="0 0 26 18" aria-hidden="true" { (drawn) } (what) } }
}

/// Returns the keys.
pub(super) fn dialog() -> Markup {
    let keys = [
        (&["←", "→"][..], "one event back, on"),
        (&["↑", "↓"], "the same, in the timeline"),
        (&["PgUp", "PgDn"], "ten events"),
        (&["Home", "End"], "before the first event, the last event"),
        (&["[", "]"], "the same thread's event before, after"),
        (&["r", "R"], "the next event of a decisive race, the one before"),
        (
            &["/"],
            "find events; then Enter, or n and N, for the next and the one before",
        ),
        (&["f"], "one row for consecutive events of one thread, and back"),
        (&["c"], "copy the address of the event"),
        (&["o"], "filter the objects"),
        (&["?"], "these keys"),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { "Keys" }
            dl {
                @for (keys, what) in keys {
                    dt { @for key in keys { kbd { (key) } " " } }
                    dd { (what) }
                }
            }
            button #close-help type="button" { "Close" }
        }
    }
}
