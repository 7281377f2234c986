// The verify page with scripts: sorts the chosen files, hashes originals in a worker, sends receipt, record or disclosure
// and digests, and shows the server's answer. Without this file the form works as an ordinary upload.

const form = document.getElementById("check");
const input = document.getElementById("files");
const drop = document.getElementById("drop");
const list = document.getElementById("chosen-list");
const progress = document.getElementById("progress");
const result = document.getElementById("result");
const words = form.dataset;
const PARSED = 2 << 20; // larger than any receipt, record or disclosure may be: an original file for certain
let chosen = []; // {file, kind, text}

document.documentElement.classList.add("scripted");

// Strict decoding: a byte order mark or broken UTF-8 must reach the server's judgement as it is, or count as a file.
async function sorted(file) {
  if (file.size <= PARSED) {
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
      const value = JSON.parse(text.replace(/^\uFEFF/, ""));
      if (value && typeof value === "object" && !Array.isArray(value)) {
        if (value.format === "chuzheng-receipt/1") return { file, kind: "receipt", text };
        if (value.format === "chuzheng-disclosure/1") return { file, kind: "disclosure", text };
        if (typeof value.schema === "string" && typeof value.kind === "string" && "issuer" in value) {
          return { file, kind: "record", text };
        }
      }
    } catch {
      // not JSON: an original file
    }
    if (/\.receipt\.json$/i.test(file.name)) return { file, kind: "receipt", text: await file.text() };
  }
  return { file, kind: "file" };
}

async function add(files) {
  for (const file of files) chosen.push(await sorted(file));
  show();
}

function show() {
  list.replaceChildren(
    ...chosen.map((item, place) => {
      const line = document.createElement("li");
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = item.file.name;
      const kind = document.createElement("span");
      kind.className = "kind";
      kind.textContent = words[`kind${item.kind[0].toUpperCase()}${item.kind.slice(1)}`];
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "quiet small";
      remove.textContent = words.remove;
      remove.setAttribute("aria-label", `${words.remove} ${item.file.name}`);
      remove.addEventListener("click", () => {
        chosen.splice(place, 1);
        show();
        input.focus();
      });
      line.append(kind, name, remove);
      return line;
    }),
  );
  document.getElementById("chosen").hidden = chosen.length === 0;
}

function digests(file) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/static/digest-worker.js", { type: "module" });
    const end = (act, value) => {
      worker.terminate();
      act(value);
    };
    worker.onerror = () => end(reject, new Error(words.unreadable));
    worker.onmessage = ({ data }) => {
      if (data.digests) end(resolve, data.digests);
      else if (data.failed) end(reject, new Error(words.unreadable));
      else progress.textContent = words.hashing.replace("{percent}", Math.floor((100 * data.progress) / file.size));
    };
    worker.postMessage(file);
  });
}

async function gathered() {
  const request = {};
  for (const item of chosen) {
    if (item.kind in request) throw new Error(words.two.replace("{kind}", words[`kind${item.kind[0].toUpperCase()}${item.kind.slice(1)}`]));
    request[item.kind] = item.kind === "file" ? await digests(item.file) : item.text;
  }
  for (const name of ["identifier", "shown", "at"]) {
    const value = form.elements[name].value.trim();
    if (value) request[name] = value;
  }
  if (Object.keys(request).every((name) => name === "at" || name === "shown")) throw new Error(words.nothing);
  return request;
}

function say(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  result.replaceChildren(...page.body.childNodes);
  const heading = result.querySelector("h1");
  result.scrollIntoView({ block: "start" });
  heading?.focus({ preventScroll: true });
}

function sayProblem(text) {
  const box = document.createElement("article");
  box.className = "result tone-warn";
  const head = document.createElement("header");
  head.className = "verdict";
  const inner = document.createElement("div");
  const title = document.createElement("h1");
  title.tabIndex = -1;
  title.textContent = words.problem;
  const sentence = document.createElement("p");
  sentence.className = "sentence";
  sentence.textContent = text;
  inner.append(title, sentence);
  head.append(inner);
  box.append(head);
  result.replaceChildren(box);
  result.scrollIntoView({ block: "start" });
  title.focus({ preventScroll: true });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  try {
    const request = await gathered();
    progress.textContent = words.sending;
    let answer;
    try {
      answer = await fetch(form.action, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "text/html" },
        body: JSON.stringify(request),
      });
    } catch {
      throw new Error(words.failed);
    }
    if (!(answer.headers.get("Content-Type") || "").startsWith("text/html")) throw new Error(words.failed);
    say(await answer.text());
  } catch (error) {
    sayProblem(error.message);
  } finally {
    progress.textContent = "";
    button.disabled = false;
  }
});

input.addEventListener("change", async () => {
  await add(input.files);
  input.value = ""; // so that the same file can be chosen again, and the form never carries it
});
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  add(event.dataTransfer.files);
});
result.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
