// What stands beside the rows: the selected event, who else could have run, the locks, the messages, and every object.
const opened = new Set();

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

// Copies the address of an event.
const copyLink = async (number) => {
  const address = new URL(location.href);
  address.hash = `e${number}`;
  try {
    await navigator.clipboard.writeText(address.href);
    return "Copied";
  } catch {
    window.prompt("The address of this event", address.href);
    return "Copy link";
  }
};
const copyButton = (number) => {
  const button = make("button", "copy", "Copy link");
  button.type = "button";
  button.title = `Copy the address of event ${number} (c)`;
  button.addEventListener("click", async () => {
    button.textContent = await copyLink(number);
  });
  return button;
};

const describe = (number, others) => {
  if (number === 0) {
    return [make("h3", "", "Before the first event"), make("p", "function", "The initial state of every process.")];
  }
  const event = data.events[number - 1];
  const [label, called] = data.labels[event.label].map(text);
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
    make("div", "title", make("h3", "", label), copyButton(number)),
    make("p", "words", `${text(data.threads[event.thread][2])} ${text(event.words)}`),
    make("p", "function", called, " ", site(event.label)),
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
