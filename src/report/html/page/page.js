// Moves through the schedule: by keys, clicks, the address, and from the picture and the races.
const slider = byId("slider");
const PAGE = 10;

const go = (position, quietly) => {
  const next = Math.min(last, Math.max(0, position));
  if (next === at) return;
  const old = rows[at];
  if (old) {
    old.classList.remove("at");
    old.setAttribute("aria-selected", "false");
  }
  at = next;
  const row = rows[at];
  if (row) {
    row.classList.add("at");
    row.setAttribute("aria-selected", "true");
    scroller.setAttribute("aria-activedescendant", row.id);
    if (stands[at] !== at) {
      view.forced = at;
      arrange();
    }
    reveal(at);
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
  const thread = threadOf(at);
  const own = data.events.flatMap((event, index) => (event.thread === thread ? [index + 1] : []));
  return nearest(own, step);
};
const found = (step) => go(nearest(view.found === null ? [] : [...view.found], step));

const help = byId("help");
const fold = () => {
  view.fold = !view.fold;
  view.opened.clear();
  view.forced = at;
  byId("fold").setAttribute("aria-pressed", String(view.fold));
  arrange();
  if (at > 0) reveal(at);
};
const toStage = () => byId("stage").scrollIntoView({ behavior: "instant" });
const into = (field) => {
  toStage();
  byId(field).focus({ preventScroll: true });
};
const everywhere = {
  ArrowLeft: () => go(neighbour(-1)),
  ArrowRight: () => go(neighbour(1)),
  "]": () => go(sameThread(1)),
  "[": () => go(sameThread(-1)),
  r: () => go(nearest(data.marks, 1)),
  R: () => go(nearest(data.marks, -1)),
  n: () => found(1),
  N: () => found(-1),
  f: fold,
  c: () => byId("event").querySelector(".copy")?.click(),
  o: () => into("filter"),
  "?": () => help.showModal(),
  "/": () => into("find"),
};
const inTimeline = {
  ArrowUp: () => go(neighbour(-1)),
  ArrowDown: () => go(neighbour(1)),
  PageUp: () => go(neighbour(-PAGE)),
  PageDown: () => go(neighbour(PAGE)),
  Home: () => go(0),
  End: () => go(last),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const field = event.target.closest("input");
  if (field && field !== slider) {
    if (event.key === "Escape") field.blur();
    if (event.key === "Enter" && field.id === "find") found(event.shiftKey ? -1 : 1);
    return;
  }
  const focused = event.target.closest("#stage");
  const act = everywhere[event.key] ?? (focused ? inTimeline[event.key] : undefined);
  if (!act) return;
  event.preventDefault();
  act();
});

scroller.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-fold]");
  const head = event.target.closest("[data-process]");
  if (chip) {
    const first = Number(chip.dataset.fold);
    if (!view.opened.delete(first)) view.opened.add(first);
    arrange();
    return;
  }
  if (head) {
    const process = Number(head.dataset.process);
    if (!view.folded.delete(process)) view.folded.add(process);
    view.forced = 0;
    arrange();
    byId("groups").children[process].focus({ preventScroll: true });
    return;
  }
  const row = event.target.closest(".row");
  if (row) go(Number(row.dataset.n));
});
scroller.addEventListener("scroll", showSight, { passive: true });
document.addEventListener("click", (event) => {
  const jump = event.target.closest("[data-go]");
  if (!jump) return;
  event.preventDefault();
  go(Number(jump.dataset.go));
  toStage();
  scroller.focus({ preventScroll: true });
});
const steps = { first: () => 0, previous: () => neighbour(-1), next: () => neighbour(1), last: () => last };
for (const [id, position] of Object.entries(steps)) byId(id).addEventListener("click", () => go(position()));
byId("next-mark").addEventListener("click", () => go(nearest(data.marks, 1)));
byId("show-help").addEventListener("click", () => help.showModal());
byId("close-help").addEventListener("click", () => help.close());
byId("fold").addEventListener("click", fold);
byId("find").addEventListener("input", () => find(byId("find").value));
byId("only").addEventListener("change", () => {
  view.only = byId("only").checked;
  view.forced = 0;
  arrange();
});
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
const drag = (event) => {
  if (event.buttons === 0) return;
  const box = byId("map").getBoundingClientRect();
  const part = (event.clientY - box.top) / box.height;
  scroller.scrollTop = part * scroller.scrollHeight - scroller.clientHeight / 2;
};
byId("map").addEventListener("pointerdown", drag);
byId("map").addEventListener("pointermove", drag);
window.addEventListener("resize", drawAll);
window.addEventListener("beforeprint", () => {
  for (const chunk of chunks) draw(chunk);
});

// An address with an event shows it; one with a race shows its other run.
const follow = () => {
  const wanted = /^#e(\d+)$/.exec(location.hash);
  if (wanted) {
    go(Number(wanted[1]));
    toStage();
  }
  const race = /^#race\d+$/.test(location.hash) ? document.querySelector(`${location.hash} [data-run]`) : null;
  if (race) showOther(race, true);
  return wanted !== null;
};
window.addEventListener("hashchange", follow);

arrange();
for (const chunk of chunks) near.observe(chunk.element);
if (!follow()) go(Math.min(1, last), true);
