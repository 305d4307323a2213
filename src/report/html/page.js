// Steps through the schedule: a position, from 0 (nothing has run) to the number of events, and what stands beside it.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const text = (index) => data.strings[index];
  const last = data.events.length;
  const scroller = byId("scroller");
  const slider = byId("slider");
  const PAGE = 10;

  let at = -1;
  const state = { at: 0, values: [], ready: new Set() };
  const opened = new Set();

  // An element with a class and children; strings become text.
  const make = (tag, name, ...children) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...children.filter((child) => child !== null));
    return element;
  };
  const processName = (process) => make("span", `process p${process % 8}`, text(data.processes[process]));
  const threadName = (thread) => {
    const [process, name] = data.threads[thread];
    return make("span", "", processName(process), ` ${text(name)}`);
  };

  // The states of all objects, and the threads that can run, after the first `position` events.
  const moveTo = (position) => {
    if (position < state.at || state.values.length === 0) {
      state.at = 0;
      state.values = new Array(data.objects.length).fill(-1);
      state.ready = new Set(data.ready);
      for (const [object, value] of data.initial) state.values[object] = value;
    }
    while (state.at < position) {
      const event = data.events[state.at];
      for (const [object, value] of event.changes) state.values[object] = value;
      for (const thread of event.stopped) state.ready.delete(thread);
      for (const thread of event.started) state.ready.add(thread);
      state.at += 1;
    }
  };

  const list = (items, most) => {
    const shown = items.slice(0, most).flatMap((item, index) => (index ? [", ", item] : [item]));
    const rest = items.length - most;
    return make("span", "", ...shown, rest > 0 ? ` and ${rest} more` : "");
  };

  const facts = (rows) => {
    const all = make("dl", "facts");
    for (const [term, value] of rows) {
      if (value === null) continue;
      all.append(make("dt", "", term), make("dd", "", value));
    }
    return all;
  };

  const messages = (wanted, told) => {
    const found = data.messages.filter(wanted).map(told);
    return found.length ? list(found, 6) : null;
  };

  const describe = (number, others) => {
    if (number === 0) {
      return [make("h3", "", "Before the first event"), make("p", "function", "The initial state of every process.")];
    }
    const event = data.events[number - 1];
    const [label, called, site] = data.labels[event.label].map(text);
    const [, object] = data.objects[event.object];
    const sent = messages(
      (message) => message.sent === number,
      (message) => {
        const note = message.ignored ? ", where nobody waits for it" : "";
        return make("span", "", `${text(message.name)} to `, processName(message.to), note);
      },
    );
    const taken = messages(
      (message) => message.taken === number,
      (message) => make("span", "", `${text(message.name)}, sent at ${message.sent}`),
    );
    return [
      make("h3", "", label),
      make("p", "words", `${text(data.threads[event.thread][2])} ${text(event.words)}`),
      make("p", "function", called, " ", make("code", "", site)),
      facts([
        ["thread", threadName(event.thread)],
        ["object", make("code", "", text(object))],
        ["outcome", event.choice === undefined ? null : String(event.choice)],
        ["sends", sent],
        ["takes", taken],
        ["or instead", others.length ? list(others.map(threadName), 8) : "no other thread could run"],
      ]),
    ];
  };

  const entry = (object, value, before) => {
    const changed = before !== undefined;
    const item = make("li", changed ? "changed" : "");
    const name = make("span", "name", text(data.objects[object][1]));
    if (changed) name.append(make("em", "", before === -1 ? "new" : value === -1 ? "gone" : "changed"));
    item.append(name);
    if (changed && before !== -1) item.append(make("span", "value was", text(before)));
    item.append(value === -1 ? make("span", "gone", "no longer there") : make("span", "value", text(value)));
    item.dataset.object = String(object);
    if (opened.has(object)) item.classList.add("open");
    return item;
  };

  const grouped = (entries) => {
    const all = make("ul", "objects");
    let group = -1;
    for (const [object, item] of entries) {
      const process = data.objects[object][0];
      if (process !== group) {
        all.append(make("li", "", make("b", "", processName(process))));
        group = process;
      }
      all.append(item);
    }
    return all;
  };

  const showObjects = (before) => {
    const wanted = byId("filter").value.trim().toLowerCase();
    const onlyChanged = byId("only-changed").checked;
    const entries = [];
    for (const object of data.order) {
      const value = state.values[object];
      const old = before.get(object);
      if (value === -1 && old === undefined) continue;
      if (onlyChanged && old === undefined) continue;
      const [process, name] = data.objects[object];
      const words = `${text(data.processes[process])} ${text(name)} ${value === -1 ? "" : text(value)}`;
      if (wanted && !words.toLowerCase().includes(wanted)) continue;
      entries.push([object, entry(object, value, old)]);
    }
    const none = make("p", "function", onlyChanged ? "This event changes no object." : "No object matches.");
    byId("objects").replaceChildren(entries.length ? grouped(entries) : none);
  };

  const showInspector = () => {
    moveTo(Math.max(0, at - 1));
    const before = new Map();
    let others = [];
    if (at > 0) {
      const event = data.events[at - 1];
      for (const [object] of event.changes) before.set(object, state.values[object]);
      others = [...state.ready].filter((thread) => thread !== event.thread).sort((a, b) => a - b);
    }
    moveTo(at);
    byId("event").replaceChildren(...describe(at, others));
    const held = data.locks.filter((lock) => lock.from <= at && (lock.to === null || at < lock.to));
    const lockNames = held.map((lock) => {
      const name = make("code", "", text(data.objects[lock.object][1]));
      return make("span", "", name, " by ", threadName(lock.thread));
    });
    const underWay = messages(
      (message) => message.sent <= at && !message.ignored && (message.taken === null || at < message.taken),
      (message) => make("span", "", `${text(message.name)} to `, processName(message.to), ` since ${message.sent}`),
    );
    byId("held").replaceChildren(
      facts([
        ["locks held", lockNames.length ? list(lockNames, 8) : "none"],
        ["not taken yet", underWay ?? "no message"],
      ]),
    );
    showObjects(before);
  };

  // Moves the rows, not the page.
  const reveal = (row) => {
    const view = scroller.getBoundingClientRect();
    const place = row.getBoundingClientRect();
    const top = view.top + 70;
    const bottom = view.bottom - 60;
    if (place.top < top) scroller.scrollTop += place.top - top;
    else if (place.bottom > bottom) scroller.scrollTop += place.bottom - bottom;
    // The lane of the event, beside the columns that stay where they are.
    const label = row.querySelector(".what");
    const frozen = label.getBoundingClientRect().right - view.left;
    const before = Number.parseFloat(getComputedStyle(row).getPropertyValue("--before"));
    const lane = before + data.lanes[data.events[at - 1].thread];
    if (lane - scroller.scrollLeft < frozen + 20) scroller.scrollLeft = lane - frozen - 60;
    else if (lane - scroller.scrollLeft > scroller.clientWidth - 40) scroller.scrollLeft = lane - scroller.clientWidth + 120;
  };

  const go = (position, quietly) => {
    const next = Math.min(last, Math.max(0, position));
    if (next === at) return;
    const old = byId(`e${at}`);
    if (old) {
      old.classList.remove("at");
      old.setAttribute("aria-selected", "false");
    }
    at = next;
    const row = byId(`e${at}`);
    if (row) {
      row.classList.add("at");
      row.setAttribute("aria-selected", "true");
      scroller.setAttribute("aria-activedescendant", row.id);
      reveal(row);
    } else {
      scroller.removeAttribute("aria-activedescendant");
      scroller.scrollTop = 0;
    }
    slider.value = String(at);
    byId("position").textContent = `${at} of ${last}`;
    if (!quietly) history.replaceState(null, "", at ? `#e${at}` : location.pathname + location.search);
    showInspector();
  };

  // The nearest of some positions after `at`, or before it; round the end.
  const nearest = (positions, step) => {
    if (positions.length === 0) return at;
    const ahead = positions.filter((position) => (step > 0 ? position > at : position < at));
    if (ahead.length) return step > 0 ? ahead[0] : ahead[ahead.length - 1];
    return step > 0 ? positions[0] : positions[positions.length - 1];
  };
  const sameThread = (step) => {
    if (at === 0) return nearest([1], 1);
    const { thread } = data.events[at - 1];
    const own = data.events.flatMap((event, index) => (event.thread === thread ? [index + 1] : []));
    return nearest(own, step);
  };

  const help = byId("help");
  const everywhere = {
    ArrowLeft: () => go(at - 1),
    ArrowRight: () => go(at + 1),
    "]": () => go(sameThread(1)),
    "[": () => go(sameThread(-1)),
    r: () => go(nearest(data.marks, 1)),
    R: () => go(nearest(data.marks, -1)),
    "?": () => help.showModal(),
    "/": () => byId("filter").focus(),
  };
  const inTimeline = {
    ArrowUp: () => go(at - 1),
    ArrowDown: () => go(at + 1),
    PageUp: () => go(at - PAGE),
    PageDown: () => go(at + PAGE),
    Home: () => go(0),
    End: () => go(last),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const field = event.target.closest("input");
    if (field && field !== slider) {
      if (event.key === "Escape") field.blur();
      return;
    }
    const focused = event.target.closest("#stage");
    const act = everywhere[event.key] ?? (focused ? inTimeline[event.key] : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  });

  scroller.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) go(Number(row.dataset.n));
  });
  document.addEventListener("click", (event) => {
    const jump = event.target.closest("[data-go]");
    if (!jump) return;
    go(Number(jump.dataset.go));
    byId("stage").scrollIntoView();
    scroller.focus({ preventScroll: true });
  });
  const steps = { first: () => 0, previous: () => at - 1, next: () => at + 1, last: () => last };
  for (const [id, position] of Object.entries(steps)) byId(id).addEventListener("click", () => go(position()));
  byId("next-mark").addEventListener("click", () => go(nearest(data.marks, 1)));
  byId("show-help").addEventListener("click", () => help.showModal());
  byId("close-help").addEventListener("click", () => help.close());
  slider.addEventListener("input", () => go(Number(slider.value)));
  byId("filter").addEventListener("input", showInspector);
  byId("only-changed").addEventListener("change", showInspector);
  byId("objects").addEventListener("click", (event) => {
    const item = event.target.closest("[data-object]");
    if (!item) return;
    const object = Number(item.dataset.object);
    if (!opened.delete(object)) opened.add(object);
    item.classList.toggle("open");
  });
  window.addEventListener("hashchange", () => {
    const wanted = /^#e(\d+)$/.exec(location.hash);
    if (wanted) go(Number(wanted[1]));
  });

  const wanted = /^#e(\d+)$/.exec(location.hash);
  if (wanted) {
    go(Number(wanted[1]));
    byId("stage").scrollIntoView({ behavior: "instant" });
  } else {
    go(Math.min(1, last), true);
  }
})();
