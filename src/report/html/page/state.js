// What the page is about: the recording, and the states after any of its events.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const text = (index) => data.strings[index];
const last = data.events.length;
const marks = new Set(data.marks);
// The selected event, from 0 (nothing has run) to the last; -1 while nothing is shown.
let at = -1;

const threadOf = (number) => data.events[number - 1].thread;
const processOf = (number) => data.threads[threadOf(number)][0];

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
// The place of a label in the source: a link, where that is public.
const site = (label) => {
  const place = make("code", "", text(data.labels[label][2]));
  const address = data.labels[label][3];
  if (address < 0) return place;
  const link = make("a", "", place);
  link.href = text(address);
  link.target = "_blank";
  link.rel = "noreferrer";
  return link;
};

// The states of all objects, and the threads that can run, after the first `position` events.
const state = { at: 0, values: [], ready: new Set() };
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
