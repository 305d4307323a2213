// The lanes beside the rows, one per thread, those of a process together; and all of them small, as a map.
const NUMBER = 48;
const INSET = 12;
const GAP = 6;
const PITCH = [4, 14];
const NAME_MIN = 52;
const MARK = 4;
const MAP_WIDTH = 52;
const groups = [];
let lanesWidth = 0;

// Gives each process its place: lanes are as far apart as there is room beside the words.
const measure = () => {
  const real = document.querySelector(".stage").classList.contains("traced") ? 220 : 0;
  const room = Math.max(120, Math.min(0.52 * scroller.clientWidth, scroller.clientWidth - NUMBER - real - 400));
  const between = data.columns.map((columns, process) => (view.folded.has(process) ? 0 : columns - 1));
  const sum = between.reduce((all, columns) => all + Math.max(0, columns), 0);
  const fixed = data.columns.length * (2 * INSET + GAP);
  const pitch = Math.max(PITCH[0], Math.min(PITCH[1], (room - fixed) / Math.max(1, sum)));
  const least = data.columns.length * (NAME_MIN + GAP) <= room ? NAME_MIN : 0;
  let left = 0;
  data.columns.forEach((_, process) => {
    const width = Math.max(2 * INSET + Math.max(0, between[process]) * pitch, least);
    groups[process] = { left, width, pitch: view.folded.has(process) ? 0 : pitch };
    left += width + GAP;
  });
  lanesWidth = Math.round(left);
  scroller.style.setProperty("--lanes", `${lanesWidth}px`);
};
const laneOf = (thread) => {
  const [process, , , column] = data.threads[thread];
  const group = groups[process];
  return group.pitch ? group.left + INSET + column * group.pitch : group.left + group.width / 2;
};

// The names of the processes: each folds its lanes, and hides its rows but for those of races.
const drawHeads = () => {
  const heads = data.processes.map((name, process) => {
    const folded = view.folded.has(process);
    const head = make("button", `p${process % 8}`, text(name));
    head.type = "button";
    head.dataset.process = String(process);
    head.setAttribute("aria-expanded", String(!folded));
    head.title = folded ? `${text(name)}: show its rows and lanes` : `${text(name)}: hide its rows and lanes`;
    head.style.left = `${groups[process].left}px`;
    head.style.width = `${groups[process].width}px`;
    return head;
  });
  byId("groups").replaceChildren(...heads);
};

const shape = (name, path) => `<path class="${name}" d="${path}"/>`;
const within = (chunk, from, to) => to >= chunk.top - ROW && from <= chunk.top + chunk.height + ROW;
// A vertical line between two heights, cut to what is in sight.
const vertical = (chunk, x, from, to) => {
  const top = Math.max(from - chunk.top, -ROW);
  const bottom = Math.min(to - chunk.top, chunk.height + ROW);
  return `M${x.toFixed(1)} ${top}V${bottom}`;
};

const lives = (chunk) => {
  const paths = data.processes.map(() => ["", ""]);
  for (const [thread, from, to, ready] of data.lives) {
    const [top, bottom] = [place(from), place(to)];
    if (top === bottom || !within(chunk, top, bottom)) continue;
    paths[data.threads[thread][0]][ready ? 0 : 1] += vertical(chunk, laneOf(thread), top, bottom);
  }
  return paths.flatMap(([ready, waits], process) => [
    shape(`life p${process % 8}`, ready),
    shape(`life waits p${process % 8}`, waits),
  ]);
};

const locks = (chunk) => {
  let path = "";
  for (const { thread, from, to } of data.locks) {
    const [top, bottom] = [place(from), place(to ?? last)];
    if (within(chunk, top, bottom)) path += vertical(chunk, laneOf(thread), top, bottom);
  }
  return shape("held", path);
};

