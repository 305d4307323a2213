// The other order of a race, as a schedule of its own: what it shares with this one at the beginning is one line.
const SHARED_MIN = 4;

const otherRow = (run, number) => {
  const event = run.events[number - 1];
  const [label] = data.labels[event.label];
  const turned = run.marks.includes(number);
  const here = event.here ? make("a", "", `here ${event.here}`) : make("span", "only", "only there");
  if (event.here) {
    here.href = `#e${event.here}`;
    here.dataset.go = String(event.here);
  }
  const who = make("span", `who p${event.process % 8}`, `${text(data.processes[event.process])} ${text(event.thread)}`);
  return make(
    "li",
    turned ? "turned" : event.here ? "" : "new",
    make("span", "n", String(number)),
    make("span", "told", make("b", "mono", text(label)), " ", who, make("span", "words", text(event.words))),
    make("span", "here", here),
  );
};

const otherSchedule = (run) => {
  const all = make("ol", "");
  const same = run.same >= SHARED_MIN ? run.same : 0;
  if (same) {
    const button = make("button", "", `1 to ${same}: the same events as here`);
    button.type = "button";
    const item = make("li", "same", button);
    button.addEventListener("click", () => {
      item.replaceWith(...Array.from({ length: same }, (_, index) => otherRow(run, index + 1)));
    });
    all.append(item);
  }
  for (let number = same + 1; number <= run.events.length; number += 1) all.append(otherRow(run, number));
  all.append(make("li", "end", `${text(data.client)} returns`));
  return all;
};

const showOther = (button, open) => {
  const schedule = button.nextElementSibling;
  if (open && !schedule.firstChild) schedule.append(otherSchedule(data.runs[Number(button.dataset.run)]));
  schedule.hidden = !open;
  button.setAttribute("aria-expanded", String(open));
  button.textContent = open ? "Hide the other order" : "Run the other order";
};

for (const button of document.querySelectorAll("[data-run]")) {
  button.addEventListener("click", () => showOther(button, button.nextElementSibling.hidden));
}
