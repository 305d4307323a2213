// Which rows are shown: those that are found, without processes that are folded, one for each run of a thread that is folded.
const scroller = byId("scroller");
const ROW = Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
const FOLDED_MIN = 3;
const rows = [null, ...document.querySelectorAll(".row")];
// Without names the browser does not scroll to a row by itself; `go` does, and knows what stands in the way.
for (let number = 1; number <= last; number += 1) rows[number].id = `row${number}`;
const chunks = [...document.querySelectorAll(".chunk")].map((element) => {
  const own = [...element.querySelectorAll(".row")].map((row) => Number(row.dataset.n));
  return { element, first: own[0], last: own[own.length - 1], top: 0, height: 0, drawn: false };
});
// `forced` is a row that is shown in any case, because somebody went there.
const view = { found: null, only: false, fold: false, folded: new Set(), opened: new Set(), forced: 0 };
// Numbers of the rows that are shown.
let shown = [];
// The number of the row that stands for each event, 0 if none does; and how many rows are shown up to it.
const stands = new Int32Array(last + 2);
const count = new Int32Array(last + 2);

// The height of the middle of an event's row; of the edge where it would be, if it is not shown.
const place = (number) => {
  if (number <= 0) return 0;
  if (number > last) return shown.length * ROW;
  return stands[number] ? (count[stands[number]] - 0.5) * ROW : count[number] * ROW;
};

// Everything that can be looked for in an event.
let haystack = null;
const words = (number) => {
  haystack ??= data.events.map((event, index) => {
    const [process, name, plain] = data.threads[event.thread];
    const label = data.labels[event.label].slice(0, 3);
    const all = [data.processes[process], name, plain, data.objects[event.object][1], event.words, ...label];
    return `${index + 1} ${all.map(text).join(" ")}`.toLowerCase();
  });
  return haystack[number - 1];
};

const passes = (number) =>
  number === view.forced ||
  ((!view.only || view.found === null || view.found.has(number)) &&
    (marks.has(number) || !view.folded.has(processOf(number))));

// Runs of one thread among the rows that pass, from the first number of each.
const stretches = () => {
  const all = [];
  for (let number = 1; number <= last; number += 1) {
    if (!passes(number)) continue;
    const stretch = all[all.length - 1];
    const alike = stretch && view.fold && !marks.has(number) && !marks.has(stretch[0]);
    if (alike && threadOf(stretch[0]) === threadOf(number)) stretch.push(number);
    else all.push([number]);
  }
  return all;
};

const chip = (number, length, closed) => {
  const button = make("button", "chip", closed ? `+${length - 1}` : "fold");
  button.type = "button";
  button.dataset.fold = String(number);
  button.title = closed ? `${length} events of this thread` : "One row for this run";
  return button;
};

const arrange = () => {
  for (const old of scroller.querySelectorAll(".chip")) old.remove();
  stands.fill(0);
  shown = [];
  for (const stretch of stretches()) {
    const first = stretch[0];
    const inside = view.forced !== first && stretch.includes(view.forced);
    const closed = stretch.length >= FOLDED_MIN && !view.opened.has(first) && !inside;
    if (stretch.length >= FOLDED_MIN) rows[first].querySelector(".what").append(chip(first, stretch.length, closed));
    for (const number of stretch) stands[number] = closed ? first : number;
    shown.push(...(closed ? [first] : stretch));
  }
  const visible = new Set(shown);
  for (let number = 1; number <= last; number += 1) {
    count[number] = count[number - 1] + (visible.has(number) ? 1 : 0);
    const hidden = !visible.has(number);
    if (rows[number].hidden !== hidden) rows[number].hidden = hidden;
    rows[number].classList.toggle("found", view.found?.has(number) ?? false);
  }
  for (const chunk of chunks) {
    chunk.top = count[chunk.first - 1] * ROW;
    const height = count[chunk.last] * ROW - chunk.top;
    chunk.element.style.setProperty("--rows", String(height / ROW));
    chunk.height = height;
  }
  drawAll();
};

// Finds events in which all words occur, and says how many.
const find = (wanted) => {
  const terms = wanted.trim().toLowerCase().split(/\s+/).filter(Boolean);
  view.found = null;
  view.forced = 0;
  if (terms.length) {
    view.found = new Set();
    for (let number = 1; number <= last; number += 1) {
      if (terms.every((term) => words(number).includes(term))) view.found.add(number);
    }
  }
  byId("found").textContent = view.found === null ? "" : `${view.found.size} found`;
  arrange();
};

// Moves the rows, not the page.
const reveal = (number) => {
  const middle = place(number);
  const head = scroller.querySelector(".heads").offsetHeight;
  const room = scroller.clientHeight - head;
  const margin = Math.min(2 * ROW, room / 3);
  if (middle - margin < scroller.scrollTop) scroller.scrollTop = middle - margin;
  else if (middle + margin > scroller.scrollTop + room) scroller.scrollTop = middle + margin - room;
};

// The row that is shown `step` rows further on; 0 before the first.
const neighbour = (step) => {
  const ahead = step > 0 ? shown.filter((number) => number > at) : shown.filter((number) => number < at).reverse();
  const index = Math.min(Math.abs(step), ahead.length) - 1;
  if (step < 0 && ahead.length < -step) return 0;
  return index < 0 ? at : ahead[index];
};