// A message leaves its sender at once and then waits at the receiver's lane until it is taken.
const message = (chunk, { to, sent, taken, ignored, reset }) => {
  const top = place(sent) - chunk.top;
  const bottom = place(ignored ? sent : taken ?? last + 1) - chunk.top;
  if (!within(chunk, top + chunk.top, bottom + chunk.top)) return "";
  const from = laneOf(threadOf(sent));
  const x = taken ? laneOf(threadOf(taken)) : groups[to].left + INSET / 2;
  const kind = reset ? " reset" : "";
  if (ignored) return shape(`message${kind}`, `M${from} ${top}H${x}`) + shape("dropped", `M${x - 4} ${top - 4}l8 8m0 -8l-8 8`);
  const turn = x > from ? x - 7 : x + 7;
  const down = `M${from} ${top}H${turn}Q${x} ${top} ${x} ${top + 7}`;
  if (!taken) return shape("message lost", `${down}V${bottom}`);
  const end = bottom - MARK - 4;
  const line = end > top + 7 ? `${down}V${end}` : down;
  return shape(`message${kind}`, line) + shape(`head${kind}`, `M${x - 4} ${end - 3}h8l-4 7z`);
};

const mark = (chunk, number) => {
  const x = laneOf(threadOf(number));
  const y = place(number) - chunk.top;
  const own = `p${processOf(number) % 8}`;
  const ring = marks.has(number) ? `<circle class="ring" cx="${x}" cy="${y}" r="8"/>` : "";
  const kind = data.events[number - 1].emphasis;
  if (kind === "abort") return `${ring}<rect class="event abort ${own}" x="${x - 5}" y="${y - 5}" width="10" height="10"/>`;
  if (kind === "cancel") return ring + shape(`event cancel ${own}`, `M${x} ${y - 6}l6 6l-6 6l-6 -6z`);
  return `${ring}<circle class="event ${own}" cx="${x}" cy="${y}" r="${MARK}"/>`;
};

const draw = (chunk) => {
  if (chunk.drawn) return;
  chunk.drawn = true;
  let drawing = chunk.element.querySelector("svg");
  if (!drawing) {
    drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("aria-hidden", "true");
    chunk.element.prepend(drawing);
  }
  drawing.setAttribute("width", String(lanesWidth));
  drawing.setAttribute("height", String(chunk.height));
  const bands = groups.map(
    ({ left, width }, process) =>
      `<rect class="band p${process % 8}" x="${left}" y="0" width="${width}" height="${chunk.height}"/>`,
  );
  const messages = data.messages.map((sent) => message(chunk, sent));
  const events = [];
  for (let number = chunk.first; number <= chunk.last; number += 1) {
    if (stands[number] === number) events.push(mark(chunk, number));
  }
  drawing.innerHTML = [...bands, locks(chunk), ...lives(chunk), ...messages, ...events].join("");
};

// Chunks are drawn when they come near.
const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const chunk = chunks.find(({ element }) => element === entry.target);
      chunk.near = entry.isIntersecting;
      if (chunk.near) draw(chunk);
    }
  },
  { root: scroller, rootMargin: "400px 0px" },
);

// The map: a mark for each row that is shown, races across, and what is in sight.
const drawMap = () => {
  const width = MAP_WIDTH / data.processes.length;
  const own = data.processes.map(() => "");
  const races = [];
  shown.forEach((number, index) => {
    const process = processOf(number);
    own[process] += `M${(process * width + 1).toFixed(1)} ${index}h${(width - 2).toFixed(1)}v1h-${(width - 2).toFixed(1)}z`;
    if (marks.has(number)) races.push(`M0 ${index + 0.5}H${MAP_WIDTH}`);
  });
  const turn = data.turn ? shape("map-turn", `M0 ${count[data.turn]}H${MAP_WIDTH}`) : "";
  let drawing = byId("map").querySelector("svg");
  if (!drawing) {
    drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("preserveAspectRatio", "none");
    byId("map").prepend(drawing);
  }
  drawing.setAttribute("viewBox", `0 0 ${MAP_WIDTH} ${Math.max(1, shown.length)}`);
  const paths = own.map((path, process) => shape(`map-events p${process % 8}`, path));
  drawing.innerHTML = [...paths, shape("map-races", races.join("")), turn].join("");
  showSight();
};
const showSight = () => {
  const whole = Math.max(1, scroller.scrollHeight);
  byId("map-view").style.top = `${(100 * scroller.scrollTop) / whole}%`;
  byId("map-view").style.height = `${Math.min(100, (100 * scroller.clientHeight) / whole)}%`;
};

const drawAll = () => {
  measure();
  drawHeads();
  for (const chunk of chunks) chunk.drawn = false;
  for (const chunk of chunks) if (chunk.near) draw(chunk);
  drawMap();
};
