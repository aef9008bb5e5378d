// Small things that several modules use: elements, and words for numbers.

/** Make an element: `make("a", { href: "#" }, "text", otherElement)`. */
export function make(tag, given = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...inside.filter(Boolean));
  return element;
}

export const find = (id) => document.getElementById(id);

/** `1 min 20 s` */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `14:05` today, else `28 Nov, 14:05` */
export function moment(seconds) {
  const date = new Date(seconds * 1000);
  const time = { hour: "2-digit", minute: "2-digit" };
  const day = { day: "numeric", month: "short" };
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString("en-GB", today ? time : { ...day, ...time });
}

/** Say something to those who do not see the page, at most every five seconds. */
export function announce(text) {
  waiting = text;
  if (!resting) speak();
}

let waiting = "", resting;

function speak() {
  const status = find("status");
  resting = undefined;
  if (status.textContent === waiting) return;
  status.textContent = waiting;
  resting = setTimeout(speak, 5000);
}

/** Open a dialog, and wait until it is closed; return the value of its button. */
export function answered(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    // The event comes late: by then the dialog may have been opened again.
    dialog.onclose = () => dialog.open || answer(dialog.returnValue);
  });
}

/** Ask before something is deleted. */
export async function sure(question) {
  find("question-title").textContent = question;
  return (await answered(find("question"))) === "yes";
}
